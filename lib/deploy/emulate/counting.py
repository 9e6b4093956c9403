"""Exact numbers of executed instructions, by class.

QEMU translates a program block by block; a plugin (`lib/deploy/plugin/count.c`) adds what each block holds when it
runs. Two instructions that do nothing mark where counting begins and ends, so start-up and printing stay outside. A
count is no time: a core may take several cycles for an instruction, or finish several in one. On a core that starts
at most one a cycle (Cortex-M3, M4) a program needs *at least* as many cycles as instructions.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lib.deploy.emulate import tools
from lib.deploy.emulate.tools import EmulationError

#: User-mode processors: Raspberry Pi Zero 2 W and 3B+, 4B, 5. Never "max": its int8 is silently wrong.
CORTEX_A = ("cortex-a53", "cortex-a72", "cortex-a76")
#: Boards QEMU knows: processor -> machine.
CORTEX_M = {"cortex-m3": "mps2-an385", "cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500"}
MACHINES = {machine: processor for processor, machine in CORTEX_M.items()}


@dataclass(frozen=True)
class Counts:
    """Executed instructions by class.

    Attributes:
        int: integer arithmetic, moves, comparisons (the DSP instructions of Cortex-M too); fp: floating point and
            SIMD arithmetic; load, store: memory, vectors too; branch; other: system and hints.
    """

    int: int
    fp: int
    load: int
    store: int
    branch: int
    other: int

    @property
    def total(self) -> int:
        """All classes together."""
        return sum(asdict(self).values())

    def __add__(self, more: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(asdict(self).values(), asdict(more).values())))

    def as_dict(self) -> dict[str, int]:
        """All classes and their total, for a results file."""
        return {**asdict(self), "total": self.total}


@dataclass(frozen=True)
class Counted:
    """What an emulated program printed, and the instructions it executed between each pair of marks.

    Attributes:
        output: standard output; regions: one per pair of marks, in order; whole: the program from start to end.
    """

    processor: str
    output: str
    regions: tuple[Counts, ...]
    whole: Counts
    evidence: str = tools.EVIDENCE


def count_instructions(
    program: Path | str,
    processor: str,
    arguments: Sequence[str | Path] = (),
    *,
    timeout_s: float = tools.TIMEOUT_S,
    cwd: Path | None = None,
) -> Counted:
    """Run a compiled program on an emulated processor and count its instructions.

    Args:
        program: static aarch64 Linux executable for a Cortex-A, or an image for a Cortex-M (see `cortex_m.build`).
        processor: one of `CORTEX_A` or `CORTEX_M`.
        arguments: of the program; Cortex-M images take none.

    Raises:
        EmulationError: unknown processor, the program failed, or it did not end in time.

    Chapter: *Bounds for Raspberry Pi and Arduino*.
    """
    if processor in CORTEX_A:
        command = ["qemu-aarch64", "-cpu", processor]
        return counted(processor, command, [program, *arguments], timeout_s=timeout_s, cwd=cwd)
    if processor not in CORTEX_M:
        raise EmulationError(f"No emulated {processor!r} here; choose one of {', '.join((*CORTEX_A, *CORTEX_M))}.")
    if arguments:
        raise EmulationError("An image of a Cortex-M takes no arguments; build them into it.")
    return counted(processor, system_command(CORTEX_M[processor], program), [], timeout_s=timeout_s, cwd=cwd)


def system_command(machine: str, image: Path | str) -> list[str | Path]:
    """Spell the command that starts an image on a whole emulated microcontroller board."""
    semihosting = ["-chardev", "stdio,id=out", "-semihosting-config", "enable=on,target=native,chardev=out"]
    quiet = ["-display", "none", "-monitor", "none", "-serial", "none"]
    return ["qemu-system-arm", "-M", machine, *quiet, *semihosting, "-kernel", image]


def counted(
    processor: str,
    command: Sequence[str | Path],
    rest: Sequence[str | Path],
    *,
    timeout_s: float = tools.TIMEOUT_S,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
) -> Counted:
    """Run `command` with the counting plugin, then `rest`; read the counts."""
    tools.require()
    isa = "thumb" if processor in CORTEX_M else "a64"
    with tempfile.TemporaryDirectory(prefix="count-") as folder:
        counts = Path(folder) / "counts"
        path = str(tools.PLUGIN).replace(",", ",,")  # a comma separates options
        plugin = ["-plugin", f"{path},out={counts},isa={isa}"]
        output = tools.run([*command, *plugin, *rest], timeout_s=timeout_s, cwd=cwd, environment=environment)
        regions, whole = read_counts(counts.read_text())
    return Counted(processor, output, regions, whole)


def read_counts(text: str) -> tuple[tuple[Counts, ...], Counts]:
    """Read what the plugin wrote: (regions, the whole program).

    >>> read_counts("region 2 0 0 0 1 0\\ntotal 5 0 1 0 1 1\\n")[0][0].total
    3

    Raises:
        EmulationError: the file is cut short: the program was stopped.
    """
    rows = [(line.split()[0], Counts(*map(int, line.split()[1:]))) for line in text.splitlines()]
    if not rows or rows[-1][0] != "total":
        raise EmulationError("The counts are cut short: the program was stopped before its end.")
    return tuple(counts for name, counts in rows if name == "region"), rows[-1][1]
