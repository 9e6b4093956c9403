"""The corpus as a reader meets it: table, notes, errors, own sounds."""

from __future__ import annotations

import csv
import hashlib
import shutil

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import corpus
from lib.corpus import audio
from lib.errors import BookError

ALL = corpus.notes()


def sampled(step: int) -> list[corpus.Note]:
    """Every instrument, register and velocity, but not every note."""
    return ALL[::step]


@pytest.fixture
def copy(tmp_path):
    """A corpus of five notes that a test may spoil."""
    some = corpus.notes(instrument="Oboe", velocity=80)[:5]
    (tmp_path / "Oboe").mkdir()
    for note in some:
        shutil.copy(note.path, tmp_path / note.file)
    with (corpus.FOLDER / "corpus.csv").open(newline="") as lines:
        rows = [row for row in csv.reader(lines) if row[7] in {"file", *(note.file for note in some)}]
    with (tmp_path / "corpus.csv").open("w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)
    return tmp_path


# --- the table ---------------------------------------------------------------------------------


def test_every_instrument_is_there_and_the_novel_ones_are_on_no_side():
    assert {note.instrument for note in ALL} == set(corpus.FAMILY)
    assert {note.instrument for note in corpus.notes(split="novel")} == set(corpus.NOVEL)
    for split in ("train", "valid", "test"):
        assert {note.instrument for note in corpus.notes(split=split)} == set(corpus.INSTRUMENTS)


def test_no_recording_is_on_two_sides():
    sides: dict[str, set[str]] = {}
    for note in ALL:
        for recording in note.recordings:
            sides.setdefault(recording, set()).add(note.split)
    assert not {recording: found for recording, found in sides.items() if len(found) > 1}


def test_the_two_layers_of_a_piano_pitch_are_on_one_side():
    # They correlate up to 0.97: as good as the same recording.
    sides: dict[str, set[str]] = {}
    for note in corpus.notes(instrument="Piano"):
        sides.setdefault(note.root.split()[-1], set()).add(note.split)
    assert len(sides) >= 30
    assert all(len(found) == 1 for found in sides.values())


@pytest.mark.parametrize("instrument", corpus.INSTRUMENTS)
def test_shares_of_the_sides(instrument):
    counts = {split: len(corpus.notes(instrument=instrument, split=split)) for split in ("train", "valid", "test")}
    total = sum(counts.values())
    assert 0.5 <= counts["train"] / total <= 0.75
    assert counts["valid"] / total >= 0.1
    assert counts["test"] / total >= 0.1


def test_rows_are_complete_and_say_the_truth_about_themselves():
    assert len({note.file for note in ALL}) == len(ALL)
    assert len({(note.instrument, note.midi, note.velocity) for note in ALL}) == len(ALL)
    on_disk = {str(path.relative_to(corpus.FOLDER)) for path in corpus.FOLDER.rglob("*.flac")}
    assert on_disk == {note.file for note in ALL}
    for note in ALL:
        assert all(str(getattr(note, column)) for column in corpus.COLUMNS)
        assert note.family == corpus.FAMILY[note.instrument]
        assert note.f0_hz == pytest.approx(440 * 2 ** ((note.midi - 69) / 12), abs=1e-3)


def test_velocity_80_covers_every_pitch():
    assert {(n.instrument, n.midi) for n in ALL} == {(n.instrument, n.midi) for n in corpus.notes(velocity=80)}


def test_the_corpus_is_small_enough_for_a_clone():
    assert sum(note.path.stat().st_size for note in ALL) < 45e6


def test_the_notice_travels_with_the_sounds():
    notice = (corpus.FOLDER / "NOTICE").read_text(encoding="utf-8")
    assert "Permission is hereby granted" in notice
    assert "S. Christian Collins" in notice


# --- the sounds --------------------------------------------------------------------------------


def test_a_sample_of_files_has_the_sha256_of_the_table():
    for note in sampled(11):
        assert hashlib.sha256(note.path.read_bytes()).hexdigest() == note.sha256


@pytest.mark.parametrize("instrument", corpus.FAMILY)
def test_notes_sound_at_once_and_do_not_clip(instrument):
    for note in corpus.notes(instrument=instrument)[::2]:
        sound = note.audio()
        peak = np.abs(sound).max()
        assert sound.shape == (2 * corpus.SAMPLE_RATE,)
        assert sound.dtype == np.float32
        assert 0.015 < peak < 0.99, note
        # A tenth of the peak within 60 ms: the slowest attacks are flutes and bowed strings.
        assert np.argmax(np.abs(sound) > 0.1 * peak) < 0.06 * corpus.SAMPLE_RATE, note
        assert abs(sound[-1]) < 1e-4, note  # faded out, so nothing clicks


def autocorrelation(signal: np.ndarray) -> np.ndarray:
    """Autocorrelation at every eighth of a sample, by zero-padding the power spectrum."""
    return np.fft.irfft(np.abs(np.fft.rfft(signal, 2 * len(signal))) ** 2, 16 * len(signal))


# From 50 ms on, and with a decaying window: the highest piano notes are gone after 300 ms.
PART = slice(int(0.05 * corpus.SAMPLE_RATE), int(1.3 * corpus.SAMPLE_RATE))
WINDOW = np.exp(-np.linspace(0, 4, PART.stop - PART.start))
TAPER = np.maximum(autocorrelation(WINDOW), 1e-9)


def tuning_cents(sound: np.ndarray, f0_hz: float) -> float:
    """Distance from f0 by autocorrelation: its highest peak near one period, refined by a parabola."""
    rate = corpus.SAMPLE_RATE
    fine = autocorrelation(sound[PART].astype(np.float64) * WINDOW) / TAPER  # or the taper would tilt the peak
    # Several periods at once: more lags to a cent, still far less than a semitone of ambiguity.
    n_periods = max(1, min(8, int(f0_hz / 40)))
    expected = n_periods * 8 * rate / f0_hz
    lags = np.arange(int(expected * 2 ** (-1 / 24)), int(expected * 2 ** (1 / 24)) + 2)
    best = lags[np.argmax(fine[lags])]
    before, here, after = fine[best - 1 : best + 2]
    lag = best + 0.5 * (before - after) / (before - 2 * here + after)
    return 1200 * np.log2(expected / lag)


def test_the_tuning_estimator_finds_a_known_detuning():
    times = np.arange(2 * corpus.SAMPLE_RATE) / corpus.SAMPLE_RATE
    for f0_hz in (41.2, 220.0, 1760.0):
        f = f0_hz * 2 ** (17 / 1200)
        tone = sum(np.sin(2 * np.pi * f * h * times) / h for h in range(1, 5)).astype(np.float32)
        assert tuning_cents(tone, f0_hz) == pytest.approx(17, abs=3)  # one period of 41 Hz: 2.4 cents off


@pytest.mark.parametrize("instrument", corpus.FAMILY)
def test_notes_are_in_tune(instrument):
    found = {
        note.name: tuning_cents(note.audio(), note.f0_hz) for note in corpus.notes(instrument=instrument, velocity=80)
    }
    # Players and samplers are off by a little; a note of the wrong key would be off by 100.
    assert {name: cents for name, cents in found.items() if abs(cents) > 35} == {}
    assert np.median(np.abs(list(found.values()))) < 15


def test_notes_do_not_sound_an_octave_off():
    for note in corpus.notes(velocity=80, midi=lambda midi: midi >= 48)[::7]:
        sound = note.audio()[6615:28665].astype(np.float64)
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))  # 1 Hz a bin

        def strongest(f_hz: float, spectrum: np.ndarray = spectrum) -> float:
            return spectrum[int(f_hz * 0.97) : int(f_hz * 1.03) + 2].max()

        partials = max(strongest(note.f0_hz), strongest(2 * note.f0_hz))
        assert partials > 10 * strongest(0.5 * note.f0_hz), note  # 20 dB above any sub-octave
        assert strongest(note.f0_hz) + strongest(3 * note.f0_hz) > 0.02 * strongest(2 * note.f0_hz), note


