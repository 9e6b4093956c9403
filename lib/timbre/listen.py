"""Judge resynthesised sounds against originals, beside what another recording of the same note would score.

Chapter: *Navigating and paths*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import soxr

from lib import corpus
from lib.timbre import synthesize
from lib.timbre.note_features import SAMPLE_RATE, sounding_part
from lib.timbre.space import Space, hz_to_midi
from lib.timbre.table import FeatureTable

FRAME, STEP = 1024, 256
#: Levels this far under the loudest bin are all the same to the measure.
FLOOR = 1e-3
TOP_HZ = 8000.0
#: A neighbouring recording is taken for the same note if it lies within so many semitones.
NEAR = 3


def log_spectral_distance(a: np.ndarray, b: np.ndarray) -> float:
    """RMS difference in dB of two sounds' spectra up to 8 kHz, over the frames where the first one sounds.

    Both sounds are brought to one level; each frame's floor is 60 dB under the sound's loudest bin.

    >>> rng = np.random.default_rng(0); x = rng.normal(size=22050)
    >>> log_spectral_distance(x, x)
    0.0
    """
    n = min(len(a), len(b))
    one, two = (_spectrogram(x[:n] / max(np.sqrt(np.mean(np.square(x[:n]))), 1e-9)) for x in (a, b))
    floor = FLOOR * one.max()
    loud = np.square(one).sum(axis=1) > 1e-3 * np.square(one).sum(axis=1).max()
    gap = 20 * np.log10((one[loud] + floor) / (two[loud] + floor))
    return float(np.sqrt(np.square(gap).mean()))


def _spectrogram(x: np.ndarray) -> np.ndarray:
    x = np.pad(x, (0, max(0, FRAME - len(x))))
    starts = range(0, len(x) - FRAME + 1, STEP)
    frames = np.stack([x[s : s + FRAME] for s in starts]) * np.hanning(FRAME)
    return np.abs(np.fft.rfft(frames))[:, : int(TOP_HZ * FRAME / SAMPLE_RATE)]


def another_recording(table: FeatureTable, row: int) -> int | None:
    """The nearest key of the same instrument and velocity that comes from another recording, within 3 semitones."""
    same = (table.instrument == table.instrument[row]) & (table.velocity == table.velocity[row])
    other = np.flatnonzero(same & (table.recording != table.recording[row]))
    if not len(other):
        return None
    nearest = other[np.abs(table.midi[other] - table.midi[row]).argmin()]
    return int(nearest) if abs(int(table.midi[nearest]) - int(table.midi[row])) <= NEAR else None


def transposed(audio: np.ndarray, semitones: float) -> np.ndarray:
    """Play a recording faster or slower, as a sampler does: the pitch moves, and the envelope with it."""
    return soxr.resample(audio, SAMPLE_RATE * 2.0 ** (semitones / 12.0), SAMPLE_RATE, quality="HQ")


def compare_note(space: Space, table: FeatureTable, row: int, *, griffin_lim: bool = False) -> Mapping[str, Any]:
    """All ways back to sound for one note: log-spectral distance in dB from the original, by name."""
    original = read(table, row)
    f0_hz = 440.0 * 2.0 ** ((float(table.midi[row]) - 69.0) / 12.0)
    found = space.place(original, f0_hz=f0_hz)
    midi = float(hz_to_midi(f0_hz))
    how = synthesize.of_sound(original, f0_hz)
    decoded = space.decode(found.trajectory, midi)
    one_point = space.decode(found.point[None], midi)
    sounds = {
        "copy": synthesize.additive(found.features.spectra, how, space.frequencies_hz, times_s=found.times_s),
        "decoded": synthesize.additive(decoded, how, space.frequencies_hz, times_s=found.times_s),
        "decoded from one point": synthesize.additive(one_point, how, space.frequencies_hz),
    }
    if griffin_lim:
        sounds["decoded, Griffin-Lim"] = synthesize.through_griffin_lim(space, decoded, how, times_s=found.times_s)
    neighbour = another_recording(table, row)
    if neighbour is not None:
        moved = transposed(read(table, neighbour), float(table.midi[row]) - float(table.midi[neighbour]))
        sounds["another recording"] = _aligned(original, moved)
    return {name: log_spectral_distance(original, sound) for name, sound in sounds.items()}


def read(table: FeatureTable, row: int) -> np.ndarray:
    """The sound of one row of a feature table."""
    return corpus.notes(file=str(table.file[row]))[0].audio()


def _aligned(original: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Start another sound where the original starts."""
    start, own = (round(sounding_part(x)[0] * SAMPLE_RATE) for x in (original, other))
    return np.pad(other[own:], (start, 0))
