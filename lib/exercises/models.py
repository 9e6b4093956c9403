"""Exercises of *WaveNet, SING, DDSP*."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lib.exercises import choice, function, numeric

Array = NDArray[np.float64]


def overlap_add(windows: Array, stride: int) -> Array:
    """Add windows [n, length] that start a stride apart: audio [(n - 1) * stride + length].

    Chapter: *WaveNet, SING, DDSP*.
    """
    n, length = windows.shape
    audio = np.zeros((n - 1) * stride + length)
    for i, window in enumerate(windows):
        audio[i * stride : i * stride + length] += window
    return audio


def harmonics(f0_hz: float, amplitudes: Array, n_samples: int, sample_rate: int) -> Array:
    """Sum sines at multiples of f0, from phase zero; those at or above half the sample rate are left out.

    Chapter: *WaveNet, SING, DDSP*.
    """
    time_s = np.arange(n_samples) / sample_rate
    partial = np.arange(1, len(amplitudes) + 1)
    heard = np.where(partial * f0_hz < sample_rate / 2, amplitudes, 0.0)
    return heard @ np.sin(2 * np.pi * f0_hz * partial[:, None] * time_s)


def _averaged(windows: Array, stride: int) -> Array:
    return overlap_add(windows, stride) / np.maximum(1, overlap_add(np.ones_like(windows), stride))


def _last_wins(windows: Array, stride: int) -> Array:
    n, length = windows.shape
    audio = np.zeros((n - 1) * stride + length)
    for i, window in enumerate(windows):
        audio[i * stride : i * stride + length] = window
    return audio


def _all_partials(f0_hz: float, amplitudes: Array, n_samples: int, sample_rate: int) -> Array:
    time_s = np.arange(n_samples) / sample_rate
    return np.asarray(amplitudes) @ np.sin(2 * np.pi * f0_hz * np.arange(1, len(amplitudes) + 1)[:, None] * time_s)


_rng = np.random.default_rng(0)
_windows = _rng.normal(size=(5, 16))
_tones = [
    (220.0, np.array([1.0, 0.5, 0.25]), 400, 16_000),
    (3000.0, np.array([1.0, 0.5, 0.7]), 300, 16_000),
]

EXERCISES = (
    numeric(
        "models-mulaw",
        157,
        [
            (129, "That is the class of equal steps. Bend the amplitude first."),
            (29, "Classes count from -1: 0 lies in the middle, at 127.5."),
            (185, "You took the logarithm to another base in numerator and denominator: both are natural."),
            (156, "Round to the nearest class; the half is to be added before the floor."),
        ],
        rtol=1e-6,
        praise="Right: a hundredth of full scale is 29 steps from the middle. With equal steps it would be one.",
    ),
    numeric(
        "models-bits",
        math.log2(20),
        [
            (math.log(20), "That is in nats. Bits are logarithms to base two."),
            (math.log10(20), "That is a logarithm to base ten."),
            (8 - math.log2(20), "That is what was saved against 8 bits. How many were needed?"),
            (1 / 20, "That is the probability. The surprise is minus its logarithm."),
        ],
        praise="Right. Halve a chance, and it costs one bit more.",
    ),
    numeric(
        "models-layers",
        11,
        [
            (10, "Nearly: ten layers reach 2 + 1023 samples, which is 64 ms."),
            (1599, "Without doubling, yes. Doubled dilations reach exponentially far."),
            (1598, "Nearly what it takes without doubling. Doubled dilations reach exponentially far."),
            (12, "That would do, and so would one fewer."),
            (7, "A tenth of a second is 1600 samples at this rate."),
        ],
        rtol=1e-6,
        praise="Right: 2 + 2047 samples. Each further layer doubles the reach.",
    ),
    choice(
        "models-phase",
        "a",
        {
            "b": "A semitone moves every harmonic to other bins: the loss sees it at once.",
            "c": "Half as loud is a quarter of the power. The loss compares powers.",
            "d": "Noise adds power between the harmonics, and the logarithm looks there, too.",
        },
        praise="Right: magnitudes do not know the sign. Nor does the ear, of a steady tone.",
    ),
    function(
        "models-overlap",
        overlap_add,
        [(_windows, 4), (_windows, 16), (_windows[:1], 3)],
        [
            (
                lambda w, stride: w.reshape(-1),
                "You put them one after the other. They start a stride apart, and overlap.",
            ),
            (_averaged, "You averaged where they overlap. They add up: the windows' own fades see to the level."),
            (_last_wins, "A later window erased the earlier one. Add."),
            (
                lambda w, stride: overlap_add(w, stride)[: len(w) * stride],
                "The last window's tail is missing: the sound is longer than the number of windows times the stride.",
            ),
        ],
        praise="Right: that is a transposed convolution, once the windows are drawn.",
    ),
    function(
        "models-harmonics",
        harmonics,
        _tones,
        [
            (
                _all_partials,
                "A partial above half the sample rate comes back as a tone that is not there. Leave it out.",
            ),
            (
                lambda f, a, n, r: harmonics(f, np.roll(np.pad(a, (1, 0)), 0), n, r),
                "You gave the first amplitude to the octave: partial 1 is the fundamental.",
            ),
            (
                lambda f, a, n, r: harmonics(f, a, n, r) / len(a),
                "You averaged the sines. They add up.",
            ),
            (
                lambda f, a, n, r: harmonics(f / (2 * np.pi), a, n, r),
                "A turn is 2 pi: the tones come out more than two octaves too low.",
            ),
        ],
        praise="Right: a synthesiser in four lines, and every one of them has a gradient.",
    ),
)
