"""The shipped results about ratings: stress, reliability and the ceiling between studies."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from lib.ratings.agreement import Agreement, agreement, correlations
from lib.ratings.confidence import clouds, interval_of_mean, simulate_mean
from lib.ratings.consensus import consensus, shrunken
from lib.ratings.mds import classical_mds, procrustes, smacof, stress_1, stress_curve
from lib.ratings.studies import studies
from lib.ratings.table import Dissimilarities, pooled

DIMS = range(1, 9)


def stress_report(*, starts: int = 64, seed: int = 0) -> dict[str, Any]:
    """Stress-1 against dimensions for classical, metric and weighted MDS, and how well the maps agree."""
    ratings = pooled()
    d, n = ratings.mean, ratings.n.astype(float)
    flat = smacof(d, 2, starts=starts, seed=seed)
    heavy = smacof(d, 2, weights=n, starts=starts, seed=seed)
    return {
        "dims": list(DIMS),
        "classical": [_round(classical_mds(d, k).stress) for k in DIMS],
        "metric": [_round(x) for x in stress_curve(d, DIMS, starts=starts, seed=seed).values()],
        "weighted": [_round(x) for x in stress_curve(d, DIMS, weights=n, starts=starts, seed=seed).values()],
        "chance": _chance_stress(d, seed=seed),
        "correlation_with_ratings": {
            str(k): _round(correlations(smacof(d, k, starts=starts, seed=seed).distances(), d)[0]) for k in DIMS
        },
        "maps_2d": {
            "names": list(d.names),
            "metric": _points(flat.points),
            "weighted": _points(procrustes(flat.points, heavy.points).points),
            "disparity": _round(procrustes(flat.points, heavy.points).disparity),
            "weighted_map_unweighted_stress": _round(stress_1(d, heavy.points)),
        },
    }


def _chance_stress(d: Dissimilarities, *, seed: int, draws: int = 20) -> dict[str, list[float]]:
    """Stress of the same 66 values dealt to the pairs at random: what a map without structure gives."""
    random = np.random.default_rng(seed)
    upper = np.triu_indices(len(d), 1)
    found = []
    for _ in range(draws):
        matrix = np.zeros_like(d.matrix)
        matrix[upper] = random.permutation(d.values())
        dealt = Dissimilarities(d.names, matrix + matrix.T)
        found.append(list(stress_curve(dealt, DIMS, starts=8, seed=seed).values()))
    return {
        "mean": [_round(x) for x in np.mean(found, axis=0)],
        "low": [_round(x) for x in np.min(found, axis=0)],
        "high": [_round(x) for x in np.max(found, axis=0)],
    }


def reliability_report(*, draws: int = 300, seed: int = 0) -> dict[str, Any]:
    """Doubt of every pair, bootstrap clouds on the map, and what more or fewer ratings would do."""
    ratings = pooled()
    error = ratings.standard_error
    _, reliability, tau = shrunken(ratings)
    true = clouds(ratings, draws=draws, seed=seed)
    pairs = []
    for a, b, mean in ratings.mean.pairs():
        i, j = ratings.names.index(a), ratings.names.index(b)
        low, high = interval_of_mean(mean, ratings.std[i, j], int(ratings.n[i, j]))
        pairs.append(
            {
                "pair": [a, b],
                "mean": mean,
                "std": float(ratings.std[i, j]),
                "n": int(ratings.n[i, j]),
                "standard_error": _round(error[i, j]),
                "interval": [_round(low), _round(high)],
                "reliability": _round(reliability[i, j]),
            }
        )
    values = ratings.std[np.triu_indices(12, 1)]
    low, high = np.percentile(true.points, [2.5, 97.5], axis=0)
    return {
        "pairs": pairs,
        "tau": _round(tau),
        "median_std": _round(float(np.median(values))),
        "spread_of_mean": {
            str(n): _round(x)
            for n, x in simulate_mean(0.5, float(np.median(values)), (1, 3, 9, 30, 100, 405), seed=seed).items()
        },
        "clouds_2d": {
            "names": list(ratings.names),
            "centre": _points(true.reference.points),
            "radius": [_round(x) for x in true.radius],
            "low": _points(low),
            "high": _points(high),
            "draws": _points(true.points[:60].reshape(-1, 2)),
        },
        "mean_radius_if_every_pair_had": {
            str(n): _round(float(clouds(ratings, draws=draws // 3, n_ratings=n, seed=seed).radius.mean()))
            for n in (9, 30, 100, 405)
        },
    }


def ceiling_report(folder: str | Path | None = None, *, seed: int = 0) -> dict[str, Any]:
    """How far studies agree with each other and with the pool on the instruments they share.

    Only numbers that summarise a study leave this function, never its ratings.
    """
    outside = {name: study.instruments for name, study in studies(folder).items()}
    ratings = pooled()
    with_pool = {name: _summary(agreement(ratings.mean, d, seed=seed)) for name, d in outside.items()}
    between = []
    for a, b in itertools.combinations(outside, 2):
        if len(outside[a].shared(outside[b])) >= 4:
            between.append({"studies": [a, b], **_summary(agreement(outside[a], outside[b], seed=seed))})
    moves = {name: _row_agreement(ratings.mean, d) for name, d in outside.items()}
    return {
        "with_pool": with_pool,
        "between": between,
        "median_between": _round(float(np.median([entry["pearson"] for entry in between]))),
        "instruments": {"correlation_of_an_instruments_row_with_the_pool": moves},
        "consensus": _held_out_consensus(outside, ratings.mean),
    }


def _row_agreement(reference: Dissimilarities, d: Dissimilarities) -> dict[str, float]:
    """For each instrument: does it keep its neighbours? Pearson over its row; low means that it moves."""
    names = reference.shared(d)
    x, y = reference.sub(names).matrix, d.sub(names).matrix
    off = ~np.eye(len(names), dtype=bool)
    return {name: _round(float(np.corrcoef(x[i, off[i]], y[i, off[i]])[0, 1])) for i, name in enumerate(names)}


def _held_out_consensus(outside: dict[str, Dissimilarities], pool: Dissimilarities) -> dict[str, Any]:
    """Leave one study out: do the others, averaged, predict it better when weighted by reliability?"""
    sources = {**outside, "pool": pool}
    left_out = {}
    for name, d in outside.items():
        others = {key: value for key, value in sources.items() if key != name}
        weighted, plain = consensus(others), consensus(others, weights=dict.fromkeys(others, 1.0))
        left_out[name] = {
            "weighted": _round(correlations(weighted.mean, d)[0]),
            "plain": _round(correlations(plain.mean, d)[0]),
            "pool_alone": _round(correlations(pool, d)[0]),
            "n_names": len(weighted.mean.shared(d)),
        }
    whole = consensus(sources)
    return {
        "left_out": left_out,
        "map_2d": _consensus_map(pool, whole.mean.sub(pool.names)),
        "weights": {name: _round(value) for name, value in whole.weights.items()},
        "agreement_with_pool": _round(correlations(whole.mean, pool)[0]),
        "note": "Three of the pool's five studies are among the open four, so the pool is not independent of them.",
    }


def _consensus_map(pool: Dissimilarities, agreed: Dissimilarities, *, starts: int = 64) -> dict[str, Any]:
    """The map of the consensus laid over the pool's, in two dimensions.

    The consensus has several valleys that are nearly as deep: shown is the one that majorisation finds
    from the pool's map, so that what moves does so because of the ratings; the deepest one is told beside it.
    """
    before = smacof(pool, 2, starts=starts)
    scale = agreed.values().mean() / pool.values().mean()
    after, deepest = smacof(agreed, 2, initial=scale * before.points), smacof(agreed, 2, starts=starts)
    laid_over = procrustes(before.points, after.points)
    return {
        "names": list(pool.names),
        "pool": _points(before.points),
        "consensus": _points(laid_over.points),
        "disparity": _round(laid_over.disparity),
        "stress": _round(after.stress),
        "deepest": {
            "disparity": _round(procrustes(before.points, deepest.points).disparity),
            "stress": _round(deepest.stress),
        },
    }


def _summary(a: Agreement) -> dict[str, Any]:
    return {
        "n_instruments": len(a.names),
        "n_pairs": a.n_pairs,
        "names": list(a.names),
        "pearson": _round(a.pearson),
        "interval": [_round(x) for x in a.interval],
        "spearman": _round(a.spearman),
        "interval_spearman": [_round(x) for x in a.interval_spearman],
        "p_value": _round(a.p_value),
        "matched_kl": _round(a.kl),
    }


def _points(points: np.ndarray) -> list[list[float]]:
    return [[_round(float(x)) for x in row] for row in points]


def _round(value: float) -> float:
    return round(float(value), 4)