def test_audio_is_kept_in_memory_and_cannot_be_spoilt():
    note = ALL[0]
    assert note.audio() is note.audio()
    with pytest.raises(ValueError, match="read-only"):
        note.audio()[0] = 1
    assert audio.decode_checked.cache_info().maxsize == audio.CACHED


# --- finding notes -----------------------------------------------------------------------------


def test_filters_take_a_value_a_collection_or_a_question():
    one = corpus.notes(instrument="Oboe", midi=69, velocity=80)
    assert [note.name for note in one] == ["Oboe A4"]
    assert corpus.notes(midi=[69], instrument={"Oboe"}, velocity=lambda v: v == 80) == one
    assert corpus.notes(midi=np.array([69]), instrument="Oboe", velocity=80) == one
    assert corpus.notes(f0_hz=lambda f: f < 0) == []


@given(
    instrument=st.sets(st.sampled_from(list(corpus.FAMILY))),
    low=st.integers(20, 100),
    split=st.sampled_from(corpus.SPLITS),
)
@settings(deadline=None, max_examples=30)
def test_filters_agree_with_a_plain_loop(instrument, low, split):
    wanted = [n for n in ALL if n.instrument in instrument and low <= n.midi < low + 12 and n.split == split]
    assert corpus.notes(instrument=instrument, midi=range(low, low + 12), split=split) == wanted


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"instrument": "oboe"}, "did you mean 'Oboe'.*Clarinet-Bb"),
        ({"instrument": "Clarinet"}, "did you mean 'Clarinet-Bb'"),
        ({"instrument": ["Oboe", "Theremin"]}, "'Theremin'.*Known: Clarinet-Bb"),
        ({"split": "validation"}, "did you mean 'valid'"),
        ({"pitch": 60}, "no column 'pitch'.*Columns: instrument"),
        ({"midi": "A4"}, "midi holds numbers; 'A4' is none"),
    ],
)
def test_a_wrong_filter_says_what_would_be_right(filters, message):
    with pytest.raises(BookError, match=message):
        corpus.notes(**filters)


