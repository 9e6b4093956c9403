"""Boards: what their makers say of them, with the document that says it.

Peak numbers err on the generous side, so that what they forbid is forbidden (`lib.deploy.bounds`).

Clocks of processor and memory of the Raspberry Pis are the defaults in Raspberry Pi's documentation of `config.txt`
(overclocking options `arm_freq`, `arm_freq_min`, `sdram_freq`). Their memory is 32 bits wide; that of the first two
moves data twice a clock, so 450 MHz are 3.6 GB/s.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lib.errors import BookError

KB, MB, GB = 1024, 1024**2, 1024**3


@dataclass(frozen=True)
class Core:
    """One kind of processor core, at its very best.

    Attributes:
        max_ipc: instructions it can finish per cycle: the width of its narrowest stage.
        macs_per_cycle: precision -> multiply-adds per cycle.
    """

    name: str
    max_ipc: float
    macs_per_cycle: Mapping[str, float]
    source: str


@dataclass(frozen=True)
class Price:
    """A list price, with its day: what a shop asks today is something else."""

    amount: float
    currency: str
    what: str
    date: str
    source: str


@dataclass(frozen=True)
class Board:
    """A board, as its maker describes it.

    Attributes:
        kind: "linux" (programs live on a card; RAM is what counts) or "microcontroller".
        flash_bytes: room for program and weights; none on a card.
        ram_bytes: of the smallest version sold.
        bandwidth_bytes_s: peak of the memory's interface, an upper bound; none where weights are read from flash.
        cache_bytes: of the last level; weights that fit there need not cross the interface again.
        clocks_hz: slowest and fastest clock at which it comes; a measured clock outside is implausible.
    """

    name: str
    kind: Literal["linux", "microcontroller"]
    core: str
    n_cores: int
    clock_hz: float
    ram_bytes: int
    flash_bytes: int | None = None
    bandwidth_bytes_s: float | None = None
    cache_bytes: int = 0
    clocks_hz: tuple[float, float] = (0.0, 0.0)
    price: Price | None = None
    source: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not self.clocks_hz[1]:
            object.__setattr__(self, "clocks_hz", (0.0, self.clock_hz))


@dataclass(frozen=True)
class PaperRow:
    """One row of Table 1 of the diet paper, as printed; `note` says what differs from the maker's documents."""

    platform: str
    clock_hz: float
    flops: float
    drive: str
    ram: str
    drive_bytes: int
    ram_bytes: int
    note: str


def _core(name: str, ipc: float, float32: float, int16: float, int8: float, source: str) -> Core:
    return Core(name, ipc, {"float32": float32, "int16": int16, "int8": int8}, source)


#: Float products are half the flop/cycle usually quoted (8 for A53 and A72, 16 for A76). Whole-number ones are as many
#: as a vector register has lanes, and for the A76's dot products two pipes of them. Without a float unit, only the
#: product of two 24-bit mantissas is counted, made of the chip's own products: three cycles of UMULL on an M3, nine
#: MULs of two cycles on an AVR, whose 16-bit products take four. A real program adds much to that.
CORES: dict[str, Core] = {
    core.name: core
    for core in (
        _core("cortex-a53", 2, 4, 8, 16, "Arm Cortex-A53 Technical Reference Manual (DDI 0500): in order, dual issue"),
        _core("cortex-a72", 3, 4, 8, 16, "Arm Cortex-A72 Software Optimization Guide (UAN 0016): three-wide decode"),
        _core(
            "cortex-a76", 4, 8, 16, 32, "Arm Cortex-A76 Software Optimization Guide (PJDOC-466751330-7215): four-wide"
        ),
        _core(
            "cortex-m3", 1, 1 / 3, 0.5, 0.5, "Arm Cortex-M3 Technical Reference Manual (DDI 0337): MLA takes two cycles"
        ),
        _core(
            "cortex-m4f", 1, 1, 2, 2, "Arm Cortex-M4 Technical Reference Manual (DDI 0439): SMLAD makes two products"
        ),
        _core("cortex-m7", 2, 1, 2, 2, "Arm Cortex-M7 Processor Technical Reference Manual (DDI 0489): dual issue"),
        _core("avr", 1, 1 / 18, 1 / 8, 1 / 4, "Atmel AVR Instruction Set Manual (DS40002198): MUL takes two cycles"),
    )
}

BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board(
            "Raspberry Pi Zero 2 W", "linux", "cortex-a53", 4, 1.0e9, 512 * MB,
            bandwidth_bytes_s=3.6e9, cache_bytes=512 * KB, clocks_hz=(0.6e9, 1.0e9),
            price=Price(15, "USD", "512 MB", "2021-10-28", "Raspberry Pi, announcement of Zero 2 W"),
            source="Raspberry Pi Zero 2 W product brief; announcement of 28 October 2021 (BCM2710A1, LPDDR2, 450 MHz)",
        ),
        Board(
            "Raspberry Pi 3 Model B+", "linux", "cortex-a53", 4, 1.4e9, 1 * GB,
            bandwidth_bytes_s=4.0e9, cache_bytes=512 * KB, clocks_hz=(0.6e9, 1.4e9),
            price=Price(35, "USD", "1 GB", "2018-03-14", "Raspberry Pi, announcement of 3 Model B+"),
            source="Raspberry Pi 3 Model B+ product brief (BCM2837B0, LPDDR2, 500 MHz)",
        ),
        Board(
            "Raspberry Pi 4 Model B", "linux", "cortex-a72", 4, 1.8e9, 1 * GB,
            bandwidth_bytes_s=12.8e9, cache_bytes=1 * MB, clocks_hz=(0.6e9, 1.8e9),
            price=Price(35, "USD", "1 GB", "2019-06-24", "Raspberry Pi, announcement of 4 Model B"),
            source="Raspberry Pi 4 Model B product brief (BCM2711, LPDDR4-3200); 1.5 GHz at launch, 1.8 GHz since 2021",
            note="1, 2, 3, 4 or 8 GB. STREAM reaches about 5.6 GB/s (sci-pi.org.uk); the peak here is the interface's.",
        ),
        Board(
            "Raspberry Pi 5", "linux", "cortex-a76", 4, 2.4e9, 1 * GB,
            bandwidth_bytes_s=17.1e9, cache_bytes=2 * MB, clocks_hz=(1.5e9, 2.4e9),
            price=Price(45, "USD", "1 GB", "2025-12-01", "Raspberry Pi, announcement of Raspberry Pi 5 with 1 GB"),
            source="Raspberry Pi 5 product brief (BCM2712, LPDDR4X-4267, 32 bits wide)",
            note="1, 2, 4, 8 or 16 GB; sold first with 4 and 8, and with 1 since December 2025.",
        ),
        Board(
            "Arduino Uno R3", "microcontroller", "avr", 1, 16e6, 2 * KB, flash_bytes=32 * KB,
            source="Microchip ATmega328P data sheet (DS40002061); Arduino Uno R3 data sheet (A000066)",
        ),
        Board(
            "Arduino Mega 2560", "microcontroller", "avr", 1, 16e6, 8 * KB, flash_bytes=256 * KB,
            source="Microchip ATmega640/1280/1281/2560/2561 data sheet (DS40002211); Arduino Mega 2560 R3 (A000067)",
        ),
        Board(
            "Arduino Due", "microcontroller", "cortex-m3", 1, 84e6, 96 * KB, flash_bytes=512 * KB,
            source="Atmel SAM3X8E data sheet (11057); Arduino Due (A000062)",
        ),
        Board(
            "Arduino Nano 33 BLE", "microcontroller", "cortex-m4f", 1, 64e6, 256 * KB, flash_bytes=1 * MB,
            source="Nordic nRF52840 Product Specification; Arduino Nano 33 BLE data sheet (ABX00030)",
        ),
        Board(
            "Arduino Portenta H7", "microcontroller", "cortex-m7", 1, 480e6, 1 * MB, flash_bytes=2 * MB,
            source="ST STM32H747xI data sheet (DS12930); Arduino Portenta H7 data sheet (ABX00042)",
            note="Its second core, a Cortex-M4 at 240 MHz, and its 8 MB of SDRAM are left out.",
        ),
        Board(
            "Teensy 4.1", "microcontroller", "cortex-m7", 1, 600e6, 1 * MB, flash_bytes=7936 * KB,
            price=Price(31.50, "USD", "with Ethernet", "2024-11-04", "PJRC, store page of Teensy 4.1"),
            source="NXP i.MX RT1060 data sheet (IMXRT1060CEC); PJRC, page of Teensy 4.1",
        ),
    )
}  # fmt: skip

_NO_FPU_FIGURE = "FLOPS are the authors' inference: the clock over 100."
PAPER_TABLE: tuple[PaperRow, ...] = (
    PaperRow("ATmega1280", 16e6, 160e3, "128 K", "8 K", 128 * KB, 8 * KB, _NO_FPU_FIGURE),
    PaperRow(
        "ATmega2560", 32e6, 320e3, "256 K", "16 K", 256 * KB, 16 * KB,
        "A real ATmega2560 runs at 16 MHz and has 8 kB of SRAM (Microchip DS40002211), half of both. " + _NO_FPU_FIGURE,
    ),
    PaperRow(
        "RPi 1B", 700e6, 41e6, "256 M", "512 M", 256 * MB, 512 * MB,
        "Its programs live on a card of any size; with its vector unit it does far more than 41 million a second.",
    ),
    PaperRow(
        "RPi 2B", 900e6, 53e6, "1 G", "1 G", 1 * GB, 1 * GB,
        "FLOPS are those of the 1B scaled by the clock (41 M x 900 / 700); it has four cores with NEON.",
    ),
)  # fmt: skip


def board(name: str) -> Board:
    """Find a board by its name, or by what its device tree calls it ("Raspberry Pi 4 Model B Rev 1.4").

    Raises:
        BookError: no such board is known.

    >>> board("Raspberry Pi 4 Model B Rev 1.4").core
    'cortex-a72'
    """
    wanted = name.strip("\0 ").split(" Rev ")[0].replace(" Model B Plus", " Model B+")
    for known in (wanted, wanted.removesuffix(" Model B")):  # the fifth calls itself Model B, its maker does not
        if known in BOARDS:
            return BOARDS[known]
    raise BookError(f"No board {name!r}: known are {', '.join(BOARDS)}.")
