"""Models as plain C99: no library but `sqrtf`, no allocation, weights as constants, all memory in the caller's hands.

    source = generate(model, "build/ddsp", precision="int8")   # ddsp.h and ddsp.c
    library = compile_shared(source)                           # the same code here, through ctypes
    build = compile_for(source, "cortex-m4")                   # an object file for a chip
    size(build)                                                # flash, RAM, stack

Files: `models` (which layers, in which order), `weights` (numbers to C), `templates/` (the C itself), `source`
(putting it together), `shared` (running it from Python), `build` (compilers), `size` (what came out).

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

from lib.deploy.csource.build import EXACT, FAST, Build, compile_for
from lib.deploy.csource.shared import DDSPLibrary, SpaceLibrary, WaveNetLibrary, compile_shared
from lib.deploy.csource.size import Size, size, sizes_from_map, worst_stack
from lib.deploy.csource.source import CSource, generate

__all__ = [
    "EXACT", "FAST", "Build", "CSource", "DDSPLibrary", "Size", "SpaceLibrary", "WaveNetLibrary",
    "compile_for", "compile_shared", "generate", "size", "sizes_from_map", "worst_stack",
]  # fmt: skip
