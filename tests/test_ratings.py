"""Dissimilarities by name, the pooled table, MDS, agreement, confidence and consensus."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes as scipy_procrustes
from scipy.stats import pearsonr, spearmanr

from lib import ratings
from lib.errors import BookError
from lib.ratings import Dissimilarities
from lib.ratings.__main__ import main
from lib.results import RESULTS

BOOK = {
    "Clarinet-Bb", "Alto-Sax", "Trumpet-C", "Violoncello", "French-Horn", "Oboe",
    "Flute", "English-Horn", "Bassoon", "Tenor-Trombone", "Piano", "Violin",
}  # fmt: skip


def random_points(seed: int, n: int = 9, dims: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, dims))


def space(seed: int, n: int = 9, dims: int = 3) -> Dissimilarities:
    return Dissimilarities.from_points([f"i{k}" for k in range(n)], random_points(seed, n, dims))


# --- the table ---------------------------------------------------------------------------------------------


def test_pooled_table_has_what_the_studies_say() -> None:
    pooled = ratings.pooled()
    upper = np.triu_indices(12, 1)
    assert set(pooled.names) == BOOK == set(ratings.INSTRUMENTS)
    assert pooled.n[upper].sum() == 7516
    assert (pooled.n[upper].min(), pooled.n[upper].max()) == (9, 405)
    closest = min(pooled.mean.pairs(), key=lambda pair: pair[2])
    farthest = max(pooled.mean.pairs(), key=lambda pair: pair[2])
    assert set(closest[:2]) == {"Violoncello", "Violin"} and closest[2] == 0.089
    assert set(farthest[:2]) == {"Violoncello", "Tenor-Trombone"} and farthest[2] == 0.726


def test_standard_error_follows_n() -> None:
    pooled = ratings.pooled()
    i, j = pooled.names.index("Violin"), pooled.names.index("Violoncello")
    assert pooled.standard_error[i, j] == pytest.approx(0.124 / 3)
    assert np.diagonal(pooled.standard_error).sum() == 0


def test_names_decide_not_positions() -> None:
    d = ratings.pooled().mean
    shuffled = d.sub(np.random.default_rng(0).permutation(d.names))
    for a, b, value in d.pairs():
        assert shuffled[a, b] == shuffled[b, a] == value
    assert ratings.correlations(d, shuffled) == pytest.approx((1.0, 1.0))


def test_matrix_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ratings.pooled().mean.matrix[0, 1] = 3


@pytest.mark.parametrize(
    ("names", "matrix", "says"),
    [
        (["a", "a"], np.zeros((2, 2)), "distinct"),
        (["a", "b"], np.zeros((3, 3)), "2 x 2"),
        (["a", "b"], [[0, np.nan], [np.nan, 0]], "missing"),
        (["a", "b"], [[0, -1], [-1, 0]], "negative"),
        (["a", "b"], [[0, 1], [0, 0]], "M \\+ M.T"),
        (["a", "b"], [[1, 1], [1, 0]], "diagonal"),
    ],
)
def test_bad_matrices_are_refused(names: list[str], matrix: np.ndarray, says: str) -> None:
    with pytest.raises(BookError, match=says):
        Dissimilarities(tuple(names), np.array(matrix))


def test_bad_names_and_pairs_are_refused() -> None:
    d = ratings.pooled().mean
    with pytest.raises(BookError, match="No 'Cello'"):
        d["Cello", "Oboe"]
    with pytest.raises(BookError, match="twice"):
        Dissimilarities.from_pairs({("a", "b"): 1.0, ("b", "a"): 1.0})
    with pytest.raises(BookError, match="no value"):
        Dissimilarities.from_pairs({("a", "b"): 1.0, ("b", "c"): 1.0})


def test_a_damaged_table_names_the_line(tmp_path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("instrument_a,instrument_b,mean,std,n_ratings\na,b,0.5,0.1,9\na,c,half,0.1,9\n")
    with pytest.raises(BookError, match="line 3"):
        ratings.pooled(file)
    with pytest.raises(BookError, match="No ratings table"):
        ratings.pooled(tmp_path / "nothing.csv")


# --- MDS ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), dims=st.integers(1, 4))
def test_mds_recovers_a_known_space(seed: int, dims: int) -> None:
    points = random_points(seed, 8, dims)
    d = Dissimilarities.from_points("abcdefgh", points)
    for found in (ratings.classical_mds(d, dims), ratings.smacof(d, dims, starts=8, seed=seed, tolerance=1e-13)):
        # stress-1 is relative, 1e-3 is a misfit of 0.1 % of the distances
        assert found.stress < 1e-3
        assert ratings.procrustes(points, found.points).disparity < 1e-5


def test_smacof_is_as_good_as_scikit_learn() -> None:
    from sklearn.manifold import MDS

    d = ratings.pooled().mean
    for dims in (2, 3):
        theirs = MDS(
            dims, metric="precomputed", n_init=32, max_iter=1000, eps=1e-10, random_state=0, init="random",
            normalized_stress=False,
        ).fit(d.matrix)  # fmt: skip
        ours = ratings.smacof(d, dims, starts=32)
        raw = ((d.matrix - ours.distances().matrix) ** 2).sum() / 2
        assert raw <= theirs.stress_ * (1 + 1e-4)
        assert ratings.stress_1(d, theirs.embedding_) >= ours.stress * (1 - 1e-4)


def test_published_stress_and_correlation_are_met() -> None:
    """The table's authors' 3-D map: stress-1 .134, correlation with the ratings .88."""
    d = ratings.pooled().mean
    found = ratings.smacof(d, 3, starts=32)
    assert found.stress == pytest.approx(0.135, abs=0.002)
    assert ratings.correlations(found.distances(), d)[0] == pytest.approx(0.88, abs=0.01)


def test_weights_decide_whose_distance_is_kept() -> None:
    """Three points on a line cannot have distances 1, 1, 1: the pair with weight gets its way."""
    d = Dissimilarities.from_pairs({("a", "b"): 1.0, ("b", "c"): 1.0, ("a", "c"): 1.0})
    weights = np.ones((3, 3))
    weights[0, 2] = weights[2, 0] = 1000.0
    found = ratings.smacof(d, 1, weights=weights, starts=32)
    assert abs(found.distances()["a", "c"] - 1) < 0.01
    assert abs(found.distances()["a", "b"] - 1) > 0.3


def test_weighted_smacof_finds_a_stationary_point() -> None:
    """An independent optimiser started there finds nothing better."""
    from scipy.optimize import minimize

    pooled = ratings.pooled()
    weights = pooled.n / pooled.n.mean()
    found = ratings.smacof(pooled.mean, 2, weights=weights, tolerance=1e-12)

    def raw(flat: np.ndarray) -> float:
        on_map = Dissimilarities.from_points(pooled.names, flat.reshape(12, 2)).matrix
        return float((weights * (pooled.mean.matrix - on_map) ** 2).sum())

    here = raw(found.points.ravel())
    assert minimize(raw, found.points.ravel(), method="BFGS").fun > here * (1 - 1e-4)


def test_more_dimensions_never_fit_worse() -> None:
    curve = ratings.stress_curve(ratings.pooled().mean, range(1, 7), starts=24)
    values = list(curve.values())
    assert all(later <= earlier + 1e-3 for earlier, later in itertools.pairwise(values))
    # real ratings fit better than the same numbers dealt to the pairs at random
    random = np.random.default_rng(0)
    d = ratings.pooled().mean
    dealt = np.zeros((12, 12))
    dealt[np.triu_indices(12, 1)] = random.permutation(d.values())
    assert ratings.smacof(Dissimilarities(d.names, dealt + dealt.T), 2).stress > values[1]


def test_mds_is_seeded_and_refuses_nonsense() -> None:
    d = ratings.pooled().mean
    assert np.array_equal(ratings.smacof(d, 2, seed=3).points, ratings.smacof(d, 2, seed=3).points)
    with pytest.raises(BookError, match="at most 11"):
        ratings.smacof(d, 12)
    with pytest.raises(BookError, match="shape"):
        ratings.smacof(d, 2, weights=np.ones((3, 3)))
    alone = np.ones((12, 12))
    alone[0] = alone[:, 0] = 0
    with pytest.raises(BookError, match="tied to no other"):
        ratings.smacof(d, 2, weights=alone)
    with pytest.raises(BookError, match="zero"):
        ratings.smacof(Dissimilarities(("a", "b", "c"), np.zeros((3, 3))), 2)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_procrustes_agrees_with_scipy_and_undoes_a_motion(seed: int) -> None:
    a, b = random_points(seed), random_points(seed + 1)
    assert ratings.procrustes(a, b).disparity == pytest.approx(scipy_procrustes(a, b)[2], abs=1e-9)
    turn, _ = np.linalg.qr(random_points(seed + 2, 3, 3))
    moved = 2.5 * a @ turn + 7
    back = ratings.procrustes(a, moved)
    assert back.points == pytest.approx(a, abs=1e-9)
    assert back.scale == pytest.approx(1 / 2.5)
    assert back.rotation == pytest.approx(turn.T, abs=1e-9)


# --- agreement ---------------------------------------------------------------------------------------------


def test_agreement_meets_scipy() -> None:
    a, b = space(0), space(1)
    found = ratings.agreement(a, b, permutations=99, resamples=50)
    assert found.pearson == pytest.approx(pearsonr(a.values(), b.values()).statistic)
    assert found.spearman == pytest.approx(spearmanr(a.values(), b.values()).statistic)
    assert found.n_pairs == 36


def test_mantel_p_is_exact_on_a_small_case() -> None:
    """Five instruments have 120 orders; many random ones must come near the count over all of them."""
    a, b = space(2, 5), space(11, 5)
    r = ratings.correlations(a, b)[0]
    upper = np.triu_indices(5, 1)
    every = [
        np.corrcoef(a.matrix[upper], b.matrix[np.ix_(order, order)][upper])[0, 1]
        for order in map(list, itertools.permutations(range(5)))
    ]
    exact = np.mean(np.array(every) >= r - 1e-9)
    found = ratings.agreement(a, b, permutations=9999, resamples=10).p_value
    # binomial standard error at most .005; four of them
    assert found == pytest.approx(exact, abs=0.02)


def test_mantel_is_uniform_without_relation_and_small_with_one() -> None:
    p = [ratings.agreement(space(k), space(1000 + k), permutations=199, resamples=2).p_value for k in range(80)]
    # under no relation about 8 of 80 are below .1 (binomial sd 2.7)
    assert 1 <= np.sum(np.array(p) < 0.1) <= 19
    a = space(3)
    near = Dissimilarities.from_points(a.names, random_points(3) + 0.2 * random_points(4))
    found = ratings.agreement(a, near)
    assert found.p_value < 0.005
    assert found.interval[0] > 0.5 and found.interval[0] < found.pearson < found.interval[1] + 1e-9


def test_instrument_bootstrap_is_wider_than_pretending_pairs_are_independent() -> None:
    pooled, other = ratings.pooled().mean, ratings.classical_mds(ratings.pooled().mean, 2).distances()
    low, high = ratings.agreement(pooled, other).interval
    random = np.random.default_rng(0)
    x, y = pooled.values(), other.values()
    picks = random.integers(0, 66, (1000, 66))
    naive = np.percentile([np.corrcoef(x[k], y[k])[0, 1] for k in picks], [2.5, 97.5])
    assert high - low > naive[1] - naive[0]


def test_matched_kl_is_zero_at_equality_and_blind_to_scale_and_order() -> None:
    d = ratings.pooled().mean
    scaled = Dissimilarities(d.names, 17 * d.matrix).sub(reversed(d.names))
    assert ratings.matched_kl(d, scaled) == pytest.approx(0, abs=1e-12)
    assert ratings.matched_kl(d, Dissimilarities(d.names, np.ones((12, 12)) - np.eye(12))) > 0.05


def test_matched_kl_by_hand() -> None:
    a = Dissimilarities.from_pairs({("x", "y"): 1.0, ("x", "z"): 2.0, ("y", "z"): 3.0})
    b = Dissimilarities.from_pairs({("x", "y"): 2.0, ("x", "z"): 2.0, ("y", "z"): 2.0})
    total = 0.0
    for row in ((1, 2), (1, 3), (2, 3)):
        p = np.exp(-4 * np.array(row) / 2)
        p = p / p.sum()
        total += (p * np.log(p / 0.5)).sum()
    assert ratings.matched_kl(a, b) == pytest.approx(total / 3)


def test_published_kl_has_a_floor_that_even_equality_does_not_pass() -> None:
    floor = 12 * np.log(12)
    d = ratings.pooled().mean
    assert ratings.kl_as_published(d, d) > floor
    assert ratings.kl_as_published(space(1, 12), Dissimilarities(space(1, 12).names, d.matrix)) > floor
    # a latent of almost no size comes nearer to the floor than the ratings themselves
    tiny = Dissimilarities(d.names, 1e-3 * space(5, 12).matrix)
    assert floor < ratings.kl_as_published(tiny, d) < ratings.kl_as_published(d, d) + 0.5
    assert ratings.kl_as_published(tiny, d) < floor + 0.1


def test_agreement_refuses_too_little() -> None:
    d = ratings.pooled().mean
    with pytest.raises(BookError, match="shared names"):
        ratings.agreement(d, space(0))
    with pytest.raises(BookError, match="equally"):
        ratings.agreement(d, Dissimilarities(d.names, np.ones((12, 12)) - np.eye(12)))
    with pytest.raises(BookError, match="same names"):
        ratings.matched_kl(d, space(0))


# --- confidence and consensus ------------------------------------------------------------------------------


def test_simulated_mean_spreads_as_one_over_root_n() -> None:
    spread = ratings.simulate_mean(0.5, 0.24, (9, 405))
    # relative standard error of a standard deviation from 4000 trials is 1.1 %; five of them
    assert spread[9] == pytest.approx(0.24 / 3, rel=0.06)
    assert spread[405] == pytest.approx(0.24 / np.sqrt(405), rel=0.06)
    with pytest.raises(BookError, match="std"):
        ratings.simulate_mean(0.5, 0.6, (9,))


def test_clouds_shrink_with_more_ratings_and_are_seeded() -> None:
    pooled = ratings.pooled()
    few, many = (ratings.clouds(pooled, draws=30, n_ratings=n, seed=1) for n in (9, 405))
    assert few.radius.mean() > 3 * many.radius.mean()
    again = ratings.clouds(pooled, draws=30, n_ratings=9, seed=1)
    assert np.array_equal(few.points, again.points)
    assert few.points.shape == (30, 12, 2)


def test_consensus_trusts_the_reliable_and_beats_the_plain_mean() -> None:
    """Four noisy copies of a known space, one of them mostly noise, each on its own scale."""
    random = np.random.default_rng(0)
    truth = space(7, 12)
    better, lowest = 0, 0
    for _ in range(10):
        sources = {}
        for k, noise in enumerate((0.3, 0.3, 0.3, 4.0)):
            error = np.abs(random.standard_normal((12, 12))) * noise
            matrix = (truth.matrix + np.triu(error, 1) + np.triu(error, 1).T) * (10.0**k)
            sources[f"s{k}"] = Dissimilarities(truth.names, matrix)
        weighted, plain = ratings.consensus(sources), ratings.consensus(sources, weights=dict.fromkeys(sources, 1.0))
        lowest += min(weighted.weights, key=weighted.weights.get) == "s3"
        right = [ratings.correlations(found.mean, truth)[0] for found in (weighted, plain)]
        better += right[0] > right[1]
    assert lowest == 10 and better >= 9


def test_consensus_of_partly_shared_sources_undoes_their_scales() -> None:
    truth = space(8, 6)
    left = Dissimilarities(truth.names[:5], 3 * truth.sub(truth.names[:5]).matrix)
    right = Dissimilarities(truth.names[1:], 70 * truth.sub(truth.names[1:]).matrix)
    found = ratings.consensus({"left": left, "right": right})
    # i0 and i5 never met, so one of them has to go
    assert len(found.mean) == 5
    assert ratings.correlations(found.mean, truth)[0] == pytest.approx(1.0, abs=1e-9)
    with pytest.raises(BookError, match="two sources"):
        ratings.consensus({"left": left})


def test_shrinking_leaves_the_well_rated_alone() -> None:
    pooled = ratings.pooled()
    shrunk, reliability, tau = ratings.shrunken(pooled)
    assert 0.05 < tau < 0.2
    i, j, k = (pooled.names.index(name) for name in ("Alto-Sax", "Violoncello", "Oboe"))
    assert reliability[i, j] > 0.98 > reliability[j, pooled.names.index("Piano")]
    assert abs(shrunk["Alto-Sax", "Violoncello"] - 0.618) < 0.002
    grand = pooled.mean.values().mean()
    for a, b, value in pooled.mean.pairs():
        assert abs(shrunk[a, b] - grand) <= abs(value - grand) + 1e-12
    assert reliability[k, k] == 0


# --- shipped results ---------------------------------------------------------------------------------------


def test_shipped_stress_is_what_the_code_gives() -> None:
    shipped = json.loads((RESULTS / "ratings" / "stress.json").read_text())["results"]
    d = ratings.pooled().mean
    assert shipped["classical"][1] == pytest.approx(ratings.classical_mds(d, 2).stress, abs=1e-4)
    assert shipped["metric"][1] == pytest.approx(ratings.smacof(d, 2, starts=32).stress, abs=1e-3)


def test_shipped_reliability_is_what_the_table_gives() -> None:
    shipped = json.loads((RESULTS / "ratings" / "reliability.json").read_text())["results"]
    pooled = ratings.pooled()
    assert len(shipped["pairs"]) == 66
    for row in shipped["pairs"]:
        i, j = (pooled.names.index(name) for name in row["pair"])
        assert row["standard_error"] == pytest.approx(pooled.standard_error[i, j], abs=6e-5)


def test_ceiling_without_a_folder_says_what_to_do(monkeypatch, capsys) -> None:
    monkeypatch.delenv("TIMBRE_STUDIES", raising=False)
    assert main(["ceiling"]) == 2
    assert "TIMBRE_STUDIES" in capsys.readouterr().err


def test_holm_by_hand_and_against_all_orders() -> None:
    from lib.ratings.axes import holm

    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.5, 0.9])).max() == 1.0


def test_shipped_axes_are_what_map_and_medians_give() -> None:
    shipped = json.loads((RESULTS / "ratings" / "descriptor_axes.json").read_text())["results"]
    space, names = np.array(shipped["space"]["points"]), shipped["space"]["names"]
    for entry in shipped["axes"]:
        medians = [shipped["medians"][entry["descriptor"]][name] for name in names]
        assert entry["r"] == pytest.approx(np.corrcoef(space[:, entry["axis"] - 1], medians)[0, 1], abs=2e-3)
    for entry in shipped["directions"]:
        medians = np.array([shipped["medians"][entry["descriptor"]][name] for name in names])
        along = space @ np.array(entry["direction"])
        # the direction is the one whose correlation no other direction beats
        assert np.corrcoef(along, medians)[0, 1] == pytest.approx(entry["multiple_r"], abs=2e-3)


def test_medians_use_shared_pitches_of_all_twelve() -> None:
    from lib.ratings.axes import instrument_medians

    medians, pitches = instrument_medians()
    assert set(medians["centroid_hz"]) == BOOK
    assert pitches and "loudness_db" not in medians
    shipped = json.loads((RESULTS / "ratings" / "descriptor_axes.json").read_text())["results"]
    assert shipped["pitches"] == pitches
