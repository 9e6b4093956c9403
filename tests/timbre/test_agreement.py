"""Agreement measures against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist

from lib.timbre import agreement as A
from lib.timbre.regularizers import Target

NAMES = ("a", "b", "c", "d", "e")


def target(points: np.ndarray) -> Target:
    return Target.of(NAMES, cdist(points, points))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_correlations_are_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=12), np.round(rng.normal(size=12), 1)
    assert A.pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)
    assert A.spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
    d = rng.normal(size=(6, 3))
    assert np.allclose(A.pairwise(d), cdist(d, d), atol=1e-7)


def test_a_space_made_of_the_ratings_agrees_perfectly() -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))
    labels = [n for n in NAMES for _ in range(3)]
    # Three notes around each instrument's place whose mean is that place, in a space three times as large.
    offsets = np.tile(np.array([[1.0, 0], [-0.5, 0.5], [-0.5, -0.5]]), (5, 1))
    found = A.agreement(3.0 * (np.repeat(points, 3, axis=0) + offsets), labels, target(points))
    assert found["pearson"] == pytest.approx(1.0, abs=1e-9)
    assert found["spearman"] == pytest.approx(1.0, abs=1e-9)
    assert found["matched_kl"] == pytest.approx(0.0, abs=1e-9)
    assert found["n_pairs"] == 10


def test_classes_without_points_are_left_out() -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))
    found = A.agreement(points[:4], NAMES[:4], target(points))
    assert found["n_pairs"] == 6


def test_the_papers_measure_prefers_no_structure_to_the_truth() -> None:
    """Why the book reports correlations: shrinking the true map to a point lowers the printed KL."""
    points = np.random.default_rng(1).normal(size=(5, 2))
    truth = target(points).mean.numpy()
    assert A.compare(1e-3 * truth, truth)["papers_kl"] < A.compare(8.0 * truth, truth)["papers_kl"]
    assert A.compare(8.0 * truth, truth)["matched_kl"] == pytest.approx(0.0, abs=1e-9)


def test_partial_correlation_takes_the_given_out() -> None:
    rng = np.random.default_rng(0)
    name = rng.normal(size=4000)
    a, b = name + rng.normal(size=4000), name + rng.normal(size=4000)
    assert A.pearson(a, b) == pytest.approx(0.5, abs=0.05)
    # Nothing is left beyond chance: the standard error at 4000 points is .016.
    assert abs(A.partial_pearson(a, b, name)) < 0.06


def test_identity_counts_instruments_equally() -> None:
    train = np.array([[0.0], [10.0]])
    test = np.array([[1.0], [2.0], [3.0], [1.0]])
    assert A.identity(train, ["a", "b"], test, ["a", "a", "a", "b"]) == pytest.approx(0.5)
