"""Exercises of *The topology of descriptors*."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.exercises import array, choice, function, numeric

Array = NDArray[np.float64]

#: A small map of a descriptor in Hz, one grid line every quarter of a plane's width.
SMALL = np.array([[500.0, 600.0, 900.0], [550.0, 700.0, 1000.0], [600.0, 850.0, 1200.0]])
STEP = 0.25
#: Four bins of an NSGT frame and their magnitudes.
BINS_HZ, MAGNITUDES = np.array([100.0, 200.0, 400.0, 800.0]), np.array([1.0, 2.0, 1.0, 0.0])


def plane_share(values: Array, positions: Array) -> float:
    """The share of the variance of values [n, n] that one plane over positions [n, n, 2] explains."""
    design = np.column_stack([positions.reshape(-1, 2), np.ones(values.size)])
    flat = values.ravel()
    rest = flat - design @ np.linalg.lstsq(design, flat, rcond=None)[0]
    return float(1.0 - rest.var() / flat.var())


def slopes(values: Array, step: float) -> Array:
    """The length of the gradient at every place of a map, by central differences: `[n, n]`."""
    along_y, along_x = np.gradient(values, step)
    return np.hypot(along_x, along_y)


def _no_constant(values: Array, positions: Array) -> float:
    design, flat = positions.reshape(-1, 2), values.ravel()
    rest = flat - design @ np.linalg.lstsq(design, flat, rcond=None)[0]
    return float(1.0 - np.square(rest).mean() / flat.var())


def _positions() -> Array:
    x, y = np.meshgrid(np.arange(3) * STEP, np.arange(3) * STEP)
    return np.stack([x, y], axis=-1)


EXERCISES = (
    numeric(
        "topo-slope",
        (300 / 1500) / 0.2,
        [
            (300 / 0.2, "That is in Hz per width. Divide by the descriptor's range too."),
            (300 / 1500, "That is the change in ranges. Divide by the way it took."),
            (0.2 * 300 / 1500, "A slope divides by the way; you multiplied."),
        ],
        praise="Right: at this slope all the way, the descriptor would just cross its range.",
    ),
    array(
        "topo-gradient",
        lambda: slopes(SMALL, STEP),
        [
            (lambda: slopes(SMALL, 1.0), "The grid lines are a quarter of a width apart: pass the step."),
            (lambda: np.gradient(SMALL, STEP)[1], "That is the slope along x alone. Combine both by Pythagoras."),
            (lambda: sum(np.gradient(SMALL, STEP)), "Slopes along two axes combine by Pythagoras, not by a sum."),
        ],
        praise="Right.",
    ),
    function(
        "topo-plane",
        plane_share,
        [(SMALL, _positions()), (SMALL**2, _positions())],
        [
            (_no_constant, "Your plane goes through the origin: add a column of ones."),
            (lambda values, positions: 1.0 - plane_share(values, positions), "That is the share left over."),
            (lambda values, positions: np.sqrt(plane_share(values, positions)), "That is the correlation; square it."),
        ],
        praise="Right.",
    ),
    numeric(
        "topo-centroid",
        (100 * 1 + 200 * 4 + 400 * 1) / 6,
        [
            ((100 * 1 + 200 * 2 + 400 * 1) / 4, "This book weighs by power: square the magnitudes."),
            (1.0, "That is a bin number. A bin number is no frequency; look the frequency up."),
            (
                (0 * 1 + 11025 / 3 * 4 + 2 * 11025 / 3 * 1) / 6,
                "You spread the bins evenly over 0 to 11,025 Hz; they lie at 100, 200, 400, 800.",
            ),
        ],
        praise="Right.",
    ),
    numeric(
        "topo-lipschitz",
        2.0 * 3.0 * 0.4,
        [
            (2.0 + 3.0 + 0.4, "Layers follow one another: their stretches multiply."),
            (3.0, "The steepest layer alone does not decide; the next may flatten again."),
            ((2.0 + 3.0 + 0.4) / 3, "There is nothing to average: every step passes through all three."),
        ],
        praise="Right. It is a bound; the steepest places of the layers need not meet.",
    ),
    choice(
        "topo-control",
        "a",
        {
            "b": "A finer grid tells a steep slope from a jump, but it still looks at the same network.",
            "c": "Another descriptor is another function of the same smooth decoder.",
            "d": "More planes show more of the same space; they cannot say what training added.",
        },
        praise="Right: what an untrained network shows as well, training has not put there.",
    ),
)
