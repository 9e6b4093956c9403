"""Compilers: this machine's, and those for the boards.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lib.deploy.csource.source import CSource
from lib.errors import BookError

#: What is asked of generated code on every target.
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
#: How to optimise so that the bits stay what they are everywhere: no product is fused with a sum. That nobody listens
#: to floating-point traps changes no bit, and lets the compiler use vectors for exponentials.
EXACT = ("-O3", "-fno-trapping-math", "-ffp-contract=off")
#: Faster where there are fused multiply-adds (all but Cortex-M3); last digits then differ from machine to machine.
FAST = ("-O3", "-fno-trapping-math", "-ffp-contract=fast")


@dataclass(frozen=True)
class Target:
    """A processor: which compiler, from which Debian package, with which options."""

    compiler: str
    package: str
    flags: tuple[str, ...]


_M = ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi")
_A = ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross")
#: By name: this machine, the cores of the Raspberry Pis (Zero 2 W and 3B+, 4B, 5), those of the microcontrollers.
TARGETS: dict[str, Target] = {
    "host": Target("gcc", "gcc libc6-dev", ()),
    "cortex-a53": Target(*_A, ("-mcpu=cortex-a53",)),
    "cortex-a72": Target(*_A, ("-mcpu=cortex-a72",)),
    "cortex-a76": Target(*_A, ("-mcpu=cortex-a76",)),
    "cortex-m3": Target(*_M, ("-mcpu=cortex-m3", "-mthumb", "-mfloat-abi=soft")),
    "cortex-m4": Target(*_M, ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")),
    "cortex-m7": Target(*_M, ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16")),
}


@dataclass(frozen=True)
class Build:
    """Compiled code, not linked: `object_file`, with the compiler's account of calls and stack in `call_graph`."""

    source: CSource
    target: str
    flags: tuple[str, ...]
    object_file: Path
    call_graph: Path


def compile_for(source: CSource, target: str, flags: Sequence[str] = EXACT, folder: str | Path | None = None) -> Build:
    """Compile generated C into an object file for a processor, with every warning an error.

    Args:
        target: one of `TARGETS`; flags: how to optimise (`EXACT`, `FAST`).
        folder: a folder named like the target, beside the source, by default.

    Raises:
        BookError: no such target, its compiler is not installed, or it complains.
    """
    if target not in TARGETS:
        raise BookError(f"No target {target!r}: choose one of {', '.join(TARGETS)}.")
    wanted = TARGETS[target]
    if shutil.which(wanted.compiler) is None:
        raise BookError(f"There is no {wanted.compiler} here. On Debian: apt install {wanted.package}.")
    folder = source.folder / target if folder is None else Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{source.name}.o"
    options = (*STRICT, *wanted.flags, *flags, "-ffunction-sections", "-fdata-sections")
    run_compiler([wanted.compiler, *options, "-fcallgraph-info=su", "-c", str(source.code), "-o", str(made)])
    return Build(source, target, (*wanted.flags, *flags), made, made.with_suffix(".ci"))


def run_compiler(command: Sequence[str]) -> None:
    """Run a compiler.

    Raises:
        BookError: it failed; the message holds the first lines of what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[:12])
        raise BookError(f"{Path(command[0]).name} refused {Path(command[-3]).name}:\n{said}")
