"""Frequency scales: which distances along the frequency axis count as equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import BookError

Array = NDArray[np.float64]
Kind = Literal["octave", "mel", "erb"]


def hz_to_octave(f_hz: ArrayLike) -> Array:
    """Convert hertz to octaves above 1 Hz; 0 Hz lies at minus infinity.

    >>> float(hz_to_octave(880) - hz_to_octave(440))
    1.0
    """
    with np.errstate(divide="ignore"):
        return np.log2(np.asarray(f_hz, dtype=np.float64))


def octave_to_hz(octaves: ArrayLike) -> Array:
    """Convert octaves above 1 Hz to hertz."""
    return np.exp2(np.asarray(octaves, dtype=np.float64))


def hz_to_mel(f_hz: ArrayLike) -> Array:
    """Convert hertz to mel: 2595 log10(1 + f / 700).

    The unit is that of Stevens, Volkmann and Newman (1937); the formula, one of several fits, is
    the one of O'Shaughnessy (1987) that HTK and most speech software use (not Slaney's, which is
    linear below 1 kHz).

    >>> round(float(hz_to_mel(1000)))
    1000
    """
    return 2595.0 * np.log10(1.0 + np.asarray(f_hz, dtype=np.float64) / 700.0)


def mel_to_hz(mel: ArrayLike) -> Array:
    """Convert mel to hertz."""
    return 700.0 * (10.0 ** (np.asarray(mel, dtype=np.float64) / 2595.0) - 1.0)


def hz_to_erb(f_hz: ArrayLike) -> Array:
    """Convert hertz to ERB-rate, the number of auditory filters below a frequency.

    21.4 log10(1 + 0.00437 f), Glasberg and Moore (1990), equation 4 with f in hertz.

    >>> round(float(hz_to_erb(1000)), 1)
    15.6
    """
    return 21.4 * np.log10(1.0 + 0.00437 * np.asarray(f_hz, dtype=np.float64))


def erb_to_hz(erb_rate: ArrayLike) -> Array:
    """Convert ERB-rate to hertz."""
    return (10.0 ** (np.asarray(erb_rate, dtype=np.float64) / 21.4) - 1.0) / 0.00437


#: From a scale's name to its two conversions.
CONVERSIONS: dict[str, tuple[Callable[[ArrayLike], Array], Callable[[ArrayLike], Array]]] = {
    "octave": (hz_to_octave, octave_to_hz),
    "mel": (hz_to_mel, mel_to_hz),
    "erb": (hz_to_erb, erb_to_hz),
}


@dataclass(frozen=True)
class Scale:
    """Band centres at equal steps along one frequency scale.

    Attributes:
        kind: `octave`, `mel` or `erb`.
        lowest_hz: centre of band 0.
        step: distance between neighbouring centres, in units of the scale (octaves, mel, ERB-rate).
        n_bins: number of bands.

    Raises:
        BookError: an option is out of range.

    >>> Scale.per_octave(24).n_bins, Scale.spread("erb", 168).n_bins
    (168, 168)
    """

    kind: Kind
    lowest_hz: float
    step: float
    n_bins: int

    def __post_init__(self) -> None:
        if self.kind not in CONVERSIONS:
            raise BookError(f"There is no scale {self.kind!r}: use {', '.join(CONVERSIONS)}.")
        if not (np.isfinite(self.lowest_hz) and self.lowest_hz > 0):
            raise BookError(f"The lowest band must lie above 0 Hz, not at {self.lowest_hz} Hz.")
        if not (np.isfinite(self.step) and self.step > 0) or self.n_bins < 1:
            raise BookError(f"A scale needs at least one band and a positive step, not {self.n_bins} and {self.step}.")

    @classmethod
    def per_octave(cls, bins_per_octave: int, minimum_hz: float = 64.0, maximum_hz: float = 8000.0) -> Scale:
        """Space so many bands to the octave, from `minimum_hz` up to the last one not above `maximum_hz`."""
        _check_range(minimum_hz, maximum_hz)
        if bins_per_octave < 1:
            raise BookError(f"bins_per_octave must be at least 1, not {bins_per_octave}.")
        n_bins = int(np.floor(bins_per_octave * np.log2(maximum_hz / minimum_hz) + 1e-9)) + 1
        return cls("octave", float(minimum_hz), 1.0 / bins_per_octave, n_bins)

    @classmethod
    def spread(cls, kind: Kind, n_bins: int, minimum_hz: float = 64.0, maximum_hz: float = 8000.0) -> Scale:
        """Spread `n_bins` bands evenly on a scale, the first at `minimum_hz` and the last at `maximum_hz`."""
        _check_range(minimum_hz, maximum_hz)
        if kind not in CONVERSIONS:
            raise BookError(f"There is no scale {kind!r}: use {', '.join(CONVERSIONS)}.")
        if n_bins < 2:
            raise BookError(f"At least two bands are needed to span a range, not {n_bins}.")
        to_units = CONVERSIONS[kind][0]
        step = float(to_units(maximum_hz) - to_units(minimum_hz)) / (n_bins - 1)
        return cls(kind, float(minimum_hz), step, n_bins)

    def position(self, f_hz: ArrayLike) -> Array:
        """Say where frequencies lie, counted in bands: 0 at the centre of band 0, 1 at that of band 1."""
        to_units = CONVERSIONS[self.kind][0]
        return (to_units(f_hz) - to_units(self.lowest_hz)) / self.step

    def frequency(self, position: ArrayLike) -> Array:
        """Say which frequencies lie at positions counted in bands: the inverse of `position`."""
        to_units, to_hz = CONVERSIONS[self.kind]
        return to_hz(to_units(self.lowest_hz) + self.step * np.asarray(position, dtype=np.float64))

    @property
    def frequencies_hz(self) -> Array:
        """Centre frequencies of the bands, `[bin]`."""
        return self.frequency(np.arange(self.n_bins))


def _check_range(minimum_hz: float, maximum_hz: float) -> None:
    if not 0 < minimum_hz < maximum_hz < np.inf:
        raise BookError(f"The range {minimum_hz}-{maximum_hz} Hz is empty: give 0 < minimum_hz < maximum_hz.")
