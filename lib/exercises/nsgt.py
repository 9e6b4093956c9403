"""Exercises of *The NSGT and its scales*."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.errors import BookError
from lib.exercises import Exercise, Mistake, array, choice, function, numeric
from lib.transforms.plan import Band, Plan

Complex = NDArray[np.complex128]

#: Three windows on six FFT bins, one row each: the frame operator and the dual are asked for.
WINDOWS = np.array(
    [
        [1.0, 0.8, 0.3, 0.0, 0.0, 0.0],
        [0.0, 0.6, 0.9, 0.5, 0.2, 0.0],
        [0.0, 0.0, 0.0, 0.5, 0.8, 1.0],
    ]
)


def traunmuller_hz(bark: Any) -> Any:
    """Convert Bark to hertz: 1960 (z + 0.53) / (26.28 - z), Traunmüller (1990)."""
    return 1960.0 * (np.asarray(bark) + 0.53) / (26.28 - np.asarray(bark))


def hz_to_bark(f_hz: Any) -> Any:
    """Convert hertz to Bark: 26.81 f / (1960 + f) - 0.53, Traunmüller (1990).

    >>> round(float(hz_to_bark(1000)), 2)
    8.53
    """
    return 26.81 * np.asarray(f_hz) / (1960.0 + np.asarray(f_hz)) - 0.53


def bark_plan(length: int, sample_rate: int = 22050) -> Plan:
    """Plan a transform with bands at 1, 2, … 21 Bark and two residual bands: the solution of the afternoon.

    Source: Traunmüller (1990). Chapter: *The NSGT and its scales*.
    """
    return _plan_on(hz_to_bark, traunmuller_hz, length, sample_rate)


def one_band(coefficients: Complex, window: NDArray[np.float64], start: int, n_frequencies: int) -> Complex:
    """Turn one band's coefficients back into its share of the spectrum, amplitudes left as they come."""
    slots = np.fft.fft(coefficients)
    bins = start + np.arange(len(window))
    spectrum = np.zeros(n_frequencies, dtype=complex)
    spectrum[bins] = window * slots[bins % len(coefficients)]
    return spectrum


def _plan_on(to_bark: Callable, to_hz: Callable, length: int, sample_rate: int, reach: float = 1.0) -> Plan:
    n_frequencies = length // 2 + 1
    position = np.clip(to_bark(np.arange(n_frequencies) * sample_rate / length), 0.0, 22.0)
    bands = []
    for z in range(23):
        distance = np.abs(position - z) / reach
        covered = np.flatnonzero(distance < 1)
        window = np.cos(np.pi / 2 * distance[covered]) ** 2
        name = {0: "low", 22: "high"}.get(z, str(z - 1))
        bands.append(Band(name, float(to_hz(z)), int(covered[0]), window, len(window)))
    return Plan(sample_rate, length, length, tuple(bands))


def _mel_plan() -> Plan:
    top = 2595 * np.log10(1 + float(traunmuller_hz(21)) / 700) / 21

    def to_units(f_hz: Any) -> Any:
        return 2595 * np.log10(1 + np.asarray(f_hz) / 700) / top

    def to_hz(units: Any) -> Any:
        return 700 * (10 ** (np.asarray(units) * top / 2595) - 1)

    return _plan_on(to_units, to_hz, 22050, 22050)


def _without_residuals() -> Plan:
    whole = bark_plan(22050)
    return replace(whole, bands=whole.bands[1:-1])


def _is_plan(answer: Any) -> bool:
    return isinstance(answer, Plan) and answer.length == 22050 and len(answer.bands) > 0


def _has_hole(answer: Any) -> bool:
    try:
        return _is_plan(answer) and answer.frame_operator is None
    except BookError:
        return True


def _centres_are_bark(answer: Plan) -> bool:
    hz_per_bin = answer.sample_rate / answer.fft_length
    peaks = [(band.start + int(np.argmax(band.window))) * hz_per_bin for band in answer.bands]
    near = [np.min(np.abs(np.array(peaks) - hz)) < 3 for hz in traunmuller_hz(np.arange(1, 22))]
    return all(near)


