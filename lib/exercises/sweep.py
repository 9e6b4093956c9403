"""Exercises of *How small?*."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from lib.exercises import choice, function, numeric

Array = NDArray[np.float64]

#: What goes in each round, and what may be left in the end.
FRACTION, LEFT = 0.3, 0.01
#: Test errors: of a chain's round 0, of its round 7, and of a dense network trained as long in all.
FIRST, TRIMMED, DENSE = 0.80, 0.92, 0.74
#: Two rounds of a curve: share removed and multiplier.
BEFORE, AFTER, WANTED = (0.88, 1.10), (0.92, 1.18), 0.90


def multipliers(errors: Sequence[float]) -> Array:
    """Divide the errors of a chain by its first; -1 is a failed round, and the chain ends before it."""
    values = np.asarray(errors, dtype=float)
    failed = np.flatnonzero(values < 0)
    return values[: failed[0] if len(failed) else None] / values[0]


def line(before: tuple[float, float], after: tuple[float, float], wanted: float) -> float:
    """Read a curve between two points by a straight line."""
    part = (wanted - before[0]) / (after[0] - before[0])
    return before[1] + part * (after[1] - before[1])


def _skipping(errors: Sequence[float]) -> Array:
    values = np.asarray(errors, dtype=float)
    return values[values >= 0] / values[0]


def _by_the_best(errors: Sequence[float]) -> Array:
    return multipliers(errors) * errors[0] / min(errors)


def _by_the_one_before(errors: Sequence[float]) -> Array:
    values = multipliers(errors)
    return np.concatenate([values[:1], values[1:] / values[:-1]])


EXERCISES = (
    numeric(
        "sweep-rounds",
        ceil(log(LEFT) / log(1 - FRACTION)),
        [
            (4, "You took 30 points off each time. Each round takes 30 % of what is *left*."),
            (12, "After 12 rounds a little more than 1 % is left."),
            (14, "Round 0 removes nothing. Count the rounds that remove."),
        ],
        rtol=1e-6,
        praise="Right. The book's chains have as many rounds.",
    ),
    numeric(
        "sweep-reference",
        TRIMMED / DENSE,
        [
            (TRIMMED / FIRST, "That is against its own round 0, which has trained for one round only."),
            (DENSE / TRIMMED, "Upside down: the trimmed network's error is on top."),
            (TRIMMED - DENSE, "That is a difference. A multiplier is a ratio."),
        ],
        rtol=0.004,
        praise="Right: the same network, and nearly twice the loss, for one honest reason.",
    ),
    numeric(
        "sweep-read",
        line(BEFORE, AFTER, WANTED),
        [
            (BEFORE[1], "That is the round before. Read the curve between its rounds."),
            (AFTER[1], "That is the round after. Read the curve between its rounds."),
            (
                (WANTED - BEFORE[0]) / (AFTER[0] - BEFORE[0]),
                "That is how far between the rounds 90 % lies. Go so far up.",
            ),
        ],
        rtol=0.002,
    ),
    function(
        "sweep-chain",
        multipliers,
        [([0.8, 0.84, 1.0, -1.0, 0.9],), ([2.0, 1.9, 3.0],)],
        [
            (_skipping, "You left the failed round out and went on. A chain ends where it fails."),
            (lambda errors: np.asarray(errors, dtype=float) / errors[0], "The failed round is still in it."),
            (_by_the_best, "You divided by the best round. The reference is round 0."),
            (_by_the_one_before, "You divided by the round before. The reference is round 0."),
        ],
        praise="Right: nothing is smoothed, replaced or left out.",
    ),
    numeric(
        "sweep-repair",
        1 / 1.1,
        [
            (1.1, "That is what the first round is multiplied by to replace round 0; the multiplier divides by it."),
            (0.9, "Nearly: one over 1.1 is a little more."),
            (1.0, "Round 0 is replaced by 1.1 times round 1, so they are not equal."),
        ],
        rtol=0.004,
        praise="Right, whatever the models do.",
    ),
    choice(
        "sweep-control",
        "b",
        {
            "a": "It has had one round of training; the trimmed network's history is longer.",
            "c": "That tells what the *search* for units is worth, at equal size.",
            "d": "That tells whether the criterion is worth its trouble.",
        },
        praise="Right. Same recordings, same steps in all, and the only difference is what was removed.",
    ),
)
