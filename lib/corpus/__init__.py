"""The notes of the book: find them, hear them, and read a sound of your own.

>>> note = notes(instrument="Oboe", midi=69, velocity=80)[0]
>>> note.name, note.f0_hz, note.audio().shape
('Oboe A4', 440.0, (44100,))

`tinysol` reads 2,913 more, for who has downloaded them. How the corpus was made is in `build`
(the recipe), `soundfont` (which recording is behind a note), `splits` (why no recording is on
two sides) and `synth` (playing it).
"""

from lib.corpus.audio import SAMPLE_RATE, load
from lib.corpus.table import (
    COLUMNS,
    FAMILY,
    FOLDER,
    INSTRUMENTS,
    NOVEL,
    SPLITS,
    Note,
    notes,
    pitch_name,
    select,
    verify,
)

__all__ = [
    "COLUMNS",
    "FAMILY",
    "FOLDER",
    "INSTRUMENTS",
    "NOVEL",
    "SAMPLE_RATE",
    "SPLITS",
    "Note",
    "load",
    "notes",
    "pitch_name",
    "select",
    "verify",
]
