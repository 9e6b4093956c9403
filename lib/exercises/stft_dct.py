"""Exercises of *STFT and DCT*."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.exercises import Exercise, Mistake, array, choice, function, numeric

Array = NDArray[np.float64]

#: A short window for work by hand, at hop 2.
SMALL_WINDOW = np.array([0.2, 0.6, 1.0, 0.6])

#: Width of the 40 ms Hamming window's spectrum at half height, in hertz times seconds.
HAMMING_PRODUCT = 1.815


def add_up(frames: Array, window: Array, hop_length: int) -> Array:
    """Make the sound whose windowed frames are nearest to given ones, by the sum over frames.

    Args:
        frames: `[frame, sample]`; frame m begins at sample m times the hop.
        window: `[sample]`, as it was used in analysis.
        hop_length: in samples.

    Source: Griffin and Lim (1984), equation 6. Chapter: *STFT and DCT*.
    """
    return _add_up(frames, window, hop_length, once_more=True, power=2)


def mdct(audio: Array, half: int = 256) -> Array:
    """Modified discrete cosine transform with a sine window, `[frame, half]`: as many numbers as samples.

    Source: Princen, Johnson and Bradley (1987). Chapter: *STFT and DCT*.
    """
    return _mdct(audio, half, np.sin)


def imdct(coefficients: Array, length: int) -> Array:
    """Undo `mdct`: the aliases of neighbouring frames cancel."""
    return _imdct(coefficients, length, np.sin)


def _add_up(frames: Array, window: Array, hop_length: int, once_more: bool, power: int) -> Array:
    total = np.zeros((len(frames) - 1) * hop_length + len(window))
    weight = np.zeros_like(total)
    for m, frame in enumerate(frames):
        covered = slice(m * hop_length, m * hop_length + len(window))
        total[covered] += frame * window if once_more else frame
        weight[covered] += window**power
    return total / weight


def _basis(half: int) -> Array:
    n, k = np.arange(2 * half), np.arange(half)
    return np.sqrt(2 / half) * np.cos(np.pi / half * np.outer(k + 0.5, n + 0.5 + half / 2))


def _mdct(audio: Array, half: int, shape: Callable) -> Array:
    window = shape(np.pi * (np.arange(2 * half) + 0.5) / (2 * half))
    padded = np.concatenate([np.zeros(half), audio, np.zeros(half + -len(audio) % half)])
    frames = [padded[m : m + 2 * half] * window for m in range(0, len(padded) - half, half)]
    return np.array(frames) @ _basis(half).T


def _imdct(coefficients: Array, length: int, shape: Callable, windowed: bool = True, scale: float = 1.0) -> Array:
    half = coefficients.shape[1]
    window = shape(np.pi * (np.arange(2 * half) + 0.5) / (2 * half)) if windowed else np.ones(2 * half)
    sound = np.zeros((len(coefficients) + 1) * half)
    for m, frame in enumerate(coefficients @ _basis(half)):
        sound[m * half : (m + 2) * half] += frame * window
    return scale * sound[half : half + length]


def _hamming(phase: Array) -> Array:
    return 0.54 - 0.46 * np.cos(2 * phase)


_TRIAL = np.random.default_rng(0).standard_normal(4000)


def _trip(answer: Any) -> tuple[Array, Array]:
    """Run a pair of functions on the trial sound: coefficients and what comes back."""
    if not (isinstance(answer, (tuple, list)) and len(answer) == 2 and all(callable(part) for part in answer)):
        raise TypeError("a pair of functions is asked for: (forward, inverse)")
    coefficients = np.asarray(answer[0](_TRIAL))
    return coefficients, np.asarray(answer[1](coefficients, len(_TRIAL)))


def _error(answer: Any) -> float:
    back = _trip(answer)[1]
    return float(np.linalg.norm(back - _TRIAL) / np.linalg.norm(_TRIAL)) if back.shape == _TRIAL.shape else np.inf


def _is_mdct(answer: Any) -> bool:
    return _error(answer) < 1e-6 and _trip(answer)[0].size <= 1.25 * len(_TRIAL)


def _is_scaled(answer: Any) -> bool:
    back = _trip(answer)[1]
    gain = float(back @ _TRIAL / (_TRIAL @ _TRIAL))
    return abs(gain - 1) > 0.01 and float(np.linalg.norm(back - gain * _TRIAL)) < 1e-6 * float(np.linalg.norm(back))


def _plain_cosines(audio: Array) -> Array:
    """An STFT with its real and imaginary parts side by side: exact, and eight numbers a sample."""
    window = _hamming(np.pi * (np.arange(512) + 0.5) / 512)
    padded = np.pad(audio, 512)
    spectra = np.fft.rfft([padded[m : m + 512] * window for m in range(0, len(padded) - 511, 128)])
    return np.concatenate([spectra.real, spectra.imag], axis=1)


def _plain_back(coefficients: Array, length: int) -> Array:
    window = _hamming(np.pi * (np.arange(512) + 0.5) / 512)
    frames = np.fft.irfft(coefficients[:, :257] + 1j * coefficients[:, 257:], n=512)
    return _add_up(frames, window, 128, once_more=True, power=2)[512 : 512 + length]


_frames = np.random.default_rng(1).standard_normal((5, 4))
_step_hz = 440 * (2 ** (1 / 12) - 1)

EXERCISES: tuple[Exercise, ...] = (
    numeric(
        "stft-window-for-a-semitone",
        1000 * HAMMING_PRODUCT / _step_hz,
        [
            (1000 / _step_hz, "That is one divided by the distance. The Hamming window's band is 1.8 times as wide."),
            (HAMMING_PRODUCT / _step_hz, "Right, in seconds. The question asks for milliseconds."),
            (1000 * HAMMING_PRODUCT / 440, "You divided by A4's frequency. What counts is the distance to B flat."),
            (
                1000 * HAMMING_PRODUCT / (440 * (2 ** (1 / 6) - 1)),
                "That is a whole tone. A semitone is a factor of 2 to the power 1/12.",
            ),
        ],
        rtol=0.03,
        praise="Right: almost twice the book's 40 ms. And an octave lower it takes twice as long again.",
    ),
    numeric(
        "stft-frames",
        202,
        [
            (197, "That counts the windows that fit inside the sound. Here frames are centred at 0, 220, 440, …"),
            (201, "Nearly: 201 hops, and one more frame than hops. The last must reach beyond the last sample."),
            (50, "That is how many windows fit side by side. They overlap: a new one begins every hop."),
            (
                200,
                "That is 2 s divided by 10 ms. The hop is 220 samples, a little less than 10 ms, and both ends count.",
            ),
        ],
        rtol=1e-4,
        praise="Right: ⌈44,099 / 220⌉ hops, and one frame more.",
    ),
    array(
        "stft-dual-by-hand",
        lambda: np.tile(SMALL_WINDOW[:2] ** 2 + SMALL_WINDOW[2:] ** 2, 2),
        [
            (
                lambda: np.tile(SMALL_WINDOW[:2] + SMALL_WINDOW[2:], 2),
                "You added the windows. Each acts twice, in analysis and in synthesis: add their squares.",
            ),
            (
                lambda: np.full(4, (SMALL_WINDOW**2).sum()),
                "You added all four squares. At one sample only two windows overlap: those 2 samples apart.",
            ),
            (
                lambda: SMALL_WINDOW**2,
                "That is one window alone. Where are its neighbours, 2 samples earlier and later?",
            ),
            (
                lambda: 1 / np.tile(SMALL_WINDOW[:2] ** 2 + SMALL_WINDOW[2:] ** 2, 2),
                "That is what to multiply with. The question asks for the sum that one divides by.",
            ),
        ],
        praise="Right. Divide the window by it, sample by sample, and you have the dual.",
    ),
    function(
        "stft-overlap-add",
        add_up,
        [(_frames, SMALL_WINDOW, 2), (np.random.default_rng(2).standard_normal((9, 12)), np.hanning(14)[1:-1], 3)],
        [
            (
                lambda frames, window, hop: _add_up(frames, window, hop, once_more=False, power=1),
                "That undoes untouched frames, but it is not the nearest sound to changed ones. "
                "Least squares wants each frame windowed once more, and the sum of squares below.",
            ),
            (
                lambda frames, window, hop: _add_up(frames, window, hop, once_more=True, power=0),
                "You divide by how many frames overlap, so the windows themselves are never undone. "
                "Divide by the sum of their squares.",
            ),
            (
                lambda frames, window, hop: _add_up(frames, window, hop, once_more=False, power=2),
                "Above the fraction stands the frame times the window: you left the window out.",
            ),
            (
                lambda frames, window, hop: _add_up(frames, window, hop, once_more=True, power=1),
                "The windows below the fraction must be squared: the frames have been windowed twice.",
            ),
        ],
        praise="Right: five lines, and the best sound there is for these frames.",
    ),
    numeric(
        "stft-lowest-semitone",
        HAMMING_PRODUCT / 0.040 / (2 ** (1 / 12) - 1),
        [
            (25 / (2 ** (1 / 12) - 1), "25 Hz is the distance of the bins. The window's band is 45 Hz wide."),
            (HAMMING_PRODUCT / 0.040, "That is the bandwidth. At which pitch is a semitone as wide as that?"),
            (HAMMING_PRODUCT / 0.040 / (2 ** (1 / 6) - 1), "That is where whole tones come apart. Take 2 to the 1/12."),
            (
                HAMMING_PRODUCT / 0.040 * 12,
                "A semitone is no twelfth of the frequency. It is a factor of 2 to the 1/12.",
            ),
        ],
        rtol=0.03,
        praise="Right: between F♯5 and G5. Most of the notes in this book lie below.",
    ),
    choice(
        "dct-shift",
        "b",
        {
            "a": "A quarter of a period turns a cosine into a sine, and the cosine's coefficient all but vanishes.",
            "c": "A whole period changes nothing: the same cosine comes back, sign and all.",
            "d": "Sizes stay, but not the signs. Try it: half a period turns a cosine into its negative.",
        },
        praise="Right: half a period turns every cosine of that frequency upside down, and every coefficient with it.",
    ),
    Exercise(
        "stft-mdct",
        _is_mdct,
        lambda: (mdct, imdct),
        (
            Mistake(
                "Nearly: your window's squares, half a frame apart, do not add up to 1. "
                "A Hamming window cannot do this; a sine window can.",
                lambda: (lambda x: _mdct(x, 256, _hamming), lambda c, length: _imdct(c, length, _hamming)),
                lambda answer: 1e-6 <= _error(answer) < 0.35 and not _is_scaled(answer),
            ),
            Mistake(
                "Only the scale is wrong: what comes back is the sound times a constant. "
                "Look at the square root of 2/K.",
                lambda: (mdct, lambda c, length: _imdct(c, length, np.sin, scale=2.0)),
                _is_scaled,
            ),
            Mistake(
                "The aliases do not cancel: the window is missing on the way back. It must act twice.",
                lambda: (mdct, lambda c, length: _imdct(c, length, np.sin, windowed=False)),
                lambda answer: 0.35 <= _error(answer) < 10,
            ),
            Mistake(
                "Exact, but it spends more than one number on a sample: "
                "with hop K keep K coefficients of every 2K samples.",
                lambda: (_plain_cosines, _plain_back),
                lambda answer: _error(answer) < 1e-6,
            ),
        ),
        praise="Right: exact, and not one number more than there are samples. This is inside MP3, AAC and Opus.",
    ),
)
