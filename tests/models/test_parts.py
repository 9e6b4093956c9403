"""The parts the models share, each against a formula written another way."""

from __future__ import annotations

import numpy as np
import torch
from scipy import signal

from lib.models import losses, mulaw, synth
from lib.models.target import log_spectrum_frames, mel_bands


def test_mulaw_is_the_standard_curve() -> None:
    x = np.linspace(-1, 1, 101)
    expected = np.sign(x) * np.log(1 + 255 * np.abs(x)) / np.log(256)
    assert np.allclose(mulaw.compress(torch.tensor(x)).numpy(), expected, atol=1e-9)
    assert torch.equal(mulaw.encode(mulaw.decode(torch.arange(256))), torch.arange(256))


def test_a_sine_reads_a_quarter_of_its_window() -> None:
    audio = 0.5 * torch.sin(2 * torch.pi * 16 / 256 * torch.arange(4096))[None]
    assert abs(float(losses.magnitude(audio, 256, 64)[0, 16, 20]) - 0.5 * 64) < 0.05  # 1 per mille


def test_spectral_losses_are_zero_at_home_and_match_scipy() -> None:
    a, b = 0.1 * torch.randn(1, 2048), 0.1 * torch.randn(1, 2048)
    assert losses.multi_scale_spectral(a, a, (256, 64)) == 0 == losses.log_power(a, a, 256, 64)
    total = 0.0
    for n_fft in (256, 64):
        spectra = []
        for x in (a, b):
            padded = np.pad(x[0].numpy(), n_fft // 2, mode="reflect")
            frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[:: n_fft // 4]
            spectra.append(np.abs(np.fft.rfft(frames * signal.get_window("hann", n_fft))))
        total += np.abs(spectra[0] - spectra[1]).mean()
        total += np.abs(np.log(spectra[0] + 1e-2) - np.log(spectra[1] + 1e-2)).mean()
    assert abs(float(losses.multi_scale_spectral(a, b, (256, 64))) - total / 2) < 1e-4 * total


def test_the_bank_is_a_sum_of_sines() -> None:
    hop, rate, frames = 50, 8000, 6
    f0_hz, amplitudes = torch.linspace(200, 260, frames)[None], torch.rand(1, frames, 3)
    heard = synth.harmonic_bank(f0_hz, amplitudes, hop, rate)[0].numpy()
    time = np.arange(frames * hop)
    knots = np.arange(frames) * hop
    phase = 2 * np.pi * np.cumsum(np.interp(time, knots, f0_hz[0].numpy())) / rate
    expected = sum(np.interp(time, knots, amplitudes[0, :, k].numpy()) * np.sin((k + 1) * phase) for k in range(3))
    assert np.abs(heard - expected).max() < 1e-4 * np.abs(expected).max()  # -80 dB


def test_a_flat_filter_lets_noise_through_unchanged() -> None:
    noise = torch.rand(2, 5, 40) - 0.5
    assert torch.allclose(synth.filtered_noise(torch.ones(2, 5, 9), noise), noise.flatten(1), atol=1e-6)


def test_filtered_noise_is_a_convolution_per_frame() -> None:
    noise, gains = torch.rand(1, 3, 40) - 0.5, torch.rand(1, 3, 9)
    expected = np.zeros(3 * 40 + 16)
    for frame in range(3):
        taps = np.fft.fftshift(np.fft.irfft(gains[0, frame].numpy(), 16)) * signal.get_window("hann", 16)
        expected[frame * 40 : frame * 40 + 55] += np.convolve(noise[0, frame].numpy(), taps)
    assert np.allclose(synth.filtered_noise(gains, noise)[0].numpy(), expected[8:128], atol=1e-6)


def test_reverb_is_convolution() -> None:
    dry, response = torch.randn(1, 100), torch.randn(30)
    expected = np.convolve(dry[0].numpy(), response.numpy())[:100]
    assert np.allclose(synth.reverb(dry, response)[0].numpy(), expected, atol=1e-4)


def test_mel_bands_cover_and_average() -> None:
    bands = mel_bands(24, 1024)
    assert torch.allclose(bands.sum(dim=1), torch.ones(24), atol=1e-5)
    centres = (bands * torch.linspace(0, 8000, 513)).sum(dim=1)
    assert (centres.diff() > 0).all()
    assert log_spectrum_frames(torch.zeros(1, 1600), 160).unique().tolist() == [0.0]
