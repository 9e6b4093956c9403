"""The fast NSGT: exact, equal to the naive one, linear, differentiable, and true to its centre frequencies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transform_helpers import TOLERANCE, noise, relative_error, sinusoid

from lib.errors import BookError
from lib.transforms import NSGT, Coefficients, Scale, make, naive
from lib.transforms.nsgt import CACHE_SIZE

NAMES = ("nsgt-cqt", "nsgt-cqt48", "nsgt-mel", "nsgt-erb")
GRIDS = ("regular", "octave")
PRIMES = [2, 3, 5, 7, 11, 97, 997, 7919, 20011]


def small(grid: str = "regular", kind: str = "erb", n_bins: int = 12) -> NSGT:
    """Few, wide bands on a low sample rate, for tests that need small sizes."""
    return NSGT("small", Scale.spread(kind, n_bins, 60.0, 400.0), 1000, grid)


@given(
    kind=st.sampled_from(["octave", "mel", "erb"]),
    n_bins=st.integers(2, 120),
    minimum_hz=st.floats(20, 500),
    octaves=st.floats(1, 8),
    sample_rate=st.sampled_from([8000, 16000, 22050, 44100]),
    length=st.sampled_from([1, *PRIMES]) | st.integers(1, 30000),
    grid=st.sampled_from(GRIDS),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=250)
def test_round_trip_is_exact(
    kind: str,
    n_bins: int,
    minimum_hz: float,
    octaves: float,
    sample_rate: int,
    length: int,
    grid: str,
    seed: int,
) -> None:
    maximum_hz = min(minimum_hz * 2**octaves, sample_rate / 2)
    transform = NSGT("any", Scale.spread(kind, n_bins, minimum_hz, maximum_hz), sample_rate, grid)
    for dtype, tolerance in TOLERANCE.items():
        audio = noise(2, length, dtype, seed)
        assert relative_error(transform.synthesize(transform.analyze(audio)), audio) < tolerance


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", NAMES)
def test_transforms_of_the_book_are_exact(name: str, grid: str, dtype: torch.dtype) -> None:
    transform = make(name, grid=grid)
    for length in (1, 2, 997, 44100):
        audio = noise(2, length, dtype)
        restored = transform.synthesize(transform.analyze(audio))
        assert restored.dtype == dtype and relative_error(restored, audio) < TOLERANCE[dtype]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("kind", ["octave", "mel", "erb"])
def test_fast_and_naive_agree(kind: str, grid: str) -> None:
    transform = small(grid, kind)
    for length in (1, 50, 331):
        audio = noise(1, length)
        layout, fast = transform.plan(length), transform.analyze(audio)
        slow = naive.analyze(audio[0].numpy(), layout)
        flat = torch.cat([part.flatten() for part in fast.parts]).numpy()
        np.testing.assert_allclose(flat, np.concatenate(slow), atol=1e-14)
        np.testing.assert_allclose(naive.synthesize(slow, layout), audio[0], atol=1e-12)
        np.testing.assert_allclose(naive.frame_operator(layout), layout.frame_operator, atol=1e-14)


def test_naive_agrees_with_the_definition_as_a_sum() -> None:
    layout, audio = small().plan(40), noise(1, 40)[0].numpy()
    padded = np.pad(audio, (0, layout.fft_length - 40))
    band, values = layout.bands[5], naive.analyze(audio, layout)[5]
    t = np.arange(layout.fft_length)
    for n in range(band.frames):
        total = 0.0
        for offset, weight in enumerate(band.window):
            j = band.start + offset
            at_j = np.sum(padded * np.exp(-2j * np.pi * j * t / layout.fft_length))
            total += weight * at_j * np.exp(2j * np.pi * j * n / band.frames)
        assert values[n] == pytest.approx(2 / layout.fft_length * total, abs=1e-13)


@pytest.mark.parametrize("grid", GRIDS)
def test_inverse_is_the_pseudoinverse(grid: str) -> None:
    # in the norm of `energy` (each coefficient weighted with 1 / frames of its band); a length that is not padded
    transform = small(grid, n_bins=6)
    length = transform.plan(1).fft_length
    layout = transform.plan(length)
    matrix = naive.atoms(layout)
    weight = np.sqrt(np.concatenate([np.full(b.frames, 1 / b.frames) for b in layout.bands]))[:, None]
    inverse = np.linalg.pinv(np.concatenate([(weight * matrix).real, (weight * matrix).imag]))
    parts = transform.analyze(torch.zeros(1, length, dtype=torch.float64))
    wanted = parts.map(lambda p: torch.complex(*noise(2, p.numel(), seed=p.numel()).view(2, *p.shape)))
    flat = weight[:, 0] * torch.cat([part.flatten() for part in wanted.parts]).numpy()
    expected = inverse @ np.concatenate([flat.real, flat.imag])
    np.testing.assert_allclose(transform.synthesize(wanted)[0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS)
def test_energy_stays_within_the_frame_bounds(grid: str) -> None:
    transform, audio = small(grid), noise(4, 1000)
    fft_length = transform.plan(1000).fft_length
    full = (2 / fft_length * torch.fft.rfft(audio, n=fft_length)).abs().square().sum(dim=1)
    ratio = transform.analyze(audio).energy() / full
    assert ((ratio > 0.5) & (ratio < 1.0)).all()


@pytest.mark.parametrize("grid", GRIDS)
def test_linear(grid: str) -> None:
    transform = small(grid)
    a, b = noise(1, 300, seed=1), noise(1, 300, seed=2)
    together = transform.analyze(3 * a - b)
    apart = transform.analyze(a).zip(transform.analyze(b), lambda x, y: 3 * x - y)
    for one, other in zip(together.parts, apart.parts):
        torch.testing.assert_close(one, other, atol=1e-13, rtol=0)


@pytest.mark.parametrize("grid", GRIDS)
def test_batch_equals_singles(grid: str) -> None:
    transform, audio = make("nsgt-cqt", grid=grid), noise(5, 9000)
    together = transform.analyze(audio)
    for i in range(5):
        alone = transform.analyze(audio[i : i + 1])
        for one, other in zip(together.parts, alone.parts):
            torch.testing.assert_close(one[i : i + 1], other, atol=1e-14, rtol=0)


def test_shifting_by_a_hop_shifts_the_frames() -> None:
    transform = make("nsgt-cqt", grid="octave")
    audio = noise(1, 32768)  # a power of two: not padded, and a whole number of samples from frame to frame
    assert transform.plan(32768).fft_length == 32768
    hop = 32768 // min(part.shape[-1] for part in transform.analyze(audio).parts)
    for before, after in zip(transform.analyze(audio).parts, transform.analyze(audio.roll(hop, 1)).parts):
        shift = hop * before.shape[-1] // 32768
        torch.testing.assert_close(after, before.roll(shift, -1), atol=1e-14, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_sinusoid_at_a_centre_has_its_amplitude_there(name: str) -> None:
    transform = make(name)
    for k in (0, 60, transform.n_bins - 1):
        audio = sinusoid(transform.frequencies_hz[k], 88200)
        picture = transform.analyze(audio).magnitude().grid[0]
        middle = picture[:, picture.shape[1] * 3 // 8 : picture.shape[1] * 5 // 8]
        assert int(middle.mean(dim=1).argmax()) == k
        # half a per cent: the sound begins and ends, so its spectrum is no single line
        torch.testing.assert_close(middle[k], torch.ones_like(middle[k]), atol=5e-3, rtol=0)


def test_bandwidth_is_where_half_the_amplitude_is_left() -> None:
    transform = make("nsgt-erb")
    edge_hz = transform.scale.frequency(80.5)
    assert edge_hz - transform.scale.frequency(79.5) == pytest.approx(transform.bandwidths_hz[80])
    middle = transform.analyze(sinusoid(float(edge_hz), 44100)).grid[0, 80].abs()[200:500]
    assert middle.mean() == pytest.approx(0.5, abs=5e-3)


def test_a_click_stays_inside_the_window_length() -> None:
    transform = make("nsgt-erb")
    audio = torch.zeros(1, 44100, dtype=torch.float64)
    audio[0, 22050] = 1.0
    picture = transform.analyze(audio)
    for k in (0, 80, 167):
        energy = picture.band(k)[0].abs().square().numpy()
        times = transform.times_s(44100, k)
        inside = np.abs(times - 1.0) <= transform.window_lengths_s[k] / 2 + (times[1] - times[0])
        assert energy[inside].sum() > 0.99 * energy.sum()


def test_residual_bands_hold_what_the_bands_do_not() -> None:
    transform = make("nsgt-cqt")
    for f_hz, name in ((20.0, "low"), (10500.0, "high")):
        coefficients = transform.analyze(sinusoid(f_hz, 45000, phase=0))
        share = getattr(coefficients, name).abs().square().mean() / coefficients.energy()[0]
        assert share > 0.999


@pytest.mark.parametrize("grid", GRIDS)
def test_gradients_are_right(grid: str) -> None:
    transform = NSGT("tiny", Scale.spread("mel", 3, 100.0, 400.0), 1000, grid)
    audio = noise(2, 9).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: transform.analyze(x).parts, audio)
    parts = transform.analyze(audio.detach())

    def synthesize(*tensors: torch.Tensor) -> torch.Tensor:
        return transform.synthesize(Coefficients(tensors[1:-1], 9, tensors[0], tensors[-1]))

    assert torch.autograd.gradcheck(synthesize, tuple(part.requires_grad_() for part in parts.parts))


def test_magnitudes_become_coefficients_again() -> None:
    transform, audio = make("nsgt-mel"), noise(2, 8000, torch.float32)
    coefficients = transform.analyze(audio)
    rebuilt = transform.from_grid(coefficients.magnitude().grid, 8000).with_phase_of(coefficients.without_residuals())
    expected = transform.synthesize(coefficients.without_residuals())
    assert relative_error(transform.synthesize(rebuilt), expected) < 1e-6


def test_frames_and_times_agree() -> None:
    for grid in GRIDS:
        transform = make("nsgt-cqt", grid=grid)
        coefficients = transform.analyze(noise(1, 22050))
        for k in (0, 100, 167):
            times = transform.times_s(22050, k)
            assert len(times) == coefficients.band(k).shape[-1] and times[0] == 0
            assert times[-1] + times[1] == pytest.approx(transform.plan(22050).fft_length / 22050)


def test_redundancy_counts_what_is_stored() -> None:
    for grid in GRIDS:
        transform = make("nsgt-erb", grid=grid)
        stored = 2 * sum(part.numel() for part in transform.analyze(noise(1, 44100)).parts)
        assert transform.redundancy == pytest.approx(stored / 44100)


def test_cache_is_bounded() -> None:
    transform = small()
    for length in range(100, 100 + 40 * CACHE_SIZE, 40):
        transform.analyze(noise(1, length))
    assert len(transform._cache) == CACHE_SIZE


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("grid", GRIDS)
def test_gpu_agrees_with_cpu(grid: str) -> None:
    transform, audio = make("nsgt-erb", grid=grid), noise(3, 7919)
    there = transform.analyze(audio.cuda())
    for ours, theirs in zip(transform.analyze(audio).parts, there.parts):
        torch.testing.assert_close(ours, theirs.cpu(), atol=1e-12, rtol=0)
    assert relative_error(transform.synthesize(there).cpu(), audio) < 1e-12


def test_foreign_coefficients_are_refused() -> None:
    octave, regular = small("octave"), small("regular")
    coefficients = octave.analyze(noise(1, 300))
    with pytest.raises(BookError, match="do not fit"):
        regular.synthesize(coefficients)
    with pytest.raises(BookError, match="low and high"):
        octave.synthesize(Coefficients(coefficients.bands, 300))
    with pytest.raises(BookError, match="same number of sounds"):
        octave.synthesize(Coefficients(coefficients.bands, 300, coefficients.low.repeat(2, 1), coefficients.high))
    with pytest.raises(BookError, match="no single grid"):
        octave.from_grid(torch.zeros(1, 12, 8), 300)
    with pytest.raises(BookError, match="does not fit"):
        regular.from_grid(torch.zeros(1, 12, 7), 300)
    with pytest.raises(BookError, match="no band 12"):
        octave.times_s(300, 12)
    with pytest.raises(BookError, match="half the sample rate"):
        make("nsgt-cqt", sample_rate=8000)
