"""What is asked is what is obtained, to one unit, in every scope and measure; and the right units go."""

from __future__ import annotations

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lib.errors import BookError
from lib.models import MODELS, make
from lib.pruning.criteria import magnitude, random
from lib.pruning.groups import build_like, trim
from lib.pruning.scope import priced, scaled, select

BOOK = {name: make(name, "book") for name in MODELS}


@settings(deadline=None, max_examples=40)
@example(name="ddsp", fraction=0.00390625, scope="local", by="weights", seed=0)
@given(
    name=st.sampled_from(sorted(MODELS)),
    fraction=st.floats(0.0, 0.9),
    scope=st.sampled_from(["local", "global", "priced"]),
    by=st.sampled_from(["units", "weights"]),
    seed=st.integers(0, 5),
)
def test_asked_is_obtained_to_one_unit(name: str, fraction: float, scope: str, by: str, seed: int) -> None:
    model = BOOK[name]
    chosen = select(model, random(model, seed=seed), fraction, scope=scope, by=by, floor=1)
    widths = {group: len(units) for group, units in chosen.keep.items()}
    smaller = build_like(model, {**model.widths, **widths})
    if by == "units":
        full, left, largest = sum(model.widths.values()), sum(widths.values()), 1
    else:
        full, left = model.n_parameters(), smaller.n_parameters()
        # one unit: the last that went, or the next that would go (when even the first is too large to be nearer)
        neighbours = [
            build_like(model, {**smaller.widths, group: width + step}).n_parameters()
            for group, width in smaller.widths.items()
            for step in (-1, 1)
            if 1 <= width + step <= model.widths[group]
        ]
        largest = max(abs(n - left) for n in neighbours)
    assert abs((1 - left / full) - chosen.obtained) < 1e-9
    assert abs(full * (1 - fraction) - left) <= max(largest, 1)


def test_local_shrinks_all_groups_alike() -> None:
    model = BOOK["ddsp"]
    chosen = select(model, random(model), 0.25, by="units")
    for group, width in model.widths.items():
        assert abs(len(chosen.keep[group]) - 0.75 * width) <= 1


@pytest.mark.parametrize("scope", ["local", "global"])
def test_the_lowest_go(scope: str) -> None:
    model = make("sing", "toy")
    scores = {group: torch.linspace(0.1, 1.0, 6).roll(i) for i, group in enumerate(model.widths)}
    chosen = select(model, scores, 0.5, scope=scope, by="units", floor=1)
    for group, units in chosen.keep.items():
        assert set(units.tolist()) == set(scores[group].topk(3).indices.tolist())


def test_global_takes_from_the_weak_groups_and_stops_at_the_floor() -> None:
    model = make("sing", "toy")
    scores = {group: torch.rand(6) + (0.0 if group in ("e1", "d2") else 9.0) for group in model.widths}
    chosen = select(model, scores, 8 / 36, scope="global", by="units", scale="none", floor=2)
    assert [len(chosen.keep[g]) for g in model.widths] == [2, 6, 6, 6, 2, 6]
    assert set(chosen.at_floor) == {"e1", "d2"}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_price_is_what_goes_with_the_unit(name: str) -> None:
    model = BOOK[name]
    ones = {group: torch.ones(width) for group, width in model.widths.items()}
    for group, values in priced(ones, model).items():
        thinner = build_like(model, {**model.widths, group: model.widths[group] - 1})
        torch.testing.assert_close(1.0 / values, torch.full_like(values, model.n_parameters() - thinner.n_parameters()))


def test_of_equal_values_the_dearest_unit_goes_first() -> None:
    model = make("sing", "toy")  # a filter of 1024 samples (e1, d3) is dearer than a point-wise unit
    ones = {group: torch.ones(width) for group, width in model.widths.items()}
    chosen = select(model, ones, 10 / 36, scope="priced", by="units", floor=1)
    assert [len(chosen.keep[g]) for g in model.widths] == [1, 6, 6, 6, 6, 1]


def test_an_impossible_share_is_never_silent() -> None:
    model = make("sing", "toy")
    with pytest.raises(BookError, match="only"):
        select(model, random(model), 0.9, by="units", floor=4)
    chosen = select(model, random(model), 0.9, by="units", floor=4, or_less=True)
    assert chosen.obtained == pytest.approx(1 / 3) and chosen.asked == 0.9
    assert set(chosen.at_floor) == set(model.widths)


def test_groups_without_values_stay_whole() -> None:
    model = BOOK["ddsp"]
    chosen = select(model, {"o1": torch.rand(64)}, 0.5, by="units")
    assert list(chosen.keep) == ["o1"] and len(chosen.keep["o1"]) == 32
    assert trim(model, chosen.keep).widths["h"] == 64


def test_scales() -> None:
    model = make("sing", "toy")
    values = {"e1": torch.tensor([1.0, 4.0, 2.0, 0.0, 0.0, 0.0])}
    assert scaled(values, "maximum")["e1"].tolist() == [0.25, 1.0, 0.5, 0.0, 0.0, 0.0]
    made = scaled(magnitude(model), "dimension", model)
    assert torch.allclose(made["e1"], model.encoder[0].weight.abs().mean(dim=(1, 2)))
    assert scaled(values, "none")["e1"] is values["e1"]
    with pytest.raises(BookError, match="No scale"):
        scaled(values, "xavier")


def test_mistakes_are_named() -> None:
    model = make("sing", "toy")
    for changes, word in [
        ({"fraction": 1.0}, "cannot be removed"),
        ({"scope": "both"}, "Scope is"),
        ({"floor": 0}, "floor"),
        ({"scores": {"e1": torch.rand(5)}}, "do not fit"),
    ]:
        settings_ = {"scores": random(model), "fraction": 0.1, **changes}
        with pytest.raises(BookError, match=word):
            select(model, **settings_)
