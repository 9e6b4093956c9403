"""The features of every note of the corpus under one front end, computed once and kept in a cache.

Chapter: *The VAE*.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib import corpus
from lib.errors import BookError
from lib.timbre import features
from lib.timbre.features import FrontEnd
from lib.timbre.note_features import Picture, sounding_part
from lib.timbre.splits import Split, split_by_recording

#: Bump when the numbers in a cached table change their meaning.
VERSION = 1
#: Cut of each note that stands for a short sound.
SHORT_S = 0.35
#: Folder for caches; the project's `.cache` unless TIMBRE_CACHE names another.
CACHE = Path(__file__).resolve().parents[2] / ".cache"
#: Notes analysed together: bounds the memory of a batch of pictures.
BATCH = 16


@dataclass(frozen=True)
class FeatureTable:
    """Features of n notes, with the columns of the corpus that models need.

    spectra [n, n_frames, n_bins] level-normalised magnitudes; level [n, n_frames]; note [n, NOTE_DIMS] whole-note
    features; short [n, NOTE_DIMS] the same from the first .35 s; instrument, recording: n names; midi [n];
    velocity [n]; split: n sides of the corpus table; file: n paths relative to the corpus.
    """

    front: FrontEnd
    spectra: np.ndarray
    level: np.ndarray
    note: np.ndarray
    short: np.ndarray
    instrument: np.ndarray
    recording: np.ndarray
    midi: np.ndarray
    velocity: np.ndarray
    split: np.ndarray
    file: np.ndarray

    def __len__(self) -> int:
        return len(self.midi)

    def take(self, rows: np.ndarray | Sequence[int]) -> FeatureTable:
        """Keep these rows only."""
        columns = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "front"}
        return FeatureTable(self.front, **{name: column[rows] for name, column in columns.items()})

    def where(self, **columns: str | Iterable[str]) -> np.ndarray:
        """Indices of notes whose columns hold one of the given values, such as `instrument="Oboe"`."""
        keep = np.ones(len(self), dtype=bool)
        for name, wanted in columns.items():
            values = [wanted] if isinstance(wanted, str | int) else list(wanted)
            keep &= np.isin(getattr(self, name), values)
        return np.flatnonzero(keep)

    def rated(self) -> FeatureTable:
        """The twelve rated instruments; the four novel ones stay out of every training."""
        return self.take(self.where(instrument=corpus.INSTRUMENTS))

    def split_by_seed(self, seed: int) -> Split:
        """One of the seeded splits of the experiments."""
        return split_by_recording(self.instrument.tolist(), self.recording.tolist(), self.midi.tolist(), seed=seed)


def recording_units(notes: Sequence[corpus.Note]) -> list[str]:
    """Name the independent recording behind each note.

    Notes that share a recording, or a key (the piano's two dynamic layers of one key), count as one.
    """
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            name = parent[name]
        return name

    for note in notes:
        first, *others = (f"{note.instrument}/{r}" for r in (*note.recordings, str(note.midi)))
        for other in others:
            parent[find(other)] = find(first)
    return [find(f"{note.instrument}/{note.midi}") for note in notes]


def feature_table(front: FrontEnd | None = None, *, cache: Path | None = None) -> FeatureTable:
    """Compute, or read from the cache, the features of all notes of the corpus.

    Raises:
        BookError: a file of the corpus is missing or damaged.
    """
    front = front or FrontEnd()
    notes = corpus.notes()
    folder = Path(os.environ.get("TIMBRE_CACHE") or cache or CACHE)
    made_of = json.dumps([VERSION, dataclasses.asdict(front), [note.sha256 for note in notes]])
    path = folder / f"features-{front.transform}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}.npz"
    columns = _read(path) or _write(path, _compute(notes, front))
    return FeatureTable(
        front,
        instrument=np.array([note.instrument for note in notes]),
        recording=np.array(recording_units(notes)),
        midi=np.array([note.midi for note in notes]),
        velocity=np.array([note.velocity for note in notes]),
        split=np.array([note.split for note in notes]),
        file=np.array([note.file for note in notes]),
        **columns,
    )


def _compute(notes: Sequence[corpus.Note], front: FrontEnd) -> dict[str, np.ndarray]:
    whole, short = [], []
    for start in range(0, len(notes), BATCH):
        batch = notes[start : start + BATCH]
        sounds, pitches = [note.audio() for note in batch], [note.f0_hz for note in batch]
        whole += _analyse_alike(sounds, pitches, front)
        short += _analyse_alike([_cut(sound) for sound in sounds], pitches, front)
    return {
        "spectra": np.stack([f.spectra for f in whole]),
        "level": np.stack([f.level for f in whole]),
        "note": np.stack([f.note for f in whole]),
        "short": np.stack([f.note for f in short]),
    }


def _cut(sound: np.ndarray) -> np.ndarray:
    start = int(sounding_part(sound)[0] * features.SAMPLE_RATE)
    piece = sound[start : start + int(SHORT_S * features.SAMPLE_RATE)].copy()
    fade = min(220, len(piece))
    piece[len(piece) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return piece


def _analyse_alike(
    sounds: Sequence[np.ndarray], pitches: Sequence[float], front: FrontEnd
) -> list[features.NoteFeatures]:
    if len({len(sound) for sound in sounds}) > 1:
        return [features.analyse(sound, front, f0_hz=f0_hz) for sound, f0_hz in zip(sounds, pitches)]
    grids, times_s = features.magnitudes(np.stack(sounds), front.transform)
    frequencies_hz = np.asarray(features.transform_for(front.transform).frequencies_hz)
    pictures = [Picture(np.square(grid), times_s, frequencies_hz) for grid in grids]
    return [features.analyse(s, front, f0_hz=f, picture=p) for s, f, p in zip(sounds, pitches, pictures)]


def _read(path: Path) -> dict[str, np.ndarray] | None:
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name].astype(np.float32) for name in ("spectra", "level", "note", "short")}
    except (OSError, ValueError, KeyError):
        return None  # A cache cut short is no error; it is computed again.


def _write(path: Path, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(scratch, **columns)
    scratch.replace(path)
    return columns


def corpus_split(table: FeatureTable) -> Split:
    """The fixed split of the corpus table, which the shipped spaces use: its valid and test sides are never heard.

    Raises:
        BookError: the table holds no such columns.
    """
    sides = {name: table.where(split=name) for name in ("train", "valid", "test")}
    if not all(len(side) for side in sides.values()):
        raise BookError("This table has no train, valid and test notes of the corpus.")
    return Split(-1, train=sides["train"], keys=sides["valid"], recordings=sides["test"])
