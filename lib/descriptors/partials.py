"""What the partials of a tone say: odd against even, stretched or not, rough or smooth, tone or noise.

Numpy arrays and torch tensors alike, as in `spectral`.
"""

from __future__ import annotations

import numpy as np
import torch

from lib.descriptors.spectral import Array, _checked, _plain, _prepared, _ratio, _root, namespace
from lib.errors import BookError

#: The odd-to-even ratio is given at most this many decibels, so that a square wave has a number.
ODD_EVEN_LIMIT_DB = 60.0

# Fitted constants of the roughness model (Vassilakis, after Sethares' fit of Plomp and Levelt).
_B1, _B2, _S0, _S1, _S2 = 3.5, 5.75, 0.24, 0.0207, 18.96


def harmonic_amplitudes(
    magnitudes: Array, frequencies_hz: Array, f0_hz: float, *, count: int = 20, axis: int = -1
) -> tuple[Array, np.ndarray]:
    """Measure the harmonics on any axis: the root of the power within a quarter of f0 around each.

    Takes magnitudes with bins along `axis`; returns amplitudes `[..., harmonic]` in the unit of the
    magnitudes and the harmonics' frequencies in Hz. Only harmonics that the axis can tell apart (bins closer than
    f0 / 2) are given, so there may be fewer than `count`, none at the worst.

    Chapter: *Audio descriptors*.
    """
    m, f, w = _prepared(magnitudes, frequencies_hz, None, axis)
    if not f0_hz > 0:
        raise BookError(f"A fundamental is a positive frequency in Hz, got {f0_hz}.")
    f, w = _plain(f), _plain(w)
    targets = f0_hz * np.arange(1, count + 1)
    masks = np.abs(f[None] - targets[:, None]) < f0_hz / 4
    apart = np.array([mask.any() and w[mask].max() < f0_hz / 2 for mask in masks])
    usable = int(apart.argmin()) if not apart.all() else count
    masks = masks[:usable].T.astype(np.float64)
    if isinstance(m, torch.Tensor):
        masks = torch.as_tensor(masks, dtype=m.dtype, device=m.device)
    return _root(m**2 @ masks), targets[:usable]


def find_partials(
    magnitudes: Array, frequencies_hz: Array, f0_hz: float, *, count: int = 20
) -> tuple[Array, Array, np.ndarray]:
    """Track the partials of one spectrum, stretched ones too: frequencies, amplitudes, and which stand out.

    Partial after partial, the next is looked for where the ones found so far predict it, within a quarter
    of f0. Its frequency is the balance point of the power around the peak, its amplitude the root of
    that power. The third value says which peaks stand 10 dB above their surroundings.

    Takes `[bin]` magnitudes on a fine linear axis (the spectrum of a whole note); on tensors, frequencies
    and amplitudes can be differentiated, the choice of bins cannot.

    Chapter: *Audio descriptors*.
    """
    m, f, w = _prepared(magnitudes, frequencies_hz, None, -1)
    if m.ndim != 1:
        raise BookError(f"One spectrum at a time: need [bin], got {tuple(m.shape)}.")
    if not f0_hz > 0:
        raise BookError(f"A fundamental is a positive frequency in Hz, got {f0_hz}.")
    power, axis_hz, step = _plain(m) ** 2, _plain(f), float(_plain(w).mean())
    lobe = max(3 * step, 0.04 * f0_hz)
    fundamental, stretch = float(f0_hz), 0.0
    frequencies, amplitudes, clear = [], [], []
    for h in range(1, count + 1):
        expected = h * fundamental * np.sqrt(1 + stretch * h * h)
        if expected + f0_hz / 4 > axis_hz[-1]:
            break
        low, high = np.searchsorted(axis_hz, (expected - f0_hz / 4, expected + f0_hz / 4))
        if high - low < 3:
            break
        window = power[low:high]
        peak = low + int(window.argmax())
        near = slice(*np.searchsorted(axis_hz, (axis_hz[peak] - lobe, axis_hz[peak] + lobe)))
        energy = (m[near] ** 2).sum()
        frequencies.append(_ratio((m[near] ** 2 * f[near]).sum(), energy))
        amplitudes.append(_root(energy))
        clear.append(power[peak] > 10 * np.median(window) and power[peak] > 0)
        found = np.array([float(_plain(value)) for value in frequencies])
        if sum(clear) >= 2:
            fundamental, stretch = _stretch(found, np.array(clear))
    xp = namespace(m)
    if not frequencies:
        raise BookError(f"No partial of {f0_hz:g} Hz fits below {axis_hz[-1]:g} Hz on this axis.")
    return xp.stack(frequencies), xp.stack(amplitudes), np.array(clear)


