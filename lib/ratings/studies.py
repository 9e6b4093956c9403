"""Outside listening studies: sounds and ratings in a folder that the reader names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.errors import BookError
from lib.ratings.table import Dissimilarities

#: The environment variable that names the folder of the studies.
VARIABLE = "TIMBRE_STUDIES"

#: What file names call the instruments of the book. Mutes, flutter tonguing, growls, martelé and hybrid
#: synthetic sounds are left out on purpose: they are not what "trumpet" or "flute" means in the pool.
ALIASES = {
    "clarinet": "Clarinet-Bb", "clarinetbb": "Clarinet-Bb", "cnt": "Clarinet-Bb",
    "saxophone": "Alto-Sax", "saxalto": "Alto-Sax", "altosax": "Alto-Sax", "sax": "Alto-Sax",
    "trumpet": "Trumpet-C", "trumpetc": "Trumpet-C", "trumpetbbhard": "Trumpet-C", "tpt": "Trumpet-C",
    "cello": "Violoncello", "violoncello": "Violoncello",
    "frenchhorn": "French-Horn", "horn": "French-Horn", "hrn": "French-Horn",
    "oboe": "Oboe",
    "flute": "Flute", "flutenovibe": "Flute",
    "englishhorn": "English-Horn", "can": "English-Horn",
    "bassoon": "Bassoon", "bsn": "Bassoon",
    "trombone": "Tenor-Trombone", "tenortrombone": "Tenor-Trombone", "tbn": "Tenor-Trombone",
    "piano": "Piano", "pno": "Piano",
    "violin": "Violin", "violinnovibe": "Violin",
    "piccolo": "Piccolo", "tuba": "Tuba", "viola": "Viola", "contrabass": "Contrabass", "doublebass": "Contrabass",
}  # fmt: skip

_AUDIO = {".aif", ".aiff", ".wav", ".flac"}


@dataclass(frozen=True, eq=False)
class Study:
    """One listening study: its sounds, and how different listeners found them.

    `sounds` maps each label (the file name without its ending) to its file, `ratings` holds the
    dissimilarities of all sounds on the study's own scale, addressed by label.
    """

    name: str
    sounds: dict[str, Path]
    ratings: Dissimilarities

    @property
    def instrument_of(self) -> dict[str, str]:
        """Map the labels that are an instrument of the book to its name."""
        named = {label: instrument_name(label) for label in self.sounds}
        return {label: name for label, name in named.items() if name is not None}

    @property
    def instruments(self) -> Dissimilarities:
        """The ratings by the book's instrument names; several sounds of one instrument are averaged.

        Sounds that are no instrument of the book are left out.
        """
        labels: dict[str, list[str]] = {}
        for label, name in self.instrument_of.items():
            labels.setdefault(name, []).append(label)
        names = tuple(labels)
        matrix = np.zeros((len(names), len(names)))
        for i, a in enumerate(names):
            for j, b in enumerate(names):
                if i != j:
                    matrix[i, j] = np.mean([self.ratings[p, q] for p in labels[a] for q in labels[b]])
        return Dissimilarities(names, matrix)

    def audio(self, label: str) -> tuple[np.ndarray, int]:
        """Read one sound: float32 `[time]` (left channel) and its sample rate in Hz.

        Raises:
            BookError: no such label, or the file cannot be read.
        """
        if label not in self.sounds:
            raise BookError(f"{self.name} has no sound {label!r}; it has {', '.join(self.sounds)}.")
        import soundfile

        try:
            samples, rate = soundfile.read(self.sounds[label], dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise BookError(f"{self.sounds[label].name} cannot be read as audio: {error}") from error
        return samples[:, 0], int(rate)


def instrument_name(label: str) -> str | None:
    """Find the book's name for a sound's label, or None when it is no instrument of the book.

    >>> instrument_name("01.W.Violin"), instrument_name("08_Trumpet.A3"), instrument_name("06.W.MutedTrumpet")
    ('Violin', 'Trumpet-C', None)
    """
    for token in re.split(r"[^A-Za-z]+", label):
        if token.lower() in ALIASES:
            return ALIASES[token.lower()]
    return None


def studies_folder(folder: str | Path | None = None) -> Path | None:
    """Find the folder of the studies: the argument, else `TIMBRE_STUDIES`, else None."""
    named = folder if folder is not None else os.environ.get(VARIABLE) or None
    return Path(named).expanduser() if named is not None else None


def studies(folder: str | Path | None = None) -> dict[str, Study]:
    """Load all studies under a folder: `{name: Study}`, sorted by name.

    Each study is a folder with its sounds and a `dissimilarity.txt` (or `*dissimilarity*.txt`): numbers in
    rows, the upper triangle or the whole matrix, in the order of the sorted file names. Published studies
    in this layout are in the repository EtienneTho/musical-timbre-studies of @thoret2021; they carry no
    licence, so the book evaluates on them and does not ship them.

    Raises:
        BookError: no folder is named, it does not exist, or a study in it cannot be read.

    Chapter: *Rating timbre and timbre spaces*.
    """
    root = studies_folder(folder)
    if root is None:
        raise BookError(f"Name the folder of the studies: studies('/path/to/studies') or set {VARIABLE}.")
    if not root.is_dir():
        raise BookError(f"There is no folder {root}. Name the folder that holds one folder for each study.")
    found = {path.name: load_study(path) for path in sorted(root.iterdir()) if path.is_dir() and _matrix_file(path)}
    if not found:
        raise BookError(f"No study in {root.name}: each needs a folder with its sounds and a dissimilarity.txt.")
    return found


def load_study(folder: str | Path) -> Study:
    """Load one study from its folder.

    Raises:
        BookError: sounds or matrix are missing, do not fit each other, or cannot be read.
    """
    folder = Path(folder)
    matrix_file = _matrix_file(folder) if folder.is_dir() else None
    if matrix_file is None:
        raise BookError(f"{folder.name}: no dissimilarity.txt in this folder.")
    files = sorted((path for path in folder.iterdir() if path.suffix.lower() in _AUDIO), key=lambda path: path.name)
    if not files:
        raise BookError(f"{folder.name}: no sounds (aiff, wav or flac) beside {matrix_file.name}.")
    try:
        matrix = np.loadtxt(matrix_file, ndmin=2, delimiter="," if "," in matrix_file.read_text() else None)
    except (ValueError, OSError) as error:
        raise BookError(f"{folder.name}: {matrix_file.name} is no table of numbers ({error}).") from error
    if matrix.shape != (len(files), len(files)):
        raise BookError(
            f"{folder.name}: {len(files)} sounds need a {len(files)} x {len(files)} table, {matrix_file.name} is "
            f"{matrix.shape[0]} x {matrix.shape[1]}."
        )
    labels = tuple(path.stem for path in files)
    try:
        ratings = Dissimilarities(labels, _whole(matrix))
    except BookError as error:
        raise BookError(f"{folder.name}: {error}") from error
    return Study(folder.name, dict(zip(labels, files)), ratings)


def _matrix_file(folder: Path) -> Path | None:
    named = sorted(path for path in folder.glob("*dissimilarity*.txt"))
    return named[0] if named else None


def _whole(matrix: np.ndarray) -> np.ndarray:
    """Complete a triangle to the whole matrix; what is already whole stays as it is."""
    lower, upper = np.tril(matrix, -1), np.triu(matrix, 1)
    if not lower.any():
        return upper + upper.T
    if not upper.any():
        return lower + lower.T
    return matrix - np.diag(np.diagonal(matrix))
