"""Programs of a 64-bit Raspberry Pi, run on this machine: static C programs, and Python with ONNX Runtime.

The processors are those of the Zero 2 W and 3B+ (Cortex-A53), 4B (A72) and 5 (A76). What is emulated is the
instruction set: results are those of the real core, times are not.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lib.deploy.emulate import counting, setup, tools
from lib.deploy.emulate.counting import CORTEX_A, Counted, Counts
from lib.deploy.emulate.tools import EmulationError

GUEST = Path(__file__).with_name("guest.py")


@dataclass(frozen=True)
class Result:
    """What an emulated program printed."""

    processor: str
    output: str
    evidence: str = tools.EVIDENCE


@dataclass(frozen=True)
class OnnxCalls:
    """An ONNX file called a few times on an emulated processor.

    Attributes:
        outputs: name -> [calls, ...] what every call answered; counts: instructions of every call, without the
            first (it also plans the memory).
    """

    processor: str
    outputs: dict[str, np.ndarray]
    counts: tuple[Counts, ...]
    evidence: str = tools.EVIDENCE


def run_aarch64(
    program: Path | str, processor: str, arguments: Sequence[str | Path] = (), *, timeout_s: float = tools.TIMEOUT_S
) -> Result:
    """Run a static executable, or a Python script (its name ends in `.py`), without counting.

    Args:
        processor: one of `counting.CORTEX_A`.

    Raises:
        EmulationError: unknown processor, the program failed, or it did not end in time.
    """
    _known(processor)
    if str(program).endswith(".py"):
        command, environment = _python(processor)
        return Result(
            processor,
            tools.run([*command[0], *command[1], program, *arguments], timeout_s=timeout_s, environment=environment),
        )
    tools.require()
    return Result(processor, tools.run(["qemu-aarch64", "-cpu", processor, program, *arguments], timeout_s=timeout_s))


def run_python(code: str, processor: str, *, timeout_s: float = tools.TIMEOUT_S, check: bool = True) -> Result:
    """Run Python code on the emulated processor; NumPy and ONNX Runtime can be imported there.

    `check=False` is for the set-up itself, which is not finished yet.
    """
    _known(processor)
    if check:
        tools.require()
    (before, after), environment = _python(processor)
    return Result(processor, tools.run([*before, *after, "-c", code], timeout_s=timeout_s, environment=environment))


def compile_c(
    sources: Sequence[Path], target: Path, processor: str, *, include: Sequence[Path] = (), flags: Sequence[str] = ()
) -> Path:
    """Compile C files into one static aarch64 executable, as `-O3 -mcpu=` of the processor.

    Raises:
        EmulationError: the compiler complains.
    """
    _known(processor)
    command: list[str | Path] = ["aarch64-linux-gnu-gcc", "-std=c99", "-O3", "-static", f"-mcpu={processor}", *flags]
    command += [f"-I{folder}" for folder in (tools.SOURCES / "targets", *include)]
    tools.run([*command, "-o", target, *sources, "-lm"])
    return target


def call_onnx(
    jobs: Sequence[tuple[bytes | Path, Sequence[Mapping[str, np.ndarray]]]],
    processor: str,
    *,
    carry: Mapping[str, str] | None = None,
    timeout_s: float = 600.0,
) -> list[OnnxCalls]:
    """Call ONNX files on an emulated processor, one thread; count the instructions of every call.

    Args:
        jobs: (file or its bytes, inputs of every call). All of them run in one process: importing ONNX Runtime is
            2e9 instructions.
        carry: output -> input that gets its value in the next call: the state of a stream.

    Returns:
        one `OnnxCalls` per job. Integer counts vary by some hundredths of a percent, since Python is in them.
    """
    _known(processor)
    tools.require()
    with tempfile.TemporaryDirectory(prefix="onnx-") as name:
        folder = Path(name)
        for number, (model, calls) in enumerate(jobs):
            data = model if isinstance(model, bytes) else Path(model).read_bytes()
            (folder / f"{number}.onnx").write_bytes(data)
            arrays = {f"{k}/{key}": value for k, call in enumerate(calls) for key, value in call.items()}
            np.savez(folder / f"{number}.in.npz", **arrays)
        (folder / "job.json").write_text(
            json.dumps({"calls": [len(calls) for _, calls in jobs], "carry": dict(carry or {})})
        )
        (before, after), environment = _python(processor)
        run = counting.counted(processor, before, [*after, GUEST, folder], timeout_s=timeout_s, environment=environment)
        return _collect(processor, folder, run, [len(calls) for _, calls in jobs])


def rehearse_runner(model: Path, processor: str, *, seconds: float = 1.0, timeout_s: float = 300.0) -> dict[str, Any]:
    """Run `lib/deploy/measure.py`, which measures on a real board, on an emulated processor: does it work there?

    Returns:
        its record without every duration: an emulator's times are of no board. `evidence` is "emulated".
    """
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        out = Path(folder) / "bench.json"
        words: list[str | Path] = [model, "--seconds", str(seconds), "--out", out]
        run_aarch64(tools.SOURCES / "measure.py", processor, words, timeout_s=timeout_s)
        record = json.loads(out.read_text())["results"]
    times = {"step", "blocks", "real_time_factor", "simulation", "energy", "conditions"}
    kept = {name: value for name, value in record.items() if name not in times}
    return {**kept, "processor": processor, "evidence": tools.EVIDENCE, "left_out": sorted(times & set(record))}


def _collect(processor: str, folder: Path, run: Counted, n_calls: list[int]) -> list[OnnxCalls]:
    found, first = [], 0
    for number, n in enumerate(n_calls):
        with np.load(folder / f"{number}.out.npz", allow_pickle=False) as stored:
            outputs = {key: stored[key] for key in stored.files}
        found.append(OnnxCalls(processor, outputs, run.regions[first + 1 : first + n]))
        first += n
    return found


def _python(processor: str) -> tuple[tuple[list[str | Path], list[str | Path]], dict[str, str]]:
    # (what comes before and after the plugin's option, environment)
    root = setup.root_of(processor)
    environment = {
        "PYTHONHOME": "/usr",
        "PYTHONPATH": str(tools.SITE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": "/usr/bin:/bin",
    }
    before: list[str | Path] = ["qemu-aarch64", "-cpu", processor, "-L", root]
    return (before, [root / "usr" / "bin" / "python3.11"]), environment


def _known(processor: str) -> None:
    if processor not in CORTEX_A:
        raise EmulationError(f"No emulated {processor!r} here; choose one of {', '.join(CORTEX_A)}.")
