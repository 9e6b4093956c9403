"""`python -m lib.deploy.emulate measure`: everything that is counted and judged under emulation, in one file.

What is measured already is not measured again unless the artefact changed; stopping at any moment loses one row.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from lib import results
from lib.deploy.csource import FAST
from lib.deploy.emulate import count_models, quality, tools
from lib.deploy.emulate.count_models import PRECISIONS
from lib.deploy.emulate.quality import Quality
from lib.deploy.emulate.rows import Point, Row
from lib.errors import BookError

TARGET = "deploy/emulated.json"
MODELS = ("ddsp", "sing", "wavenet")
SHARES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
SPACE = "nsgt-erb"
#: Where int8 is judged.
JUDGE = "cortex-a72"

Say = Callable[[str], None]


def measure(say: Say = print, only: Sequence[str] = (*MODELS, "space"), folder: Path | None = None) -> Path:
    """Measure what is not measured yet, and write after every row.

    Args:
        only: models wanted; "space" is the decoder of the timbre space.
        folder: of results; the book's by default.

    Raises:
        EmulationError: the emulation is not set up.
    """
    tools.require()
    torch.set_num_threads(1)
    kept = _Kept((folder or results.RESULTS) / TARGET)
    for name in only:
        points = shipped(name)
        kept.forget_others(name, points)
        for row in _rows(name, points, kept):
            kept.rows[row.key] = row
            kept.write()
            say(row.sentence)
        if name != "space":
            for judged in _judge(points, kept):
                kept.quality[judged.key] = judged
                say(judged.sentence)
            kept.write()
    return kept.write()


def shipped(name: str, removed: tuple[float, ...] = SHARES) -> list[Point]:
    """Open the models of the chain that ships, or of the short one before that exists; none if neither does.

    Args:
        name: "ddsp", "sing" or "wavenet"; removed: shares of the weights.
    """
    from lib.experiments import diet

    for run in diet.kept_chains(name):
        try:
            found = diet.operating_points(run, removed)
        except BookError:
            continue
        return [Point(name, run, record["round"], record["removed"], model) for record, model in found]
    return []


class _Kept:
    """The results file: what is there, and how it is written."""

    def __init__(self, target: Path) -> None:
        self.target = target
        found = results.read_result(target)["results"] if target.exists() else {"rows": [], "quality": []}
        self.rows = {row.key: row for row in (Row(**row) for row in found["rows"])}
        self.quality = {one.key: one for one in (Quality(**one) for one in found["quality"])}
        config = {
            "frames": count_models.FRAMES,
            "wavenet_blocks": count_models.WAVENET_BLOCKS,
            "onnx_calls": count_models.CALLS,
            "flags": list(FAST),
            **{name: _version(name) for name in ("qemu-aarch64", "aarch64-linux-gnu-gcc", "arm-none-eabi-gcc")},
        }
        command = "python -m lib.deploy.emulate measure"
        self.provenance = results.provenance(config=config, seeds=[0, 1], command=command)

    def has_row(self, key: tuple, digest: str) -> bool:
        return key in self.rows and self.rows[key].digest == digest

    def has_quality(self, key: tuple, digest: str) -> bool:
        return key in self.quality and self.quality[key].digest == digest

    def forget_others(self, name: str, points: Sequence[Point]) -> None:
        """Drop what is known of models of this kind that are not shipped any more."""
        current = {point.key for point in points} | {(SPACE, 0)}
        for held in (self.rows, self.quality):
            for key in [key for key, one in held.items() if one.model == name and key[:2] not in current]:
                del held[key]

    def write(self) -> Path:
        note = (
            "Emulated: results and instruction counts are those of the instruction set, and nothing here is a time. "
            "Counts are of short excerpts, scaled to a second of sound. ONNX rows hold one call of ONNX Runtime from "
            "Python per block; for DDSP they cover the network alone, its C covers the synthesiser too."
        )
        content = {
            "note": note,
            "rows": [self.rows[key].as_dict() for key in sorted(self.rows)],
            "quality": [self.quality[key].as_dict() for key in sorted(self.quality)],
        }
        return results.write_result(self.target, content, provenance=self.provenance)


def _rows(name: str, points: Sequence[Point], kept: _Kept):
    if name == "space":
        from lib.timbre.space import load_space

        yield from count_models.space_rows(SPACE, load_space(SPACE), kept.has_row)
        return
    yield from count_models.c_rows(points, kept.has_row)
    yield from count_models.onnx_rows(points, kept.has_row)


def _judge(points: Sequence[Point], kept: _Kept) -> list[Quality]:
    made = [(point, precision) for point in points for precision in PRECISIONS]
    with tempfile.TemporaryDirectory(prefix="quality-") as folder:
        return quality.judge(made, JUDGE, Path(folder), kept.has_quality) if made else []


def _version(program: str) -> str:
    return tools.run([program, "--version"]).splitlines()[0]
