"""The VAE's parts against torch.distributions and finite differences."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import BookError
from lib.timbre import vae


def test_nll_and_kl_are_those_of_torch_distributions() -> None:
    g = torch.Generator().manual_seed(0)
    x, decoded, mean, logvar = (torch.randn(5, 7, generator=g) for _ in range(4))
    log_scale = torch.tensor(-0.4)
    normal = torch.distributions.Normal
    expected = -normal(decoded, log_scale.exp()).log_prob(x).sum(-1)
    assert torch.allclose(vae.reconstruction_nll(x, decoded, log_scale), expected, rtol=1e-5)
    posterior = normal(mean, (0.5 * logvar).exp())
    standard = normal(torch.zeros(()), torch.ones(()))
    expected = torch.distributions.kl_divergence(posterior, standard).sum(-1)
    assert torch.allclose(vae.kl_to_standard(mean, logvar), expected, rtol=1e-5)


def test_sampling_has_the_asked_mean_and_spread() -> None:
    noise = torch.randn(20000, 1, generator=torch.Generator().manual_seed(1))
    drawn = vae.sample(torch.tensor([[3.0]]), torch.tensor([[-1.0]]), noise)
    # Standard error of the mean is .004, of the spread .003.
    assert drawn.mean().item() == pytest.approx(3.0, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.6065, abs=0.015)


@settings(deadline=None)
@given(st.floats(12, 119))
def test_pitch_code_is_two_sums_of_one(midi: float) -> None:
    code = vae.pitch_code(torch.tensor([midi]))[0]
    assert code.shape == (vae.PITCH_DIMS,)
    assert code[:12].sum().item() == pytest.approx(1.0, abs=1e-5)
    assert code[12:].sum().item() == pytest.approx(1.0, abs=1e-5)
    assert (code >= 0).all()


def test_pitch_code_is_continuous_across_the_octave() -> None:
    a, b = vae.pitch_code(torch.tensor([71.999, 72.001]))
    assert (a - b).abs().max().item() < 0.01


def test_shapes_and_presets() -> None:
    config = vae.preset("book", n_bins=20, head_dims=4, note_dims=3)
    model = vae.VAE(config)
    pitch = vae.pitch_code(torch.tensor([60.0, 61.0]))
    mean, logvar = model.encode(torch.zeros(2, 20), pitch, torch.zeros(2, 3))
    assert mean.shape == logvar.shape == (2, 16)
    assert model.decode(torch.zeros(2, config.space_dims), pitch).shape == (2, 20)
    assert vae.preset("paper").latent_dims == 64
    with pytest.raises(BookError, match="preset"):
        vae.preset("thesis")
    with pytest.raises(BookError, match="note"):
        model.encode(torch.zeros(2, 20), pitch)


def test_without_pitch_the_pitch_changes_nothing() -> None:
    torch.manual_seed(0)
    model = vae.VAE(vae.preset("book", n_bins=10, pitch_dims=0))
    low, high = vae.pitch_code(torch.tensor([[40.0], [80.0]])[:, 0])
    z = torch.randn(1, 16)
    assert torch.equal(model.decode(z, low[None]), model.decode(z, high[None]))


def test_likelihood_gradient() -> None:
    g = torch.Generator().manual_seed(2)
    x, decoded = (torch.randn(3, 4, generator=g, dtype=torch.float64) for _ in range(2))
    decoded.requires_grad_()
    scale = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda d, s: vae.reconstruction_nll(x, d, s).sum(), (decoded, scale))
