"""Exercises of *Export a pruned model and measure it on a Raspberry Pi*."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.exercises import choice, function, numeric

Array = NDArray[np.float64]
WEIGHT = np.array([[0.5, -1.0, 0.25], [0.01, 0.02, -0.004]])


def rounded(weight: Array) -> Array:
    """Weights after rounding to 8 bits with one scale per row."""
    scale = np.abs(weight).max(axis=1, keepdims=True) / 127
    return np.round(weight / scale) * scale


def _one_scale(weight: Array) -> Array:
    scale = np.abs(weight).max() / 127
    return np.round(weight / scale) * scale


def _by_column(weight: Array) -> Array:
    scale = np.abs(weight).max(axis=0, keepdims=True) / 127
    return np.round(weight / scale) * scale


EXERCISES = (
    numeric(
        "pi-block",
        128,
        [
            (64, "Now and then a block of 64 has to compute a whole step: 5 ms, and it sounds for 4."),
            (256, "It is enough, but a smaller one is, too."),
            (512, "It is enough, with 11 ms to spare: try the smaller ones."),
        ],
        praise="Right.",
    ),
    choice(
        "pi-worst",
        "b",
        {
            "a": "The median says nothing of the block that came too late.",
            "c": "95 of 100 blocks take 3 ms or less.",
            "d": "A late block is a gap, not a softer sound.",
        },
        praise="Right: one late block is one click.",
    ),
    numeric(
        "pi-bytes",
        64 * 48 + 4 * 64,
        [
            (64 * 48, "The scales take room as well."),
            (64 * 48 + 64, "A scale of 32 bits is four bytes."),
            (64 * 48 * 4, "That would be 32 bits a weight."),
        ],
        praise="Right: a little more than a quarter of the 12 288 bytes of floats.",
    ),
    function(
        "pi-rows",
        rounded,
        [(WEIGHT,)],
        [
            (_one_scale, "One scale for all rows leaves the second row with three steps."),
            (lambda weight: weight, "Nothing is rounded yet."),
            (_by_column, "That is a scale per column; a row is one unit's weights."),
        ],
        rtol=1e-6,
        praise="Right: every row keeps 255 steps, however small its weights.",
    ),
    choice(
        "pi-emulated",
        "b",
        {
            "a": "Equal counts are not equal times: clocks and widths differ, and stalls are not in the count.",
            "c": "A width of three is the best case of a cycle, not a speed.",
            "d": "Twenty million instructions a second are far below what either can finish.",
        },
        praise="Right.",
    ),
)
