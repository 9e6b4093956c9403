"""How a sound unfolds: its envelope, how fast it starts, where its weight lies in time.

Numpy arrays and torch tensors alike, as in `spectral`.
"""

from __future__ import annotations

import numpy as np
import torch

from lib.descriptors.spectral import Array, _checked, _ratio, namespace
from lib.errors import BookError

#: Samples in a block of the envelope.
BLOCK = 64

# The levels of the attack, and how much more than the median a step may take and still belong to it.
_LEVELS = tuple(k / 10 for k in range(1, 10))
_EFFORT = 3.0


def envelope(audio: Array, sample_rate: float, *, smoothing_s: float = 0.02) -> tuple[Array, np.ndarray]:
    """Follow the peaks of a sound: the largest |sample| of each block, held for `smoothing_s`.

    Holding bridges the time between two periods (20 ms reaches down to 50 Hz) without blurring the start,
    since a peak holder rises at once. Takes `[..., time]`; returns the envelope `[..., frame]` and the
    frames' times in seconds.

    Chapter: *Audio descriptors*.
    """
    xp = namespace(audio)
    x = xp.abs(audio) if xp is torch else np.abs(np.asarray(audio, dtype=np.float64))
    if x.ndim == 0 or x.shape[-1] == 0:
        raise BookError("There is no audio: the array is empty.")
    frames = -(-x.shape[-1] // BLOCK)
    empty = x[..., :1] * 0
    tail = frames * BLOCK - x.shape[-1]
    if tail:
        x = xp.concatenate([x, xp.broadcast_to(empty, (*x.shape[:-1], tail))], axis=-1)
    peaks = x.reshape(*x.shape[:-1], frames, BLOCK)
    peaks = xp.amax(peaks, axis=-1)
    held = peaks
    for shift in range(1, max(1, round(smoothing_s * sample_rate / BLOCK))):
        if shift >= frames:
            break
        late = xp.concatenate(
            [xp.broadcast_to(peaks[..., :1] * 0, (*peaks.shape[:-1], shift)), peaks[..., :-shift]], axis=-1
        )
        held = xp.maximum(held, late)
    return held, (np.arange(frames) + 0.5) * BLOCK / sample_rate


def log_attack_time(envelope: Array, times_s: Array) -> Array:
    """Tell how long a sound takes to start: log10 of the seconds its attack lasts (the "weakest effort" method).

    It notes when the envelope first reaches 10, 20, ... 90 % of its peak. The attack runs from the first to the
    last of these, except that it begins late or ends early where a step takes more than three times the
    median step (and two frames): a hiss before the tone, or a swell after it, is no attack. A ramp of T seconds gives
    log10(0.8 T). What is faster than one frame reads as one frame. Takes `[..., frame]`.

    Source: @peeters2011, section II.C, with the median for the mean, which a long swell would itself
    stretch. Chapter: *Audio descriptors*.

    >>> t = np.arange(0, 1, 0.001)
    >>> round(10 ** float(log_attack_time(np.minimum(t / 0.1, 1), t)), 6)
    0.08
    """
    e, t = _series(envelope, times_s)
    xp = namespace(e)
    step = (t[-1] - t[0]) / (len(t) - 1) if len(t) > 1 else xp.ones_like(t[0])
    largest = xp.amax(e, axis=-1)
    reached = xp.stack([_first_time(e, t, level * largest) for level in _LEVELS], axis=-1)
    effort = reached[..., 1:] - reached[..., :-1]
    longest = _EFFORT * _median(effort)[..., None]
    longest = xp.where(longest > 2 * step, longest, xp.ones_like(longest) * 2 * step)
    quick = effort <= longest
    order = xp.cumsum(quick * 1, axis=-1)
    begins = (order == 0).sum(-1)[..., None]
    steps = np.arange(len(_LEVELS) - 1) if xp is np else torch.arange(len(_LEVELS) - 1, device=e.device)
    late = xp.cumsum((~quick & (steps >= begins)) * 1, axis=-1) > 0
    attack = (steps >= begins) & ~late
    seconds = (effort * attack).sum(-1)
    return xp.log10(xp.where(seconds > step, seconds, xp.ones_like(seconds) * step))


def temporal_centroid(envelope: Array, times_s: Array) -> Array:
    """Find the time in seconds on which the envelope balances: `sum t e / sum e`; short for plucked sounds.

    Takes `[..., frame]`. A decay `exp(-t / tau)` has tau. Source: @peeters2011, section II.C.
    Chapter: *Audio descriptors*.
    """
    e, t = _series(envelope, times_s)
    return _ratio((e * t).sum(-1), e.sum(-1))


def _first_time(e: Array, t: Array, level: Array) -> Array:
    """Interpolate when the envelope first rises to `level`."""
    xp = namespace(e)
    level = level[..., None]
    index = (xp.cumsum((e >= level) * 1, axis=-1) == 0).sum(-1)[..., None]
    position = np.arange(e.shape[-1]) if xp is np else torch.arange(e.shape[-1], device=e.device)

    def at(values: Array, where: Array) -> Array:
        return ((position == where) * values).sum(-1)

    before = xp.where(index > 0, index - 1, index)
    low, high = at(e, before), at(e, index)
    share = _ratio(level[..., 0] - low, high - low)
    return at(t, before) + share * (at(t, index) - at(t, before))


def _median(values: Array) -> Array:
    """Take the median over the last axis, of two middle values the mean."""
    xp = namespace(values)
    ordered = torch.sort(values, dim=-1).values if xp is torch else np.sort(values, axis=-1)
    n = values.shape[-1]
    return (ordered[..., (n - 1) // 2] + ordered[..., n // 2]) / 2


def _series(envelope: Array, times_s: Array) -> tuple[Array, Array]:
    e = _checked(envelope)
    t = np.asarray(times_s, dtype=np.float64)
    if t.shape != (e.shape[-1],):
        raise BookError(f"An envelope of {e.shape[-1]} frames needs as many times, got {t.shape}.")
    return e, torch.as_tensor(t, dtype=e.dtype, device=e.device) if isinstance(e, torch.Tensor) else t
