"""Exercises of *Navigating and paths*."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.exercises import choice, function, numeric
from lib.timbre.navigate import linear, spherical

Array = NDArray[np.float64]

#: Variances along four principal axes, for the exercise about what a view shows.
VARIANCES = (4.0, 2.0, 1.0, 1.0)


def halfway(a: Array, b: Array) -> Array:
    """The middle of the great circle between two points, its radius midway too."""
    return spherical(a, b, 3)[1]


def lifted(xy: Array, axes: Array, centre: Array, near: Array) -> Array:
    """Go to a place on a flat view, and keep off the view what `near` has there: `[dims]`."""
    return near + (xy - (near - centre) @ axes.T) @ axes


def moved(mean: Array, moment: Array, amount: float) -> Array:
    """Where a sound is at one moment if only a part of its own movement is kept: `[dims]`."""
    return mean + amount * (moment - mean)


def _units(a: Array, b: Array) -> Array:
    return halfway(a / np.linalg.norm(a), b / np.linalg.norm(b))


def _no_sine(a: Array, b: Array) -> Array:
    unit_a, unit_b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    half = 0.5 * np.arccos(unit_a @ unit_b)
    return 0.5 * (np.linalg.norm(a) + np.linalg.norm(b)) * np.sin(half) * (unit_a + unit_b)


_A, _B = np.array([3.0, 0.0, 1.0]), np.array([0.5, 2.0, -0.5])
_RNG = np.random.default_rng(3)
_AXES = np.linalg.qr(_RNG.normal(size=(4, 2)))[0].T
_CENTRE, _NEAR, _XY = _RNG.normal(size=4), _RNG.normal(size=4), np.array([0.7, -1.2])

EXERCISES = (
    numeric(
        "nav-explained",
        (4.0 + 2.0) / 8.0,
        [
            (
                (2.0 + 2.0**0.5) / (2.0 + 2.0**0.5 + 2.0),
                "Those are standard deviations; the spread is shared by variance.",
            ),
            (2 / 4, "Two axes out of four, but they are not equally long."),
            (4.0 / 8.0 - 0.25, "What is left out is the complement; the view shows the first two."),
        ],
        praise="Right. And distances between notes may still come out wrong: a quarter of the squares is missing.",
    ),
    numeric(
        "nav-middle",
        float(np.sqrt(16 / 2)),
        [
            (4.0, "That is how far the ends lie from the origin. Averaging halves the variance of each coordinate."),
            (2.0, "Averaging halves the variance, not the standard deviation."),
            (8.0, "That is the squared distance."),
        ],
        praise="Right: the straight middle lies deep inside the shell.",
    ),
    function(
        "nav-slerp",
        halfway,
        [(_A, _B), (_B, 2 * _A)],
        [
            (lambda a, b: linear(a, b, 3)[1], "That is the middle of the straight line."),
            (_units, "The direction is right. The radius must be midway between the two radii."),
            (_no_sine, "The weights are sines; they must be divided by the sine of the whole angle."),
        ],
        praise="Right. In the middle, only the length differs from the straight way.",
    ),
    function(
        "nav-lift",
        lifted,
        [(_XY, _AXES, _CENTRE, _NEAR)],
        [
            (
                lambda xy, axes, centre, near: centre + xy @ axes,
                "That lies in the plane; what `near` has off it is lost.",
            ),
            (
                lambda xy, axes, centre, near: near + xy @ axes,
                "You went xy further from `near`, instead of to xy on the view.",
            ),
            (
                lambda xy, axes, centre, near: near + (xy - near @ axes.T) @ axes,
                "The view measures from its centre: subtract it before projecting.",
            ),
        ],
        praise="Right: the pad does this, with the notes around your finger as `near`.",
    ),
    function(
        "nav-motion",
        moved,
        [(_CENTRE, _NEAR, 0.7), (_CENTRE, _NEAR, 0.0)],
        [
            (lambda mean, moment, amount: mean + amount * moment, "The movement is the moment minus the mean."),
            (lambda mean, moment, amount: moment + amount * (moment - mean), "That exaggerates: start from the mean."),
            (
                lambda mean, moment, amount: (1 - amount) * moment + amount * mean,
                "Swapped: at 0 the sound must stand still.",
            ),
        ],
        praise="Right. At 0 it is the mean, at 1 the sound as it was.",
    ),
    choice(
        "nav-paths",
        "c",
        {
            "a": "A path can be drawn through any space; that every point decodes says nothing of how it sounds.",
            "b": "The two ways are a few tenths of a decibel apart for single notes; nobody would hear it.",
            "d": "Notes lie on a shell, but not all over it: the great circle is as empty as the line.",
        },
        praise="Right: between instruments there are no notes, whichever way you take.",
    ),
)
