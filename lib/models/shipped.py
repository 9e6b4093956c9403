"""Which trained models are there: the one trained longest of each kind, and what is known about its training.

Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from lib import results
from lib.errors import BookError
from lib.models import make
from lib.models.base import AudioModel
from lib.models.checkpoint import FOLDER, load


@dataclass(frozen=True)
class Shipped:
    """A model that ships with the book.

    Attributes:
        model: in evaluation mode.
        run: the run it comes from; None if nothing of the kind has been trained yet.
        record: the facts of its round: `test`, `valid`, `curve` ...; empty if the run has no result yet.
        steps: how many it was trained for; None if not known.
        long: whether it was trained until validation hardly fell any more.
    """

    model: AudioModel
    run: str | None
    record: dict[str, Any] = field(default_factory=dict)
    steps: int | None = None
    long: bool = False

    @property
    def sentence(self) -> str:
        """Say in a sentence where the model comes from."""
        name = type(self.model).__name__
        if self.run is None:
            return f"No {name} has been trained for this edition yet: its weights are random."
        steps = "" if self.steps is None else f", {self.steps:,} steps"
        end = "" if self.long else ", a short training"
        return f"The {name} is the untrimmed one of run {self.run}{steps}{end}."


def whole(name: str, folder: Path | None = None) -> Shipped:
    """Open the untrimmed model of a kind that has been trained longest, or an untrained one if there is none.

    Args:
        name: "wavenet", "sing" or "ddsp".
        folder: where checkpoints are; the book's own if left out.
    """
    base = folder or FOLDER
    for run, number in (
        (f"long-{name}-trim-local-information-rewind-s0", 0),
        (f"{name}-dense-s0", 13),
        (f"trial-{name}-dense-400-steps-s0", 13),
        (f"{name}-trim-local-information-rewind-s0", 0),
    ):
        path = base / run / f"round-{number:02d}.pt"
        if path.exists():
            found = _result(run)
            rounds = [r for r in found.get("rounds", []) if r["round"] == number]
            steps = found.get("training", {}).get("steps")
            return Shipped(
                load(path)[0], run, rounds[0] if rounds else {}, steps and steps * (number + 1), run.startswith("long")
            )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Shipped(make(name, "book").eval(), None)


def _result(run: str) -> dict[str, Any]:
    try:
        return results.read_result(f"diet/runs/{run}.json")["results"]
    except BookError:
        return {}
