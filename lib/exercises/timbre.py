"""Exercises of *What is timbre?*"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from lib import corpus
from lib.descriptors import envelope, harmonic_amplitudes, temporal_centroid
from lib.exercises import Exercise, Mistake, array, choice, function, numeric

Array = NDArray[np.float64]

#: The note that all of the chapter's instruments play: E flat above middle C.
E_FLAT = 63

#: Levels in dB of four harmonics, for the exercise about odd and even ones.
FOUR_LEVELS_DB = np.array([0.0, -30.0, -6.0, -40.0])


def graft(head: Array, tail: Array, at_s: float, fade_s: float, sample_rate: int = corpus.SAMPLE_RATE) -> Array:
    """Begin with one sound and go on with another: a linear cross-fade of `fade_s` seconds from `at_s` on.

    Both sounds keep their own time, so the tail's beginning is never heard.

    >>> graft(np.ones(4), np.zeros(4), 1.0, 2.0, sample_rate=1).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    n = min(len(head), len(tail))
    time_s = np.arange(n) / sample_rate
    share = np.clip((time_s - at_s) / fade_s, 0.0, 1.0)
    return (1 - share) * head[:n] + share * tail[:n]


def harmonic_levels(audio: Array, f0_hz: float, count: int = 20) -> Array:
    """Measure how strong each harmonic is in the whole sound, in dB of the strongest: `[harmonic]`."""
    n = 1 << len(audio).bit_length()
    magnitude = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), n))
    f_hz = np.fft.rfftfreq(n, 1 / corpus.SAMPLE_RATE)
    amplitudes, _ = harmonic_amplitudes(magnitude, f_hz, f0_hz, count=count)
    return 20 * np.log10(np.maximum(amplitudes / amplitudes.max(), 1e-6))


def additive(amplitudes: Array, f0_hz: float, length: int) -> Array:
    """Add sinusoids at whole multiples of `f0_hz`; amplitudes are `[harmonic]`, or `[harmonic, time]`."""
    time_s = np.arange(length) / corpus.SAMPLE_RATE
    numbers = np.arange(1, len(amplitudes) + 1)
    below = numbers * f0_hz < corpus.SAMPLE_RATE / 2
    waves = np.sin(2 * np.pi * f0_hz * np.outer(numbers[below], time_s))
    weights = amplitudes[below]
    return weights @ waves if weights.ndim == 1 else (weights * waves).sum(axis=0)


def course(audio: Array) -> Array:
    """Follow the envelope of a sound, one value a sample: `[time]`."""
    level, times_s = envelope(audio, corpus.SAMPLE_RATE)
    return np.interp(np.arange(len(audio)) / corpus.SAMPLE_RATE, times_s, level)


def chimera(colour_of: corpus.Note, course_of: corpus.Note) -> Array:
    """Give one note's harmonics the envelope of another: the solution of the afternoon."""
    return _chimera(colour_of, course_of)


def _chimera(colour_of: corpus.Note, course_of: corpus.Note, decades: float = 20.0, flat: bool = False) -> Array:
    levels = harmonic_levels(colour_of.audio(), colour_of.f0_hz)
    weight = np.ones(len(course_of.audio())) if flat else course(course_of.audio())
    made = additive(10 ** (levels / decades), course_of.f0_hz, len(weight)) * weight
    return made / np.abs(made).max()


@cache
def _pair() -> tuple[corpus.Note, corpus.Note]:
    oboe, piano = (corpus.notes(instrument=name, midi=E_FLAT, velocity=80)[0] for name in ("Oboe", "Piano"))
    return oboe, piano


@cache
def _wanted() -> tuple[Array, Array, float, float]:
    """The oboe's and the piano's first eight levels, and their temporal centroids in s."""
    oboe, piano = _pair()
    return (*(harmonic_levels(n.audio(), n.f0_hz)[:8] for n in (oboe, piano)), *map(_centre_s, _pair_audio()))


def _pair_audio() -> tuple[Array, Array]:
    oboe, piano = _pair()
    return oboe.audio(), piano.audio()