def _stretch(frequencies: np.ndarray, clear: np.ndarray) -> tuple[float, float]:
    """Estimate f0 and stretch for the search, keeping the stretch to what strings do."""
    h = np.arange(1, len(frequencies) + 1)[clear]
    found = frequencies[clear]
    if len(h) < 4:
        return float((found / h).mean()), 0.0
    slope, intercept = np.polyfit(h**2, (found / h) ** 2, 1, w=h)
    if intercept <= 0:
        return float((found / h).mean()), 0.0
    return float(np.sqrt(intercept)), float(np.clip(slope / intercept, 0.0, 0.02))


def inharmonicity(frequencies_hz: Array, *, clear: Array | None = None) -> Array:
    """Fit the stretch B of partials h = 1, 2, ...: `f_h = h f0 sqrt(1 + B h^2)`; no unit.

    A line of least squares through `(f_h / h)^2` against `h^2`; B is its slope over its intercept. An error of
    a fixed number of hertz weighs 1 / h in `f_h / h`, so partial h counts h^2. 0 is harmonic, piano strings have 1e-4
    to 1e-2; slightly negative values are errors of measurement.

    Args:
        frequencies_hz: `[partial]`, from the first on.
        clear: which partials to use, all when left out; at least three.

    Source: @fletcher1962. Chapter: *Audio descriptors*.

    >>> h = np.arange(1, 11)
    >>> round(float(inharmonicity(220 * h * np.sqrt(1 + 4e-4 * h**2))), 12)
    0.0004
    """
    f = _checked(frequencies_hz)
    if f.ndim != 1:
        raise BookError(f"One set of partials at a time: need [partial], got {tuple(f.shape)}.")
    use = np.ones(len(f), dtype=bool) if clear is None else np.asarray(_plain(clear), dtype=bool)
    h = np.arange(1, len(f) + 1)[use].astype(np.float64)
    if len(h) < 3:
        raise BookError(f"Inharmonicity needs at least three clear partials, got {len(h)}.")
    f = f[use] if isinstance(f, np.ndarray) else f[torch.as_tensor(use, device=f.device)]
    if isinstance(f, torch.Tensor):
        h = torch.as_tensor(h, dtype=f.dtype, device=f.device)
    y, x, trust = (f / h) ** 2, h**2, h**2 / (h**2).sum()
    away = x - (trust * x).sum()
    gradient = (trust * away * y).sum() / (trust * away**2).sum()
    return gradient / ((trust * y).sum() - gradient * (trust * x).sum())


def odd_even_ratio(amplitudes: Array, *, axis: int = -1) -> Array:
    """Compare odd with even harmonics in dB: `10 log10(sum a_odd^2 / sum a_even^2)`, kept within +-60 dB.

    Takes amplitudes of harmonics 1, 2, 3, ... along `axis`. A clarinet's low notes have 10 dB and more, a
    sawtooth 4.8.

    Source: @peeters2011, section II.D, there as a plain ratio. Chapter: *Audio descriptors*.
    """
    a = _checked(amplitudes)
    xp = namespace(a)
    a = xp.moveaxis(a, axis, -1)
    if a.shape[-1] < 2:
        raise BookError("Odd against even needs at least two harmonics.")
    odd, even = (a[..., 0::2] ** 2).sum(-1), (a[..., 1::2] ** 2).sum(-1)
    floor = 10 ** (-ODD_EVEN_LIMIT_DB / 10)
    total = odd + even
    least = xp.where(total > 0, total, xp.ones_like(total)) * floor
    odd, even = xp.where(odd > least, odd, least), xp.where(even > least, even, least)
    return 10 * (xp.log10(odd) - xp.log10(even))


