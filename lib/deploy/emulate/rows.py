"""What one artefact of one model does on one emulated processor: a row of `assets/results/deploy/emulated.json`.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lib.deploy.emulate import tools
from lib.deploy.emulate.cortex_m import NANO_33_BLE
from lib.deploy.emulate.counting import Counts
from lib.deploy.emulate.programs import Played


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


def chip_of(played: Played, block_samples: int, sample_rate: int) -> dict[str, Any]:
    """Memory of an image, and what a Nano 33 BLE has for it.

    flash_bytes and ram_bytes are of the whole image, with its score and its ways to talk to the emulator; of these the
    model itself is model_flash_bytes. A block needs *at least* as many cycles as instructions, so `least_load` (of the
    chip's clock) above 1 proves that it is too slow, and below 1 proves nothing.
    """
    image, board = played.image, NANO_33_BLE
    assert image is not None and played.stack_bytes is not None
    largest = max(one.total for one in played.counts)
    cycles = board.clock_hz * block_samples / sample_rate
    ram = image.ram_bytes + played.stack_bytes
    return {
        "flash_bytes": image.flash_bytes,
        "model_flash_bytes": image.parts.get("model", (0, 0))[0],
        "ram_bytes": ram,
        "stack_bytes": played.stack_bytes,
        "linked_for": image.board.name,
        "nano_33_ble": {
            "fits_memory": image.flash_bytes <= board.flash_bytes and ram <= board.ram_bytes,
            "cycles_per_block": round(cycles),
            "least_load": round(largest / cycles, 4) if played.processor == "cortex-m4" else None,
        },
    }