def _centre_s(audio: Array) -> float:
    return float(temporal_centroid(*envelope(audio, corpus.SAMPLE_RATE)))


def _facts(answer: Any) -> tuple[Array, float]:
    """What the check looks at: levels of the first eight harmonics, and the temporal centroid."""
    audio = np.asarray(answer, dtype=np.float64)
    if audio.ndim != 1 or len(audio) < corpus.SAMPLE_RATE:
        raise TypeError("a sound of at least one second is asked for, as one array [time]")
    return harmonic_levels(audio, _pair()[0].f0_hz)[:8], _centre_s(audio)


def _near(levels: Array, wanted: Array) -> bool:
    return bool(np.abs(levels - wanted).max() < 4.0)  # dB; a piano's envelope blurs the lines by less


def _chimera_is_right(answer: Any) -> bool:
    levels, centre_s = _facts(answer)
    oboe, _, _, piano_s = _wanted()
    return _near(levels, oboe) and abs(centre_s - piano_s) < 0.1


def _is_swapped(answer: Any) -> bool:
    levels, centre_s = _facts(answer)
    _, piano, oboe_s, _ = _wanted()
    return _near(levels, piano) and abs(centre_s - oboe_s) < 0.1


def _is_flat(answer: Any) -> bool:
    levels, centre_s = _facts(answer)
    oboe, _, oboe_s, piano_s = _wanted()
    return _near(levels, oboe) and centre_s > (oboe_s + piano_s) / 2


def _is_power(answer: Any) -> bool:
    levels, _ = _facts(answer)
    return _near(levels / 2, _wanted()[0])


def _spearman(x: Array, y: Array) -> float:
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def _hard_cut(head: Array, tail: Array, at_s: float, fade_s: float, sample_rate: int) -> Array:
    n = round(at_s * sample_rate)
    return np.concatenate([head[:n], tail[n:]])


def _whole_tail(head: Array, tail: Array, at_s: float, fade_s: float, sample_rate: int) -> Array:
    late = np.concatenate([np.zeros(round(at_s * sample_rate)), tail])[: len(tail)]
    return graft(head, late, at_s, fade_s, sample_rate)


_RAMP = np.linspace(0.1, 1.0, 400)
_WAVE = np.sin(np.arange(400) / 7.0)

