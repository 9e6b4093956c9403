"""The NumPy sampler against the network it is laid out from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lib.errors import BookError
from lib.models import make, mulaw
from lib.models.sampler import Sampler
from lib.models.shipped import whole


@pytest.fixture
def model():
    torch.manual_seed(1)
    model = make("wavenet", "toy")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0)  # far from zero, so that a wrong term shows
    return model.eval()


def test_every_logit_is_the_networks(model):
    torch.manual_seed(2)
    mel, n, past = torch.rand(2, model.config.n_mels, 3), 100, model.config.receptive_field
    audio, logits = Sampler(model).run(mel, n, seed=3)
    classes = mulaw.encode(torch.from_numpy(audio), model.config.n_classes)
    known = torch.cat([torch.full((2, past), model.config.n_classes // 2), classes], dim=1)[:, :-1]
    frame = ((torch.arange(known.shape[1]) - past).clamp(min=0) // model.config.mel_hop).clamp(max=2).expand(2, -1)
    with torch.no_grad():
        expected = model(known, mel, frame).transpose(1, 2).numpy()
    # float32 sums in another order: a few units in the last place of the largest logit
    assert np.abs(logits - expected).max() <= 1e-5 * np.abs(expected).max()
    assert np.abs(expected).max() > 0.05


def test_draws_follow_the_chances(model):
    audio, logits = Sampler(model).run(torch.zeros(400, model.config.n_mels, 1), 1, seed=0)
    chance = torch.from_numpy(logits[0, 0]).softmax(dim=0).numpy()
    drawn = mulaw.encode(torch.from_numpy(audio[:, 0]), len(chance))
    # how often 400 draws fall into the lower half of the classes: within 5 standard errors
    lower = chance[: len(chance) // 2].sum()
    assert abs((drawn < len(chance) // 2).numpy().mean() - lower) < 5 * np.sqrt(lower * (1 - lower) / 400)


def test_infinite_sharpness_takes_the_likeliest(model):
    audio, logits = Sampler(model).run(torch.rand(1, model.config.n_mels, 2), 30, sharpness=np.inf)
    taken = mulaw.encode(torch.from_numpy(audio), model.config.n_classes)[0].numpy()
    assert (taken == logits[0].argmax(axis=1)).all()


def test_the_same_seed_draws_the_same(model):
    mel = torch.rand(1, model.config.n_mels, 2)
    first, again, other = (Sampler(model).run(mel, 50, seed=s)[0] for s in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_bad_sharpness_is_refused(model):
    with pytest.raises(BookError, match="above 0"):
        Sampler(model).run(torch.zeros(1, model.config.n_mels, 1), 1, sharpness=0.0)


@pytest.mark.parametrize("name", ["wavenet", "sing", "ddsp"])
def test_whole_models_open_or_say_that_they_are_untrained(name, tmp_path):
    found = whole(name)
    assert not found.model.training
    assert found.run is None or found.run in found.sentence
    untrained = whole(name, tmp_path)
    assert untrained.run is None and "random" in untrained.sentence
