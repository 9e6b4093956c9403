"""Mutual information from samples: four estimators, and the table that says when to believe them.

Mutual information is how many bits knowing one thing saves in describing another. It is zero only for independent
things and sees any kind of relation, but from a thousand samples it can only be guessed.

    python -m lib.pruning.information     # writes assets/results/diet/mi.json

Chapter: *Which units matter? Criteria and mutual information*.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import digamma, ndtri
from scipy.stats import rankdata
from torch import Tensor

from lib.errors import BookError

Array = NDArray[np.float64]
#: x [n, dims], y [n, dims] -> bits.
Estimator = Callable[[Array, Array], float]


def gaussian_copula(x: Array, y: Array) -> float:
    """Information that survives if every variable is bent into a Gaussian: exact for monotone relations.

    Blind to relations that go up and down, such as y = x². Corrected for the bias of small samples.

    Source: Ince et al. 2017.
    """
    n = len(x)
    x, y = (z[:, np.ptp(z, axis=0) > 0.0] for z in (x, y))  # a constant tells nothing and has no ranks
    if x.shape[1] == 0 or y.shape[1] == 0:
        return 0.0
    if n <= x.shape[1] + y.shape[1] + 1:
        raise BookError(f"{n} samples are too few for {x.shape[1]} + {y.shape[1]} dimensions.")
    both = np.hstack([normal_scores(x), normal_scores(y)])
    entropies = [_gaussian_entropy(both[:, cols]) for cols in (slice(x.shape[1]), slice(x.shape[1], None))]
    return float((sum(entropies) - _gaussian_entropy(both)) / np.log(2.0))


def ksg(x: Array, y: Array, k: int = 4) -> float:
    """Compare neighbourhoods: how many neighbours in x, and in y, lie as near as the k-th in both.

    Finds any relation, never invents one, and underestimates strong relations in more than about three dimensions.

    Source: Kraskov, Stögbauer & Grassberger 2004, first estimator (equation 8).
    """
    x, y = _without_ties(x), _without_ties(y)
    n = len(x)
    radius = cKDTree(np.hstack([x, y])).query(np.hstack([x, y]), k + 1, p=np.inf)[0][:, -1]
    inside = np.nextafter(radius, 0.0)
    counts = [cKDTree(z).query_ball_point(z, inside, p=np.inf, return_length=True) for z in (x, y)]
    # The ball contains its own centre, so the counts are already n_x + 1 of the paper.
    return float((digamma(k) + digamma(n) - sum(digamma(c).mean() for c in counts)) / np.log(2.0))


def binned(x: Array, y: Array, n_bins: int = 8) -> float:
    """Count samples in boxes of equally full bins, with the Miller-Madow correction.

    The plain way. In more than two or three dimensions nearly every box holds one sample, and the estimate
    says more about the number of samples than about the relation.

    Source: Miller 1955.
    """
    codes = [_equal_bins(z, n_bins) for z in (x, y)]
    counts = [_cell_counts(z) for z in (*codes, np.hstack(codes))]
    entropies = [_entropy(c) + (len(c) - 1) / (2.0 * len(x)) for c in counts]
    return float((entropies[0] + entropies[1] - entropies[2]) / np.log(2.0))


def hashing(x: Array, y: Array, n_widths: int = 6, n_shifts: int = 4, seed: int = 0) -> float:
    """Hash both variables into buckets of several widths, and extrapolate to width zero.

    For each width, an edge between an x bucket and a y bucket counts the logarithm of how many more samples it holds
    than independence would give (less the bias of nearly empty buckets, Miller-Madow). What is left of the bias grows
    with the width; the ensemble takes the weights of least size that cancel it to first order.

    Good for one against one. With many dimensions every bucket holds one sample, and independent variables seem to
    share bits: the saturation of the published criterion.

    Source: Noshad, Zeng & Hero 2019 (EDGE). This is our own, plainer estimator: no smoothness search, no cap.
    """
    x, y = _standardised(x), _standardised(y)
    rng = np.random.default_rng(seed)
    scale = 6.0 * len(x) ** (-1.0 / (2.0 * max(x.shape[1], y.shape[1]) + 1.0))
    widths = np.linspace(0.7, 2.0, n_widths)
    answers = [np.mean([_bucket_information(x, y, scale * width, rng) for _ in range(n_shifts)]) for width in widths]
    # The weights of least size that sum to one and give a bias proportional to the width no say.
    weights = np.linalg.pinv(np.stack([np.ones(n_widths), widths])) @ np.array([1.0, 0.0])
    return float(max(0.0, weights @ np.array(answers)) / np.log(2.0))


ESTIMATORS: dict[str, Estimator] = {"copula": gaussian_copula, "ksg": ksg, "hashing": hashing, "binned": binned}


def per_unit(units: Tensor, target: Tensor, estimator: str = "copula") -> Tensor:
    """Estimate for every unit what it tells about the target.

    Args:
        units: [n, n_units]; target: [n, dims]; estimator: a name in `ESTIMATORS`.

    Returns:
        bits, float32 [n_units], not below zero; constant units have exactly 0.

    Raises:
        BookError: there is no such estimator.
    """
    if estimator not in ESTIMATORS:
        raise BookError(f"No estimator {estimator!r}: choose one of {', '.join(ESTIMATORS)}.")
    x, y = units.double().numpy(), target.double().numpy()
    alive = np.ptp(x, axis=0) > 1e-9
    bits = np.zeros(x.shape[1])
    if estimator == "copula":
        bits[alive] = _copula_of_each(x[:, alive], y)
    else:
        bits[alive] = [ESTIMATORS[estimator](x[:, [i]], y) for i in np.flatnonzero(alive)]
    return torch.as_tensor(bits.clip(min=0.0), dtype=torch.float32)


def normal_scores(x: Array) -> Array:
    """Replace values by the Gaussian quantiles of their ranks, column by column; ties share theirs.

    >>> normal_scores(np.array([[3.0], [9.0], [1.0]]))[:, 0].round(2).tolist()
    [0.0, 0.67, -0.67]
    """
    return ndtri(rankdata(x, axis=0) / (len(x) + 1.0))


def _gaussian_entropy(z: Array) -> float:
    # Entropy in nats up to terms that cancel, less its expected bias (Misra et al. 2005).
    n, dims = z.shape
    covariance = np.atleast_2d(np.cov(z, rowvar=False))
    _, log_determinant = np.linalg.slogdet(covariance)
    orders = np.arange(1, dims + 1)
    bias = 0.5 * (digamma((n - orders) / 2.0).sum() + dims * np.log(2.0 / (n - 1.0)))
    return 0.5 * log_determinant - bias


def _copula_of_each(x: Array, y: Array) -> Array:
    # For one Gaussian variable against several, I = -log2(1 - R²) / 2 with R² from one projection for all units.
    n, dims = y.shape
    u = normal_scores(x)
    u = (u - u.mean(0)) / np.maximum(u.std(0), 1e-12)
    v = normal_scores(y)
    q, _ = np.linalg.qr(v - v.mean(0))
    explained = ((q.T @ u) ** 2).sum(0) / n
    bits = -0.5 * np.log2(1.0 - explained.clip(max=1.0 - 1e-12))
    # Expectation of the same formula for independent Gaussians.
    bias = 0.5 * (digamma((n - 1.0) / 2.0) - digamma((n - 1.0 - dims) / 2.0)) / np.log(2.0)
    return bits - bias


def _without_ties(x: Array) -> Array:
    spread = np.maximum(x.std(0), 1e-12)
    return (x - x.mean(0)) / spread + 1e-6 * np.random.default_rng(0).standard_normal(x.shape)


def _standardised(x: Array) -> Array:
    return (x - x.mean(0)) / np.maximum(x.std(0), 1e-12)


def _equal_bins(x: Array, n_bins: int) -> NDArray[np.int64]:
    return np.floor((rankdata(x, axis=0) - 0.5) / len(x) * n_bins).astype(np.int64)


def _cell_counts(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(codes, axis=0, return_counts=True)[1]


def _entropy(counts: NDArray[np.int64]) -> float:
    p = counts / counts.sum()
    return float(-(p * np.log(p)).sum())


def _bucket_information(x: Array, y: Array, width: float, rng: np.random.Generator) -> float:
    codes = [np.floor((z + width * rng.random(z.shape[1])) / width).astype(np.int64) for z in (x, y)]
    a, b = (np.unique(code, axis=0, return_inverse=True)[1].ravel() for code in codes)
    edges, n_ab = np.unique(np.stack([a, b], 1), axis=0, return_counts=True)
    n_a, n_b = np.bincount(a), np.bincount(b)
    surprise = np.log(n_ab * len(x) / (n_a[edges[:, 0]] * n_b[edges[:, 1]]))
    empty = (len(n_ab) - len(n_a) - len(n_b) + 1) / (2.0 * len(x))
    return float((n_ab / len(x) * surprise).sum() - empty)


if __name__ == "__main__":
    from lib.pruning.mi_table import main

    main()