def _bark_is_right(answer: Any) -> bool:
    if not isinstance(answer, Plan):
        raise TypeError("a Plan is asked for: Plan(sample_rate, length, fft_length, bands)")
    return _is_plan(answer) and not _has_hole(answer) and _centres_are_bark(answer)


EXERCISES: tuple[Exercise, ...] = (
    numeric(
        "nsgt-bands",
        337,
        [
            (336, "That counts the steps between bands. A fence of 336 gaps has 337 posts: both ends are bands."),
            (169, "That is 24 bands to the octave. Here there are 48."),
            (48, "That is one octave. From 55 to 7040 Hz there are log2(7040 / 55) = 7."),
            (343, "One band too many for each octave: the last band of one octave is the first of the next."),
        ],
        rtol=1e-4,
        praise="Right: 48 · 7 steps, and one more band than steps.",
    ),
    numeric(
        "nsgt-q",
        1 / (2 ** (1 / 48) - 2 ** (-1 / 48)),
        [
            (
                1 / (2 ** (1 / 24) - 2 ** (-1 / 24)),
                "That is the whole width of the window, from zero to zero. At half height it is half as wide.",
            ),
            (
                1 / (2 ** (1 / 24) - 1),
                "That takes the distance to the next centre as the width, as Brown (1991) does. It is nearly the same; "
                "here the width runs from half a band below the centre to half a band above.",
            ),
            (24.0, "24 is the number of bands in an octave. Q is a centre frequency divided by a width."),
            (2 ** (1 / 48) - 2 ** (-1 / 48), "Upside down: that is the width divided by the centre frequency."),
        ],
        rtol=0.005,
        praise="Right, and the centre frequency cancels: the same Q in every octave, hence constant-Q.",
    ),
    array(
        "nsgt-frame-operator",
        lambda: (WINDOWS**2).sum(axis=0),
        [
            (
                lambda: WINDOWS.sum(axis=0),
                "You added the windows. Each is applied twice, in analysis and in synthesis, so it counts squared.",
            ),
            (
                lambda: (WINDOWS**2).sum(axis=1),
                "You added along the bins: one number per window. S has one number per FFT bin, so sum over axis 0.",
            ),
            (
                lambda: np.sqrt((WINDOWS**2).sum(axis=0)),
                "That is the square root of S. It is what you would divide by if both windows shared the work.",
            ),
            (
                lambda: np.diag((WINDOWS**2).sum(axis=0)),
                "The whole matrix is right, and mostly zeros. Give its diagonal: six numbers.",
            ),
        ],
        praise="Right. No bin is zero, so nothing is lost.",
    ),
    array(
        "nsgt-dual",
        lambda: WINDOWS[1] / (WINDOWS**2).sum(axis=0),
        [
            (
                lambda: WINDOWS[1] / np.sqrt((WINDOWS**2).sum(axis=0)),
                "That is the tight window: right if analysis had used it too. But the analysis window was ĝ itself.",
            ),
            (
                lambda: WINDOWS[1] / WINDOWS.sum(axis=0),
                "You divided by the sum of the windows. The frame operator is the sum of their squares.",
            ),
            (
                lambda: WINDOWS[1] * (WINDOWS**2).sum(axis=0),
                "You multiplied by S. The windows weighed the spectrum by S already; the dual divides it out.",
            ),
            (
                lambda: np.where(WINDOWS[1] > 0, 1 / np.maximum(WINDOWS[1], 1e-9), 0),
                "That undoes one window alone. Where windows overlap, each must bring back only its share.",
            ),
        ],
        rtol=0.005,
        praise="Right. Times the windows, summed over the bands, the duals give 1 in every bin.",
    ),
    function(
        "nsgt-one-band",
        one_band,
        [
            (np.exp(1j * np.arange(8)) * np.arange(1, 9), np.hanning(9)[1:-1], 21, 40),
            (np.arange(16) * (1 + 0.5j), np.linspace(0.2, 1, 11), 5, 24),
        ],
        [
            (
                lambda c, window, start, n: _placed(c, window, start, n, np.arange(len(window))),
                "FFT bin j sits at slot j mod M, not at slot j - start: the folding counted bins from 0 Hz.",
            ),
            (
                lambda c, window, start, n: _placed(c, np.ones(len(window)), start, n),
                "The band comes back without its (dual) window. Multiply each bin by it.",
            ),
            (
                lambda c, window, start, n: _placed(np.fft.ifft(np.fft.ifft(c)) * len(c), window, start, n),
                "You went the same way twice. Analysis used the inverse FFT, so synthesis needs the forward one.",
            ),
            (
                lambda c, window, start, n: _placed(c, window, 0, n, (start + np.arange(len(window))) % len(c)),
                "The band landed at 0 Hz. Put it back at bins start, start + 1, …",
            ),
        ],
        praise="Right. Add this up over all bands and one inverse FFT gives the sound.",
    ),
    choice(
        "nsgt-separate",
        "nsgt-cqt",
        {
            "stft": "A 40 ms window is 45 Hz wide everywhere. The two partials are less than 7 Hz apart.",
            "dct": "The DCT here uses the same 40 ms frames as the STFT: far too wide for partials 7 Hz apart.",
            "nsgt-mel": "The mel scale is nearly linear below 700 Hz: its bands at 110 Hz are wider than the gap.",
            "nsgt-erb": "Near, but the ERB bands at 110 Hz are about as wide as the gap: both partials share a band.",
        },
        praise="Right: its bands there are less than half as wide as the gap. The price is a window over 0.6 s long.",
    ),
    numeric(
        "nsgt-frames",
        64,
        [
            (45, "That is the painless minimum. An octave grid takes the next power of two, for fast FFTs."),
            (32, "Too few: 32 slots cannot hold 45 FFT bins, and some would fold onto each other."),
            (22, "Half the window's width is not enough: every FFT bin of the window needs a slot of its own."),
            (90, "The sampling theorem does not ask for a factor of two here: the coefficients are complex."),
        ],
        rtol=1e-4,
        praise="Right: 45 bins need at least 45 slots, and 64 is the next power of two.",
    ),
    Exercise(
        "nsgt-bark",
        _bark_is_right,
        lambda: bark_plan(22050),
        (
            Mistake(
                "There is a hole: the frame operator vanishes somewhere. Are the low and the high band there?",
                _without_residuals,
                lambda answer: _has_hole(answer) and _covers_middle(answer),
            ),
            Mistake(
                "Holes between the bands: the windows do not overlap. Let each reach to its neighbours' centres.",
                lambda: _plan_on(hz_to_bark, traunmuller_hz, 22050, 22050, reach=0.4),
                _has_hole,
            ),
            Mistake(
                "The inverse works, but the centres do not lie at 1, 2, … 21 Bark. Is that the formula of Traunmüller?",
                _mel_plan,
                lambda answer: _is_plan(answer) and not _centres_are_bark(answer),
            ),
        ),
        praise="Right: your own scale, and nothing is lost.",
    ),
)


def _placed(c: Complex, window: Any, start: int, n: int, slots: Any = None) -> Complex:
    bins = start + np.arange(len(window))
    values = np.fft.fft(c)[bins % len(c) if slots is None else slots]
    spectrum = np.zeros(n, dtype=complex)
    spectrum[bins] = window * values
    return spectrum


def _covers_middle(answer: Any) -> bool:
    """Say whether every bin between the lowest and the highest band is covered: only the ends are missing."""
    if not _is_plan(answer):
        return False
    total = np.zeros(answer.n_frequencies)
    for band in answer.bands:
        total[band.start : band.start + len(band.window)] += band.window**2
    inside = np.flatnonzero(total > 1e-8)
    return bool((total[inside[0] : inside[-1] + 1] > 1e-8).all())
