"""From a sound to what an encoder sees: one path for corpus notes, readers' sounds and study stimuli.

1. Find the sounding part: from the first to the last moment within 30 dB of the loudest.
2. Spread 12 instants evenly over it, the attack included, and average the power over 40 ms around each.
3. Divide each spectrum by its own level; the loudness curve is kept apart.
4. Compress: a power of .3, or decibels above a soft floor.

Beside the 12 spectra, 41 numbers describe the whole note: how its spectral envelope is on average, how it
moves, how it begins, the attack time, the flux and the slope of its level.

Chapter: *The VAE*.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy.fft import dct

from lib.errors import BookError
from lib.transforms import make

SAMPLE_RATE = 22050
#: The five pictures of sound that the paper compares, by the names `lib.transforms.make` knows.
TRANSFORMS = ("stft", "dct", "nsgt-cqt", "nsgt-mel", "nsgt-erb")
#: Longer than this is no single note.
LONGEST_S = 30.0
#: Shorter than this nobody can tell an instrument, and no 40 ms spectrum fits.
SHORTEST_S = 0.05
#: Level curve: one value per hop, RMS over two hops.
LEVEL_HOP = 220
N_MEAN, N_STD, N_ONSET = 20, 10, 8
#: Whole-note features: cepstra (mean, spread, onset), log attack, flux, slope.
NOTE_DIMS = N_MEAN + N_STD + N_ONSET + 3


@dataclass(frozen=True)
class FrontEnd:
    """How a sound becomes an encoder's input; a shipped space carries its own.

    `exponent` belongs to "power": x = (A / level) ** exponent. `floor_db` belongs to "decibel":
    x = 20 log10(A / level + floor), so that what lies 40 dB under the frame's level costs little.
    """

    transform: str = "nsgt-erb"
    n_frames: int = 12
    compression: Literal["power", "decibel"] = "power"
    exponent: float = 0.3
    floor_db: float = -40.0
    smoothing_s: float = 0.04
    threshold_db: float = -30.0


@dataclass(frozen=True)
class NoteFeatures:
    """One sound as the models see it.

    spectra [n_frames, n_bins]: magnitudes divided by their level; level [n_frames]: that level, linear;
    times_s [n_frames]; note [41]; duration_s of the sounding part.
    """

    spectra: np.ndarray
    level: np.ndarray
    times_s: np.ndarray
    note: np.ndarray
    duration_s: float


def check_audio(audio: np.ndarray, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Refuse what is no single audible note, naming the reason; return float32 [time].

    Raises:
        BookError: not one channel, NaN or infinite samples, too short, too long, or silent.
    """
    audio = np.asarray(audio)
    if audio.ndim != 1:
        raise BookError(f"One channel [time] is needed, got shape {audio.shape}; take one channel, say audio[0].")
    audio = audio.astype(np.float32)
    if not np.isfinite(audio).all():
        raise BookError("The sound holds NaN or infinite samples; it was damaged before it came here.")
    if len(audio) < SHORTEST_S * sample_rate:
        raise BookError(f"{len(audio)} samples are too short: at least {1000 * SHORTEST_S:.0f} ms are needed.")
    if len(audio) > LONGEST_S * sample_rate:
        raise BookError(f"{len(audio) / sample_rate:.0f} s is no single note; cut out one, at most {LONGEST_S:.0f} s.")
    if np.abs(audio).max() < 1e-5:
        raise BookError("The sound is silent (below -100 dB full scale).")
    return audio


def level_curve(audio: np.ndarray, hop: int = LEVEL_HOP) -> np.ndarray:
    """RMS of the sound around every `hop` samples, over a window of two hops: [1 + time // hop]."""
    padded = np.concatenate([np.zeros(hop), np.square(audio, dtype=np.float64), np.zeros(2 * hop)])
    total = np.concatenate([[0.0], np.cumsum(padded)])
    starts = np.arange(0, len(audio) + 1, hop)
    return np.sqrt((total[starts + 2 * hop] - total[starts]).clip(min=0.0) / (2 * hop))


def sounding_part(audio: np.ndarray, threshold_db: float = -30.0) -> tuple[float, float]:
    """Seconds from the first to the last moment within `threshold_db` of the loudest."""
    level = level_curve(audio)
    loud = np.flatnonzero(level > level.max() * 10 ** (threshold_db / 20))
    start, end = loud[0] * LEVEL_HOP / SAMPLE_RATE, (loud[-1] + 1) * LEVEL_HOP / SAMPLE_RATE
    return start, min(end, len(audio) / SAMPLE_RATE)


@functools.lru_cache(maxsize=8)
def transform_for(name: str):  # type: ignore[no-untyped-def]
    """Build a transform once.

    Raises:
        BookError: it is not one of the five.
    """
    if name not in TRANSFORMS:
        raise BookError(f"No transform {name!r} here: choose one of {', '.join(TRANSFORMS)}.")
    return make(name)


@torch.no_grad()
def magnitudes(audio: np.ndarray, transform: str) -> tuple[np.ndarray, np.ndarray]:
    """Analyse sounds of one length: audio [batch, time] -> magnitudes [batch, bins, frames], times_s [frames]."""
    picture = transform_for(transform)
    grid = picture.analyze(torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32))).grid
    times = np.asarray(picture.times_s(audio.shape[-1]))
    return grid.abs().numpy(), times