def roughness(frequencies_hz: Array, amplitudes: Array) -> Array:
    """Add up the beating of all pairs of partials: 0 is smooth; no unit, blind to level.

    Each pair gives `0.5 (a b)^0.1 (2 min / (a + b))^3.11 (exp(-3.5 s d) - exp(-5.75 s d))`, with `d` its
    distance in Hz, `s = 0.24 / (0.0207 f_low + 18.96)`, and amplitudes relative to the strongest
    partial. Two equal partials at the worst distance (about a quarter of a critical band) give 0.09.

    Takes `[..., partial]` frequencies (Hz, any order) and amplitudes.

    Source: @vassilakis2001, after the curves of @plomp1965. Chapter: *Audio descriptors*.
    """
    a = _checked(amplitudes)
    xp = namespace(a)
    f = frequencies_hz
    f = torch.as_tensor(f, dtype=a.dtype, device=a.device) if xp is torch else np.asarray(f, dtype=np.float64)
    if f.shape[-1] != a.shape[-1]:
        raise BookError(f"{a.shape[-1]} amplitudes need as many frequencies, got {f.shape[-1]}.")
    a = _ratio(a, xp.amax(a, axis=-1)[..., None])
    i, j = np.triu_indices(a.shape[-1], 1)
    x, y = a[..., i], a[..., j]
    g, k = f[..., i], f[..., j]
    both = x * y
    present = both > 0
    least = xp.minimum(x, y)
    s = _S0 / (_S1 * xp.minimum(g, k) + _S2)
    distance = s * xp.abs(g - k)
    loud = xp.where(present, both, xp.ones_like(both)) ** 0.1
    depth = xp.where(present, 2 * least / xp.where(present, x + y, xp.ones_like(both)), xp.ones_like(both)) ** 3.11
    pair = 0.5 * loud * depth * (xp.exp(-_B1 * distance) - xp.exp(-_B2 * distance))
    return xp.where(present, pair, xp.zeros_like(pair)).sum(-1)


def noisiness(magnitudes: Array, frequencies_hz: Array, f0_hz: float, *, stretch: float = 0.0, axis: int = -1) -> Array:
    """Tell how much of a sound is not in its partials: share of noise in the power, 0 to 1.

    Power further than a quarter of f0 from every partial must be noise; the noise under the partials is
    taken to be as strong, so the share is scaled by what the gaps cover. Counted from f0 / 2 upwards.
    Takes magnitudes with bins along `axis` on an axis finer than f0 / 4.

    Source: noisiness of @peeters2011, section II.D, measured in gaps. Chapter: *Audio descriptors*.
    """
    m, f, w = _prepared(magnitudes, frequencies_hz, None, axis)
    f, w = _plain(f), _plain(w)
    if not f0_hz > 0 or w.min() > f0_hz / 4:
        raise BookError(f"Noise between the partials of {f0_hz:g} Hz cannot be seen with bins {w.min():g} Hz apart.")
    h = np.arange(1, int(f[-1] / f0_hz) + 2)
    partials = h * f0_hz * np.sqrt(1 + stretch * h**2)
    right = np.clip(np.searchsorted(partials, f), 1, len(partials) - 1)
    away = np.minimum(np.abs(f - partials[right - 1]), np.abs(f - partials[right])) if len(h) > 1 else np.abs(f - f0_hz)
    counted = f >= f0_hz / 2
    gap = counted & (away > f0_hz / 4)
    if not gap.any():
        raise BookError(f"There is no gap between the partials of {f0_hz:g} Hz on this axis.")
    scale = w[counted].sum() / w[gap].sum()
    xp = namespace(m)
    inside, whole = ((m[..., keep] ** 2).sum(-1) for keep in (gap, counted))
    found = scale * _ratio(inside, whole)
    return xp.where(found < 1, found, xp.ones_like(found))
