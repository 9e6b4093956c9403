"""`python -m lib.corpus`: make the corpus again and say if a byte differs.

Files that are missing or damaged are restored when the new ones are what the table names.
With `--write`, whatever differs is replaced, the table included.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from lib.corpus import build
from lib.corpus.synth import SOUND_FONT
from lib.corpus.table import FOLDER, Note, read_table
from lib.errors import BookError


def main(arguments: list[str] | None = None) -> int:
    """Render, compare, restore; return 0 if the corpus is what the sound font makes, else 1."""
    parser = argparse.ArgumentParser(prog="python -m lib.corpus", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace what differs, the table included")
    parser.add_argument("--sound-font", type=Path, default=SOUND_FONT)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    print(f"Rendering the corpus from {options.sound_font} ...", flush=True)
    try:
        return remake(options.folder, options.sound_font, write=options.write)
    except BookError as error:
        print(error, file=sys.stderr)
        return 1


def remake(folder: Path, sound_font: Path, *, write: bool) -> int:
    """Make the corpus beside `folder`, then move over what may be moved; see this module."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".corpus-") as scratch:
        rows = []
        for note, data in build.render_all(sound_font):
            target = Path(scratch) / note.file
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
            rows.append(note)
        table = build.table_text(rows)
        (Path(scratch) / "corpus.csv").write_text(table, encoding="utf-8")
        known = _known(folder)
        differing = [note for note in rows if known.get(note.file) != note]
        gone = sorted(set(known) - {note.file for note in rows})
        restorable = rows if write else [note for note in rows if known.get(note.file) == note]
        restored = [note for note in restorable if _replace(Path(scratch) / note.file, folder / note.file)]
        if write:
            for file in gone:
                (folder / file).unlink(missing_ok=True)
            _replace(Path(scratch) / "corpus.csv", folder / "corpus.csv")
    return _report(rows, differing, gone, restored, write)


def _known(folder: Path) -> dict[str, Note]:
    read_table.cache_clear()
    if not (folder / "corpus.csv").exists():
        return {}
    # Compared as the rows `build` makes, wherever this folder is.
    return {note.file: Note(*(getattr(note, c) for c in build.COLUMNS)) for note in read_table(folder)}


def _replace(new: Path, old: Path) -> bool:
    """Move a file into place whole; say whether that changed anything."""
    if old.exists() and old.read_bytes() == new.read_bytes():
        return False
    old.parent.mkdir(parents=True, exist_ok=True)
    os.replace(new, old)
    return True


def _report(rows: list[Note], differing: list[Note], gone: list[str], restored: list[Note], write: bool) -> int:
    for note in differing:
        print(f"  differs from the table: {note.file}")
    for file in gone:
        print(f"  in the table, no longer made: {file}")
    if restored:
        print(f"{len(restored)} files written.")
    if write:
        print(f"The corpus has {len(rows)} notes.")
        return 0
    if differing or gone:
        print(
            f"{len(differing)} of {len(rows)} notes differ, {len(gone)} are no longer made. Another version of "
            "FluidSynth, soxr or libsndfile can do that (assets/corpus/README.md names those used). "
            "`python -m lib.corpus --write` replaces the corpus."
        )
        return 1
    print(f"All {len(rows)} notes are the same, byte for byte.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
