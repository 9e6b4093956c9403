"""Describing whole sounds: any input a reader may hand in, in numbers and in words."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from lib import corpus
from lib import descriptors as D
from lib.errors import BookError
from lib.results import RESULTS

RATE = 22050


def sine(f0: float, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * f0 * np.arange(round(seconds * RATE)) / RATE)


def test_describe_has_every_descriptor_and_only_numbers() -> None:
    note = corpus.notes(instrument="Oboe", midi=69, velocity=80)[0]
    d = D.describe(note.audio(), RATE, note.f0_hz)
    assert set(d) == {"duration_s", "f0_hz", *D.DESCRIPTORS}
    assert all(isinstance(value, float) for value in d.values())
    assert D.describe(torch.tensor(note.audio()), RATE, note.f0_hz) == d
    for key, about in D.DESCRIPTORS.items():
        assert about.hears and about.definition and about.source and callable(about.function), key


def test_silence_is_silence() -> None:
    d = D.describe(np.zeros(RATE), RATE)
    assert d["centroid_hz"] is None and d["loudness_db"] == -120.0
    assert D.in_words(np.zeros(RATE), RATE) == "silence"
    assert D.in_words(d) == "silence"


@pytest.mark.parametrize("length", [1, 2, 3, 17, 100, 2047])
def test_tiny_sounds_are_described(length: int) -> None:
    x = np.random.default_rng(length).uniform(-0.5, 0.5, length)
    for f0 in (None, 440.0):
        assert D.in_words(x, RATE, f0)
        assert all(v is None or np.isfinite(v) for v in D.describe(x, RATE, f0).values())


def test_offset_clipping_and_click_are_described() -> None:
    click = np.zeros(RATE)
    click[5000] = 1.0
    for x in (np.ones(RATE), np.sign(sine(220)), click, 1e-9 * sine(220), 100 * sine(220)):
        assert D.in_words(x, RATE)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 96000])
def test_any_sample_rate(rate: int) -> None:
    x = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    d = D.describe(x, rate)
    assert d["centroid_hz"] == pytest.approx(440, abs=0.5)
    assert d["f0_hz"] == pytest.approx(440, rel=0.003)
    assert d["loudness_db"] == pytest.approx(-9.69, abs=0.05)


@pytest.mark.parametrize(
    ("audio", "says"),
    [
        (np.array([]), "empty"),
        (np.array([0.0, np.nan, 0.1]), "NaN"),
        (np.array([0.0, np.inf]), "NaN or infinity"),
        (np.zeros((2, 100)), "channel"),
        (np.array(["a"]), "real numbers"),
        (np.array([1j]), "real numbers"),
    ],
)
def test_bad_audio_is_refused(audio: np.ndarray, says: str) -> None:
    with pytest.raises(BookError, match=says):
        D.describe(audio, RATE)
    with pytest.raises(BookError, match=says):
        D.in_words(audio, RATE)


def test_bad_sample_rate_is_refused() -> None:
    with pytest.raises(BookError, match="sample rate"):
        D.describe(sine(440), 0)


def test_pitch_is_found_on_every_instrument() -> None:
    """Within 30 cents of the name (the bank is tuned within 15), for one note in nine."""
    notes = corpus.notes(velocity=80)[::9]
    cents = []
    for note in notes:
        found = D.estimate_f0(note.audio(), RATE)
        cents.append(np.inf if found is None else abs(1200 * np.log2(found / note.f0_hz)))
    assert np.mean(np.array(cents) < 30) > 0.95


def test_noise_has_no_pitch() -> None:
    x = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    assert D.estimate_f0(x, RATE) is None
    assert D.in_words(x, RATE).startswith("no clear pitch") and "noise-like" in D.in_words(x, RATE)
    assert D.describe(x, RATE)["slope_db_per_octave"] == pytest.approx(0, abs=0.5)


def test_words_follow_the_sound() -> None:
    t = np.arange(2 * RATE) / RATE
    saw = 0.3 * sum(np.sin(2 * np.pi * 220 * h * t + h * h) / h for h in range(1, 40))
    assert "dying away" in D.in_words(saw * np.exp(-3 * t), RATE)
    assert "steady" in D.in_words(saw, RATE)
    assert "swelling" in D.in_words(saw * t**2, RATE)
    assert "slow attack of 24" in D.in_words(saw * np.minimum(t / 0.3, 1), RATE)  # 80 % of 0.3 s
    assert D.in_words(saw, RATE).startswith("A3")
    square = 0.3 * sum(np.sin(2 * np.pi * 220 * h * t + h * h) / h for h in range(1, 40, 2))
    assert "odd harmonics stand out" in D.in_words(square, RATE)
    assert "slightly noisy" in D.in_words(saw + 0.03 * np.random.default_rng(0).standard_normal(len(t)), RATE)


def test_brightness_words_rise_with_the_centroid() -> None:
    words = [D.in_words(sine(f), RATE).split(", ")[1].split(" (")[0] for f in (200, 600, 1200, 3000)]
    assert words == ["dark", "mellow", "bright", "very bright"]


def test_note_names() -> None:
    assert [D.note_name(f) for f in (440.0, 261.63, 27.5, 4186.0)] == ["A4", "C4", "A0", "C8"]
    assert D.note_name(440 * 2 ** (-30 / 1200)) == "A4 -30 cents"


def test_shipped_table_is_what_the_code_gives() -> None:
    rows = D.of_corpus()
    assert len(rows) == len(corpus.notes())
    by_file = {note.file: note for note in corpus.notes()}
    for row in rows[:: len(rows) // 12]:
        note = by_file[row["file"]]
        fresh = D.describe(note.audio(), RATE, note.f0_hz)
        for key in D.DESCRIPTORS:
            if row[key] is None:
                assert fresh[key] is None
            else:
                assert fresh[key] == pytest.approx(row[key], rel=1e-3, abs=1e-9), key


def test_a_missing_table_says_how_to_make_it(tmp_path) -> None:
    with pytest.raises(BookError, match=r"lib\.descriptors corpus"):
        D.of_corpus(tmp_path / "corpus.csv")


def test_shipped_axes_are_whole() -> None:
    shipped = json.loads((RESULTS / "ratings" / "descriptor_axes.json").read_text())["results"]
    assert len(shipped["space"]["names"]) == 12
    for entry in shipped["axes"]:
        assert entry["interval"][0] <= entry["r"] <= entry["interval"][1]
        assert entry["p"] <= entry["p_holm"] <= 1
    centroid = {entry["descriptor"]: entry for entry in shipped["directions"]}["centroid_hz"]
    assert 0 <= centroid["multiple_r"] <= 1
