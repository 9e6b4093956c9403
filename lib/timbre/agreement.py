"""How well distances in a space agree with distances people reported.

Four numbers, because each hides something: Pearson (linear), Spearman (order), a divergence whose zero
means equality, and the paper's own, which is shown to reward spaces with hardly any structure.

Chapter: *Regularising with perception*.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from lib.ratings.agreement import kl_as_published, matched_kl
from lib.ratings.table import Dissimilarities
from lib.timbre.regularizers import Target


def centroids(points: np.ndarray, labels: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Mean point of each named class: [len(names), dims]; NaN rows for classes without a point."""
    labels = np.asarray(labels)
    return np.stack(
        [points[labels == n].mean(axis=0) if (labels == n).any() else np.full(points.shape[1], np.nan) for n in names]
    )


def pairwise(points: np.ndarray) -> np.ndarray:
    """Euclidean distances between all rows: [n, n].

    >>> pairwise(np.array([[0.0, 0.0], [3.0, 4.0]]))[0, 1].item()
    5.0
    """
    points = np.asarray(points, dtype=np.float64)
    squared = np.square(points).sum(axis=1)
    gap = squared[:, None] + squared[None] - 2.0 * points @ points.T
    np.fill_diagonal(gap, 0.0)
    return np.sqrt(gap.clip(min=0.0))


def upper(matrix: np.ndarray) -> np.ndarray:
    """The pairs i < j of a symmetric matrix, in one row."""
    return matrix[np.triu_indices(len(matrix), 1)]


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation; 0 when one side does not vary.

    >>> pearson(np.array([1.0, 2.0, 3.0]), np.array([5.0, 5.0, 5.0]))
    0.0
    """
    if len(a) < 3 or np.ptp(a) < 1e-12 or np.ptp(b) < 1e-12:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation; 0 when one side does not vary."""
    return pearson(stats.rankdata(a), stats.rankdata(b))


def partial_pearson(a: np.ndarray, b: np.ndarray, given: np.ndarray) -> float:
    """Correlation of a and b once what `given` explains linearly is taken out of both."""
    design = np.stack([np.ones_like(given), given], axis=1)
    rest = [y - design @ np.linalg.lstsq(design, y, rcond=None)[0] for y in (a, b)]
    return pearson(*rest)


def agreement(points: np.ndarray, labels: Sequence[str], target: Target) -> dict[str, float | int]:
    """Compare the distances between class means with the ratings, over all rated pairs present.

    Returns:
        pearson, spearman, matched_kl, papers_kl and n_pairs.
    """
    present = [name for name in target.names if name in set(labels)]
    rows = [target.names.index(name) for name in present]
    rated = target.mean.numpy()[np.ix_(rows, rows)]
    found = pairwise(centroids(points, labels, present))
    return compare(found, rated)


def compare(found: np.ndarray, rated: np.ndarray) -> dict[str, float | int]:
    """Put the four numbers of two distance matrices [n, n] side by side."""
    names = tuple(str(i) for i in range(len(found)))
    latent, ratings = Dissimilarities(names, _clean(found)), Dissimilarities(names, _clean(rated))
    return {
        "pearson": pearson(upper(found), upper(rated)),
        "spearman": spearman(upper(found), upper(rated)),
        "matched_kl": matched_kl(ratings, latent),
        "papers_kl": kl_as_published(latent, ratings),
        "n_pairs": len(upper(found)),
    }


def _clean(matrix: np.ndarray) -> np.ndarray:
    symmetric = 0.5 * (matrix + matrix.T)
    np.fill_diagonal(symmetric, 0.0)
    return symmetric


def identity(train: np.ndarray, train_labels: Sequence[str], test: np.ndarray, test_labels: Sequence[str]) -> float:
    """Share of test points whose nearest training class mean is their own (equal weight per instrument)."""
    names = sorted(set(train_labels))
    centres = centroids(train, train_labels, names)
    gap = np.linalg.norm(test[:, None] - centres[None], axis=-1)
    return balanced_accuracy(np.asarray(names)[gap.argmin(axis=1)], test_labels)


def balanced_accuracy(found: Sequence[str], truth: Sequence[str]) -> float:
    """Accuracy per instrument, averaged over instruments.

    >>> balanced_accuracy(["a", "a", "a"], ["a", "a", "b"])
    0.5
    """
    found, truth = np.asarray(found), np.asarray(truth)
    return float(np.mean([(found[truth == name] == name).mean() for name in sorted(set(truth.tolist()))]))
