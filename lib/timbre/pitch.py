"""Find the pitch of one note: the normalised square difference of McLeod and Wyvill, a vote over frames.

Corpus notes know their pitch; a reader's sound does not. The page computes the same in JavaScript.

Chapter: *Navigating and paths*. Source: @mcleod2005.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, rfft

#: Frame of 93 ms: two and a half periods of the lowest pitch.
FRAME = 2048
LOWEST_HZ, HIGHEST_HZ = 27.0, 4300.0
#: A peak this near to the highest one counts as the period, or every octave below would too.
NEARLY = 0.9
#: Lags a sample: the peak of a bright, high tone is so narrow that whole samples may step over it.
FINE = 4


def estimate_f0(audio: np.ndarray, sample_rate: int = 22050, *, n_frames: int = 24) -> tuple[float, float]:
    """Estimate the fundamental of a note in Hz, and how periodic it is (0 to 1).

    Args:
        audio: [time]; the loudest `n_frames` frames vote with their clarity.

    >>> t = np.arange(22050) / 22050
    >>> f0_hz, clarity = estimate_f0(np.sin(2 * np.pi * 220 * t) + np.sin(2 * np.pi * 440 * t))
    >>> round(f0_hz, 1), clarity > 0.95
    (220.0, True)
    """
    audio = np.asarray(audio, dtype=np.float64)
    frame = min(FRAME * (2 if len(audio) > 4 * FRAME else 1), max(64, len(audio)))
    audio = np.pad(audio, (0, max(0, frame - len(audio))))
    starts = np.arange(0, len(audio) - frame + 1, max(1, frame // 4))
    energy = np.array([np.square(audio[s : s + frame]).sum() for s in starts])
    loudest = np.argsort(energy)[::-1][:n_frames]
    votes = np.array([_one_frame(audio[s : s + frame], sample_rate) for s in np.sort(starts[loudest])])
    f0_hz, clarity = votes[:, 0], votes[:, 1]
    # The weighted median in octaves: one frame an octave off does not move it.
    order = np.argsort(f0_hz)
    reached = np.cumsum(clarity[order]) >= 0.5 * clarity.sum()
    return float(f0_hz[order][reached.argmax()]), float(np.median(clarity))


def _one_frame(frame: np.ndarray, sample_rate: int) -> tuple[float, float]:
    n = len(frame)
    frame = frame - frame.mean()
    spectrum = np.abs(rfft(frame, 2 * n)) ** 2
    low, high = int(FINE * sample_rate / HIGHEST_HZ), FINE * min(int(sample_rate / LOWEST_HZ), n - n // 4)
    # Zeros above the highest frequency interpolate between lags.
    correlation = FINE * irfft(spectrum, 2 * n * FINE)[:high]
    squares = np.cumsum(np.square(frame))
    total = squares[-1] + squares[::-1] - np.concatenate([[0.0], squares[:-1]])
    both = 2.0 * correlation / np.interp(np.arange(high) / FINE, np.arange(n), total).clip(min=1e-12)
    negative = np.flatnonzero(both < 0.0)
    first = max(low, negative[0] if len(negative) else high)
    if first + 2 >= high:
        return LOWEST_HZ, 0.0
    window = both[first:]
    peaks = np.flatnonzero((window[1:-1] >= window[:-2]) & (window[1:-1] > window[2:])) + 1
    if not len(peaks) or window[peaks].max() <= 0.0:
        return LOWEST_HZ, 0.0
    chosen = peaks[window[peaks] >= NEARLY * window[peaks].max()][0]
    a, b, c = window[chosen - 1 : chosen + 2]
    shift = 0.5 * (a - c) / min(a - 2 * b + c, -1e-12)
    return FINE * sample_rate / (first + chosen + shift), float(np.clip(b, 0.0, 1.0))