def spectra_at(power: np.ndarray, times_s: np.ndarray, centres_s: np.ndarray, width_s: float) -> np.ndarray:
    """Average power [bins, frames] over `width_s` around each centre: [centres, bins], at least one frame each."""
    total = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1, dtype=np.float64)], axis=1)
    first = np.searchsorted(times_s, centres_s - width_s / 2)
    last = np.searchsorted(times_s, centres_s + width_s / 2, side="right")
    nearest = np.abs(times_s[None] - centres_s[:, None]).argmin(axis=1)
    first, last = np.where(last > first, first, nearest), np.where(last > first, last, nearest + 1)
    return ((total[:, last] - total[:, first]) / (last - first)).T


def analyse(
    audio: np.ndarray, front: FrontEnd, *, picture: tuple[np.ndarray, np.ndarray] | None = None
) -> NoteFeatures:
    """Take one sound apart: audio [time] at 22,050 Hz, range [-1, 1].

    `picture` passes magnitudes [bins, frames] and times already computed in a batch.

    Raises:
        BookError: the sound is silent, damaged, too short or too long.

    Chapter: *The VAE*.
    """
    audio = check_audio(audio)
    if picture is None:
        grid, times_s = magnitudes(audio[None], front.transform)
        picture = grid[0], times_s
    power, times_s = np.square(picture[0]), picture[1]
    start, end = sounding_part(audio, front.threshold_db)
    half = min(front.smoothing_s / 2, (end - start) / 4)
    centres = np.linspace(start + half, max(start + half, end - half), front.n_frames)
    chosen = np.sqrt(spectra_at(power, times_s, centres, 2 * half))
    level = np.sqrt(np.square(chosen).sum(axis=1)).clip(min=1e-7)
    spectra = (chosen / level[:, None]).astype(np.float32)
    note = _note_features(audio, spectra, power, times_s, (start, end))
    return NoteFeatures(spectra, level.astype(np.float32), centres, note, end - start)


def compress(spectra: np.ndarray, front: FrontEnd) -> np.ndarray:
    """Level-normalised magnitudes -> the encoder's scale, before standardising."""
    if front.compression == "power":
        return np.power(spectra, front.exponent).astype(np.float32)
    return decibels(spectra, front.floor_db)


def expand(x: np.ndarray, front: FrontEnd) -> np.ndarray:
    """Undo `compress`; values the compression never produces become 0."""
    if front.compression == "power":
        return np.power(np.clip(x, 0.0, None), 1.0 / front.exponent).astype(np.float32)
    return (np.power(10.0, x / 20.0) - 10 ** (front.floor_db / 20)).clip(min=0.0).astype(np.float32)


def decibels(spectra: np.ndarray, floor_db: float = -40.0) -> np.ndarray:
    """Level-normalised magnitudes in dB over a soft floor: the yardstick of every reconstruction error in dB.

    >>> np.round(decibels(np.array([1.0, 0.0])), 1).tolist()
    [0.1, -40.0]
    """
    return (20.0 * np.log10(spectra + 10 ** (floor_db / 20))).astype(np.float32)


def cepstra(spectra: np.ndarray, n: int) -> np.ndarray:
    """Coefficients 1..n of the cosine transform of each spectrum in dB: [..., n_bins] -> [..., n].

    Coefficient 0 is left out: after normalising the level it says next to nothing.
    """
    return dct(decibels(spectra), type=2, norm="ortho", axis=-1)[..., 1 : n + 1]


def _note_features(
    audio: np.ndarray, spectra: np.ndarray, power: np.ndarray, times_s: np.ndarray, part: tuple[float, float]
) -> np.ndarray:
    coefficients = cepstra(spectra, N_MEAN)
    mean = coefficients.mean(axis=0)
    onset = coefficients[0] - mean
    extra = [log_attack(audio), flux(power, times_s, part), slope(audio, part)]
    return np.concatenate([mean, coefficients.std(axis=0)[:N_STD], onset[:N_ONSET], extra]).astype(np.float32)


def log_attack(audio: np.ndarray) -> float:
    """log10 of the seconds from 20 dB below the loudest moment to 1 dB below it."""
    level = level_curve(audio, hop=64)
    top = int(np.argmax(level > level.max() * 10 ** (-1 / 20)))
    before = np.flatnonzero(level[: top + 1] <= level.max() * 10 ** (-20 / 20))
    start = before[-1] if len(before) else 0
    return float(np.log10(max(top - start, 1) * 64 / SAMPLE_RATE))


def flux(power: np.ndarray, times_s: np.ndarray, part: tuple[float, float], step_s: float = 0.02) -> float:
    """log10 of how much the shape of the spectrum turns per 20 ms, on average (1 - cosine)."""
    centres = np.arange(part[0] + step_s / 2, part[1], step_s)
    if len(centres) < 2:
        return -4.0
    shape = np.sqrt(spectra_at(power, times_s, centres, step_s))
    shape /= np.linalg.norm(shape, axis=1, keepdims=True).clip(min=1e-12)
    return float(np.log10(np.mean(1.0 - (shape[1:] * shape[:-1]).sum(axis=1)) + 1e-4))


def slope(audio: np.ndarray, part: tuple[float, float]) -> float:
    """Slope of the level over the sounding part after its loudest moment, in dB per second, within +-100."""
    level = level_curve(audio)
    first, last = int(level.argmax()), round(part[1] * SAMPLE_RATE / LEVEL_HOP)
    if last - first < 3:
        return 0.0
    db = 20 * np.log10(level[first:last] + 1e-6)
    return float(np.clip(np.polyfit(np.arange(len(db)) * LEVEL_HOP / SAMPLE_RATE, db, 1)[0], -100.0, 100.0))


def stack(features: Sequence[NoteFeatures]) -> tuple[np.ndarray, np.ndarray]:
    """Join sounds: spectra [n, n_frames, n_bins] and note features [n, 41]."""
    return np.stack([f.spectra for f in features]), np.stack([f.note for f in features])
