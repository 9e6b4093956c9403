"""Exercises of *New instruments, new listeners*."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.exercises import array, choice, function, numeric
from lib.ratings.table import pooled
from lib.timbre.agreement import upper

Array = NDArray[np.float64]

#: Three instruments' worth of ratings, for the exercise about guessing without sound.
FOUR = np.array([[0.0, 0.2, 0.6, 0.8], [0.2, 0.0, 0.4, 0.7], [0.6, 0.4, 0.0, 0.3], [0.8, 0.7, 0.3, 0.0]])
#: What the stimuli of a small imaginary study are called.
LABELS = ("Oboe", "Flute", "Oboe", "Violin")


def mixed(a: Array, b: Array, weight: float) -> Array:
    """Combine two distance matrices, each scaled to RMS 1 over its pairs: `sqrt(a^2 + (weight b)^2)`."""
    return np.sqrt(np.square(a / _rms(a)) + np.square(weight * b / _rms(b)))


def guess_without_sound(ratings: Array, hidden: int) -> Array:
    """Guess the ratings of a hidden instrument by how different each other one is from the rest: `[n - 1]`."""
    others = [j for j in range(len(ratings)) if j != hidden]
    return np.array([np.mean([ratings[j, k] for k in others if k != j]) for j in others])


def by_name(labels: tuple[str, ...] = LABELS) -> Array:
    """What the name-only predictor says about the sounds of a study: the pooled rating of their names, `[n, n]`."""
    table = pooled().mean
    return np.array([[0.0 if a == b else table[a, b] for b in labels] for a in labels])


def _rms(matrix: Array) -> float:
    return float(np.sqrt(np.square(upper(np.asarray(matrix))).mean()))


def _with_own(ratings: Array, hidden: int) -> Array:
    others = [j for j in range(len(ratings)) if j != hidden]
    return np.array([np.mean([ratings[j, k] for k in range(len(ratings)) if k != j]) for j in others])


def _with_zero(ratings: Array, hidden: int) -> Array:
    others = [j for j in range(len(ratings)) if j != hidden]
    return ratings[np.ix_(others, others)].mean(axis=1)


def _distances() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    points = [rng.normal(size=(5, d)) for d in (3, 2)]
    a, b = (np.linalg.norm(p[:, None] - p[None], axis=-1) for p in points)
    return a, 40.0 * b


_A, _B = _distances()

EXERCISES = (
    numeric(
        "listeners-ceiling",
        float(np.sqrt(0.49 * 0.81)),
        [
            (
                0.49 * 0.81,
                "That is the product. The covariance of two noisy copies loses one factor, each spread loses a root.",
            ),
            ((0.49 + 0.81) / 2, "A mean of reliabilities has no meaning here: noise multiplies, it does not average."),
            (0.49, "The less reliable study alone does not set the bound; both spreads enter, under a root."),
        ],
        praise="Right. Even a perfect model of the one cannot agree better with the other.",
    ),
    numeric(
        "listeners-partial",
        (0.68 - 0.40 * 0.50) / np.sqrt((1 - 0.40**2) * (1 - 0.50**2)),
        [
            (
                0.68 - 0.40 * 0.50,
                "The numerator is right. Divide by what is left of both spreads once the names are out.",
            ),
            (
                (0.68 - 0.20) / np.sqrt(1 - 0.40**2),
                "You took the names out of the model's side only; that is a semi-partial correlation.",
            ),
            (
                (0.68 - 0.20) / np.sqrt(1 - 0.50**2),
                "You took the names out of the listeners' side only; that is a semi-partial correlation.",
            ),
            (
                0.68 - 0.50,
                "Correlations do not subtract. Start from the product of the two correlations with the names.",
            ),
        ],
        praise="Right. What is left is not in the names.",
    ),
    function(
        "listeners-mixed",
        mixed,
        [(_A, _B, 0.5), (_B, _A, 2.0)],
        [
            (
                lambda a, b, w: np.sqrt(np.square(a) + np.square(w * b)),
                "Scale both matrices to RMS 1 over their pairs first, or the larger unit wins.",
            ),
            (
                lambda a, b, w: a / _rms(a) + w * b / _rms(b),
                "You added distances. Coordinates side by side add their squared distances.",
            ),
            (
                lambda a, b, w: np.sqrt(np.square(a / _rms(a)) + w * np.square(b / _rms(b))),
                "The weight belongs to the coordinates, so it is squared with them.",
            ),
            (
                lambda a, b, w: np.sqrt(
                    np.square(a / np.sqrt(np.square(a).mean())) + np.square(w * b / np.sqrt(np.square(b).mean()))
                ),
                "You averaged over the whole matrix. The zeros on its diagonal are no pairs.",
            ),
        ],
        praise="Right: two blocks of coordinates, side by side.",
    ),
    array(
        "listeners-names",
        by_name,
        [
            (
                lambda: by_name(tuple(dict.fromkeys(LABELS))),
                "One row a sound, not a name: there are two oboes, and the matrix is 4 by 4.",
            ),
            (
                lambda: by_name() + np.diag([0, 0, 0, 0]) + 0.5 * ((by_name() == 0) & ~np.eye(4, dtype=bool)),
                "Two sounds of one name have the same name: the predictor must say 0.",
            ),
            (lambda: 1.0 - by_name(), "Those are similarities. The pool holds dissimilarities."),
        ],
        praise="Right. It cannot tell the two oboes apart, and a listener can.",
    ),
    function(
        "listeners-no-sound",
        guess_without_sound,
        [(FOUR, 0), (FOUR, 2)],
        [
            (_with_own, "The hidden instrument's own ratings are in your mean. They are the answer."),
            (_with_zero, "The zero of an instrument with itself is in your mean."),
            (
                lambda ratings, hidden: ratings[hidden][np.arange(len(ratings)) != hidden],
                "Those are the hidden ratings themselves.",
            ),
        ],
        praise="Right: an instrument that is far from everybody is guessed to be far from the newcomer too.",
    ),
    choice(
        "listeners-claim",
        "b",
        {
            "a": "The pool was the target of the training, so agreeing with it says nothing of new listeners.",
            "c": "Recordings held out are still of instruments whose ratings were used: their names can be recognised.",
            "d": "A low reconstruction error needs no ratings at all, and no listener either.",
        },
        praise="Right: other people, other sounds, and nothing of theirs in the training.",
    ),
)
