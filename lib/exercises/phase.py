"""Exercises of *Magnitudes only: getting the phase back*."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lib.exercises import Exercise, Mistake, choice, function, numeric
from lib.transforms import STFT, spectral_convergence

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

RATE, HOP, SIZE = 22050, 220, 882

#: The phase of one bin in two neighbouring frames, in radians, for an exercise: bin 18, 450 Hz.
BIN, BIN_HZ = 18, 18 * RATE / SIZE
TONE_HZ = 443.0
PHASES = (0.3, round(float(np.angle(np.exp(1j * (0.3 + 2 * np.pi * TONE_HZ * HOP / RATE)))), 4))


def put_magnitudes(given: Complex, wanted: Array) -> Complex:
    """Keep the phases of coefficients and give them other magnitudes; where they are 0, take phase 0.

    Source: Griffin and Lim (1984). Chapter: *Magnitudes only: getting the phase back*.
    """
    size = np.abs(given)
    return wanted * np.where(size > 0, given / np.where(size > 0, size, 1), 1)


def phases_of_peaks(magnitude: Array) -> Array:
    """Guess phases by following the peaks: each turns as fast as its interpolated frequency says.

    Args:
        magnitude: `[bin, frame]` of the book's STFT (Hamming 40 ms, hop 220, 22,050 Hz).

    Source: Beauregard et al. (2015). Chapter: *Magnitudes only: getting the phase back*.
    """
    return _follow(magnitude, interpolate=True)


def _follow(magnitude: Array, interpolate: bool, sign: float = 1.0) -> Array:
    n_bins, n_frames = magnitude.shape
    phase = np.zeros((n_bins, n_frames))
    at_peaks = np.zeros(n_bins)
    level = np.log(magnitude + 1e-9)
    for m in range(n_frames):
        column = level[:, m]
        inside = np.arange(1, n_bins - 1)
        peaks = inside[(column[inside] > column[inside - 1]) & (column[inside] >= column[inside + 1])]
        if len(peaks):
            left, middle, right = column[peaks - 1], column[peaks], column[peaks + 1]
            offset = 0.5 * (left - right) / (left - 2 * middle + right) if interpolate else np.zeros(len(peaks))
            nearest = np.abs(np.arange(n_bins)[:, None] - peaks[None]).argmin(axis=1)
            # frames begin half a window before their centre, so neighbours of a peak alternate in sign
            at_peaks = at_peaks + sign * 2 * np.pi * HOP * ((peaks + offset) / SIZE)[nearest]
            phase[:, m] = at_peaks + np.pi * (np.arange(n_bins) - peaks[nearest])
    return phase


def trial_tone() -> torch.Tensor:
    """Make one second of a tone with twelve harmonics at 311.1 Hz, for trying guesses on, `[1, time]`."""
    time_s = torch.arange(RATE, dtype=torch.float64) / RATE
    fade = torch.clamp(torch.minimum(time_s / 0.05, (1 - time_s) / 0.05), 0, 1)
    order = torch.arange(1, 13, dtype=torch.float64)[:, None]
    return (fade * (torch.cos(2 * torch.pi * 311.1 * order * time_s + order**2) / order).sum(dim=0) * 0.3)[None]


def convergence_of(guess: Callable[[Array], Array], audio: torch.Tensor) -> float:
    """Weigh a guess: the spectral convergence of the sound made with its phases, before any iteration."""
    stft = STFT()
    wanted = stft.analyze(audio).magnitude()
    phase = torch.as_tensor(np.asarray(guess(wanted.grid[0].numpy())))
    if phase.shape != wanted.grid[0].shape:
        raise ValueError(f"phases {list(phase.shape)} for magnitudes {list(wanted.grid[0].shape)}")
    sound = stft.synthesize(stft.from_grid(torch.polar(wanted.grid, phase[None].double()), audio.shape[1]))
    return float(spectral_convergence(stft.analyze(sound), wanted))


def _weigh(answer: Any) -> float:
    if not callable(answer):
        raise TypeError("a function is asked for: phases = guess(magnitude)")
    return convergence_of(answer, trial_tone())


def _is_constant(answer: Any) -> bool:
    phase = np.asarray(answer(STFT().analyze(trial_tone()).magnitude().grid[0].numpy()))
    return bool(np.ptp(phase) < 1e-9)


_turns = 440 * HOP / RATE
_advance = 2 * np.pi * BIN_HZ * HOP / RATE
_off = float(np.angle(np.exp(1j * (PHASES[1] - PHASES[0] - _advance))))
_given = np.array([[1 + 1j, -2.0, 0.0], [3j, 0.5 - 0.5j, -1 - 2j]])
_wanted = np.array([[2.0, 1.0, 0.7], [0.5, 0.0, 4.0]])

EXERCISES: tuple[Exercise, ...] = (
    numeric(
        "phase-advance",
        _turns % 1,
        [
            (_turns, "That is how often it turns in all. Whole turns cannot be seen: keep what is left over."),
            (2 * np.pi * (_turns % 1), "That is in radians. The question asks for turns."),
            (440 / RATE, "That is the turn from one sample to the next. A hop is 220 samples."),
            (1 - _turns % 1, "Upside down: that is how far the bin is from completing the next turn."),
        ],
        praise="Right. Four whole turns went unseen, and that is why a phase alone does not tell the frequency.",
    ),
    numeric(
        "phase-frequency",
        TONE_HZ,
        [
            (BIN_HZ, "That is the middle of the bin. The phase turns a little slower than that: by how much?"),
            (
                (PHASES[1] - PHASES[0]) / (2 * np.pi) * RATE / HOP,
                "That forgets the whole turns. Compare with what the middle of the bin would have done, "
                "and take the difference to within half a turn.",
            ),
            (
                BIN_HZ - _off / (2 * np.pi) * RATE / HOP,
                "The right distance from the middle of the bin, to the wrong side: mind the sign of the difference.",
            ),
            (
                BIN_HZ + _off * RATE / HOP,
                "The difference is in radians. Divide by two pi to get turns before you multiply by hops a second.",
            ),
        ],
        rtol=0.0006,
        praise="Right: to within a fraction of a hertz, from a bin 45 Hz wide.",
    ),
    choice(
        "phase-twins",
        "c",
        {
            "a": "Later by one sample is nearly the same picture, and not exactly: the frames cut elsewhere.",
            "b": "Backwards turns the picture around as well: the attack stands at the end.",
            "d": "There is one: every picture of magnitudes belongs to at least two sounds.",
        },
        praise="Right. No method can find the sign, so never compare waveforms: a perfect result may be upside down.",
    ),
    numeric(
        "phase-convergence",
        0.8,
        [
            (0.64, "That is the ratio of the squares. Take the square root: a ratio of norms."),
            (4 / 7, "You added up sizes. The norm is the root of the sum of squares: here 5 below the fraction."),
            (4 / 3, "You divided by the norm of what was got. Divide by what was wanted."),
            (4.0, "That is the error itself. Divide it by the norm of the wanted magnitudes."),
        ],
        praise="Right: 4 / 5. And silence would score 1, so 1 means “no better than nothing”.",
    ),
    function(
        "phase-projection",
        put_magnitudes,
        [(_given, _wanted), (_given.T * 1e-3, _wanted.T)],
        [
            (
                lambda given, wanted: given * wanted,
                "You multiplied by the wanted magnitudes, and the old ones are still in there. Divide by them first.",
            ),
            (
                lambda given, wanted: wanted * np.exp(1j * np.where(np.abs(given) > 0, np.angle(given), np.pi)),
                "Nearly: where the coefficient is 0 it has no phase. Take phase 0 there, so that it gets +wanted.",
            ),
            (
                lambda given, wanted: np.where(np.abs(given) > 0, wanted * np.sign(given.real), wanted),
                "That keeps the sign of the real part only, as for a DCT. A complex phase is more than a sign.",
            ),
            (
                lambda given, wanted: wanted * np.exp(-1j * np.angle(given)),
                "The phases are mirrored: you divided by the phase instead of multiplying, or conjugated on the way.",
            ),
        ],
        praise="Right: the nearest coefficients that have the wanted magnitudes.",
    ),
    Exercise(
        "phase-single-pass",
        lambda answer: _weigh(answer) < 0.25,
        lambda: phases_of_peaks,
        (
            Mistake(
                "All phases are equal. Neighbouring frames then contradict each other: "
                "let each peak turn on by its frequency times the hop.",
                lambda: lambda magnitude: np.zeros(magnitude.shape),
                _is_constant,
            ),
            Mistake(
                "Your phases do no better than chance. Does each frame add to the phase of the frame before it?",
                lambda: lambda magnitude: np.random.default_rng(0).uniform(0, 2 * np.pi, magnitude.shape),
                lambda answer: _weigh(answer) > 0.5,
            ),
            Mistake(
                "Better than chance. Do your peaks turn as fast as the middle of their bin? "
                "A bin is 25 Hz wide: interpolate the peak between its neighbours.",
                lambda: lambda magnitude: _follow(magnitude, interpolate=False),
                lambda answer: 0.25 <= _weigh(answer) <= 0.5,
            ),
        ),
        praise="Right: without a single iteration, better than Griffin–Lim begins with.",
    ),
)
