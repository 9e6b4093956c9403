"""The command line on good and bad files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lib.timbre.__main__ import main


@pytest.fixture
def sounds(tmp_path: Path, tone) -> list[str]:
    stereo = np.stack([tone(300.0), tone(300.0)], axis=1)
    made = {"a.wav": (tone(), 22050), "b.flac": (tone(tilt=2.0), 22050), "stereo48.wav": (stereo, 48000)}
    for name, (sound, rate) in made.items():
        soundfile.write(tmp_path / name, sound, rate)
    return [str(tmp_path / name) for name in made]


@pytest.mark.parametrize("measure", ["latent", "trajectory", "rated", "acoustic"])
def test_distances_are_a_symmetric_table(sounds, measure, capsys) -> None:
    assert main(["distances", *sounds, "--measure", measure]) == 0
    table = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    values = np.array([row[1:] for row in table[1:]], dtype=float)
    assert table[0][1:] == sounds
    assert np.allclose(values, values.T) and np.allclose(np.diag(values), 0)
    assert values[0, 2] > 0


def test_place_tells_pitch_at_any_rate(sounds, capsys) -> None:
    assert main(["place", *sounds]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    # 300 Hz written at 22.05 kHz, declared as 48 kHz, sounds at 653 Hz.
    assert float(rows[2]["f0_hz"]) == pytest.approx(300.0 * 48000 / 22050, rel=0.005)
    assert rows[0]["pitch"] == "A4"


def test_sounds_are_written(sounds, tmp_path, tone) -> None:
    out = str(tmp_path / "out.wav")
    assert main(["resynthesize", sounds[0], out]) == 0
    sound, rate = soundfile.read(out)
    assert rate == 22050 and abs(len(sound) - len(tone())) < 441 and np.abs(sound).max() > 0.01
    assert main(["morph", sounds[0], sounds[1], out, "--kind", "expressive", "--seconds", "1"]) == 0
    assert len(soundfile.read(out)[0]) == pytest.approx(22050, abs=441)


def test_describe_talks(sounds, capsys) -> None:
    assert main(["describe", sounds[0]]) == 0
    assert "centroid_hz" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda tone: (np.zeros(22050), 22050), "silent"),
        (lambda tone: (np.ones(3) * 0.1, 22050), "short"),
        (lambda tone: (np.tile(tone(), 50), 22050), "single note"),
        (lambda tone: (np.full(22050, np.nan), 22050), "NaN"),
    ],
)
def test_bad_sounds_give_an_error_that_names_the_file(make, word, tmp_path, capsys, tone) -> None:
    path = tmp_path / "bad.wav"
    sound, rate = make(tone)
    soundfile.write(path, sound, rate, subtype="FLOAT")
    assert main(["place", str(path)]) == 2
    error = capsys.readouterr().err
    assert word in error and "bad.wav" in error and "Traceback" not in error


def test_wrong_calls_are_told(sounds, tmp_path, capsys) -> None:
    assert main(["distances", sounds[0]]) == 2
    assert main(["distances", *sounds, "--space", "nsgt-erb-free", "--measure", "rated"]) == 2
    assert main(["place", str(tmp_path / "absent.wav")]) == 2
    assert main(["resynthesize", sounds[0], str(tmp_path / "out.mp3")]) == 2
    assert main(["morph", sounds[0], sounds[1], str(tmp_path / "o.wav"), "--seconds", "900"]) == 2
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    assert main(["describe", str(text)]) == 2
    assert "Traceback" not in capsys.readouterr().err
