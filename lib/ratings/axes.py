"""Which descriptor explains which axis of the timbre space: correlations, with their doubt and their number."""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.descriptors import DESCRIPTORS
from lib.descriptors.table import of_corpus
from lib.errors import BookError
from lib.ratings.mds import smacof
from lib.ratings.table import pooled

#: Not a property of a note here: every preset has its own level.
LEFT_OUT = ("loudness_db",)


def instrument_medians(*, velocity: int = 80) -> tuple[dict[str, dict[str, float]], list[int]]:
    """Take each descriptor's median over the pitches that all twelve instruments play; logarithms where drawn so.

    Returns `{descriptor: {instrument: median}}` and the MIDI pitches. A descriptor that some instrument lacks
    at most of these pitches is left out.

    Raises:
        BookError: the instruments share no pitch.
    """
    names = pooled().names
    rows = [row for row in of_corpus() if row["instrument"] in names and row["velocity"] == velocity]
    pitches = sorted(set.intersection(*({row["midi"] for row in rows if row["instrument"] == name} for name in names)))
    if not pitches:
        raise BookError("The twelve instruments share no pitch in the corpus.")
    medians: dict[str, dict[str, float]] = {}
    for key, about in DESCRIPTORS.items():
        if key in LEFT_OUT:
            continue
        found = {}
        for name in names:
            values = [row[key] for row in rows if row["instrument"] == name and row["midi"] in pitches]
            values = [value for value in values if value is not None]
            if 2 * len(values) >= len(pitches):
                middle = float(np.median(values))
                found[name] = float(np.log10(max(middle, 1e-12))) if about.scale == "log" else middle
        if len(found) == len(names):
            medians[key] = found
    return medians, pitches


def axes_report(
    *, dims: int = 3, permutations: int = 9999, resamples: int = 4000, seed: int = 0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Correlate descriptors with the axes of the metric map, and with the map as a whole.

    An axis of an MDS map is arbitrary up to a turn; here they are principal axes. So beside each axis stands the
    multiple correlation with all axes (a direction in the map, which no turn can change) and that
    direction. Intervals resample instruments; p-values permute instruments; both are corrected for the
    number of tests with Holm's method, separately for axes and for directions.

    Returns the configuration and the results.

    Source: @holm1979. Chapter: *Audio descriptors*.
    """
    ratings = pooled()
    space = smacof(ratings.mean, dims, starts=64, seed=seed)
    medians, pitches = instrument_medians()
    keys = list(medians)
    x = _standardised(space.points)
    y = _standardised(np.array([[medians[key][name] for name in space.names] for key in keys]).T)
    random = np.random.default_rng(seed)
    n = len(x)
    r = x.T @ y / n
    multiple, direction = _multiple(space.points, y)
    hits, hits_multiple = np.zeros_like(r), np.zeros_like(multiple)
    for _ in range(permutations):
        shuffled = y[random.permutation(n)]
        hits += np.abs(x.T @ shuffled / n) >= np.abs(r) - 1e-12
        hits_multiple += _multiple(space.points, shuffled)[0] >= multiple - 1e-12
    p, p_multiple = (1 + hits) / (1 + permutations), (1 + hits_multiple) / (1 + permutations)
    drawn = []
    for _ in range(resamples):
        pick = random.integers(0, n, n)
        if len(set(pick)) > dims + 1:
            drawn.append(_standardised(space.points[pick]).T @ _standardised(y[pick]) / n)
    low, high = np.percentile(np.array(drawn), [2.5, 97.5], axis=0)
    corrected, corrected_multiple = holm(p.ravel()).reshape(p.shape), holm(p_multiple)
    results = {
        "space": {"names": list(space.names), "points": _rounded(space.points), "stress": _round(space.stress)},
        "pitches": pitches,
        "medians": {key: {name: float(f"{v:.5g}") for name, v in row.items()} for key, row in medians.items()},
        "logarithm_taken": [key for key in keys if DESCRIPTORS[key].scale == "log"],
        "axes": [
            {
                "descriptor": key,
                "axis": axis + 1,
                "r": _round(r[axis, k]),
                "interval": [_round(low[axis, k]), _round(high[axis, k])],
                "p": _round(p[axis, k]),
                "p_holm": _round(corrected[axis, k]),
            }
            for k, key in enumerate(keys)
            for axis in range(dims)
        ],
        "directions": [
            {
                "descriptor": key,
                "multiple_r": _round(multiple[k]),
                "direction": _rounded(direction[:, k]),
                "p": _round(p_multiple[k]),
                "p_holm": _round(corrected_multiple[k]),
            }
            for k, key in enumerate(keys)
        ],
        "chance_multiple_r": _round(float(np.sqrt(dims / (n - 1)))),
    }
    config = {"dims": dims, "permutations": permutations, "resamples": resamples, "velocity": 80}
    return config, results


def holm(p: np.ndarray) -> np.ndarray:
    """Correct p-values for their number: the chance of one false alarm among all stays below the level.

    Source: @holm1979.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def _multiple(points: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit each column by a direction in the map: multiple correlation and the direction's unit vector."""
    centred = points - points.mean(0)
    direction = np.linalg.lstsq(centred, y, rcond=None)[0]
    explained = np.sqrt(((centred @ direction) ** 2).mean(0))
    return explained, direction / np.maximum(np.sqrt((direction**2).sum(0)), 1e-12)


def _standardised(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(0)
    spread = centred.std(0)
    return centred / np.where(spread > 0, spread, 1.0)


def _rounded(values: np.ndarray) -> list:
    return np.round(values, 4).tolist()


def _round(value: float) -> float:
    return round(float(value), 4)
