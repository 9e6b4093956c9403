"""Exercises of *Which transform?*"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lib.exercises import choice, function, numeric

Array = NDArray[np.float64]

#: Two methods on the same five splits, for exercises.
ONE = np.array([4.1, 3.7, 4.4, 3.9, 4.2])
TWO = np.array([3.9, 3.6, 4.1, 3.8, 4.0])


def normalised_error(wanted: Array, found: Array) -> float:
    """Squared error over the squared deviation of `wanted` from its mean over the first axis.

    Chapter: *Which transform?*
    """
    return float(np.square(found - wanted).sum() / np.square(wanted - wanted.mean(axis=0)).sum())


def corrected_error(differences: Array, test_over_train: float) -> float:
    """Standard error of a mean difference over splits that share their data: root of (1/n + test/train) s^2.

    Source: Nadeau & Bengio 2003. Chapter: *Which transform?*
    """
    n = len(differences)
    return float(np.sqrt((1 / n + test_over_train) * np.var(differences, ddof=1)))


def pool_power(magnitudes: Array, weights: Array) -> Array:
    """Magnitudes [n, bins] to bands [n, bands]: powers add up, by weights [bins, bands]. Chapter: *Which transform?*"""
    return np.sqrt(np.square(magnitudes) @ weights)


_rng = np.random.default_rng(5)
_wanted, _found = _rng.normal(2, 1, size=(6, 4)), _rng.normal(2, 1, size=(6, 4))
_magnitudes, _weights = np.abs(_rng.normal(size=(5, 7))), np.abs(_rng.normal(size=(7, 3)))
_d = TWO - ONE
_other = _rng.normal(size=8)

EXERCISES = (
    numeric(
        "which-bins",
        442,
        [
            (
                882,
                "That is the window in samples. The spectrum of a real signal has half as many bins, plus one.",
            ),
            (441, "Nearly: the bins run from 0 Hz to half the sample rate, and both ends count."),
            (168, "That is the NSGT on the scales of this book."),
            (11025, "That is half the sample rate in hertz. How many steps of 25 Hz is it?"),
        ],
        rtol=0.0005,
        praise="Right: 0, 25, 50 … 11,025 Hz.",
    ),
    numeric(
        "which-paired",
        float(_d.mean() / (_d.std(ddof=1) / math.sqrt(5))),
        [
            (
                float((TWO.mean() - ONE.mean()) / math.sqrt(ONE.var(ddof=1) / 5 + TWO.var(ddof=1) / 5)),
                "That treats the two rows as unrelated. They are the same splits: take differences first.",
            ),
            (
                float(_d.mean() / _d.std(ddof=1)),
                "Divide the standard deviation by the root of 5: it is the mean we doubt.",
            ),
            (
                float(_d.mean() / (_d.std() / math.sqrt(5))),
                "Use n - 1 in the standard deviation: the mean was estimated too.",
            ),
            (
                float(-_d.mean() / (_d.std(ddof=1) / math.sqrt(5))),
                "The sign: the question asks for the second minus the first.",
            ),
        ],
        praise="Right. Unpaired, the same data would show next to nothing.",
    ),
    function(
        "which-corrected",
        corrected_error,
        [(_d, 0.28), (_other, 0.25)],
        [
            (
                lambda d, q: float(np.std(d, ddof=1) / np.sqrt(len(d))),
                "That trusts the splits as independent. They share notes.",
            ),
            (
                lambda d, q: float(np.sqrt(1 / len(d) + q) * np.var(d, ddof=1)),
                "The root covers only a part: it belongs over the variance, too.",
            ),
            (
                lambda d, q: float(np.sqrt((1 / len(d) + q) * np.var(d))),
                "Use n - 1 in the variance (ddof=1): the mean was estimated from the same numbers.",
            ),
            (
                lambda d, q: float(np.sqrt(q * np.var(d, ddof=1))),
                "You left out 1/n. More splits do help, down to what sharing leaves.",
            ),
        ],
        praise="Right. However many splits, the doubt does not go below what their shared data leaves.",
    ),
    function(
        "which-normalised",
        normalised_error,
        [(_wanted, _found), (3 * _wanted + 1, _found)],
        [
            (
                lambda w, f: float(np.square(f - w).sum() / np.square(w).sum()),
                "Divide by the deviation from the mean spectrum. An offset alone would make your error look small.",
            ),
            (
                lambda w, f: float(np.square(f - w).sum() / np.square(w - w.mean()).sum()),
                "Take the mean over the examples, one for each bin, not one mean of everything.",
            ),
            (
                lambda w, f: float(np.sqrt(np.square(f - w).sum() / np.square(w - w.mean(axis=0)).sum())),
                "That is the root. The question asks for a share of the variance: squares over squares.",
            ),
            (
                lambda w, f: float(np.square(f - w).sum() / np.square(f - f.mean(axis=0)).sum()),
                "You divided by the spread of what was found. A model could make that as large as it likes.",
            ),
        ],
        praise="Right: 0 is perfect, and 1 is no better than always answering with the mean spectrum.",
    ),
    function(
        "which-pool",
        pool_power,
        [(_magnitudes, _weights), (_magnitudes[:1], _weights)],
        [
            (lambda m, w: m @ w, "Magnitudes do not add up, powers do: square first, take the root at the end."),
            (lambda m, w: np.square(m) @ w, "That is the power of each band. Take the root to have magnitudes again."),
            (
                lambda m, w: np.sqrt(np.square(m) @ (w / w.sum(axis=0))),
                "That averages within a band. Then a picture with more bins to a band would not count more, nor less: "
                "but the bands of one sound would no longer sum to its power.",
            ),
        ],
        praise="Right. Now five pictures of a sound can be compared on one axis.",
    ),
    choice(
        "which-comparable",
        "c",
        {
            "a": "A decibel on 442 bins between harmonics is not one on 168 bins: most STFT bins hold noise.",
            "b": "A likelihood is a density: stretch the axis, and it changes. Its number of dimensions differs, too.",
            "d": "Each loss was minimised in its own units. It says when to stop, not who wins.",
        },
        praise="Right: the same yardstick for all, and none of their own.",
    ),
)
