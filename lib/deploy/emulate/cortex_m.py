"""Images of a microcontroller: built, measured from the map, run on an emulated board.

The linker is told how much flash and RAM the real board has, so an image that exists fits; and there is no heap, so
an image that exists allocates nothing. How deep the stack got is read back from paint.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lib.deploy.emulate import counting, tools
from lib.deploy.emulate.counting import CORTEX_M, MACHINES, Counts
from lib.deploy.emulate.tools import EmulationError

TARGETS = tools.SOURCES / "targets"
#: How the compiler is told what the core has: the floating-point unit of Nano 33 BLE, and of Portenta H7, Teensy 4.1.
FLAGS = {
    "cortex-m3": ("-mcpu=cortex-m3", "-mthumb", "-mfloat-abi=soft"),
    "cortex-m4": ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    "cortex-m7": ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16"),
}


@dataclass(frozen=True)
class Board:
    """Memory that a program may use, in bytes, and the clock."""

    name: str
    flash_bytes: int
    ram_bytes: int
    clock_hz: float


#: nRF52840: 1 MiB of flash, of which the board's bootloader keeps 64 KiB; 256 KiB of RAM.
NANO_33_BLE = Board("Arduino Nano 33 BLE", 983_040, 262_144, 64e6)
#: For programs that may be larger than any board of the book: the memory of the emulated one.
EMULATED = Board("the emulated board", 4 << 20, 4 << 20, 25e6)


@dataclass(frozen=True)
class Image:
    """A linked program of a microcontroller.

    Attributes:
        flash_bytes: code, constants, and initial values; ram_bytes: variables, without the stack.
        parts: object file or library member -> (flash, RAM) it brought, from the map; padding is in neither.
    """

    path: Path
    processor: str
    board: Board
    flash_bytes: int
    ram_bytes: int
    parts: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class ChipRun:
    """What an image did on the emulated board.

    Attributes:
        data: the bytes it wrote (`host_write`); stack_bytes: how deep the stack got; counts: instructions between
            each pair of marks.
    """

    processor: str
    machine: str
    output: str
    data: bytes
    stack_bytes: int
    counts: tuple[Counts, ...]
    evidence: str = tools.EVIDENCE


def build(
    sources: Sequence[Path],
    target: Path,
    processor: str,
    *,
    board: Board = EMULATED,
    include: Sequence[Path] = (),
    flags: Sequence[str] = ("-O3",),
) -> Image:
    """Compile and link C files with the start-up code into an image for one board.

    Args:
        processor: one of `counting.CORTEX_M`.

    Raises:
        EmulationError: unknown processor, or it does not compile, or does not fit the board's memory.
    """
    if processor not in CORTEX_M:
        raise EmulationError(f"No emulated {processor!r} here; choose one of {', '.join(CORTEX_M)}.")
    if unlinked := tools.missing_packages():
        raise EmulationError(f"To build for a microcontroller, install {' '.join(unlinked)}.")
    map_file = target.with_suffix(".map")
    command: list[str | Path] = ["arm-none-eabi-gcc", "-std=c99", *FLAGS[processor], *flags]
    command += ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "--specs=nano.specs", "-nostartfiles"]
    command += [f"-I{folder}" for folder in (TARGETS, *include)]
    command += [f"-Wl,--defsym=FLASH_SIZE={board.flash_bytes}", f"-Wl,--defsym=RAM_SIZE={board.ram_bytes}"]
    command += ["-T", TARGETS / "cortex_m.ld", f"-Wl,-Map={map_file}", "-o", target]
    command += [TARGETS / "startup_m.c", TARGETS / "host_m.c", *sources, "-lm"]
    with tempfile.TemporaryDirectory(prefix="objects-") as scratch:
        try:
            tools.run([*command, "-save-temps=obj", "-dumpdir", f"{scratch}/"], cwd=Path(scratch))
        except EmulationError as error:
            if match := re.search(r"region `(\w+)' overflowed by (\d+) bytes", str(error)):
                memory, excess = match.groups()
                raise EmulationError(f"It does not fit {board.name}: {memory} is {excess} bytes too small.") from error
            raise
    flash, ram, parts = read_map(map_file.read_text())
    return Image(target, processor, board, flash, ram, parts)


def run_cortex_m(image: Image | Path, machine: str | None = None, *, timeout_s: float = tools.TIMEOUT_S) -> ChipRun:
    """Run an image on an emulated board; count its instructions.

    Args:
        machine: one of `counting.MACHINES`; that of the image's processor if not given.

    Raises:
        EmulationError: unknown machine, the program failed or faulted, or it did not end in time.
    """
    path = image.path if isinstance(image, Image) else image
    if machine is None:
        if not isinstance(image, Image):
            raise EmulationError(f"Say on which machine {path.name} is to run: {', '.join(MACHINES)}.")
        machine = CORTEX_M[image.processor]
    if machine not in MACHINES:
        raise EmulationError(f"No emulated {machine!r} here; choose one of {', '.join(MACHINES)}.")
    with tempfile.TemporaryDirectory(prefix="chip-") as folder:
        command = counting.system_command(machine, path.resolve())
        run = counting.counted(MACHINES[machine], command, [], timeout_s=timeout_s, cwd=Path(folder))
        written = Path(folder) / "result.bin"
        data = written.read_bytes() if written.exists() else b""
    stack = re.search(r"stack\s+(\d+)", run.output)
    return ChipRun(MACHINES[machine], machine, run.output, data, int(stack.group(1)) if stack else 0, run.regions)


def read_map(text: str) -> tuple[int, int, dict[str, tuple[int, int]]]:
    """Read a map of GNU ld: (bytes of flash, bytes of RAM, part -> (flash, RAM))."""
    text = text.split("Linker script and memory map", 1)[-1]
    sizes = dict.fromkeys((".text", ".ARM.exidx", ".data", ".bss"), 0)
    for name, size in re.findall(r"^(\.\S+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)", text, re.MULTILINE):
        if name in sizes:
            sizes[name] = int(size, 16)
    parts: dict[str, tuple[int, int]] = {}
    pattern = r"^ (\.\S+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$"
    for section, _, size, origin in re.findall(pattern, text, re.MULTILINE):
        n, kind = int(size, 16), section.removeprefix(".").split(".")[0]
        in_flash = kind in ("text", "rodata", "vectors", "data") or section.startswith(".ARM.ex")
        in_ram = kind in ("data", "bss", "COMMON")
        if n and (in_flash or in_ram):
            flash, ram = parts.get(part := _part(origin), (0, 0))
            parts[part] = (flash + n * in_flash, ram + n * in_ram)
    flash = sizes[".text"] + sizes[".ARM.exidx"] + sizes[".data"]
    return flash, sizes[".data"] + sizes[".bss"], parts


def _part(origin: str) -> str:
    # "/usr/lib/.../libm.a(libm_a-ef_exp.o)" -> "libm"; "/tmp/x/model.o" -> "model"
    if match := re.search(r"/([^/]+)\.a\(", origin):
        return match.group(1)
    return re.sub(r"^.*-", "", Path(origin).stem)
