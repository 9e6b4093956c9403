"""Exercises of *Regularising with perception*."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lib.exercises import array, choice, function, numeric

Array = NDArray[np.float64]

THREE = ("Flute", "Oboe", "Piano")
OTHER = ("Piano", "Flute", "Oboe")
RATED = np.array([[0.0, 0.2, 0.5], [0.2, 0.0, 0.7], [0.5, 0.7, 0.0]])
FOUND = np.array([0.5, 2.0, 5.0, 3.5])
WANTED = np.array([1.0, 2.5, 4.0, 4.5])


def mean_squared_gap(z: Array, rated: Array, scale: float) -> float:
    """The L2 regulariser for points z [n, dims] and their ratings [n, n]: mean over pairs i < j.

    Chapter: *Regularising with perception*.
    """
    i, j = np.triu_indices(len(z), 1)
    gap = np.linalg.norm(z[i] - z[j], axis=1) - scale * rated[i, j]
    return float(np.square(gap).mean())


def centroid_agreement(points: Array, labels: Sequence[str], names: Sequence[str], rated: Array) -> float:
    """Pearson correlation of the distances between class means with ratings, over the pairs of names.

    Chapter: *Regularising with perception*.
    """
    labels = np.asarray(labels)
    centres = np.stack([points[labels == name].mean(axis=0) for name in names])
    i, j = np.triu_indices(len(names), 1)
    return float(np.corrcoef(np.linalg.norm(centres[i] - centres[j], axis=1), rated[i, j])[0, 1])


def _full(z: Array, rated: Array, scale: float, *, keep_diagonal: bool, root: bool = False) -> float:
    gap = np.linalg.norm(z[:, None] - z[None], axis=-1) - scale * rated
    if root:
        return float(np.linalg.norm(gap))
    return float(np.square(gap).mean() if keep_diagonal else np.square(gap).sum() / 2)


def _note_pairs(points: Array, labels: Sequence[str], names: Sequence[str], rated: Array) -> float:
    rows = [list(names).index(label) for label in labels]
    i, j = np.triu_indices(len(points), 1)
    gaps = np.linalg.norm(points[i] - points[j], axis=1)
    return float(np.corrcoef(gaps, rated[np.ix_(rows, rows)][i, j])[0, 1])


def _wrong_order(points: Array, labels: Sequence[str], names: Sequence[str], rated: Array) -> float:
    return centroid_agreement(points, labels, sorted(names), rated)


def _squared(points: Array, labels: Sequence[str], names: Sequence[str], rated: Array) -> float:
    labels = np.asarray(labels)
    centres = np.stack([points[labels == name].mean(axis=0) for name in names])
    gaps = np.square(centres[:, None] - centres[None]).sum(axis=-1)
    return float(np.corrcoef(gaps.ravel(), rated.ravel())[0, 1])


_rng = np.random.default_rng(3)
_z = _rng.normal(size=(6, 3))
_r = np.abs(_rng.normal(size=(6, 6)))
_r = (_r + _r.T) * (1 - np.eye(6))
_labels = ["Piano", "Flute", "Oboe", "Violin", "Oboe", "Piano", "Flute", "Violin", "Violin"]
_names = ("Flute", "Violin", "Piano", "Oboe")
_notes = _rng.normal(size=(9, 2))
_four = np.abs(_rng.normal(size=(4, 4)))
_four = (_four + _four.T) * (1 - np.eye(4))
_order = [OTHER.index(name) for name in THREE]


def _rank(values: Array) -> Array:
    return np.argsort(np.argsort(values)).astype(float)


_spearman = float(np.corrcoef(_rank(FOUND), _rank(WANTED))[0, 1])

EXERCISES = (
    numeric(
        "reg-floor",
        7 * math.log(7),
        [
            (math.log(7), "That is the least for one row. There are seven of them."),
            (0.0, "It would be 0 if both sides summed to the same. One sums to 7, the other to 1."),
            (7 * math.log2(7), "That is in bits. The chapter counts in nats: natural logarithms."),
            (12 * math.log(12), "That is for twelve instruments; this is for seven."),
        ],
        praise="Right. Any value near it says that rows are nearly uniform, or that they agree; it cannot say which.",
    ),
    function(
        "reg-l2",
        mean_squared_gap,
        [(_z, _r, 8.0), (_z[:3], RATED, 2.0)],
        [
            (
                lambda z, r, s: _full(z, r, s, keep_diagonal=True),
                "You averaged over the whole matrix, the diagonal included: each pair once, please.",
            ),
            (
                lambda z, r, s: _full(z, r, s, keep_diagonal=False),
                "That is a sum, so its strength would depend on the batch size: take the mean.",
            ),
            (
                lambda z, r, s: _full(z, r, s, keep_diagonal=True, root=True),
                "That is the Frobenius norm, as in the released code. It is no mean: it grows with the batch.",
            ),
            (lambda z, r, s: mean_squared_gap(z, r, 1.0), "Where is the scale? A rating of 1 is that distance."),
        ],
        praise="Right. It does not matter how many points are in the batch.",
    ),
    array(
        "reg-names",
        lambda: RATED[np.ix_([2, 0, 1], [2, 0, 1])],
        [
            (lambda: RATED, "Unchanged: these are the ratings in the order of the study."),
            (
                lambda: RATED[[2, 0, 1]],
                "You moved the rows and left the columns. The diagonal is no longer zero: a good thing to check.",
            ),
            (
                lambda: RATED[np.ix_(_order, _order)],
                "The permutation is the wrong way round: you asked where each study name is in the other list.",
            ),
        ],
        praise="Right: look rows and columns up by name, and no list needs an order.",
    ),
    numeric(
        "reg-spearman",
        _spearman,
        [
            (
                float(np.corrcoef(FOUND, WANTED)[0, 1]),
                "That is Pearson's r of the values. Spearman's is the same of their ranks.",
            ),
            (-_spearman, "The sign: one of the rankings runs from the largest down, the other from the smallest up."),
            (_spearman**2, "That is its square, the share of variance. The question asks for rho itself."),
        ],
        praise="Right. Two distances have changed places; by how much does not matter to it.",
    ),
    function(
        "reg-agreement",
        centroid_agreement,
        [(_notes, _labels, _names, _four), (_notes[::-1] * 2, _labels, _names, _four)],
        [
            (_note_pairs, "That correlates pairs of notes. Average the notes of each instrument first."),
            (_wrong_order, "Your class means are in alphabetical order, the ratings are not: the bug of this chapter."),
            (_squared, "Take the distance, not its square, and only the pairs i < j: the diagonal says nothing."),
        ],
        praise="Right, and by name.",
    ),
    choice(
        "reg-which",
        "d",
        {
            "a": "Any correlation can be that high for notes that were trained on: the regulariser asked for it.",
            "b": "Other keys of a recording one knows are nearly the same sound: it is the leak of the last chapter.",
            "c": "Recordings never heard, but of instruments whose ratings were used: knowing the name is enough.",
        },
        praise="Right. Only there can a name not help.",
    ),
)
