"""Exercises of *Synthesis by descriptor*."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.exercises import array, choice, function, numeric

Array = NDArray[np.float64]

#: What a short run of an increment-matching search achieved, for the exercise about drift.
TARGETS = np.array([1000.0, 1100.0, 1200.0, 1300.0])
ACHIEVED = np.array([1000.0, 1080.0, 1170.0, 1260.0])
#: A gradient, a target gap, and how far an instrument varies along each direction.
SLOPE, GAP, COVARIANCE = np.array([1.0, 1.0, 0.0]), 3.0, np.diag([4.0, 1.0, 9.0])


def smallest_step(slope: Array, gap: float, covariance: Array) -> Array:
    """The shortest change, in the metric of a covariance, that closes a gap along a slope: `[dims]`."""
    along = covariance @ slope
    return gap * along / (slope @ along)


def in_range(target: float, low: float, high: float) -> float:
    """Where a target lies in a range: 0 at its low end, 1 at its high end, beyond them outside."""
    return (target - low) / (high - low)


def increments(achieved: Array, targets: Array) -> Array:
    """What Algorithm 1 makes small: increments asked for minus increments achieved: `[n - 1]`."""
    return np.diff(targets) - np.diff(achieved)


EXERCISES = (
    numeric(
        "steer-range",
        in_range(1350.0, 900.0, 1800.0),
        [
            (1350 / 1800, "Measure from the low end: subtract it above and below."),
            ((1350 - 900) / 1350, "Divide by the width of the range, not by the target."),
            (450.0, "That is in Hz; divide by the width of the range."),
        ],
        praise="Right, in the middle.",
    ),
    numeric(
        "steer-drift",
        40.0,
        [
            (20.0, "That is the largest error of a single increment; they add up."),
            (10.0, "That is the error of the last increment. Algorithm 1 sees only this, and so it drifts."),
            (70 / 3, "That is the mean over the steps; the question is where the path ends."),
        ],
        praise="Right: no increment is off by more than 20 Hz, and the end is off by 40.",
    ),
    array(
        "steer-increments",
        lambda: increments(ACHIEVED, TARGETS),
        [
            (lambda: TARGETS - ACHIEVED, "Those are the errors themselves. Algorithm 1 compares increments."),
            (lambda: np.diff(ACHIEVED), "Those are the increments achieved; subtract them from those asked for."),
            (lambda: np.square(np.diff(TARGETS) - np.diff(ACHIEVED)), "Those are squared; leave the signs."),
        ],
        praise="Right. Every one is positive, so the errors pile up.",
    ),
    function(
        "steer-step",
        smallest_step,
        [(SLOPE, GAP, COVARIANCE), (2 * SLOPE, -1.0, np.eye(3))],
        [
            (
                lambda slope, gap, covariance: gap * slope / (slope @ slope),
                "That is the shortest step in plain coordinates; the covariance should bend it.",
            ),
            (
                lambda slope, gap, covariance: gap * (covariance @ slope),
                "The direction is right. Divide, so that the slope times the step is the gap.",
            ),
            (
                lambda slope, gap, covariance: (
                    gap * (np.linalg.inv(covariance) @ slope) / (slope @ np.linalg.inv(covariance) @ slope)
                ),
                "With the inverse you go where the instrument does NOT vary.",
            ),
        ],
        praise="Right: along the slope, but mostly where the instrument moves by itself.",
    ),
    numeric(
        "steer-identity",
        0.8 * 20,
        [
            (0.8, "In steps, please: how many of twenty."),
            (4.0, "Those are the steps that may change."),
            (20.0, "All of them would be a share of 1."),
        ],
        praise="Right.",
    ),
    choice(
        "steer-judge",
        "b",
        {
            "a": "The optimiser would learn to please exactly this classifier, and the score would mean nothing.",
            "c": "Its own code can be held still by construction: then identity is 100 % whatever it sounds like.",
            "d": "The error says whether the target was reached, not who seems to be playing.",
        },
        praise="Right, and its own accuracy belongs beside its verdict.",
    ),
)
