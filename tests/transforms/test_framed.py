"""STFT and DCT: exact inverses, independent references, amplitudes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transform_helpers import TOLERANCE, noise, relative_error, sinusoid

from lib.errors import BookError
from lib.transforms import DCT, STFT
from lib.transforms.dct import dct, idct


@pytest.mark.parametrize("kind", [STFT, DCT])
@given(
    length=st.integers(1, 3000) | st.sampled_from([1, 2, 3, 881, 882, 883, 7919]),
    window=st.integers(2, 500),
    overlap=st.floats(0, 1),
)
@settings(deadline=None, max_examples=200)
def test_round_trip_is_exact(kind: type, length: int, window: int, overlap: float) -> None:
    hop = max(1, round(window * (1 - overlap)))
    transform = kind(sample_rate=1000, window_s=window / 1000, hop_s=hop / 1000)
    for dtype, tolerance in TOLERANCE.items():
        audio = noise(2, length, dtype)
        assert relative_error(transform.synthesize(transform.analyze(audio)), audio) < tolerance


def test_stft_is_that_of_torch() -> None:
    audio, stft, window = noise(2, 8000), STFT(), torch.hamming_window(882, dtype=torch.float64)
    theirs = torch.stft(audio, 882, 220, window=window, pad_mode="constant", return_complex=True)
    ours = stft.analyze(audio).grid[:, :, : theirs.shape[2]]
    torch.testing.assert_close(ours, theirs * 2 / window.sum(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 441, 882])
def test_dct_is_that_of_scipy(n: int) -> None:
    frames = noise(3, n)
    np.testing.assert_allclose(dct(frames).numpy(), scipy.fft.dct(frames.numpy(), norm="ortho"), atol=1e-12)
    np.testing.assert_allclose(idct(frames).numpy(), scipy.fft.idct(frames.numpy(), norm="ortho"), atol=1e-12)


def test_stft_measures_amplitude_and_frequency() -> None:
    stft = STFT()
    middle = stft.analyze(sinusoid(stft.frequencies_hz[40], 22050)).grid[0, :, 20:80].abs()
    assert middle.argmax(dim=0).unique().tolist() == [40]
    torch.testing.assert_close(middle[40], torch.ones(60, dtype=torch.float64), atol=1e-4, rtol=0)


def test_bandwidth_is_where_half_the_amplitude_is_left() -> None:
    stft = STFT()
    off_hz = stft.frequencies_hz[40] + stft.bandwidths_hz[40] / 2
    magnitude = stft.analyze(sinusoid(off_hz, 22050)).grid[0, 40, 20:80].abs()
    assert magnitude.mean() == pytest.approx(0.5, abs=0.01)


def test_dct_magnitude_depends_on_phase() -> None:
    transform = DCT()
    f_hz = transform.frequencies_hz[80]
    frames = transform.analyze(sinusoid(f_hz, 22050)).grid[0, 80, 20:80].abs()
    assert 0.95 < frames.max() <= 1.0 + 1e-3 and frames.min() < 0.2


@pytest.mark.parametrize("transform", [STFT(), DCT()])
def test_inverse_is_the_least_squares_one(transform: STFT | DCT) -> None:
    # what synthesis cannot express is orthogonal to everything analysis can say (for the one-sided STFT
    # every bin but 0 and half the sample rate stands for two)
    length = 2000
    shape = (1, transform.n_bins, len(transform.times_s(length)))
    wanted = noise(1, shape[1] * shape[2]).view(shape)
    if transform.is_complex:
        wanted = torch.complex(wanted, noise(1, wanted.numel(), seed=1).view(shape))
        wanted[:, [0, -1]] = wanted[:, [0, -1]].real.to(wanted.dtype)
    weight = torch.ones(transform.n_bins, 1, dtype=torch.float64)
    if transform.is_complex:
        weight[1:-1] = 2
    nearest = transform.analyze(transform.synthesize(transform.from_grid(wanted, length))).grid
    other = transform.analyze(noise(1, length, seed=2)).grid
    product = ((wanted - nearest) * other.conj() * weight).sum().real
    assert abs(product) < 1e-10 * wanted.norm() * other.norm()


@pytest.mark.parametrize("kind", [STFT, DCT])
def test_gradients_are_right(kind: type) -> None:
    transform = kind(sample_rate=100, window_s=0.08, hop_s=0.03)
    audio = noise(2, 13).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: transform.analyze(x).grid, audio)
    grid = transform.analyze(audio.detach()).grid.requires_grad_()
    assert torch.autograd.gradcheck(lambda c: transform.synthesize(transform.from_grid(c, 13)), grid)


def test_sizes_of_the_paper() -> None:
    stft, transform = STFT(), DCT()
    assert (stft.window_length, stft.hop_length, stft.n_bins, transform.n_bins) == (882, 220, 442, 882)
    assert len(stft.times_s(44100)) == stft.analyze(noise(1, 44100)).grid.shape[2]
    assert stft.times_s(44100)[1] == pytest.approx(0.010, abs=3e-5)


@pytest.mark.parametrize("options", [{"hop_s": 0.05}, {"window_s": 0.0}, {"hop_s": 1e-9}, {"sample_rate": 0}])
def test_wrong_framings_are_explained(options: dict[str, float]) -> None:
    with pytest.raises(BookError, match=r"positive|hop"):
        STFT(**options)


def test_a_grid_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BookError, match="does not fit"):
        STFT().from_grid(torch.zeros(1, 442, 7), 997)
