"""Exercises of *Audio descriptors*."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.descriptors import centroid, describe
from lib.exercises import Exercise, Mistake, array, choice, function, numeric

Array = NDArray[np.float64]

RATE = 22050

#: Three partials of a tone: frequencies in Hz and amplitudes.
PARTIALS_HZ = np.array([200.0, 400.0, 600.0])
AMPLITUDES = np.array([1.0, 0.5, 0.5])

#: What the sound of the last exercise must have.
SPEC = {"f0_hz": 220.0, "centroid_hz": 1000.0, "odd_even_db": 12.0, "attack_s": 0.080}

#: p-values of five descriptors, before correction.
P_VALUES = np.array([0.030, 0.004, 0.200, 0.011, 0.0125])


def rolloff_bin(magnitudes: Array, frequencies_hz: Array, share: float) -> float:
    """Find the first bin at and below which `share` of the power lies, in Hz: the solution by hand."""
    below = np.cumsum(np.asarray(magnitudes) ** 2)
    return float(np.asarray(frequencies_hz)[np.searchsorted(below, share * below[-1])])


def _rolloff_of_amplitude(magnitudes: Array, frequencies_hz: Array, share: float) -> float:
    return rolloff_bin(np.sqrt(magnitudes), frequencies_hz, share)


def _rolloff_index(magnitudes: Array, frequencies_hz: Array, share: float) -> float:
    return float(np.searchsorted(frequencies_hz, rolloff_bin(magnitudes, frequencies_hz, share)))


def _rolloff_of_peak(magnitudes: Array, frequencies_hz: Array, share: float) -> float:
    above = np.flatnonzero(np.asarray(magnitudes) >= share * np.max(magnitudes))
    return float(np.asarray(frequencies_hz)[above[-1]])


def _rolloff_from_above(magnitudes: Array, frequencies_hz: Array, share: float) -> float:
    return rolloff_bin(magnitudes, frequencies_hz, 1 - share)


def _rolloff_inputs() -> list[tuple[Array, Array, float]]:
    f = np.arange(0, 4000, 50.0)
    m = 1 / (1 + f / 500)
    peaks = 0.02 + np.exp(-(((f - 900) / 120) ** 2)) + 0.6 * np.exp(-(((f - 2600) / 150) ** 2))
    log_f = np.geomspace(60, 8000, 90)
    return [(m, f, 0.85), (3 * peaks, f, 0.95), (np.exp(-log_f / 2000), log_f, 0.6)]


def any_axis(magnitudes: Array, frequencies_hz: Array) -> float:
    """The amplitude centroid on any axis: bins weigh `m * sqrt(width)`. The solution by hand."""
    f = np.asarray(frequencies_hz, dtype=float)
    weight = np.asarray(magnitudes) * np.sqrt(np.gradient(f))
    return float((weight * f).sum() / weight.sum())


def _by_weight(exponent: float):
    def wrong(magnitudes: Array, frequencies_hz: Array) -> float:
        f = np.asarray(frequencies_hz, dtype=float)
        weight = np.asarray(magnitudes) * np.gradient(f) ** exponent
        return float((weight * f).sum() / weight.sum())

    return wrong


def _as_linear(magnitudes: Array, frequencies_hz: Array) -> float:
    m = np.asarray(magnitudes)
    return float((m * np.linspace(0, RATE / 2, len(m))).sum() / m.sum())


def _axis_inputs() -> list[tuple[Array, Array]]:
    f = np.geomspace(64, 8000, 60)
    linear = np.arange(1, 100) * 80.0
    return [(np.sqrt(np.gradient(f)), f), (1 + np.cos(np.arange(60) / 9) ** 2, f), (1 / linear, linear)]


def holm(p: Any) -> Array:
    """Correct p-values for their number by Holm's method: the solution by hand."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))))
    return corrected


def _without_maximum(p: Array) -> Array:
    order = np.argsort(p)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1, p[order] * (len(p) - np.arange(len(p))))
    return corrected


