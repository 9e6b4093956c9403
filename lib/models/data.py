"""Clips for the three models: notes of the corpus at 16 kHz, with their pitch and loudness.

Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import soxr
import torch
from torch import Tensor

from lib import corpus
from lib.errors import BookError
from lib.models.base import HOP, MODEL_RATE, Batch

#: Peak of every clip: the level is what the loudness control is for, not something to learn per instrument.
PEAK = 0.5
#: Loudness of frames that are silent, in dB.
SILENCE_DB = -80.0


def clip(note: corpus.Note, seconds: float = 1.0) -> np.ndarray:
    """Read the beginning of a note at `MODEL_RATE`, peak at `PEAK`: float32 [time], padded by silence if short."""
    n = HOP * round(seconds * MODEL_RATE / HOP)
    audio = soxr.resample(note.audio(), corpus.SAMPLE_RATE, MODEL_RATE)[:n]
    audio = np.pad(audio, (0, n - len(audio)))
    return (PEAK / max(1e-6, float(np.abs(audio).max())) * audio).astype(np.float32)


def loudness_db(audio: Tensor) -> Tensor:
    """RMS of 20 ms around each frame, in dB relative to full scale: [batch, time] -> [batch, time // HOP].

    >>> loudness_db(torch.ones(1, 1600))[0, 5].item()
    0.0
    """
    padded = torch.nn.functional.pad(audio, (HOP // 2, HOP // 2))
    power = padded.square().unfold(1, 2 * HOP, HOP).mean(dim=2)
    return (10.0 * power.clamp(min=1e-12).log10()).clamp(min=SILENCE_DB)


def batch_of(notes: Sequence[corpus.Note], seconds: float = 1.0) -> Batch:
    """Make one batch of notes; f0 is the equal-tempered pitch of the note in every frame.

    Raises:
        BookError: there is no note.
    """
    if not notes:
        raise BookError("No note matches; ask for instruments and a split that the corpus has.")
    audio = torch.from_numpy(np.stack([clip(note, seconds) for note in notes]))
    n_frames = audio.shape[1] // HOP
    f0_hz = torch.tensor([note.f0_hz for note in notes])[:, None].expand(-1, n_frames).contiguous()
    return Batch(audio, f0_hz, loudness_db(audio))


@lru_cache(maxsize=8)
def clips(split: str, seconds: float = 1.0, instruments: tuple[str, ...] = corpus.INSTRUMENTS) -> Batch:
    """Load all notes of a split at velocity 80: about 310 to train, 95 to validate, 95 to test, split by recording.

    Args:
        split: "train", "valid", "test" or "novel".
        seconds: length of every clip, from the onset.
    """
    return batch_of(corpus.notes(split=split, velocity=80, instrument=instruments), seconds)
