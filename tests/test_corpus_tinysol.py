"""TinySOL through mirdata, on a small tree in the layout of the real one."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import soundfile

from lib import corpus
from lib.corpus.tinysol import tinysol
from lib.errors import BookError

mirdata = pytest.importorskip("mirdata")

HEADER = [
    "Path",
    "Fold",
    "Family",
    "Instrument (abbr.)",
    "Instrument (in full)",
    "Technique (abbr.)",
    "Technique (in full)",
    "Pitch",
    "Pitch ID",
    "Dynamics",
    "Dynamics ID",
    "Instance ID",
    "String ID (if applicable)",
    "Needed digital retuning",
]
ROWS = [
    ["Winds/Flute/ordinario/Fl-ord-C4-mf-N-T14d.wav", 0, "Winds", "Fl", "Flute", "C4", 60, "mf", 2, 0, "", "FALSE"],
    ["Winds/Oboe/ordinario/Ob-ord-A4-pp-N-N.wav", 3, "Winds", "Ob", "Oboe", "A4", 69, "pp", 0, 0, "", "FALSE"],
    ["Winds/Oboe/ordinario/Ob-ord-A#4-pp-N-R100u.wav", 1, "Winds", "Ob", "Oboe", "A#4", 70, "pp", 0, 0, "", "TRUE"],
    ["Strings/Viola/ordinario/Va-ord-C3-ff-4c-N.wav", 2, "Strings", "Va", "Viola", "C3", 48, "ff", 4, 0, "4", "FALSE"],
    [
        "Keyboards/Accordion/ordinario/Acc-ord-C4-mf-N-N.wav",
        4,
        "Keyboards",
        "Acc",
        "Accordion",
        "C4",
        60,
        "mf",
        2,
        0,
        "",
        "FALSE",
    ],
]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Five notes at 44.1 kHz, the metadata and the index that a download would bring."""
    home, index = tmp_path / "tinysol", {}
    (home / "annotation").mkdir(parents=True)
    with (home / "annotation" / "TinySOL_metadata.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        for path, fold, family, short, full, *rest in ROWS:
            writer.writerow([path, fold, family, short, full, "ord", "ordinario", *rest])
            target = home / "audio" / "TinySOL" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(target, 0.1 * np.sin(np.arange(4410) / 10), 44100)
            index[target.stem] = {"audio": [str(target.relative_to(home)), ""]}
    indexes = tmp_path / "indexes"
    indexes.mkdir()
    (indexes / "tinysol_index_6.0.json").write_text(json.dumps({"version": "6.0", "tracks": index}))
    from mirdata.datasets import tinysol as module

    monkeypatch.setattr(module.INDEXES["6.0"], "indexes_dir", str(indexes))
    return home


def test_notes_have_the_columns_of_the_corpus(tree):
    notes = {note.name: note for note in tinysol(tree)}
    assert set(notes) == {"Flute C4", "Oboe A4", "Viola C3"}  # no accordion, nothing resampled
    flute = notes["Flute C4"]
    assert (flute.family, flute.velocity, flute.split, flute.licence) == ("woodwind", 80, "fold0", "CC-BY-4.0")
    assert notes["Viola C3"].root == "Va 48 ff 0 4"
    assert flute.audio().shape == (2205,)  # 0.1 s, resampled from 44.1 kHz


def test_a_resampled_note_names_the_recording_it_came_from(tree):
    roots = {note.name: note.root for note in tinysol(tree, resampled=True)}
    assert len(roots) == 4
    assert roots["Oboe A#4"] == roots["Oboe A4"]


def test_filters_work_on_its_folds(tree):
    assert [note.name for note in corpus.select(tinysol(tree), split=["fold0", "fold3"], midi=69)] == ["Oboe A4"]
    with pytest.raises(BookError, match="no split 'fold9'"):
        corpus.select(tinysol(tree), split="fold9")


@pytest.mark.parametrize("absent", ["annotation/TinySOL_metadata.csv", "everything"])
def test_without_the_data_it_says_how_to_download(tree, tmp_path, monkeypatch, absent):
    if absent == "everything":
        from mirdata.datasets import tinysol as module

        monkeypatch.setattr(module.INDEXES["6.0"], "indexes_dir", str(tmp_path / "none"))
    else:
        (tree / absent).unlink()
    with pytest.raises(BookError, match=r"TinySOL is not in .*\.download\(\)"):
        tinysol(tree)
