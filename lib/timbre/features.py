"""From a sound to what an encoder sees: one path for corpus notes, readers' sounds and study stimuli.

1. Find the sounding part: from the first to the last moment within 30 dB of the loudest.
2. Spread 12 instants evenly over it, the attack included, and average the power over 40 ms around each.
3. Divide each spectrum by its own level; the loudness curve is kept apart.
4. Compress: a power of .3, or decibels above a soft floor.

Beside the 12 spectra, `lib.timbre.note_features` describes the whole note.

Chapter: *The VAE*.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from lib.errors import BookError
from lib.timbre.note_features import SAMPLE_RATE, Picture, decibels, describe_note, sounding_part
from lib.timbre.pitch import estimate_f0
from lib.transforms import make

#: The five pictures of sound that the paper compares, by the names `lib.transforms.make` knows.
TRANSFORMS = ("stft", "dct", "nsgt-cqt", "nsgt-mel", "nsgt-erb")
#: Longer than this is no single note.
LONGEST_S = 30.0
#: Shorter than this nobody can tell an instrument, and no 40 ms spectrum fits.
SHORTEST_S = 0.05
#: Silence appended before analysis: the longest window of the five pictures (64 Hz on the ERB scale).
SILENCE_S = 0.4


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
    times_s [n_frames]; note [NOTE_DIMS] whole-note features; f0_hz; duration_s of the sounding part.
    """

    spectra: np.ndarray
    level: np.ndarray
    times_s: np.ndarray
    note: np.ndarray
    f0_hz: float
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
    # The NSGT takes a sound for periodic: without silence after it, its end would leak into its attack.
    padded = np.pad(audio, ((0, 0), (0, int(SILENCE_S * SAMPLE_RATE)))).astype(np.float32)
    grid = picture.analyze(torch.from_numpy(padded)).grid
    return grid.abs().numpy(), np.asarray(picture.times_s(padded.shape[-1]))


def picture_of(audio: np.ndarray, transform: str) -> Picture:
    """The power of one sound [time] under a transform, silence appended."""
    grid, times_s = magnitudes(audio[None], transform)
    return Picture(np.square(grid[0]), times_s, np.asarray(transform_for(transform).frequencies_hz))


def analyse(
    audio: np.ndarray, front: FrontEnd, *, f0_hz: float | None = None, picture: Picture | None = None
) -> NoteFeatures:
    """Take one sound apart: audio [time] at 22,050 Hz, range [-1, 1].

    `f0_hz` is estimated where it is not given; `picture` passes one already computed in a batch.

    Raises:
        BookError: the sound is silent, damaged, too short or too long.

    Chapter: *The VAE*.
    """
    audio = check_audio(audio)
    picture = picture or picture_of(audio, front.transform)
    start, end = sounding_part(audio, front.threshold_db)
    if f0_hz is None:
        f0_hz, _ = estimate_f0(audio[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE) + 1])
    half = min(front.smoothing_s / 2, (end - start) / 4)
    centres = np.linspace(start + half, max(start + half, end - half), front.n_frames)
    chosen = np.sqrt(picture.at(centres, 2 * half))
    level = np.sqrt(np.square(chosen).sum(axis=1)).clip(min=1e-7)
    spectra = (chosen / level[:, None]).astype(np.float32)
    note = describe_note(audio, spectra, picture, (start, end), f0_hz)
    return NoteFeatures(spectra, level.astype(np.float32), centres, note, f0_hz, end - start)


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


def stack(features: Sequence[NoteFeatures]) -> tuple[np.ndarray, np.ndarray]:
    """Join sounds: spectra [n, n_frames, n_bins] and note features [n, NOTE_DIMS]."""
    return np.stack([f.spectra for f in features]), np.stack([f.note for f in features])
