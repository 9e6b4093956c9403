"""What 9 or 405 ratings are worth: doubt of a distance, and the cloud it makes of a point on the map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lib.errors import BookError
from lib.ratings.mds import Map, procrustes, smacof
from lib.ratings.table import Dissimilarities, Pooled


def interval_of_mean(mean: float, std: float, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """Tell the 95 % interval of a mean rating, `mean +- z std / sqrt(n)`, kept within 0 to 1.

    >>> [round(x, 3) for x in interval_of_mean(0.5, 0.24, 9)], [round(x, 3) for x in interval_of_mean(0.5, 0.24, 405)]
    ([0.343, 0.657], [0.477, 0.523])
    """
    if n < 1 or std < 0:
        raise BookError(f"A mean needs at least one rating and a spread of 0 or more, got n = {n}, std = {std}.")
    half = z * std / np.sqrt(n)
    return float(max(0.0, mean - half)), float(min(1.0, mean + half))


def simulate_mean(
    mean: float, std: float, n_ratings: Iterable[int], *, trials: int = 4000, seed: int = 0
) -> dict[int, float]:
    """Repeat a listening experiment many times: the spread of the mean found with each number of ratings.

    Ratings are drawn from a beta distribution, which lives on 0 to 1 and has the wanted mean and
    standard deviation. Returns `{n: standard deviation of the mean over trials}`.

    Raises:
        BookError: no distribution on 0 to 1 has this mean and standard deviation.
    """
    a, b = _beta(mean, std)
    random = np.random.default_rng(seed)
    return {int(n): float(random.beta(a, b, (trials, int(n))).mean(1).std()) for n in n_ratings}


@dataclass(frozen=True, eq=False)
class Clouds:
    """Where each point would land if the ratings were collected again.

    `reference` is the map of the means; `points` is `[draws, n, dims]`, each draw aligned to it;
    `radius` `[n]` is the root mean square distance of a point's cloud from its centre, in the unit of
    the ratings.
    """

    reference: Map
    points: np.ndarray
    radius: np.ndarray


def clouds(
    ratings: Pooled,
    *,
    dims: int = 2,
    draws: int = 200,
    n_ratings: int | None = None,
    weighted: bool = False,
    seed: int = 0,
) -> Clouds:
    """Redraw every mean rating within its doubt, map it again, and lay the maps over each other.

    Each pair's mean is drawn from a beta distribution with the pair's mean and standard error. A draw is
    mapped starting from the reference map, so that a cloud shows doubt in the data and not the choice
    between two equally good maps; shift, turn and size are removed by Procrustes.

    Args:
        n_ratings: pretend that every pair had this many ratings; the true numbers when left out.
        weighted: weight each pair by its number of ratings when mapping.

    Chapter: *Rating timbre and timbre spaces*.
    """
    if draws < 2:
        raise BookError(f"A cloud needs at least 2 draws, got {draws}.")
    n = ratings.n if n_ratings is None else np.where(ratings.n > 0, n_ratings, 0)
    weights = n.astype(float) if weighted else None
    reference = smacof(ratings.mean, dims, weights=weights, seed=seed)
    random = np.random.default_rng(seed)
    upper = np.triu_indices(len(ratings.names), 1)
    mean = ratings.mean.matrix[upper]
    a, b = _beta(mean, ratings.std[upper] / np.sqrt(n[upper]))
    drawn = random.beta(a, b, (draws, len(mean)))
    points = np.empty((draws, len(ratings.names), dims))
    for k in range(draws):
        matrix = np.zeros_like(ratings.mean.matrix)
        matrix[upper] = drawn[k]
        d = Dissimilarities(ratings.names, matrix + matrix.T)
        again = smacof(d, dims, weights=weights, initial=reference.points, tolerance=1e-7)
        points[k] = procrustes(reference.points, again.points).points
    radius = np.sqrt(((points - points.mean(0)) ** 2).sum(-1).mean(0))
    return Clouds(reference, points, radius)


def _beta(mean: np.ndarray | float, std: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    mean, std = np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64)
    if (mean <= 0).any() or (mean >= 1).any() or (std <= 0).any() or (std**2 >= mean * (1 - mean)).any():
        raise BookError("Ratings between 0 and 1 need 0 < mean < 1 and 0 < std^2 < mean (1 - mean).")
    total = mean * (1 - mean) / std**2 - 1
    return mean * total, (1 - mean) * total
