"""Masks hit the asked number of weights, stay, and what they free can go without a trace."""

from __future__ import annotations

import pytest
import torch

from lib.errors import BookError
from lib.models import MODELS, make
from lib.pruning import masking
from lib.pruning.groups import trim
from tests.pruning.test_groups import batch, outputs


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("scope", ["local", "global"])
def test_the_asked_number_of_the_smallest_living_weights_goes(name: str, scope: str) -> None:
    model = make(name, "toy")
    once = masking.mask_more(model, masking.full_masks(model), 0.3, scope=scope)
    twice = masking.mask_more(model, once, 0.3, scope=scope)
    total = sum(m.numel() for m in once.values())
    slack = len(once) if scope == "local" else 1
    assert abs(sum(float(m.sum()) for m in twice.values()) - 0.49 * total) <= 2 * slack
    for key, weights in masking.maskable(model).items():
        assert (twice[key] <= once[key]).all()
        if scope == "local" and 0 < once[key].sum() < once[key].numel():
            assert weights[once[key] == 0].abs().max() <= weights[once[key] == 1].abs().min()


def test_masked_weights_stay_zero_through_training() -> None:
    model, example = make("sing", "toy"), batch()
    masks = masking.mask_more(model, masking.full_masks(model), 0.5)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    masking.apply(model, masks)
    for _ in range(3):
        optimiser.zero_grad()
        model.loss(example).backward()
        masking.mask_gradients(model, masks)
        optimiser.step()
    for key, weights in masking.maskable(model).items():
        assert (weights[masks[key] == 0] == 0).all() and weights[masks[key] == 1].abs().min() > 0


@pytest.mark.parametrize("name", MODELS)
def test_units_that_nobody_reads_go_without_a_trace(name: str) -> None:
    model, example = make(name, "toy", **({"layer_norm": False} if name == "ddsp" else {})).eval(), batch()
    masks = masking.mask_more(model, masking.full_masks(model), 0.7, criterion="random", scope="global")
    masking.apply(model, masks)
    keep = masking.what_stays(masking.unread(model, masks))
    smaller = trim(model, keep)
    for a, b in zip(outputs(model, example), outputs(smaller, example)):
        assert torch.allclose(a, b, atol=1e-6)


def test_what_can_be_removed_is_far_less_than_what_is_masked() -> None:
    model = make("ddsp", "book")
    masks = masking.mask_more(model, masking.full_masks(model), 0.9)
    freed = masking.removable(model, masks)
    smaller = trim(model, masking.what_stays(freed))
    assert masking.masked_share(model, masks) > 0.85
    assert 1 - smaller.n_parameters() / model.n_parameters() < 0.5
    everything = {key: torch.zeros_like(m) for key, m in masks.items()}
    assert all(gone.all() for gone in masking.removable(model, everything).values())


def test_a_gate_needs_all_its_halves_to_be_free() -> None:
    model = make("wavenet", "toy")
    masks = masking.full_masks(model)
    masks["dilated.0.weight"][2] = 0.0  # the filter half of unit 2
    masks["conditioning.0.weight"][2] = 0.0
    assert not masking.removable(model, masks)["g1"][2]
    masks["dilated.0.weight"][2 + 5] = 0.0
    masks["conditioning.0.weight"][2 + 5] = 0.0
    assert masking.removable(model, masks)["g1"].tolist() == [False, False, True, False, False]


def test_mistakes_are_named() -> None:
    model = make("sing", "toy")
    for changes in ({"fraction": 1.0}, {"scope": "all"}, {"criterion": "information"}):
        with pytest.raises(BookError, match="Mask a share"):
            masking.mask_more(model, masking.full_masks(model), **{"fraction": 0.1, **changes})
