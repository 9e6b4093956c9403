"""One matrix out of several: a mean in which each source counts as much as it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lib.errors import BookError
from lib.ratings.agreement import correlations
from lib.ratings.table import Dissimilarities, Pooled


@dataclass(frozen=True, eq=False)
class Consensus:
    """The weighted mean of several sources, with the weight each got and how many sources rated each pair."""

    mean: Dissimilarities
    weights: dict[str, float]
    sources_per_pair: np.ndarray


def consensus(sources: Mapping[str, Dissimilarities], *, weights: Mapping[str, float] | None = None) -> Consensus:
    """Average dissimilarity matrices over the pairs they have, weighting each source by its reliability.

    The model: every source gives the true dissimilarity times its own scale, plus noise. Scales are made
    equal first, each source divided by the ratio of its mean to that of the running consensus over
    shared pairs. A source's reliability is its mean correlation with the other sources (over the
    pairs they share, weighted by their number); its weight is `r / (1 - r)`, the Spearman-Brown
    measure of signal over noise, with r kept within .05 and .95. `weights` replaces the estimate.
    Names are kept when every pair among them was rated by at least one source; names are dropped one at a
    time, the one with most missing pairs first, until that holds.

    Raises:
        BookError: fewer than two sources, sources without shared pairs, or a weight that is not positive.

    Chapter: *Rating timbre and timbre spaces*.
    """
    if len(sources) < 2:
        raise BookError(f"A consensus needs at least two sources, got {len(sources)}.")
    trust = dict(weights) if weights is not None else reliability_weights(sources)
    if set(trust) != set(sources) or min(trust.values()) <= 0:
        raise BookError("Every source needs one positive weight.")
    names = tuple(dict.fromkeys(name for d in sources.values() for name in d.names))
    stack = np.stack([_spread(d, names) for d in sources.values()])
    stack = stack / _scales(stack)[:, None, None]
    w = np.array([trust[name] for name in sources])[:, None, None] * np.isfinite(stack)
    total = w.sum(0)
    mean = np.divide((w * np.nan_to_num(stack)).sum(0), total, out=np.full(total.shape, np.nan), where=total > 0)
    np.fill_diagonal(mean, 0.0)
    keep = list(range(len(names)))
    while np.isnan(mean[np.ix_(keep, keep)]).any():
        missing = np.isnan(mean[np.ix_(keep, keep)]).sum(1)
        keep.pop(int(missing.argmax()))
    kept = np.ix_(keep, keep)
    return Consensus(
        mean=Dissimilarities(tuple(names[i] for i in keep), mean[kept]),
        weights={name: float(value) for name, value in trust.items()},
        sources_per_pair=np.isfinite(stack).sum(0)[kept] * ~np.eye(len(keep), dtype=bool),
    )


def reliability_weights(sources: Mapping[str, Dissimilarities]) -> dict[str, float]:
    """Weigh each source by its agreement with the others, `r / (1 - r)`; see `consensus`.

    With two sources both get the same weight, since neither can be told from the other.
    """
    weights = {}
    for name, d in sources.items():
        found, pairs = [], []
        for other, e in sources.items():
            shared = len(d.shared(e))
            if other != name and shared >= 4:
                found.append(correlations(d, e)[0])
                pairs.append(shared * (shared - 1) / 2)
        if not found:
            raise BookError(f"{name} shares fewer than four instruments with each other source.")
        r = float(np.clip(np.average(found, weights=pairs), 0.05, 0.95))
        weights[name] = r / (1 - r)
    return weights


def shrunken(ratings: Pooled, *, target: Dissimilarities | None = None) -> tuple[Dissimilarities, np.ndarray, float]:
    """Pull each pair's mean towards the grand mean by as much as its ratings leave it in doubt.

    A pair's reliability is `tau^2 / (tau^2 + std^2 / n)`, with `tau^2` the variance of the true means
    (variance of the observed means less the average squared standard error): the share of what we see
    that is not chance. Returns the shrunken matrix, the reliabilities `[n, n]` in 0 to 1 and `tau`.
    `target` replaces the grand mean, for instance by the distances of a low-dimensional map.
    """
    upper = np.triu_indices(len(ratings.names), 1)
    error = ratings.standard_error**2
    mean = ratings.mean.matrix
    tau_squared = max(float(np.var(mean[upper], ddof=1) - error[upper].mean()), 1e-12)
    reliability = tau_squared / (tau_squared + error)
    np.fill_diagonal(reliability, 0.0)
    towards = np.full_like(mean, mean[upper].mean()) if target is None else target.sub(ratings.names).matrix
    matrix = reliability * mean + (1 - reliability) * towards
    np.fill_diagonal(matrix, 0.0)
    return Dissimilarities(ratings.names, matrix), reliability, float(np.sqrt(tau_squared))


def _spread(d: Dissimilarities, names: tuple[str, ...]) -> np.ndarray:
    matrix = np.full((len(names), len(names)), np.nan)
    rows = [names.index(name) for name in d.names]
    matrix[np.ix_(rows, rows)] = np.where(np.eye(len(d), dtype=bool), np.nan, d.matrix)
    return matrix


def _scales(stack: np.ndarray, rounds: int = 50) -> np.ndarray:
    """Find each source's scale: the ratio of its mean to the mean of all over the pairs it has."""
    scales = np.nanmean(stack, axis=(1, 2))
    rated = np.isfinite(stack)
    for _ in range(rounds):
        scaled = np.where(rated, stack / scales[:, None, None], 0.0)
        count = rated.sum(0)
        middle = np.divide(scaled.sum(0), count, out=np.zeros(count.shape), where=count > 0)
        ratio = np.array([s[r].mean() / middle[r].mean() for s, r in zip(scaled, rated)])
        scales = scales * ratio
        if np.abs(ratio - 1).max() < 1e-10:
            break
    return scales
