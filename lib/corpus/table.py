"""The corpus table: one `Note` a row, found by any column."""

from __future__ import annotations

import csv
import dataclasses
import difflib
import functools
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lib.corpus import audio
from lib.errors import BookError

#: Where the corpus of the book lives.
FOLDER = Path(__file__).resolve().parents[2] / "assets" / "corpus"

#: The family of every instrument, in the book's order. The last four are the novel ones: they
#: belong to no split, so that they can ask what a model makes of an instrument it never met.
FAMILY = {
    "Clarinet-Bb": "woodwind",
    "Alto-Sax": "woodwind",
    "Trumpet-C": "brass",
    "Violoncello": "string",
    "French-Horn": "brass",
    "Oboe": "woodwind",
    "Flute": "woodwind",
    "English-Horn": "woodwind",
    "Bassoon": "woodwind",
    "Tenor-Trombone": "brass",
    "Piano": "keyboard",
    "Violin": "string",
    "Piccolo": "woodwind",
    "Tuba": "brass",
    "Viola": "string",
    "Contrabass": "string",
}
INSTRUMENTS = tuple(FAMILY)[:12]
NOVEL = tuple(FAMILY)[12:]

#: The values of the column `split`.
SPLITS = ("train", "valid", "test", "novel")

_PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

#: What a filter may be: one value, a collection of values, or a question put to each value.
Filter = Any | Collection[Any] | Callable[[Any], bool]


def pitch_name(midi: int) -> str:
    """Name a MIDI pitch; middle C is C4.

    >>> pitch_name(69), pitch_name(60), pitch_name(46)
    ('A4', 'C4', 'A#2')
    """
    return f"{_PITCH_CLASSES[midi % 12]}{midi // 12 - 1}"


@dataclass(frozen=True)
class Note:
    """One recorded note: a row of the table, and its sound when asked.

    Attributes:
        instrument: one of `FAMILY`.
        family: "woodwind", "brass", "string" or "keyboard".
        midi: pitch, 0 to 127; 69 is A4.
        f0_hz: fundamental frequency of that pitch in equal temperament, A4 = 440 Hz.
        velocity: how hard the key was struck, 1 to 127.
        root: the recording(s) the note was made from, joined by " + ".
        split: "train", "valid", "test", or "novel" for the instruments kept apart.
        file: relative to `folder`.
        sha256: of the file's bytes, in hexadecimal; empty if the source gives none.
        licence: of the file.
    """

    instrument: str
    family: str
    midi: int
    f0_hz: float
    velocity: int
    root: str
    split: str
    file: str
    sha256: str
    licence: str
    folder: Path = field(default=FOLDER, repr=False)

    @property
    def name(self) -> str:
        """Instrument and pitch, such as "Oboe A4"."""
        return f"{self.instrument} {pitch_name(self.midi)}"

    @property
    def path(self) -> Path:
        """The file itself."""
        return self.folder / self.file

    @property
    def recordings(self) -> tuple[str, ...]:
        """The recordings the note was made from; nearly always one."""
        return tuple(self.root.split(" + "))

    def audio(self) -> np.ndarray:
        """Decode the note, or take it from memory: float32 `[time]` at `SAMPLE_RATE`, read-only.

        Raises:
            BookError: the file is missing, damaged, or not the one in the table.
        """
        return audio.decode_checked(self.path, self.sha256)


#: The columns of `corpus.csv`, in order.
COLUMNS = tuple(f.name for f in dataclasses.fields(Note) if f.name != "folder")
_KNOWN = {"instrument": tuple(FAMILY), "family": tuple(dict.fromkeys(FAMILY.values())), "split": SPLITS}


def notes(*, folder: str | Path | None = None, **filters: Filter) -> list[Note]:
    """Find notes by anything in the table, in the table's order.

    Args:
        folder: another corpus in the same layout; the book's own by default.
        filters: column = value, a list, tuple, set or range of values, or a function of a value.

    Returns:
        every note that passes all filters; perhaps none.

    Raises:
        BookError: a column or a name does not exist, or the table cannot be read.

    >>> [note.name for note in notes(instrument="Oboe", midi=range(69, 72), velocity=80)]
    ['Oboe A4', 'Oboe A#4', 'Oboe B4']
    >>> len(notes(f0_hz=lambda f0_hz: f0_hz > 20_000))
    0

    Chapter: *Data and licences*.
    """
    return select(read_table(FOLDER if folder is None else Path(folder)), **filters)


def select(rows: Iterable[Note], **filters: Filter) -> list[Note]:
    """Keep the notes that pass all filters; see `notes`."""
    rows = tuple(rows)
    questions = [(column, _question(column, wanted, rows)) for column, wanted in filters.items()]
    return [note for note in rows if all(passes(getattr(note, column)) for column, passes in questions)]


def verify(folder: str | Path | None = None) -> int:
    """Check every file of the corpus against the table, and return how many there are.

    Raises:
        BookError: names each file that is missing or is another one, and the fix.
    """
    rows = notes(folder=folder)
    faults = []
    for note in rows:
        try:
            audio.check(note.path, note.sha256)
        except BookError as error:
            faults.append(str(error).removesuffix(audio.RESTORE).strip())
    if faults:
        raise BookError("\n".join([*faults, f"{len(faults)} of {len(rows)} files are wrong. {audio.RESTORE}"]))
    return len(rows)


@functools.lru_cache(maxsize=4)
def read_table(folder: Path) -> tuple[Note, ...]:
    """Read `corpus.csv` of a folder, once.

    Raises:
        BookError: it is missing, or has other columns, or a value that is none.
    """
    path = folder / "corpus.csv"
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
    except OSError:
        raise BookError(f"There is no corpus table {path}. {audio.RESTORE}") from None
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise BookError(f"{path} has other columns than {', '.join(COLUMNS)}. {audio.RESTORE}")
    try:
        return tuple(
            Note(
                **{**row, "midi": int(row["midi"]), "velocity": int(row["velocity"]), "f0_hz": float(row["f0_hz"])},
                folder=folder,
            )
            for row in rows
        )
    except (TypeError, ValueError) as error:
        raise BookError(f"{path} is damaged ({error}). {audio.RESTORE}") from error


def _question(column: str, wanted: Filter, rows: tuple[Note, ...]) -> Callable[[Any], bool]:
    if column not in COLUMNS:
        near = _closest(column, COLUMNS)
        raise BookError(f"The corpus has no column {column!r}{near}. Columns: {', '.join(COLUMNS)}.")
    if callable(wanted):
        return wanted
    single = isinstance(wanted, str) or not isinstance(wanted, Collection)
    values = [wanted] if single else list(wanted)
    numeric = column in ("midi", "velocity", "f0_hz")
    known = () if numeric else dict.fromkeys([*_KNOWN.get(column, ()), *(getattr(note, column) for note in rows)])
    for value in values:
        if numeric and (isinstance(value, str) or not np.isscalar(value)):
            raise BookError(f"The column {column} holds numbers; {value!r} is none.")
        if column in _KNOWN and value not in known:
            near = _closest(str(value), known)
            raise BookError(f"The corpus has no {column} {value!r}{near}. Known: {', '.join(known)}.")
    return lambda found: found in values


def _closest(word: str, known: Collection[str]) -> str:
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.5)
    near = near or [name for name in lower if word and word.lower() in name]
    return f"; did you mean {lower[near[0]]!r}?" if near else ""
