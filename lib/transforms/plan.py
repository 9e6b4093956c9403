"""The plan of a painless nonstationary Gabor transform: which windows, where, on which time grids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lib.errors import BookError
from lib.transforms.scales import Scale

Array = NDArray[np.float64]
Grid = Literal["regular", "octave"]

#: The longest FFT the plan will ask for, about 12 minutes of the book's audio.
MAXIMUM_FFT = 1 << 24


@dataclass(frozen=True, eq=False)
class Band:
    """One band: a window on the bins of the FFT, and a number of frames.

    Attributes:
        name: `low`, `high` or the band's number.
        centre_hz: where the window peaks (for the residual bands: where their flat part ends).
        start: first FFT bin of the window.
        window: real weights on the FFT bins `start, start + 1, ...`.
        frames: length of the band's inverse FFT, at least `len(window)`: the painless condition.
    """

    name: str
    centre_hz: float
    start: int
    window: Array
    frames: int

    def __post_init__(self) -> None:
        if self.frames < len(self.window):
            raise BookError(f"Band {self.name}: {self.frames} frames cannot hold {len(self.window)} FFT bins.")


@dataclass(frozen=True, eq=False)
class Plan:
    """All that analysis and synthesis of `length` samples need; the widget's JavaScript reads the same plan.

    With `X` the one-sided FFT (`fft_length // 2 + 1` bins) of the signal padded with zeros, band k is

        c_k[n] = 2 / N * sum_j X[j] window_k[j - start_k] exp(2 pi i j n / frames_k)

    that is, an inverse FFT of `frames_k` points in which FFT bin j sits at slot `j mod frames_k`. Placed so,
    c_k is the band's own signal at the times n N / frames_k, true phases included (Schörkhuber et al. 2014).

    Chapter: *The NSGT and its scales*. Source: Balazs et al. (2011), the painless case.
    """

    sample_rate: int
    length: int
    fft_length: int
    bands: tuple[Band, ...]

    @property
    def n_frequencies(self) -> int:
        """Bins of the one-sided FFT."""
        return self.fft_length // 2 + 1

    @cached_property
    def frame_operator(self) -> Array:
        """The diagonal of the frame operator, one number per FFT bin: the sum of the squared windows.

        Raises:
            BookError: it vanishes somewhere, so that the signal could not be recovered.
        """
        diagonal = np.zeros(self.n_frequencies)
        for band in self.bands:
            diagonal[band.start : band.start + len(band.window)] += band.window**2
        if not diagonal.min() > 1e-8 * diagonal.max():
            hole_hz = np.argmin(diagonal) * self.sample_rate / self.fft_length
            raise BookError(f"No band covers {hole_hz:.1f} Hz, so the signal cannot come back: widen the windows.")
        return diagonal

    def dual(self, band: Band) -> Array:
        """The band's dual window: its window divided by the frame operator."""
        return band.window / self.frame_operator[band.start : band.start + len(band.window)]

    @property
    def coefficients_per_sample(self) -> float:
        """Redundancy: real numbers stored per sample (a complex coefficient counts two)."""
        return 2.0 * sum(band.frames for band in self.bands) / self.length

    def export(self, windows: bool = False) -> dict[str, Any]:
        """Describe the plan in what JSON can hold, for code in another language.

        Args:
            windows: also list the windows, one number per FFT bin (about 1 MB for 2 s).
        """
        bands = [
            {"name": b.name, "centre_hz": b.centre_hz, "start": b.start, "size": len(b.window), "frames": b.frames}
            | ({"window": b.window.tolist()} if windows else {})
            for b in self.bands
        ]
        return {
            "sample_rate": self.sample_rate,
            "length": self.length,
            "fft_length": self.fft_length,
            "bands": bands,
        }


@lru_cache(maxsize=32)
def plan(scale: Scale, length: int, sample_rate: int = 22050, grid: Grid = "regular", minimum_points: int = 4) -> Plan:
    """Plan the transform of `length` samples on a scale.

    The windows are Hann windows *on the scale's own axis*: with p(f) the position of a frequency counted
    in bands, band k weighs it by cos^2(pi/2 (p - k)) where |p - k| < 1. Below band 0 (above the last) p is
    held at -1 (at n_bins), so that the bands -1 and n_bins, called `low` and `high`, have flat windows
    there. Neighbours overlap by half: the squared windows sum to between 1/2 and 1 everywhere.

    Args:
        scale: band centres.
        length: samples of the signal, at least 1.
        sample_rate: in hertz.
        grid: `regular` gives every band the same number of frames; `octave` the smallest power of two.
        minimum_points: the narrowest window spans at least so many FFT bins; shorter signals are padded.

    Raises:
        BookError: bands lie above half the sample rate, or are too narrow to be resolved.
    """
    if length < 1:
        raise BookError(f"A signal needs at least one sample, not {length}.")
    if grid not in ("regular", "octave"):
        raise BookError(f"There is no grid {grid!r}: use 'regular' or 'octave'.")
    top_hz = float(scale.frequency(scale.n_bins - 1))
    if top_hz > sample_rate / 2 * (1 + 1e-9):  # the scale rounds a little
        raise BookError(f"The highest band, {top_hz:.0f} Hz, lies above half the sample rate of {sample_rate} Hz.")
    narrowest_hz = float(scale.frequency(1) - scale.frequency(-1))
    needed = max(length, int(np.ceil(minimum_points * sample_rate / narrowest_hz)))
    if needed > MAXIMUM_FFT:
        raise BookError(f"An FFT of {needed} points is too long: use fewer or wider bands, or a shorter signal.")
    fft_length = fast_size(needed, multiple=2)
    f_hz = np.arange(fft_length // 2 + 1) * (sample_rate / fft_length)
    position = np.clip(scale.position(f_hz), -1.0, scale.n_bins)
    numbers = np.arange(-1, scale.n_bins + 1)
    starts = np.searchsorted(position, numbers - 1, side="right")
    stops = np.maximum(np.searchsorted(position, numbers + 1, side="left"), starts)
    widest = int((stops - starts)[1:-1].max())
    bands = []
    for number, start, stop in zip(numbers.tolist(), starts.tolist(), stops.tolist()):
        residual = not 0 <= number < scale.n_bins
        window = np.cos(np.pi / 2 * (position[start:stop] - number)) ** 2
        frames = _frames(stop - start if residual else max(widest, 1) if grid == "regular" else stop - start, grid)
        name = "low" if number < 0 else "high" if residual else str(number)
        bands.append(Band(name, float(scale.frequency(number)), start, window, frames))
    return Plan(sample_rate, length, fft_length, tuple(bands))


def fast_size(minimum: int, multiple: int = 1) -> int:
    """The smallest size of the form multiple * 2^a 3^b 5^c that is not below `minimum`: FFTs of it are fast.

    >>> fast_size(44101, multiple=2), fast_size(929, multiple=16)
    (45000, 960)
    """
    target = -(-minimum // multiple)
    best = 1 << max(target - 1, 0).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            size = three << max(-(-target // three) - 1, 0).bit_length()
            best = min(best, size)
            three *= 3
        five *= 5
    return best * multiple


def _frames(points: int, grid: Grid) -> int:
    if grid == "octave":
        return 1 << max(points - 1, 0).bit_length()
    return fast_size(max(points, 1), multiple=16)
