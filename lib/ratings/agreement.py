"""How far two dissimilarity matrices agree: correlations, a KL that is zero at equality, and their doubt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from lib.errors import BookError
from lib.ratings.table import Dissimilarities


@dataclass(frozen=True)
class Agreement:
    """Agreement of two matrices on the names they share.

    `pearson` and `spearman` run over the pairs; `kl` is the matched KL in nats (0 = equal); `p_value`
    is the one-sided Mantel test of Pearson's r, `p_value_spearman` the same for ranks; `interval` and
    `interval_spearman` are 95 % bootstrap intervals over instruments.
    """

    names: tuple[str, ...]
    n_pairs: int
    pearson: float
    spearman: float
    kl: float
    p_value: float
    p_value_spearman: float
    interval: tuple[float, float]
    interval_spearman: tuple[float, float]


def agreement(
    a: Dissimilarities, b: Dissimilarities, *, permutations: int = 4999, resamples: int = 2000, seed: int = 0
) -> Agreement:
    """Compare two matrices on the names they share.

    The p-value is Mantel's: rename the instruments of one matrix at random and count how often chance
    agrees as well; `(1 + hits) / (1 + permutations)`. The interval resamples *instruments*, not
    pairs: the pairs of one instrument stand or fall together, so resampling pairs as if they were
    independent would promise too much. A pair of an instrument with its own copy is left out, since its
    distance is zero by definition in both matrices. With fewer than about eight instruments the
    interval is rough, and says so by being wide.

    Raises:
        BookError: fewer than four shared names, or all dissimilarities equal.

    Source: @mantel1967. Chapter: *Rating timbre and timbre spaces*.
    """
    names = a.shared(b)
    if len(names) < 4:
        raise BookError(f"Only {len(names)} shared names; agreement needs at least 4. Are the names the book's?")
    x, y = a.sub(names).matrix, b.sub(names).matrix
    upper = np.triu_indices(len(names), 1)
    if np.ptp(x[upper]) == 0 or np.ptp(y[upper]) == 0:
        raise BookError("All pairs are equally dissimilar in one matrix; there is nothing to correlate.")
    random = np.random.default_rng(seed)
    rank_x, rank_y = _ranked(x), _ranked(y)
    p, p_ranks = _mantel(x, y, rank_x, rank_y, permutations, random)
    low_high, low_high_ranks = _bootstrap(x, y, resamples, random)
    return Agreement(
        names=names,
        n_pairs=len(upper[0]),
        pearson=_correlation(x[upper], y[upper]),
        spearman=_correlation(rank_x[upper], rank_y[upper]),
        kl=matched_kl(a.sub(names), b.sub(names)),
        p_value=p,
        p_value_spearman=p_ranks,
        interval=low_high,
        interval_spearman=low_high_ranks,
    )


def matched_kl(a: Dissimilarities, b: Dissimilarities, *, sharpness: float = 4.0) -> float:
    """Mean Kullback-Leibler divergence between the rows of two matrices, in nats; 0 when they are proportional.

    Both matrices get the same treatment: divided by their own mean over pairs, then each row becomes
    a probability of "which other instrument is this one most like",
    `p_ij = exp(-sharpness d_ij / mean d) / sum_k!=i exp(-sharpness d_ik / mean d)`, and the result is
    the mean over rows i of `sum_j p_ij ln(p_ij / q_ij)`, p from `a` and q from `b`. A sharpness of 4
    looks about as far as a quarter of the mean distance.

    Raises:
        BookError: the matrices do not have the same names.

    Chapter: *Rating timbre and timbre spaces*.

    >>> d = Dissimilarities.from_points("abc", [[0.0], [1], [3]])
    >>> matched_kl(d, Dissimilarities("abc", 5 * d.matrix))
    0.0
    """
    b = _same_names(a, b)
    log_p, log_q = _row_log_softmax(a.matrix, sharpness), _row_log_softmax(b.matrix, sharpness)
    off = ~np.eye(len(a), dtype=bool)
    return float((np.exp(log_p[off]) * (log_p[off] - log_q[off])).sum() / len(a))


def kl_as_published(latent: Dissimilarities, ratings: Dissimilarities) -> float:
    """The divergence of the published regulariser, kept for comparison; its least value is n ln n, never 0.

    `sum_ij D_ij ln(D_ij / T_ij)` with `D_ij = exp(-d_ij^2)` normalised over each *row* and
    `T_ij = 1 / (1 + t_ij^2)` normalised over the *whole* matrix. D sums to n and T to 1, so the sum
    is n ln n plus n times a proper divergence: for 12 instruments at least 29.82. A space of tiny
    scale, whose rows are nearly uniform, comes close to that without agreeing with any rating.

    Source: @esling2018dafx. Chapter: *Regularising with perception*.
    """
    ratings = _same_names(latent, ratings)
    off = ~np.eye(len(latent), dtype=bool)
    log_d = np.where(off, -(latent.matrix**2), -np.inf)
    log_d = log_d - np.logaddexp.reduce(log_d, axis=1, keepdims=True)
    t = np.where(off, 1.0 / (1.0 + ratings.matrix**2), 0.0)
    t = t / t.sum()
    return float((np.exp(log_d[off]) * (log_d[off] - np.log(t[off]))).sum())


def correlations(a: Dissimilarities, b: Dissimilarities) -> tuple[float, float]:
    """Tell Pearson's and Spearman's correlation over the shared pairs, without the tests of `agreement`."""
    names = a.shared(b)
    if len(names) < 3:
        raise BookError(f"Only {len(names)} shared names; a correlation needs at least 3.")
    x, y = a.sub(names).values(), b.sub(names).values()
    return _correlation(x, y), _correlation(rankdata(x), rankdata(y))


def _mantel(
    x: np.ndarray, y: np.ndarray, rank_x: np.ndarray, rank_y: np.ndarray, permutations: int, random: np.random.Generator
) -> tuple[float, float]:
    n = len(x)
    upper = np.triu_indices(n, 1)
    orders = np.array([random.permutation(n) for _ in range(permutations)]).reshape(permutations, n)
    rows, columns = orders[:, upper[0]], orders[:, upper[1]]

    def p_value(left: np.ndarray, right: np.ndarray) -> float:
        fixed, moved = _standard(left[upper]), _standard(right[upper])
        table = np.zeros((n, n))
        table[upper] = moved
        table = table + table.T
        hits = (table[rows, columns] @ fixed >= moved @ fixed - 1e-9).sum()
        return float((1 + hits) / (1 + permutations))

    return p_value(x, y), p_value(rank_x, rank_y)


def _bootstrap(
    x: np.ndarray, y: np.ndarray, resamples: int, random: np.random.Generator
) -> tuple[tuple[float, float], tuple[float, float]]:
    n = len(x)
    upper = np.triu_indices(n, 1)
    found = []
    for _ in range(resamples):
        pick = random.integers(0, n, n)
        i, j = pick[upper[0]], pick[upper[1]]
        keep = i != j
        u, v = x[i[keep], j[keep]], y[i[keep], j[keep]]
        if len(u) > 2 and np.ptp(u) > 0 and np.ptp(v) > 0:
            found.append((_correlation(u, v), _correlation(rankdata(u), rankdata(v))))
    if not found:
        return (-1.0, 1.0), (-1.0, 1.0)
    low, high = np.percentile(np.array(found), [2.5, 97.5], axis=0)
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def _same_names(a: Dissimilarities, b: Dissimilarities) -> Dissimilarities:
    if set(a.names) != set(b.names):
        raise BookError("Both matrices need the same names; use .sub(a.shared(b)) on both.")
    return b.sub(a.names)


def _row_log_softmax(matrix: np.ndarray, sharpness: float) -> np.ndarray:
    off = ~np.eye(len(matrix), dtype=bool)
    logits = np.where(off, -sharpness * matrix / matrix[off].mean(), -np.inf)
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def _ranked(matrix: np.ndarray) -> np.ndarray:
    upper = np.triu_indices(len(matrix), 1)
    ranks = np.zeros_like(matrix)
    ranks[upper] = rankdata(matrix[upper])
    return ranks + ranks.T


def _standard(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean()
    return centred / np.sqrt((centred**2).sum())


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(_standard(x) @ _standard(y))