EXERCISES: tuple[Exercise, ...] = (
    numeric(
        "timbre-harmonics",
        35,
        [
            (70, "That counts up to the sample rate. Sound can be stored up to half of it, the Nyquist frequency."),
            (36, "One too many: the 36th harmonic lies above half the sample rate."),
            (34, "One too few. The fundamental is harmonic 1."),
            (11025, "That is the highest frequency. How many multiples of the fundamental fit below it?"),
        ],
        rtol=1e-4,
        praise="Right: 35 · 311.1 Hz is just below 11,025 Hz.",
    ),
    choice(
        "timbre-definition",
        "b",
        {
            "a": "Here the definition works as intended: equal pitch, equal loudness, and yet dissimilar.",
            "c": "Made equally loud, they have the same pitch and loudness. What is left is timbre, by definition.",
            "d": "Pitch, loudness and duration are the same, so the difference counts as timbre, even in time.",
        },
        praise="Right: neither has a pitch, so they cannot have the same one, and the definition does not apply.",
    ),
    numeric(
        "timbre-odd-even",
        float(10 * np.log10((1 + 10**-0.6) / (10**-3.0 + 10**-4.0))),
        [
            (32.0, "That is the difference of the mean levels. Levels in dB do not add: turn them into powers first."),
            (
                float(20 * np.log10((1 + 10**-0.3) / (10**-1.5 + 10**-2.0))),
                "You added amplitudes. Two partials at different frequencies add their powers, 10^(dB/10).",
            ),
            (
                float(-10 * np.log10((1 + 10**-0.6) / (10**-3.0 + 10**-4.0))),
                "Upside down: odd over even, and the odd ones are the strong ones here.",
            ),
            (float((1 + 10**-0.6) / (10**-3.0 + 10**-4.0)), "That is the ratio of powers. Give it in dB."),
        ],
        rtol=0.005,
        praise="Right. A sawtooth has 4.8 dB; 30 dB is hollower than any clarinet note of this book.",
    ),
    array(
        "timbre-square",
        lambda: np.array([0.0, -60, -20 * np.log10(3), -60, -20 * np.log10(5), -60, -20 * np.log10(7), -60]),
        [
            (
                lambda: -20 * np.log10(np.arange(1, 9)),
                "That is a sawtooth: all harmonics. A square wave has only the odd ones; write −60 for the others.",
            ),
            (
                lambda: np.array([0.0, -60, -40 * np.log10(3), -60, -40 * np.log10(5), -60, -40 * np.log10(7), -60]),
                "Those levels fall with 1/h²: a triangle. In a square wave the amplitude of harmonic h is 1/h.",
            ),
            (
                lambda: np.array([0.0, -60, -10 * np.log10(3), -60, -10 * np.log10(5), -60, -10 * np.log10(7), -60]),
                "10 log10 is for powers. For amplitudes it is 20 log10.",
            ),
        ],
        rtol=0.005,
        praise="Right. Draw it on the bench: it is a first step towards a clarinet.",
    ),
    function(
        "timbre-graft",
        graft,
        [(_RAMP, _WAVE, 1.0, 0.5, 100), (_WAVE, _RAMP, 2.0, 1.0, 100)],
        [
            (
                _hard_cut,
                "A hard cut: it clicks. From at_s to at_s + fade_s both should be heard, one going, one coming.",
            ),
            (
                _whole_tail,
                "Your tail starts from its own beginning, so its attack is heard. Keep both in their own time.",
            ),
            (
                lambda head, tail, at_s, fade_s, rate: graft(tail, head, at_s, fade_s, rate),
                "The wrong way round: it begins with the tail.",
            ),
            (
                lambda head, tail, at_s, fade_s, rate: graft(head, tail, at_s - fade_s, fade_s, rate),
                "Your cross-fade ends at at_s. It should begin there.",
            ),
        ],
        praise="Right. With fade_s = 0.02 nobody hears the seam; they hear an instrument that does not exist.",
    ),
    function(
        "timbre-ranks",
        _spearman,
        [
            (np.array([3.0, 1, 2, 10, 4]), np.array([1.0, 5, 2, 9, 100])),
            (np.array([0.1, 0.4, 0.2, 0.9, 0.3, 7.0]), np.array([4.0, 1, 3, 2, 0, 5])),
        ],
        [
            (
                lambda x, y: float(np.corrcoef(x, y)[0, 1]),
                "That correlates the values. Replace each by its rank first: only the order should count.",
            ),
            (
                lambda x, y: float(np.corrcoef(np.argsort(x), np.argsort(y))[0, 1]),
                "argsort once says *which one comes first*; a rank says what place each has. Take argsort of argsort.",
            ),
            (
                lambda x, y: float(np.mean(np.argsort(np.argsort(x)) == np.argsort(np.argsort(y)))),
                "That is the share of equal places. Spearman's ρ is the correlation of the places.",
            ),
        ],
        praise="Right: 1 means the same order, 0 none in common, −1 the reverse.",
    ),
    Exercise(
        key="timbre-chimera",
        is_right=_chimera_is_right,
        solution=lambda: chimera(*_pair()),
        mistakes=(
            Mistake(
                "The other way round: these are the piano's harmonics under the oboe's envelope.",
                lambda: chimera(*_pair()[::-1]),
                _is_swapped,
            ),
            Mistake(
                "The harmonics are the oboe's, but the sound stands still. Multiply it by the piano's envelope.",
                lambda: _chimera(*_pair(), flat=True),
                _is_flat,
            ),
            Mistake(
                "Your harmonics fall off too steeply: 10^(dB/10) is a power, 10^(dB/20) an amplitude.",
                lambda: _chimera(*_pair(), decades=10.0),
                _is_power,
            ),
        ),
        praise="Right: an oboe that is struck and dies away.",
        otherwise="Not yet. The check measures the first eight harmonics, which should be within 4 dB of the oboe's, "
        "and where in time the sound has its centre, which should be within 0.1 s of the piano's.",
    ),
)