def design(
    *, odd_even_db: float = 12.0, attack_s: float = 0.080, power: float = 2.0, target_hz: float = 1000.0
) -> Array:
    """Make a tone of 220 Hz with the wanted descriptors: the solution of the afternoon, and its slips."""
    h = np.arange(1, 31)

    def amplitudes(tilt: float) -> Array:
        a = h**-tilt
        odd, even = np.sqrt((a[0::2] ** 2).sum()), np.sqrt((a[1::2] ** 2).sum())
        a[1::2] *= odd / even * 10 ** (-odd_even_db / 20)
        return a

    low, high = 0.0, 6.0
    for _ in range(50):
        tilt = (low + high) / 2
        weight = amplitudes(tilt) ** power
        bright = (weight * 220 * h).sum() / weight.sum() > target_hz
        low, high = (tilt, high) if bright else (low, tilt)
    time_s = np.arange(RATE) / RATE
    sound = np.sin(2 * np.pi * 220 * h[:, None] * time_s + (h**2)[:, None]) * amplitudes(low)[:, None]
    sound = sound.sum(0) * np.minimum(1, time_s / (attack_s / 0.8))
    return 0.5 * sound / np.abs(sound).max()


def _measured(answer: Any) -> dict[str, float | None]:
    audio = np.asarray(answer, dtype=float)
    if audio.ndim != 1 or len(audio) < RATE // 2:
        raise TypeError("a sound is asked for: an array [time] of at least half a second at 22,050 Hz")
    return describe(audio, RATE, SPEC["f0_hz"])


def _near(found: float | None, wanted: float, tolerance: float) -> bool:
    return found is not None and abs(found - wanted) <= tolerance


def _meets(answer: Any) -> bool:
    audio = np.asarray(answer, dtype=float)
    d = _measured(audio)
    return (
        float(np.abs(audio).max()) <= 1
        and _near(describe(audio, RATE)["f0_hz"], SPEC["f0_hz"], 3.0)
        and _near(d["centroid_hz"], SPEC["centroid_hz"], 20.0)
        and _near(d["odd_even_db"], SPEC["odd_even_db"], 0.5)
        and _near(10 ** d["log_attack_time"], SPEC["attack_s"], 0.008)
    )


def _bright_by_amplitude(answer: Any) -> bool:
    audio = np.asarray(answer, dtype=float)
    m = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    f = np.fft.rfftfreq(len(audio), 1 / RATE)
    by_amplitude = float(centroid(m, f, power=1))
    return _near(by_amplitude, SPEC["centroid_hz"], 40.0) and not _near(_measured(answer)["centroid_hz"], 1000.0, 40.0)