# --- a damaged corpus --------------------------------------------------------------------------


def test_verify_counts_the_files_and_names_the_wrong_ones(copy):
    assert corpus.verify(copy) == 5
    some = corpus.notes(folder=copy)
    some[0].path.unlink()
    some[1].path.write_bytes(some[1].path.read_bytes()[:-10])
    with pytest.raises(BookError, match=r"(?s)058-080\.flac.*059-080\.flac.*2 of 5 files.*make corpus"):
        corpus.verify(copy)


def test_a_missing_file_is_named_with_the_fix(copy):
    note = corpus.notes(folder=copy)[0]
    note.path.unlink()
    with pytest.raises(BookError, match=r"lacks .*058-080\.flac.*make corpus.*git checkout"):
        note.audio()


@pytest.mark.parametrize("spoil", [lambda raw: raw[: len(raw) // 2], lambda raw: raw[:-1] + b"?", lambda raw: b""])
def test_a_tampered_file_is_named_with_the_fix(copy, spoil):
    note = corpus.notes(folder=copy)[0]
    note.path.write_bytes(spoil(note.path.read_bytes()))
    with pytest.raises(BookError, match=r"058-080\.flac is not the file.*make corpus"):
        note.audio()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace("velocity", "loudness", 1), "other columns"),
        (lambda text: text.replace(",80,", ",loud,", 1), "damaged.*make corpus"),
        (lambda text: text + "Oboe,woodwind\n", "damaged.*make corpus"),
    ],
)
def test_a_damaged_table_is_an_error(copy, spoil, message):
    table = copy / "corpus.csv"
    table.write_text(spoil(table.read_text()))
    with pytest.raises(BookError, match=message):
        corpus.notes(folder=copy)


def test_no_table_is_an_error(tmp_path):
    with pytest.raises(BookError, match="no corpus table"):
        corpus.notes(folder=tmp_path)


# --- a reader's own sound ----------------------------------------------------------------------


def tone(rate: int, seconds: float = 0.5, f_hz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * f_hz * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff"])
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_load_resamples_any_format(tmp_path, suffix, rate):
    soundfile.write(tmp_path / f"a.{suffix}", tone(rate), rate)
    sound = corpus.load(tmp_path / f"a.{suffix}")
    assert sound.dtype == np.float32
    assert abs(len(sound) - 11025) <= 1
    # Compared away from the ends, where a resampler has only half its neighbours; lossy Vorbis gets 1 %.
    inside = slice(1000, 10000)
    assert np.abs(sound[inside] - tone(22050)[inside]).max() < (0.02 if suffix == "ogg" else 1e-3)


def test_load_takes_the_mean_of_the_channels(tmp_path):
    left, right = tone(22050), tone(22050, f_hz=660)
    soundfile.write(tmp_path / "stereo.wav", np.stack([left, right], axis=1), 22050, subtype="FLOAT")
    np.testing.assert_allclose(corpus.load(tmp_path / "stereo.wav"), (left + right) / 2, atol=1e-7)


def test_load_keeps_even_one_sample(tmp_path):
    soundfile.write(tmp_path / "short.wav", np.array([0.5]), 44100)
    assert len(corpus.load(tmp_path / "short.wav")) == 1


def test_load_says_what_is_wrong(tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0), 22050)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), 22050, subtype="FLOAT")
    soundfile.write(tmp_path / "inf.wav", np.array([0.0, np.inf]), 22050, subtype="FLOAT")
    for name, message in [
        ("absent.wav", "no file"),
        (".", "folder"),
        ("text.wav", "no sound this program can read"),
        ("empty.wav", "0 bytes"),
        ("nothing.wav", "without a single sample"),
        ("nan.wav", "NaN"),
        ("inf.wav", "NaN or infinite"),
    ]:
        with pytest.raises(BookError, match=message):
            corpus.load(tmp_path / name)
    with pytest.raises(BookError, match="sample rate of 0"):
        corpus.load(ALL[0].path, sample_rate=0)
