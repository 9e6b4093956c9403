"""The instruments inside DDSP: a bank of sines, shaped noise, and a room.

All three are ordinary functions with gradients; they have no weights.

Source: Engel et al. 2020 (DDSP), section 3. Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor


def between(frames: Tensor, hop_length: int) -> Tensor:
    """Draw straight lines between frame values: [batch, frames] -> [batch, frames * hop_length].

    Sample 0 of a frame has the value of the frame; the last frame holds.

    >>> between(torch.tensor([[0.0, 4.0]]), 4).tolist()
    [[0.0, 1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 4.0]]
    """
    following = torch.cat([frames[:, 1:], frames[:, -1:]], dim=1)
    ramp = torch.arange(hop_length) / hop_length
    return (frames[:, :, None] + (following - frames)[:, :, None] * ramp).flatten(1)


def harmonic_bank(f0_hz: Tensor, amplitudes: Tensor, hop_length: int, sample_rate: int) -> Tensor:
    """Sum sines at whole multiples of f0, each with its own moving amplitude.

    Args:
        f0_hz: [batch, frames]; the gradient stops here.
        amplitudes: [batch, frames, n_partials] of partials 1, 2, ...; linear between frames.

    Returns:
        audio [batch, frames * hop_length]. Partials above Nyquist are not removed here: see `below_nyquist`.
    """
    batch, frames, n_partials = amplitudes.shape
    with torch.no_grad():
        # Phases are summed in double precision: after a second, float32 would be off by 1e-3 of a turn.
        turns = between(f0_hz, hop_length).double().cumsum(dim=1) / sample_rate
        base = (2.0 * pi * (turns % 1.0)).float()
        sines = (base[..., None] * torch.arange(1, n_partials + 1)).sin()  # [batch, time, n_partials]
    following = torch.cat([amplitudes[:, 1:], amplitudes[:, -1:]], dim=1)
    ends = torch.stack([amplitudes, following], dim=-1)  # [batch, frames, n_partials, 2]
    # One product for both ends of every frame; lines between amplitudes are lines between the two sums.
    sums = sines.view(batch * frames, hop_length, n_partials) @ ends.view(batch * frames, n_partials, 2)
    ramp = torch.arange(hop_length) / hop_length
    return torch.lerp(sums[..., 0], sums[..., 1], ramp).view(batch, frames * hop_length)


def below_nyquist(f0_hz: Tensor, n_partials: int, sample_rate: int) -> Tensor:
    """Say which partials can be played, 1.0 or 0.0: [batch, frames] -> [batch, frames, n_partials].

    >>> below_nyquist(torch.tensor([[3000.0]]), 4, 16_000).tolist()
    [[[1.0, 1.0, 0.0, 0.0]]]
    """
    return (f0_hz[..., None] * torch.arange(1, n_partials + 1) < sample_rate / 2).float()


def filtered_noise(magnitudes: Tensor, noise: Tensor) -> Tensor:
    """Shape each frame of noise by a spectrum and add the frames up.

    The spectrum becomes a zero-phase impulse response of 2 (n_bands - 1) taps under a Hann window.

    Args:
        magnitudes: [batch, frames, n_bands] linear gains from 0 Hz to Nyquist.
        noise: [batch or 1, frames, hop_length].

    Returns:
        audio [batch, frames * hop_length]. Each frame is late by half the taps, which is corrected.
    """
    frames, n_bands = magnitudes.shape[1:]
    n_taps, hop_length = 2 * (n_bands - 1), noise.shape[-1]
    response = torch.fft.irfft(magnitudes, n_taps).roll(n_taps // 2, dims=-1) * torch.hann_window(n_taps)
    n_fft = 1 << (hop_length + n_taps - 2).bit_length()
    shaped = torch.fft.irfft(torch.fft.rfft(noise, n_fft) * torch.fft.rfft(response, n_fft), n_fft)
    spread = overlap_add(shaped[..., : hop_length + n_taps - 1], hop_length)
    return spread[:, n_taps // 2 : n_taps // 2 + frames * hop_length]


def overlap_add(frames: Tensor, hop_length: int) -> Tensor:
    """Add frames that start a hop apart: [batch, frames, length] -> [batch, (frames - 1) * hop_length + length].

    >>> overlap_add(torch.ones(1, 2, 3), 2).tolist()
    [[1.0, 1.0, 2.0, 1.0, 1.0]]
    """
    batch, n_frames, length = frames.shape
    blocks = -(-length // hop_length)
    padded = torch.nn.functional.pad(frames, (0, blocks * hop_length - length)).view(batch, n_frames, blocks, -1)
    total = frames.new_zeros(batch, n_frames + blocks - 1, hop_length)
    for block in range(blocks):
        total[:, block : block + n_frames] += padded[:, :, block]
    return total.flatten(1)[:, : (n_frames - 1) * hop_length + length]


def reverb(audio: Tensor, response: Tensor) -> Tensor:
    """Put dry audio [batch, time] into a room with an impulse response [taps]; the length stays."""
    n_fft = 1 << (audio.shape[-1] + len(response) - 2).bit_length()
    wet = torch.fft.irfft(torch.fft.rfft(audio, n_fft) * torch.fft.rfft(response, n_fft), n_fft)
    return wet[:, : audio.shape[-1]]
