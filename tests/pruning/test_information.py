"""Estimators of mutual information where the truth is known; tolerances in bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lib.errors import BookError
from lib.pruning import information as mi
from lib.pruning.criteria import principal_components
from lib.pruning.mi_table import bent, cases, gaussian


def estimate(name: str, case, n: int = 1500) -> float:
    return mi.ESTIMATORS[name](*case.draw(n, np.random.default_rng(5)))


@pytest.mark.parametrize("name", mi.ESTIMATORS)
def test_one_against_one(name: str) -> None:
    for rho in (0.0, 0.5):
        case = gaussian(1, 1, rho)
        assert abs(estimate(name, case) - case.bits) < 0.1, rho
    assert estimate(name, gaussian(1, 1, 0.95)) > 1.2


@pytest.mark.parametrize("name", ["copula", "ksg"])
def test_no_false_alarm_in_many_dimensions(name: str) -> None:
    for dims in ((1, 8), (4, 4), (8, 8)):
        assert abs(estimate(name, gaussian(*dims, 0.0), 500)) < 0.15


@pytest.mark.parametrize("name", ["hashing", "binned"])
def test_saturation_in_many_dimensions_is_real(name: str) -> None:
    """Independent data, bits of 'information': what the published criterion ranked units by."""
    assert estimate(name, gaussian(8, 8, 0.0), 500) > 3.0


def test_the_copula_is_exact_for_gaussians_and_blind_to_a_parabola() -> None:
    for case in (gaussian(1, 4, 0.8), gaussian(4, 4, 0.8), gaussian(1, 1, 0.95)):
        assert abs(estimate("copula", case) - case.bits) < 0.15
    parabola = bent("parabola", np.square)
    assert estimate("copula", parabola) < 0.05
    assert abs(estimate("ksg", parabola) - parabola.bits) < 0.2


def test_any_monotone_bend_of_both_sides_changes_nothing_for_the_copula() -> None:
    x, y = gaussian(1, 2, 0.7).draw(400, np.random.default_rng(0))
    assert abs(mi.gaussian_copula(x, y) - mi.gaussian_copula(np.exp(3 * x), y**3)) < 1e-9


def test_the_truth_of_the_bent_cases_agrees_with_the_closed_form_for_a_line() -> None:
    line = bent("line", lambda x: x)
    assert abs(line.bits - 0.5 * np.log2(1 + 1 / 0.3**2)) < 1e-3


def test_a_fair_coin_is_one_bit() -> None:
    """A fair coin seen through noise far smaller than its steps carries one bit."""
    coin = bent("coin", lambda x: np.where(x > 0, 10.0, -10.0))
    assert abs(coin.bits - 1.0) < 0.01


def test_every_unit_at_once_is_every_unit_alone() -> None:
    rng = np.random.default_rng(1)
    units, target = rng.standard_normal((800, 6)), rng.standard_normal((800, 3))
    units[:, :3] += target
    alone = [mi.gaussian_copula(units[:, [i]], target) for i in range(6)]
    together = mi.per_unit(torch.tensor(units), torch.tensor(target))
    assert np.allclose(together.numpy(), np.clip(alone, 0, None), atol=0.01)


def test_constant_units_tell_nothing() -> None:
    units = torch.cat([torch.full((300, 1), 0.7), torch.randn(300, 1)], 1)
    for name in mi.ESTIMATORS:
        assert mi.per_unit(units, units[:, 1:] + 0.1 * torch.randn(300, 1), name)[0] == 0.0
    assert all(np.isfinite(e(np.ones((300, 1)), np.random.rand(300, 2))) for e in mi.ESTIMATORS.values())


def test_binned_counts_like_a_table() -> None:
    x = np.repeat([0.0, 1.0], 100)[:, None]
    correction = ((2 - 1) + (2 - 1) - (2 - 1)) / (2 * 200) / np.log(2)
    assert abs(mi.binned(x, 1 - x, n_bins=2) - (1.0 + correction)) < 1e-9


def test_principal_components_keep_the_variance() -> None:
    x = torch.randn(200, 6) @ torch.randn(6, 6)
    kept = principal_components(x, 2)
    values = torch.linalg.eigvalsh(torch.cov(x.T)).flip(0)
    assert torch.allclose(kept.var(0), values[:2], rtol=1e-3)
    assert principal_components(x, 9) is x


def test_mistakes_are_named_and_all_cases_are_finite() -> None:
    with pytest.raises(BookError, match="No estimator"):
        mi.per_unit(torch.randn(20, 2), torch.randn(20, 1), "edge")
    with pytest.raises(BookError, match="too few"):
        mi.gaussian_copula(np.random.rand(5, 3), np.random.rand(5, 3))
    assert all(np.isfinite(case.bits) for case in cases())
