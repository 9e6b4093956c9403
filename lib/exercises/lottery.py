"""Exercises of *Lottery tickets and masking*."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.exercises import Exercise, Mistake, array, choice, function, numeric

Array = NDArray[np.float64]

#: Weights [units, inputs] that make six units, and [outputs, units] that read them: 1 where alive.
MAKES = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1], [0, 0, 1]])
READS = np.array([[0, 1, 0, 0, 1, 1], [0, 0, 0, 0, 1, 0]])


def mask_lowest(weights: Array, mask: Array, fraction: float) -> Array:
    """Mask the smallest `fraction` (rounded) of the weights that are still alive; weights and mask [rows, columns].

    Chapter: *Lottery tickets and masking*.
    """
    n = round(fraction * int(mask.sum()))
    order = np.where(mask.ravel() > 0, np.abs(weights).ravel(), np.inf).argsort(kind="stable")
    more = mask.astype(float).ravel().copy()
    more[order[:n]] = 0.0
    return more.reshape(mask.shape)


def _of_all(weights: Array, mask: Array, fraction: float) -> Array:
    n = round(fraction * mask.size)
    order = np.where(mask.ravel() > 0, np.abs(weights).ravel(), np.inf).argsort(kind="stable")
    more = mask.astype(float).ravel().copy()
    more[order[:n]] = 0.0
    return more.reshape(mask.shape)


def _dead_again(weights: Array, mask: Array, fraction: float) -> Array:
    n = round(fraction * int(mask.sum()))
    more = mask.astype(float).ravel().copy()
    more[np.abs(weights * mask).ravel().argsort(kind="stable")[:n]] = 0.0
    return more.reshape(mask.shape)


def _largest(weights: Array, mask: Array, fraction: float) -> Array:
    n = round(fraction * int(mask.sum()))
    order = np.where(mask.ravel() > 0, -np.abs(weights).ravel(), np.inf).argsort(kind="stable")
    more = mask.astype(float).ravel().copy()
    more[order[:n]] = 0.0
    return more.reshape(mask.shape)


def _signed(weights: Array, mask: Array, fraction: float) -> Array:
    n = round(fraction * int(mask.sum()))
    order = np.where(mask.ravel() > 0, weights.ravel(), np.inf).argsort(kind="stable")
    more = mask.astype(float).ravel().copy()
    more[order[:n]] = 0.0
    return more.reshape(mask.shape)


_rng = np.random.default_rng(4)
_w = _rng.normal(size=(8, 10))
_alive = (_rng.random((8, 10)) > 0.5).astype(float)
_w = _w * _alive  # masked weights are zero, as in a chain


def _answer(value: Any) -> Mapping[str, list[float]]:
    if not isinstance(value, Mapping) or not {"ticket", "chance"} <= set(value):
        raise TypeError('a dictionary with the keys "ticket" and "chance" is asked for')
    return {name: [float(v) for v in value[name]] for name in ("ticket", "chance")}


def _good_comparison(value: Any) -> bool:
    found = _answer(value)
    sizes = {len(v) for v in found.values()}
    return sizes <= {n for n in sizes if n >= 3} and len(sizes) == 1 and all(len(set(v)) > 1 for v in found.values())


def _example(ticket: list[float], chance: list[float]) -> Callable[[], Any]:
    return lambda: {"ticket": ticket, "chance": chance}


EXERCISES = (
    numeric(
        "lottery-rounds",
        13,
        [
            (12, "0.7 to the 12th is 1.4 %: one round more."),
            (4, "Each round removes 30 % of what is left, not of what there was."),
            (15, "After 15 rounds 0.5 % are left, as in the paper. Less than 1 % is reached earlier."),
            (12.911, "Rounds are whole: take the next one."),
        ],
        rtol=1e-3,
    ),
    function(
        "lottery-mask",
        mask_lowest,
        [(_w, _alive, 0.3), (_w, _alive, 0.5)],
        [
            (_of_all, "That many of all weights; the lottery takes its share of those that are still alive."),
            (_dead_again, "Masked weights are zero, so they are the smallest: you mask the dead once more."),
            (_largest, "You mask the largest. It is the smallest that go."),
            (_signed, "A weight of −2 is large. Rank by absolute value."),
        ],
        praise="Right. Apply it round after round, and 0.7 to the power of the round is left.",
    ),
    numeric(
        "lottery-budget",
        300 + 12 * 270,
        [
            (300, "That is what a rewound network has had in its life: it goes back every time."),
            (13 * 300, "Later rounds begin at step 30 of the schedule: 270 steps each."),
            (12 * 270, "And round 0?"),
            (270, "That is the last round alone; the weights that are kept remember all rounds."),
        ],
        rtol=1e-4,
        praise="Right: twelve times the training of a rewound network of the same size.",
    ),
    array(
        "lottery-free",
        lambda: ((MAKES.sum(axis=1) == 0) | (READS.sum(axis=0) == 0)).astype(int),
        [
            (
                lambda: (READS.sum(axis=0) == 0).astype(int),
                "Those are unread. A unit that nothing makes is constant: it can go too.",
            ),
            (lambda: (MAKES.sum(axis=1) == 0).astype(int), "Those are unmade. A unit that nobody reads can go too."),
            (
                lambda: ((MAKES.sum(axis=1) == 0) & (READS.sum(axis=0) == 0)).astype(int),
                "Either is enough: a unit is free if nothing makes it or nobody reads it.",
            ),
            (
                lambda: 1 - ((MAKES.sum(axis=1) == 0) | (READS.sum(axis=0) == 0)),
                "Those are the units that must stay.",
            ),
        ],
        praise="Right: four of the six.",
    ),
    numeric(
        "lottery-chance",
        1 - (1 - 0.99**64) ** 2,
        [
            (0.99**64, "That is one side: no weight makes it. It is also free if none reads it."),
            (0.99**128, "That is the chance that all 128 weights are gone; either 64 are enough."),
            (2 * 0.99**64, "Adding counts the units that are free on both sides twice."),
            (0.99, "That is the share of weights, not of units."),
        ],
        praise="Right. Now put 2048 in the place of 64.",
    ),
    numeric(
        "lottery-first",
        1 / 1.1,
        [
            (4.0 / 9.0, "That is the multiplier with the true round 0. The script has replaced it."),
            (1.1, "The other way round: round 1 divided by round 0."),
            (1.0, "Round 0 becomes 1.1 times round 1, not round 1 itself."),
            (9.0 / 4.0, "That is the true round 0 divided by round 1; the script has replaced it."),
        ],
        rtol=2e-3,
        praise="Right: whatever the errors were. A first step of −9 % is built in.",
    ),
    choice(
        "lottery-control",
        "c",
        {
            "a": "A chain with another criterion tells which weights to take, not whether the extra training did it.",
            "b": "Starting afresh gives fewer steps, not as many: the gain of kept weights would look larger still.",
            "d": "A smaller network from scratch says whether size matters; it has had one round of training.",
        },
        praise="Right: the same number of steps, and nothing removed.",
    ),
    Exercise(
        "lottery-transfer",
        _good_comparison,
        _example([0.2, 0.3, 0.25], [0.4, 0.35, 0.5]),
        (
            Mistake(
                "One or two seeds say nothing here: look how far the chains of the chapter spread. Use three or more.",
                _example([0.2], [0.4]),
                lambda value: min(len(v) for v in _answer(value).values()) < 3,
            ),
            Mistake(
                "The two lists have different lengths: compare the same seeds on both sides.",
                _example([0.2, 0.3, 0.25, 0.2], [0.4, 0.35, 0.5]),
                lambda value: len({len(v) for v in _answer(value).values()}) > 1,
            ),
            Mistake(
                "All seeds give one number: is the seed used at all?",
                _example([0.2, 0.2, 0.2], [0.4, 0.4, 0.4]),
                lambda value: any(len(set(v)) == 1 for v in _answer(value).values()),
            ),
        ),
        praise="A fair comparison: same share masked, same seeds, and chance beside the ticket.",
    ),
)
