"""TinySOL as notes of the book: 2,913 real notes for readers with internet (CC BY 4.0).

    import mirdata
    mirdata.initialize("tinysol", data_home="tinysol").download()
    notes = lib.corpus.tinysol.tinysol("tinysol")

Source: C. E. Cella et al., "OrchideaSOL: a dataset of extended instrumental techniques", 2020.
"""

from __future__ import annotations

import re
from pathlib import Path

from lib.corpus.table import FAMILY, Note
from lib.errors import BookError

#: TinySOL's abbreviations; its accordion has no counterpart in the book and is left out.
INSTRUMENTS = {
    "ClBb": "Clarinet-Bb",
    "ASax": "Alto-Sax",
    "TpC": "Trumpet-C",
    "Vc": "Violoncello",
    "Hn": "French-Horn",
    "Ob": "Oboe",
    "Fl": "Flute",
    "Bn": "Bassoon",
    "Tbn": "Tenor-Trombone",
    "Vn": "Violin",
    "BTb": "Tuba",
    "Va": "Viola",
    "Cb": "Contrabass",
}

#: A MIDI velocity for each dynamic mark, evenly spaced with mf at the corpus's 80.
VELOCITY = {"pp": 32, "p": 56, "mf": 80, "f": 104, "ff": 127}

LICENCE = "CC-BY-4.0"


def tinysol(data_home: str | Path | None = None, *, resampled: bool = False) -> list[Note]:
    """List the notes of a downloaded TinySOL; filter them with `lib.corpus.select`.

    TinySOL's five folds become the splits "fold0" to "fold4"; `sha256` is empty, for mirdata
    checks the files itself (`dataset.validate()`).

    Args:
        data_home: where it was downloaded to; mirdata's default place if None.
        resampled: keep the notes that were made by transposing a neighbour, too. Their `root` is the
            neighbour's recording, if the file name tells it, but their fold is their own: a
            recording can then be on two sides.

    Raises:
        BookError: mirdata is not installed, or TinySOL not (wholly) downloaded.

    Chapter: *Data and licences*.
    """
    try:
        import mirdata
    except ImportError as error:
        raise BookError("TinySOL is read through mirdata: pip install mirdata") from error
    dataset = mirdata.initialize("tinysol", data_home=None if data_home is None else str(data_home))
    try:
        tracks = list(dataset.load_tracks().values())
        found = [_note(track) for track in tracks if track.instrument_abbr in INSTRUMENTS]
    except FileNotFoundError as error:
        raise BookError(
            f"TinySOL is not in {dataset.data_home}. Download it (about 2 GB) with: "
            f"import mirdata; mirdata.initialize('tinysol', data_home={dataset.data_home!r}).download()"
        ) from error
    kept = {track.track_id for track in tracks if resampled or not track.is_resampled}
    return [note for note in found if Path(note.file).stem in kept]


def _note(track) -> Note:  # a mirdata.datasets.tinysol.Track; mirdata is optional
    instrument = INSTRUMENTS[track.instrument_abbr]
    path = Path(track.audio_path).resolve()
    midi = int(track.pitch_id)
    return Note(
        instrument=instrument,
        family=FAMILY[instrument],
        midi=midi,
        f0_hz=round(440 * 2 ** ((midi - 69) / 12), 3),
        velocity=VELOCITY[track.dynamics],
        root=_root(track, midi),
        split=f"fold{track.split}",
        file=path.name,
        sha256="",
        licence=LICENCE,
        folder=path.parent,
    )


def _root(track, midi: int) -> str:
    """Name the recording: instrument, pitch it was played at, dynamics, instance and string.

    A file name ends in how it was retuned: N (not), T14d (14 cents down), R100u (transposed up by
    100 cents, so recorded a semitone lower).
    """
    transposed = re.search(r"-R(\d+)([ud])$", track.track_id)
    if track.is_resampled and transposed:
        midi += round(int(transposed[1]) / 100) * (-1 if transposed[2] == "u" else 1)
    return f"{track.instrument_abbr} {midi} {track.dynamics} {track.instance_id} {track.string_id or '-'}"
