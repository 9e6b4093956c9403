"""A guess at the pitch of one tone, for sounds that come without a name."""

from __future__ import annotations

import numpy as np

#: Below this likeness of neighbouring periods (0 to 1) a sound is said to have no pitch.
CLARITY = 0.8

_SECONDS = 0.3


def estimate_f0(
    audio: np.ndarray, sample_rate: float, *, low_hz: float = 25.0, high_hz: float = 5000.0
) -> float | None:
    """Guess the fundamental in Hz of a single tone, or None when no period repeats well.

    It compares the loudest 0.3 s with itself at every delay (normalised square difference) and takes the first
    delay that is nearly as good as the best. Takes `[time]`.

    Source: @mcleod2005. Chapter: *Audio descriptors*.

    >>> t = np.arange(22050) / 22050
    >>> round(estimate_f0(np.sin(2 * np.pi * 440 * t), 22050))
    440
    """
    x = np.asarray(audio, dtype=np.float64)
    size = int(_SECONDS * sample_rate)
    if len(x) > size:
        energy = np.concatenate([[0.0], np.cumsum(x**2)])
        starts = np.arange(0, len(x) - size + 1, max(1, size // 8))
        start = starts[(energy[starts + size] - energy[starts]).argmax()]
        x = x[start : start + size]
    x = x - x.mean() if len(x) else x
    n = len(x)
    longest = min(int(sample_rate / low_hz) + 2, n // 2)
    shortest = max(2, int(sample_rate / high_hz))
    if longest <= shortest + 2 or not x.any():
        return None
    spectrum = np.fft.rfft(x, 2 * n)
    same = np.fft.irfft(np.abs(spectrum) ** 2)[: longest + 1]
    squares = np.concatenate([[0.0], np.cumsum(x**2)])
    delay = np.arange(longest + 1)
    energy = squares[n - delay] + squares[n] - squares[delay]
    likeness = 2 * same / np.maximum(energy, 1e-300)
    first_dip = np.flatnonzero(likeness < 0)
    begin = max(shortest, int(first_dip[0]) if len(first_dip) else longest)
    k = np.arange(begin, longest)
    peaks = k[(likeness[k] >= likeness[k - 1]) & (likeness[k] > likeness[k + 1])]
    if not len(peaks) or likeness[peaks].max() < CLARITY:
        return None
    best = int(peaks[likeness[peaks] >= 0.93 * likeness[peaks].max()][0])
    left, middle, right = likeness[best - 1 : best + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(sample_rate / (best + shift))
