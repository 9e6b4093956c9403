"""Each regulariser against a double loop written from its definition, and its gradient against differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import BookError
from lib.timbre import regularizers as R

NAMES = ("Oboe", "Flute", "Violin", "Piano")


def make_target(seed: int = 0) -> R.Target:
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0.2, 0.9, (4, 4))
    mean = np.triu(mean, 1) + np.triu(mean, 1).T
    std = np.triu(rng.uniform(0.05, 0.2, (4, 4)), 1)
    return R.Target.of(NAMES, mean, std + std.T)


def make_batch(n: int, seed: int = 1) -> tuple[torch.Tensor, list[str]]:
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(n, 3, generator=g, dtype=torch.float64, requires_grad=True)
    return z, [NAMES[(7 * i) % 4] for i in range(n)]


ANCHORS = {name: torch.tensor([i * 1.0, -i, 0.5 * i], dtype=torch.float64) for i, name in enumerate(NAMES)}
NOISE = torch.randn(9, 9, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def rating(target: R.Target, a: str, b: str) -> float:
    return target.mean[NAMES.index(a), NAMES.index(b)].item()


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a.tolist(), b.tolist())))


def test_l2_is_the_mean_over_pairs() -> None:
    z, names = make_batch(7)
    target = make_target()
    terms = [
        (distance(z[i], z[j]) - R.SCALE * rating(target, names[i], names[j])) ** 2
        for i in range(7)
        for j in range(i + 1, 7)
    ]
    assert R.l2(z, names, target).item() == pytest.approx(np.mean(terms), rel=1e-9)


def test_gaussian_draws_each_rating_around_its_mean() -> None:
    z, names = make_batch(5)
    target = make_target()
    terms = []
    for i in range(5):
        for j in range(i + 1, 5):
            a, b = NAMES.index(names[i]), NAMES.index(names[j])
            drawn = max(0.0, target.mean[a, b].item() + target.std[a, b].item() * NOISE[i, j].item())
            terms.append((distance(z[i], z[j]) - R.SCALE * drawn) ** 2)
    assert R.gaussian(z, names, target, NOISE).item() == pytest.approx(np.mean(terms), rel=1e-9)


def text_by_loop(z: torch.Tensor, names: list[str], target: R.Target) -> float:
    n = len(names)
    student = {(i, j): 1 / (1 + rating(target, names[i], names[j]) ** 2) for i in range(n) for j in range(n) if i != j}
    total, answer = sum(student.values()), 0.0
    for i in range(n):
        similarity = {j: math.exp(-(distance(z[i], z[j]) ** 2)) for j in range(n) if j != i}
        row = sum(similarity.values())
        for j, value in similarity.items():
            answer += value / row * math.log(value / row / (student[i, j] / total))
    return answer


def code_by_loop(z: torch.Tensor, names: list[str], target: R.Target) -> float:
    n = len(names)
    student = [[1 / (1 + rating(target, names[i], names[j])) for j in range(n)] for i in range(n)]
    total, answer = sum(map(sum, student)), 0.0
    for i in range(n):
        similarity = [math.exp(-distance(z[i], z[j])) for j in range(n)]
        for j in range(n):
            p = similarity[j] / sum(similarity)
            answer += p * math.log(p / (student[i][j] / total))
    return answer


@pytest.mark.parametrize(("term", "loop"), [(R.student_text, text_by_loop), (R.student_code, code_by_loop)])
def test_divergences_are_the_papers_moved_to_zero(term, loop) -> None:  # type: ignore[no-untyped-def]
    z, names = make_batch(6)
    target = make_target()
    expected = loop(z, names, target) / 6 - math.log(6)
    # TINY inside the square root moves distances by 1e-6 at most, and only at zero.
    assert term(z, names, target).item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_the_papers_divergence_never_reaches_zero() -> None:
    """With equal ratings everywhere the best possible rows are uniform, and the printed sum is n ln n there."""
    names = list(NAMES)
    flat = R.Target.of(NAMES, 0.5 * (1 - np.eye(4)))
    z = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    assert text_by_loop(z, names, flat) == pytest.approx(4 * math.log(4), rel=1e-9)
    assert R.student_text(z, names, flat).item() == pytest.approx(0.0, abs=1e-9)


def test_class_prior_is_the_kl_between_two_gaussians() -> None:
    z, names = make_batch(5)
    logvar = 0.3 * z.detach().flip(0)
    by_torch = [
        torch.distributions.kl_divergence(
            torch.distributions.Normal(z[i].detach(), (0.5 * logvar[i]).exp()),
            torch.distributions.Normal(ANCHORS[names[i]], 0.7),
        ).sum()
        for i in range(5)
    ]
    found = R.class_prior(z, logvar, names, ANCHORS, prior_std=0.7)
    assert found.item() == pytest.approx(torch.stack(by_torch).mean().item(), rel=1e-9)


def test_anchors_pull_every_point() -> None:
    z, names = make_batch(5)
    expected = np.mean([distance(z[i], ANCHORS[names[i]]) ** 2 for i in range(5)])
    assert R.to_anchors(z, names, ANCHORS).item() == pytest.approx(expected, rel=1e-9)


TERMS = {
    "l2": lambda z, names, target: R.l2(z, names, target),
    "gaussian": lambda z, names, target: R.gaussian(z, names, target, NOISE),
    "student_text": lambda z, names, target: R.student_text(z, names, target),
    "student_code": lambda z, names, target: R.student_code(z, names, target),
    "class_prior": lambda z, names, target: R.class_prior(z, 0.1 * z, names, ANCHORS),
    "to_anchors": lambda z, names, target: R.to_anchors(z, names, ANCHORS),
}


@pytest.mark.parametrize("name", TERMS)
def test_gradients(name: str) -> None:
    z, names = make_batch(6)
    target = make_target()
    assert torch.autograd.gradcheck(lambda point: TERMS[name](point, names, target), (z,), eps=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", TERMS)
def test_gradient_is_finite_where_points_coincide(name: str) -> None:
    names = ["Oboe", "Flute", "Oboe"]
    z = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    TERMS[name](z, names, make_target()).backward()
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("name", ["l2", "class_prior", "to_anchors"])
@settings(deadline=None, max_examples=15)
@given(copies=st.integers(2, 5))
def test_repeating_the_batch_changes_little(name: str, copies: int) -> None:
    """Twice the batch is no twice the strength. l2 gains only pairs of a point with its copy, at distance 0."""
    z, names = make_batch(6)
    once = TERMS[name](z, names, make_target()).item()
    many = TERMS[name](z.repeat(copies, 1), names * copies, make_target()).item()
    if name == "l2":
        # 6 points have 15 pairs; k copies of each add 6 * k(k-1)/2 pairs whose term is 0.
        n = 6 * copies
        once = once * 15 * copies**2 / (n * (n - 1) / 2)
    assert many == pytest.approx(once, rel=1e-6)


@pytest.mark.parametrize("name", ["student_text", "student_code"])
def test_divergences_do_not_grow_with_the_batch(name: str) -> None:
    generator = torch.Generator().manual_seed(3)
    z = torch.randn(240, 3, generator=generator, dtype=torch.float64)
    names = [NAMES[i % 4] for i in range(240)]
    small = np.mean([TERMS[name](z[k : k + 24], names[k : k + 24], make_target()).item() for k in range(0, 240, 24)])
    large = TERMS[name](z, names, make_target()).item()
    # A sum would differ tenfold.
    assert 0.4 < large / small < 2.5


def test_ratings_are_found_by_name_whatever_the_order() -> None:
    """The bug of the released code: another order of classes must not change the loss."""
    target = make_target()
    order = [2, 0, 3, 1]
    shuffled = R.Target.of([NAMES[i] for i in order], target.mean.numpy()[np.ix_(order, order)])
    z, names = make_batch(8)
    assert R.l2(z, names, shuffled).item() == pytest.approx(R.l2(z, names, target).item(), rel=1e-12)


def test_descent_reaches_the_ratings() -> None:
    target = make_target()
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    before = R.l2(z, NAMES, target).item()
    optimiser = torch.optim.Adam([z], lr=0.1)
    for _ in range(300):
        optimiser.zero_grad()
        R.l2(z, NAMES, target).backward()
        optimiser.step()
    # Four points in three dimensions realise any four-point metric near this one.
    assert R.l2(z, NAMES, target).item() < 0.01 * before


def test_unrated_names_are_refused() -> None:
    z, _ = make_batch(2)
    with pytest.raises(BookError, match="Kazoo"):
        R.l2(z, ["Oboe", "Kazoo"], make_target())
    with pytest.raises(BookError, match="Kazoo"):
        R.to_anchors(z, ["Oboe", "Kazoo"], ANCHORS)


def test_a_lopsided_matrix_is_refused() -> None:
    with pytest.raises(BookError, match="symmetric"):
        R.Target.of(("a", "b"), np.array([[0.0, 1.0], [0.5, 0.0]]))
    with pytest.raises(BookError, match="names"):
        R.Target.of(("a", "b", "c"), np.zeros((2, 2)))
