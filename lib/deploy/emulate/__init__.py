"""ARM processors, emulated: the very artefact runs, its output is compared, its instructions are counted.

Nothing here is a time on a board, and nothing is shown as one: every result says `evidence="emulated"`.

- `setup`: what `make emulate` does; `counting`: exact numbers of instructions by class;
- `aarch64`: Raspberry Pi, compiled C and Python with ONNX Runtime; `cortex_m`: microcontrollers.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""
