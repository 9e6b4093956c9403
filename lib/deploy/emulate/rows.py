"""What one artefact of one model does on one emulated processor: a row of `assets/results/deploy/emulated.json`.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lib.deploy.emulate import tools
from lib.deploy.emulate.cortex_m import NANO_33_BLE
from lib.deploy.emulate.counting import Counts
from lib.deploy.emulate.programs import Played
from lib.models import AudioModel


@dataclass(frozen=True)
class Point:
    """One trained model: kind ("ddsp" ...), where it comes from, share of weights removed, and itself."""

    name: str
    run: str
    round: int
    removed: float
    model: AudioModel

    @property
    def key(self) -> tuple[str, int]:
        """Which trained model it is."""
        return (self.run, self.round)


@dataclass(frozen=True)
class Row:
    """One artefact on one processor.

    Attributes:
        model: "ddsp", "sing", "wavenet" or "space"; run, round, removed: which of its trained models.
        artefact: "c" (generated, compiled) or "onnx" (ONNX Runtime called from Python, block by block).
        covers: what is computed: the network alone, or the synthesiser as well.
        block_samples: sound between two counts (a spectrum, for a space); sample_rate: of that sound.
        per_block: mean instructions of a block by class, and `total`; largest_block: most of any block counted.
        per_second: the same for a second of sound (for a space: None).
        difference: largest absolute difference of any output from this machine's run of the same artefact.
        digest: of what was run; a row is measured again when it changes.
        chip: for a Cortex-M, memory and the Nano 33 BLE; see `chip_of`.
    """

    model: str
    run: str
    round: int
    removed: float
    parameters: int
    precision: str
    artefact: str
    covers: str
    processor: str
    sample_rate: int
    block_samples: int
    blocks_counted: int
    per_block: dict[str, float]
    largest_block: int
    per_second: dict[str, float] | None
    difference: float
    digest: str
    chip: dict[str, Any] | None = None
    evidence: str = tools.EVIDENCE

    @property
    def key(self) -> tuple:
        """What tells rows apart."""
        return (self.run, self.round, self.precision, self.artefact, self.processor)

    @property
    def sentence(self) -> str:
        """Say it in a line."""
        return (
            f"{self.model} round {self.round} ({100 * self.removed:.0f} % removed) {self.precision} {self.artefact} on "
            f"{self.processor}: {self.per_block['total']:,.0f} instructions a block of {self.block_samples}; "
            f"differs from this machine by {self.difference:.1e}"
        )

    def as_dict(self) -> dict[str, Any]:
        """For a results file."""
        return asdict(self)


def counted_blocks(
    counts: tuple[Counts, ...], block_samples: int, sample_rate: int, is_sound: bool = True
) -> dict[str, Any]:
    """Average the counted blocks, and scale them to a second of sound."""
    sums = sum(counts[1:], start=counts[0]).as_dict()
    mean = {name: value / len(counts) for name, value in sums.items()}
    blocks = sample_rate / block_samples
    return {
        "blocks_counted": len(counts),
        "per_block": {name: round(value, 1) for name, value in mean.items()},
        "largest_block": max(one.total for one in counts),
        "per_second": {name: round(value * blocks) for name, value in mean.items()} if is_sound else None,
    }


def chip_of(played: Played, block_samples: int | None, sample_rate: int) -> dict[str, Any]:
    """Memory of an image, and what a Nano 33 BLE has for it.

    flash_bytes and ram_bytes (variables) are of the whole image, with its score and its ways to talk to the emulator;
    of the flash, model_flash_bytes is the model itself. stack_bytes is on top of ram_bytes.

    A Cortex-M4 starts at most one instruction a cycle, so a block needs *at least* `least_cycles`: all instructions but
    the class "other", of which IT may be folded into its neighbour and take none. A `least_load` (of the Nano's clock)
    above 1 proves that it is too slow; one below 1 proves nothing, since loads, branches and divisions take longer.
    Without a block there is no time to keep: a spectrum is needed when it is needed.
    """
    image, board = played.image, NANO_33_BLE
    assert image is not None and played.stack_bytes is not None
    least = max(one.total - one.other for one in played.counts)
    cycles = None if block_samples is None else round(board.clock_hz * block_samples / sample_rate)
    is_nanos = played.processor == "cortex-m4"
    return {
        "flash_bytes": image.flash_bytes,
        "model_flash_bytes": image.parts.get("model", (0, 0))[0],
        "ram_bytes": image.ram_bytes,
        "stack_bytes": played.stack_bytes,
        "linked_for": image.board.name,
        "nano_33_ble": {
            "fits_memory": image.flash_bytes <= board.flash_bytes
            and image.ram_bytes + played.stack_bytes <= board.ram_bytes,
            "cycles_per_block": cycles,
            "least_cycles": least if is_nanos else None,
            "least_load": round(least / cycles, 4) if is_nanos and cycles else None,
        },
    }


def digest(*files: Path, also: str = "") -> str:
    """Name the content of some files: twelve hexadecimal digits."""
    told = hashlib.sha256(also.encode())
    for file in files:
        told.update(file.read_bytes())
    return told.hexdigest()[:12]
