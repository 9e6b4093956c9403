"""The shape of a spectrum in numbers, from any transform's magnitudes and its true bin frequencies.

Written once for numpy arrays and torch tensors: the same call gives the same number, and on tensors
it can be differentiated.

**How bins are counted.** A bin of width `w` at frequency `f` with magnitude `m` (a filter whose gain at its
own centre is 1) sees `m^2 = density(f) * w` of a noise. On a linear axis all widths are equal and
nothing needs doing; on a log or ERB axis the upper bins are wider, and forgetting that makes one noise two
different sounds. So every sum here weighs a bin by `density^(p / 2) * width = m^p * width^(1 - p / 2)`.
With `power=2` (the default) that is plainly `m^2`: power adds up, whatever the axis, for tones and
noise alike. With `power=1` (what librosa uses) it is `m * sqrt(width)`, on a linear axis the same as
`m`; but amplitudes do not add up, so such a number depends on the resolution: compare it on one
transform only.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch

from lib.errors import BookError

#: A numpy array or a torch tensor; what comes out is of the kind that went in.
Array = Any

#: Below this share of the mean power a bin counts as empty (flatness): -100 dB.
FLATNESS_FLOOR = 1e-10


def namespace(array: Array) -> ModuleType:
    """Tell whose functions an array needs: `torch` for a tensor, `numpy` for everything else."""
    return torch if isinstance(array, torch.Tensor) else np


def widths(frequencies_hz: Array) -> np.ndarray:
    """Tell the width in Hz that each bin speaks for: half the way to both neighbours.

    >>> widths([100.0, 200, 400, 800]).tolist()
    [100.0, 150.0, 300.0, 400.0]
    """
    f = np.asarray(frequencies_hz, dtype=np.float64)
    return np.gradient(f) if len(f) > 1 else np.ones(1)


def centroid(
    magnitudes: Array, frequencies_hz: Array, *, power: float = 2.0, widths_hz: Array | None = None, axis: int = -1
) -> Array:
    """Find the frequency in Hz on which a spectrum balances: `sum f p / sum p`.

    Args:
        magnitudes: not negative, bins along `axis` (for a transform's `[batch, bin, frame]`, `axis=-2`).
        frequencies_hz: `[bin]`, rising, the true centre of every bin.
        power: 2 weighs by power, 1 by amplitude; see the module.
        widths_hz: `[bin]`, what each bin speaks for; taken from the frequencies when left out.

    Returns 0 where the spectrum is silent, as all functions here do.

    Raises:
        BookError: magnitudes are negative or not finite, or do not fit the frequencies.

    Source: @peeters2011, section II.D. Chapter: *Audio descriptors*.

    >>> float(centroid(np.array([0.0, 1, 1, 0]), [100, 200, 300, 400]))
    250.0
    """
    p, f, _ = _shares(magnitudes, frequencies_hz, power, widths_hz, axis)
    return (p * f).sum(-1)


def bandwidth(
    magnitudes: Array, frequencies_hz: Array, *, power: float = 2.0, widths_hz: Array | None = None, axis: int = -1
) -> Array:
    """Tell how far a spectrum spreads around its centroid: its standard deviation in Hz.

    Arguments, errors and source as for `centroid`. Chapter: *Audio descriptors*.
    """
    p, f, _ = _shares(magnitudes, frequencies_hz, power, widths_hz, axis)
    return _root(_moment(p, f, 2))


def skewness(
    magnitudes: Array, frequencies_hz: Array, *, power: float = 2.0, widths_hz: Array | None = None, axis: int = -1
) -> Array:
    """Tell to which side a spectrum leans: third moment over spread cubed; positive has a tail to the treble.

    No unit. Arguments, errors and source as for `centroid`. Chapter: *Audio descriptors*.
    """
    p, f, _ = _shares(magnitudes, frequencies_hz, power, widths_hz, axis)
    return _ratio(_moment(p, f, 3), _root(_moment(p, f, 2)) ** 3)


def kurtosis(
    magnitudes: Array, frequencies_hz: Array, *, power: float = 2.0, widths_hz: Array | None = None, axis: int = -1
) -> Array:
    """Tell how peaked a spectrum is around its centroid: fourth moment over spread to the fourth; a bell has 3.

    No unit. Arguments, errors and source as for `centroid`. Chapter: *Audio descriptors*.
    """
    p, f, _ = _shares(magnitudes, frequencies_hz, power, widths_hz, axis)
    return _ratio(_moment(p, f, 4), _moment(p, f, 2) ** 2)


def rolloff(
    magnitudes: Array,
    frequencies_hz: Array,
    *,
    share: float = 0.85,
    power: float = 2.0,
    widths_hz: Array | None = None,
    axis: int = -1,
) -> Array:
    """Find the frequency in Hz below which 85 % of the power lies, interpolated within the bin.

    A bin's power is spread evenly over its width, so that the answer moves smoothly and can be
    differentiated. Arguments, errors and source as for `centroid`. Chapter: *Audio descriptors*.
    """
    if not 0 < share < 1:
        raise BookError(f"The share of a roll-off lies between 0 and 1, got {share}.")
    p, f, w = _shares(magnitudes, frequencies_hz, power, widths_hz, axis)
    xp = namespace(p)
    below = xp.cumsum(p, axis=-1) < share
    count = below.sum(-1)
    position = xp.arange(p.shape[-1]) if xp is np else torch.arange(p.shape[-1], device=p.device)
    here = (position == xp.clip(count, 0, p.shape[-1] - 1)[..., None]) * xp.ones_like(p)
    missing = share - (p * below).sum(-1)
    inside = _ratio(missing, (p * here).sum(-1))
    found = ((f - w / 2) * here).sum(-1) + inside * (w * here).sum(-1)
    return xp.where((p.sum(-1) > 0) & (found > 0), found, xp.zeros_like(found))


def flatness(magnitudes: Array, frequencies_hz: Array, *, widths_hz: Array | None = None, axis: int = -1) -> Array:
    """Compare a spectrum with white noise: geometric over arithmetic mean of its power density, 0 to 1.

    1 is perfectly flat, near 0 is a few lines. The power spectrum of one frame of white noise gives about
    exp(-gamma) = 0.56, since its bins scatter. Both means run over hertz, so wide bins count more. Bins
    100 dB below the mean count as that. Arguments and errors as for `centroid`.

    Source: @peeters2011, section II.D. Chapter: *Audio descriptors*.
    """
    m, _, w = _prepared(magnitudes, frequencies_hz, widths_hz, axis)
    xp = namespace(m)
    density = m**2 / w
    share = w / w.sum()
    mean = (density * share).sum(-1)
    relative = _ratio(density, mean[..., None])
    floored = xp.where(relative > FLATNESS_FLOOR, relative, xp.full_like(relative, FLATNESS_FLOOR))
    found = xp.exp((xp.log(floored) * share).sum(-1))
    return xp.where(mean > 0, found, xp.zeros_like(found))


def slope(
    magnitudes: Array,
    frequencies_hz: Array,
    *,
    widths_hz: Array | None = None,
    lowest_hz: float = 50.0,
    highest_hz: float = np.inf,
    floor_db: float = -60.0,
    axis: int = -1,
) -> Array:
    """Tell how fast a spectrum falls, in dB per octave: the line of least squares through its levels.

    Levels are those of the power density, every octave counts the same, and what lies more than 60 dB below
    the strongest bin is lifted to there. White noise has 0, pink noise -3, a sawtooth's partials -6
    (hand in the partials: their amplitudes and frequencies are a spectrum too). Arguments and errors
    as for `centroid`; bins outside `lowest_hz` to `highest_hz` are left out.

    Source: the regression of @peeters2011, section II.D, here on decibels and octaves. Chapter: *Audio descriptors*.
    """
    m, f, w = _prepared(magnitudes, frequencies_hz, widths_hz, axis)
    xp = namespace(m)
    keep = (f >= lowest_hz) & (f <= highest_hz) & (f > 0)
    if int(keep.sum()) < 2:
        raise BookError(f"A slope needs at least two bins between {lowest_hz:g} and {highest_hz:g} Hz.")
    m, f, w = m[..., keep], f[keep], w[keep]
    density = m**2 / w
    top = xp.amax(density, axis=-1) if xp is np else torch.amax(density, dim=-1)
    relative = _ratio(density, top[..., None])
    floor = 10 ** (floor_db / 10)
    level = 10 * xp.log10(xp.where(relative > floor, relative, xp.full_like(relative, floor)))
    octave = xp.log2(f)
    trust = w / f
    trust = trust / trust.sum()
    away = octave - (trust * octave).sum()
    found = (trust * away * level).sum(-1) / (trust * away**2).sum()
    return xp.where(top > 0, found, xp.zeros_like(found))


def flux(magnitudes: Array, *, axis: int = -1, frame_axis: int | None = None) -> Array:
    """Tell how much a spectrum changes from frame to frame: 1 - cosine of the angle between neighbours.

    0 is a spectrum that keeps its shape (its level may change), 1 one that shares nothing with the frame
    before. It depends on the time between frames, so compare it at one hop. A silent frame changes nothing.

    Args:
        magnitudes: bins along `axis`, frames along `frame_axis` (the axis before the bins when left out;
            for a transform's `[batch, bin, frame]`: `axis=-2, frame_axis=-1`).

    Returns one number for each pair of neighbouring frames, `[..., frames - 1]`.

    Raises:
        BookError: magnitudes are negative, not finite, or have no two axes.

    Source: "spectro-temporal variation" of @peeters2011, section II.D. Chapter: *Audio descriptors*.
    """
    m = _checked(magnitudes)
    if m.ndim < 2:
        raise BookError("Flux compares frames: hand in an array with a frame axis and a bin axis.")
    xp = namespace(m)
    m = xp.moveaxis(m, (frame_axis if frame_axis is not None else m.ndim - 2, axis), (-2, -1))
    before, after = m[..., :-1, :], m[..., 1:, :]
    size = _root((before**2).sum(-1) * (after**2).sum(-1))
    cosine = _ratio((before * after).sum(-1), size)
    return xp.where(size > 0, 1 - cosine, xp.zeros_like(cosine))


def _prepared(
    magnitudes: Array, frequencies_hz: Array, widths_hz: Array | None, axis: int
) -> tuple[Array, Array, Array]:
    """Check the input, put bins last, and bring frequencies and widths to the same kind of array."""
    m = _checked(magnitudes)
    xp = namespace(m)
    m = xp.moveaxis(m, axis, -1)
    f = np.asarray(_plain(frequencies_hz), dtype=np.float64)
    w = widths(f) if widths_hz is None else np.asarray(_plain(widths_hz), dtype=np.float64)
    if f.shape != (m.shape[-1],) or w.shape != f.shape:
        raise BookError(
            f"{m.shape[-1]} bins need as many frequencies and widths, got {f.shape} and {w.shape}. "
            "Which axis holds the bins? Say axis=..."
        )
    if not np.isfinite(f).all() or (np.diff(f) <= 0).any() or not (w > 0).all():
        raise BookError("Bin frequencies must be finite and rise, and widths must be positive.")
    if xp is torch:
        return m, torch.as_tensor(f, dtype=m.dtype, device=m.device), torch.as_tensor(w, dtype=m.dtype, device=m.device)
    return m, f, w


def _shares(
    magnitudes: Array, frequencies_hz: Array, power: float, widths_hz: Array | None, axis: int
) -> tuple[Array, Array, Array]:
    """Weigh each bin as the module says; shares sum to 1, or to 0 where it is silent."""
    if power <= 0:
        raise BookError(f"power must be positive, got {power}.")
    m, f, w = _prepared(magnitudes, frequencies_hz, widths_hz, axis)
    weight = m**power * (w / w.mean()) ** (1 - power / 2)
    return _ratio(weight, weight.sum(-1)[..., None]), f, w


def _moment(shares: Array, f: Array, order: int) -> Array:
    return (shares * (f - (shares * f).sum(-1)[..., None]) ** order).sum(-1)


def _checked(magnitudes: Array) -> Array:
    if isinstance(magnitudes, torch.Tensor):
        m = magnitudes
        if not m.is_floating_point():
            raise BookError(f"Magnitudes must be real floating point numbers, got {m.dtype}; take abs() first.")
    else:
        m = np.asarray(magnitudes)
        if np.iscomplexobj(m):
            raise BookError("These are complex coefficients, not magnitudes; take np.abs() first.")
        m = m.astype(np.float64)
    if m.ndim == 0 or m.shape[-1] == 0:
        raise BookError("A spectrum needs at least one bin.")
    if not bool(namespace(m).isfinite(m).all()):
        raise BookError("Magnitudes hold NaN or infinity.")
    if bool((m < 0).any()):
        raise BookError("Magnitudes are negative; take abs() first.")
    return m


def _plain(values: Array) -> Array:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values


def _ratio(top: Array, bottom: Array) -> Array:
    """Divide, and give 0 (with gradient 0) where there is nothing to divide by."""
    xp = namespace(bottom)
    one = xp.ones_like(bottom)
    full = bottom > 0
    return xp.where(full, top / xp.where(full, bottom, one), xp.zeros_like(top * one))


def _root(values: Array) -> Array:
    """Take the root, with gradient 0 instead of infinity at 0."""
    xp = namespace(values)
    full = values > 0
    return xp.where(full, xp.sqrt(xp.where(full, values, xp.ones_like(values))), xp.zeros_like(values))
