"""Loudness as broadcasters measure it: level after a filter that hears like a head."""

from __future__ import annotations

import numpy as np
import torch

from lib.descriptors.spectral import Array, _plain, _prepared
from lib.errors import BookError

#: Silence has this level in dB instead of minus infinity.
SILENCE_DB = -120.0

# The two filters of ITU-R BS.1770 at 48 kHz: a shelf for the head and a high-pass for the ear.
_RATE = 48_000.0
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


def k_weighting(frequencies_hz: Array) -> np.ndarray:
    """Tell the power gain of the K filter at each frequency: 0 dB near 500 Hz, +4 dB in the treble, nothing at 0 Hz.

    Raises:
        BookError: a frequency is negative or not below 24 kHz.

    Source: @itu1770, annex 1. Chapter: *Audio descriptors*.
    """
    f = np.asarray(_plain(frequencies_hz), dtype=np.float64)
    if (f < 0).any() or (f >= _RATE / 2).any():
        raise BookError("K-weighting is defined from 0 to below 24 kHz.")
    z = np.exp(-2j * np.pi * f / _RATE)
    gain = np.ones_like(f)
    for b, a in (_SHELF, _HIGH_PASS):
        gain = gain * np.abs((b[0] + b[1] * z + b[2] * z**2) / (a[0] + a[1] * z + a[2] * z**2)) ** 2
    return gain


def loudness(magnitudes: Array, frequencies_hz: Array, *, full_scale: float = 1.0, axis: int = -1) -> Array:
    """Measure the K-weighted level in dB relative to full scale (LKFS): a 997 Hz full-scale sine has -3.01.

    It counts power, so doubling the amplitude adds 6 dB; it knows nothing of masking or of how much wider
    bands sound louder. Silence is -120.

    Args:
        magnitudes: bins along `axis`.
        full_scale: the root of the summed squared magnitudes of a full-scale sine in this transform.

    Source: @itu1770, annex 1, without gating. Chapter: *Audio descriptors*.
    """
    m, f, _ = _prepared(magnitudes, frequencies_hz, None, axis)
    gain = k_weighting(f)
    if isinstance(m, torch.Tensor):
        gain = torch.as_tensor(gain, dtype=m.dtype, device=m.device)
    mean_square = (m**2 * gain).sum(-1) / (2 * full_scale**2)
    least = 10 ** ((SILENCE_DB + 0.691) / 10)
    if isinstance(m, torch.Tensor):
        return -0.691 + 10 * torch.log10(torch.clamp(mean_square, min=least))
    return -0.691 + 10 * np.log10(np.maximum(mean_square, least))