EXERCISES: tuple[Exercise, ...] = (
    numeric(
        "descriptors-attack",
        10.0,
        [
            (100.0, "That is 10 to the power of -1, in milliseconds. The logarithm here is -2."),
            (0.01, "Right in seconds. Milliseconds are asked for."),
            (1000 * float(np.exp(-2)), "That takes a natural logarithm. This one is to base 10."),
            (-2.0, "That is the logarithm. Raise 10 to it."),
        ],
        praise="Right: 10 to the power of −2 is a hundredth of a second.",
    ),
    numeric(
        "descriptors-centroid",
        float((AMPLITUDES**2 * PARTIALS_HZ).sum() / (AMPLITUDES**2).sum()),
        [
            (
                float((AMPLITUDES * PARTIALS_HZ).sum() / AMPLITUDES.sum()),
                "You weighed by amplitude. This centroid weighs by power: square the amplitudes first.",
            ),
            (400.0, "That is the mean of the frequencies. A strong partial must count more than a weak one."),
            (
                float((AMPLITUDES**2 * PARTIALS_HZ).sum()),
                "You summed f times p, but did not divide by the sum of p.",
            ),
            (200.0, "That is the strongest partial. The others pull the balance point upwards."),
        ],
        rtol=0.002,
        praise="Right: 200 Hz carries two thirds of the power, and the rest pulls the point up by 100 Hz.",
    ),
    choice(
        "descriptors-octave",
        "skewness",
        {
            "centroid": "Every partial moves to twice its frequency, and so does their balance point.",
            "bandwidth": "Every partial moves to twice its frequency, so distances from the centroid double too.",
            "roll-off": "It is a frequency, and all frequencies double.",
            "temporal centroid": "The note is half as long, and its balance point in time comes twice as early.",
        },
        praise="Right: a third moment over a bandwidth cubed has no unit. Hertz cancel, so the octave does too.",
    ),
    function(
        "descriptors-rolloff",
        rolloff_bin,
        _rolloff_inputs(),
        [
            (_rolloff_of_amplitude, "You summed magnitudes. The share is one of power: square them first."),
            (_rolloff_index, "That is the number of the bin. Look its frequency up in frequencies_hz."),
            (_rolloff_of_peak, "You compared bins with the strongest one. Compare the running sum with the whole sum."),
            (_rolloff_from_above, "You counted from the top. The share lies below the roll-off."),
        ],
        praise="Right. The library also interpolates within the bin, so that the number moves smoothly.",
    ),
    numeric(
        "descriptors-string",
        4e-4,
        [
            (
                1.02 - 1,
                "That is how far the tenth partial is off, as a ratio. The law has a square root: square the ratio "
                "first, then take 1 away, then divide by h squared.",
            ),
            (
                1.02**2 - 1,
                "That is B times h squared. Divide by h squared, 100.",
            ),
            ((1.02**2 - 1) / 10, "You divided by h. In the law, h is squared."),
            ((1.02 - 1) / 100, "You forgot the square root of the law: square the ratio before you take 1 away."),
        ],
        rtol=0.02,
        praise="Right: (1.02² − 1) / 10², about 0.0004, as on a real piano.",
    ),
    function(
        "descriptors-widths",
        any_axis,
        _axis_inputs(),
        [
            (_by_weight(0.0), "Every bin counts alike. On this axis the upper bins speak for more hertz: use widths."),
            (
                _by_weight(1.0),
                "You multiplied by the width. m of a noise grows with the root of the width already: "
                "only the other root is missing.",
            ),
            (
                _by_weight(-0.5),
                "You divided by the root of the width: that is the density, before it is summed over hertz.",
            ),
            (
                _as_linear,
                "You spread the bins evenly from 0 Hz to half the sample rate. They have frequencies of their own.",
            ),
        ],
        praise="Right. On equal widths the root is a constant and cancels, so this is the formula on any axis.",
    ),
    array(
        "descriptors-holm",
        lambda: holm(P_VALUES),
        [
            (lambda: P_VALUES, "These are the p-values as they were. Five looks need a correction."),
            (
                lambda: np.minimum(1, 5 * P_VALUES),
                "That is Bonferroni's: all times five. Holm multiplies the smallest by 5, the next by 4, and so on.",
            ),
            (
                lambda: _without_maximum(P_VALUES),
                "Almost: a larger p-value must not end up with a smaller correction. Take the running maximum.",
            ),
            (
                lambda: np.sort(holm(P_VALUES)),
                "The numbers are right and in rising order. Give them in the order of the question.",
            ),
        ],
        rtol=0.01,
        praise="Right: four of five were below 0.05, three still are.",
    ),
    Exercise(
        "descriptors-design",
        _meets,
        design,
        (
            Mistake(
                "The centroid is 1000 Hz if weighed by amplitude. describe weighs by power: weak partials count less.",
                lambda: design(power=1.0),
                _bright_by_amplitude,
            ),
            Mistake(
                "The attack is 64 ms. A ramp of T seconds passes from 10 % to 90 % in 0.8 T: make it 100 ms long.",
                lambda: design(attack_s=0.064),
                lambda answer: _near(10 ** _measured(answer)["log_attack_time"], 0.064, 0.006),
            ),
            Mistake(
                "Odd against even is 6 or 24 dB: twice or half of 12. Decibels of a power ratio are 10 log10, of an "
                "amplitude ratio 20 log10.",
                lambda: design(odd_even_db=6.0),
                lambda answer: any(_near(_measured(answer)["odd_even_db"], wrong, 0.7) for wrong in (6.0, 24.0)),
            ),
            Mistake(
                "The sound exceeds full scale, and would be clipped. Divide by its largest sample.",
                lambda: 3 * design(),
                lambda answer: float(np.abs(np.asarray(answer)).max()) > 1,
            ),
        ),
        praise="Right. All four numbers are met, and yet two such sounds can differ: play yours.",
        otherwise="Not yet. Print describe(answer, 22050, 220.0) and compare it with the four numbers.",
    ),
)
