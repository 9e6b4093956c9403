"""How the corpus is made: sound font, splits, rendering, restoring."""

from __future__ import annotations

import collections
import hashlib
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import corpus
from lib.corpus import __main__ as command
from lib.corpus import build, splits, synth
from lib.corpus.soundfont import SoundFont
from lib.errors import BookError


def missing() -> str:
    """Say what keeps the renderer from running here, or nothing."""
    try:
        with synth.open_synth():
            return ""
    except BookError as error:
        return str(error)


needs_sound_font = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


@st.composite
def instruments(draw):
    """Recordings up to a fifth apart, each used for the keys around it, some with a shared attack."""
    roots = np.cumsum(draw(st.lists(st.integers(1, 7), min_size=3, max_size=20))) + 30
    attack = draw(st.sets(st.integers(0, len(roots) - 1), max_size=2))
    uses = []
    for i, root in enumerate(map(int, roots)):
        names = (f"r{i}", "attack") if i in attack else (f"r{i}",)
        before = int(roots[i - 1]) if i else root - 1
        uses += [splits.Use(key, root, names) for key in range(before + 1, root + 1)]
    return uses


@given(instruments(), st.text(max_size=5))
@settings(deadline=None, max_examples=15)
def test_sides_never_share_a_recording_and_are_never_empty(uses, seed):
    if len(splits.units(uses)) < 3:
        with pytest.raises(ValueError, match="cannot fill three sides"):
            splits.share_out(uses, seed)
        return
    sides = splits.share_out(uses, seed)
    assert set(sides) == {name for use in uses for name in use.recordings}
    assert set(sides.values()) == set(splits.SHARES)
    for use in uses:
        assert len({sides[name] for name in use.recordings}) == 1
    assert sides == splits.share_out(list(reversed(uses)), seed)  # whatever the order of the table


def test_no_sound_font_says_how_to_get_it(tmp_path):
    with (
        pytest.raises(BookError, match=r"not installed: sudo apt install .*musescore-general-soundfont"),
        synth.open_synth(tmp_path / "none.sf3"),
    ):
        pass


def test_a_file_that_is_no_sound_font_is_an_error(tmp_path):
    path = tmp_path / "bank.sf2"
    for content, message in [(b"RIFF\0\0\0\0WAVE", "no SoundFont"), (b"RIFF\0\0\0\0sfbk", "damaged.*phdr")]:
        path.write_bytes(content)
        with pytest.raises(BookError, match=message):
            SoundFont(path)


def test_a_note_that_clips_is_refused():
    with pytest.raises(ValueError, match="clips"):
        build.encode(np.array([0.0, 1.2], dtype=np.float32))


@needs_sound_font
def test_the_table_is_what_the_sound_font_gives():
    planned = build.plan()
    assert [(n.file, n.root, n.split) for n in planned] == [(n.file, n.root, n.split) for n in corpus.notes()]


@needs_sound_font
def test_the_sound_font_reader_finds_the_recordings():
    font = SoundFont(synth.SOUND_FONT)
    assert font.presets[0, 68][0] == "Oboe"
    assert len({font.recording(zone.sample) for zone in font.zones(0, 68)}) == 7
    assert len({font.recording(zone.sample) for zone in font.zones(0, 0)}) == 72
    assert build.use(font, "Piano", 60, 80) == splits.Use(60, 60, ("Piano MF C3",))
    assert build.use(font, "Piano", 60, 120).recordings == ("Piano FF C3",)
    with pytest.raises(BookError, match="no preset 99:0"):
        font.zones(99, 0)


@needs_sound_font
def test_a_note_is_the_same_bytes_whatever_was_played_before():
    oboe, piano = corpus.notes(instrument="Oboe", midi=69)[0], corpus.notes(instrument="Piano", midi=60)[0]
    with synth.open_synth() as player:
        first = build.encode(build.render(player, oboe))
        for velocity in (120, 40):
            player.play(0, 0, 36, velocity, 5000)
        build.render(player, piano)
        again = build.encode(build.render(player, oboe))
    assert first == again


@needs_sound_font
def test_onsets_do_not_jitter():
    # The sample at which a note leaves silence must not depend on what was played before it.
    with synth.open_synth() as player:
        onsets = collections.Counter()
        for length in (64, 100, 6400, 7777):
            onsets[int(np.argmax(np.abs(player.play(0, 56, 72, 80, 8192)) > 1e-3))] += 1
            player.play(0, 56, 60, 80, length)
    assert len(onsets) == 1


@needs_sound_font
def test_make_corpus_restores_compares_and_writes(tmp_path, monkeypatch, capsys):
    oboe = {"Oboe": build.VOICES["Oboe"]}
    monkeypatch.setattr(build, "VOICES", oboe)
    folder = tmp_path / "corpus"
    run = ["--folder", str(folder)]

    assert command.main([*run, "--write"]) == 0
    rows = corpus.notes(folder=folder)
    digests = {n.file: hashlib.sha256(n.path.read_bytes()).hexdigest() for n in rows}
    if digests != {n.file: n.sha256 for n in corpus.notes(instrument="Oboe")}:
        pytest.skip("another version of FluidSynth, soxr or libsndfile: the bytes here differ from the table")

    rows[0].path.unlink()
    rows[1].path.write_bytes(b"damaged")
    assert command.main(run) == 0
    assert "2 files written" in capsys.readouterr().out
    assert corpus.verify(folder) == len(rows)

    table = folder / "corpus.csv"
    table.write_text(table.read_text().replace(rows[2].sha256, "0" * 64))
    assert command.main(run) == 1
    assert f"differs from the table: {rows[2].file}" in capsys.readouterr().out
    assert "0" * 64 in table.read_text()  # a comparison changes nothing it cannot vouch for
    assert command.main([*run, "--write"]) == 0
    assert command.main(run) == 0
    assert not list(tmp_path.glob(".corpus-*"))
    shutil.rmtree(folder)
