"""Keys to sound: what the voice wants, what the null card counts, and a MIDI file from one end to the other."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from types import SimpleNamespace

import mido
import numpy as np
import pytest

from lib.deploy import measure, play_midi
from lib.deploy import onnx as exchange
from lib.models import checkpoint, make

TRAINED = "ddsp-trim-local-information-rewind-s0/round-06.pt"
RATE = 16_000


def note(kind: str, number: int, velocity: int = 100) -> mido.Message:
    return mido.Message(kind, note=number, velocity=velocity)


def file_of(path: Path, *notes: tuple[int, float, float]) -> Path:
    """Write notes of (midi, start, end) in seconds."""
    events = sorted((t, kind, n) for n, a, b in notes for t, kind in ((a, "note_on"), (b, "note_off")))
    file, track, before = mido.MidiFile(ticks_per_beat=480), mido.MidiTrack(), 0.0
    for t, kind, number in events:  # 120 beats a minute: 960 ticks a second
        track.append(mido.Message(kind, note=number, velocity=100, time=round(960 * (t - before))))
        before = t
    file.tracks.append(track)
    file.save(str(path))
    return path


@pytest.fixture(scope="module")
def ddsp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exchange.export(checkpoint.load(TRAINED)[0], tmp_path_factory.mktemp("m") / "ddsp.onnx")


def read_wav(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767


def test_the_last_key_wins() -> None:
    voice = play_midi.Voice(0.01, 8)
    voice.hear(note("note_on", 60))
    voice.hear(note("note_on", 64))
    assert voice.frame()[0] == pytest.approx(440.0 * 2 ** (-5 / 12))
    voice.hear(note("note_off", 64))
    assert voice.frame()[0] == pytest.approx(440.0 * 2 ** (-9 / 12))
    voice.hear(note("note_on", 60, velocity=0))  # as many keyboards say note off
    assert voice.goal_db == play_midi.SILENT_DB


def test_loudness_rises_fast_and_falls_slowly() -> None:
    voice = play_midi.Voice(0.01, 8)
    voice.hear(note("note_on", 69, velocity=127))
    risen = [voice.frame()[1] for _ in range(5)]
    assert risen == sorted(risen) and risen[-1] == play_midi.LOUDEST_DB
    voice.hear(note("note_off", 69))
    fallen = [voice.frame()[1] for _ in range(40)]
    assert fallen == sorted(fallen, reverse=True) and fallen[4] > -60 and fallen[-1] == play_midi.SILENT_DB


def test_wheel_and_controllers() -> None:
    voice = play_midi.Voice(0.01, 3)
    voice.hear(mido.Message("pitchwheel", pitch=4096))
    assert voice.frame()[0] == pytest.approx(440.0 * 2 ** (1 / 12))
    for control, value in ((1, 127), (3, 0), (4, 127), (64, 127)):
        voice.hear(mido.Message("control_change", control=control, value=value))
    assert voice.z.tolist() == [2.0, 0.0, -2.0]
    voice.hear(note("note_on", 60))
    voice.hear(mido.Message("control_change", control=123, value=0))
    assert voice.keys == [] and voice.goal_db == play_midi.SILENT_DB


def test_blocks_of_any_size_make_the_same_sound(ddsp: Path) -> None:
    def played(block: int) -> np.ndarray:
        player = play_midi.Player(measure.Model(ddsp))
        player.load([(0.0, note("note_on", 69)), (0.1, note("note_off", 69))])
        return np.concatenate([player.pull(block) for _ in range(4800 // block)])

    np.testing.assert_array_equal(played(96), played(1600))


def test_the_pitch_of_the_key_is_heard(ddsp: Path) -> None:
    player = play_midi.Player(measure.Model(ddsp))
    player.load([(0.0, note("note_on", 76))])
    sound = player.pull(RATE)[4000:]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    # Whichever partial is loudest, it is a whole multiple of E5.
    ratio = spectrum.argmax() * RATE / len(sound) / (440.0 * 2 ** (7 / 12))
    assert ratio > 0.9 and ratio == pytest.approx(round(ratio), abs=0.01)


class Clock:
    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_null_card_counts_dropouts() -> None:
    """Blocks of 32 ms: the fourth takes 70 ms, which is 38 ms too long: two periods of silence."""
    clock = Clock()
    card = play_midi.NullCard(RATE, 512, clock=clock)
    costs = iter([0.001, 0.001, 0.001, 0.070] + [0.001] * 100)

    def pull(count: int) -> np.ndarray:
        clock.now += next(costs)
        return np.full(count, 0.5, np.float32)

    card.play(pull, 0.32)
    assert card.dropouts == 2 and card.played == 5120
    silent = [not block.any() for block in card.blocks]
    assert silent == [False] * 3 + [True] * 2 + [False] * 5
    assert clock.now == pytest.approx(9 * 0.032 + 0.001)


def test_a_file_from_one_end_to_the_other(ddsp: Path, tmp_path: Path) -> None:
    """As on a board: two files side by side, nothing of the book; sound where the notes are, none before."""
    for module in (measure, play_midi):
        shutil.copy(module.__file__, tmp_path)
    file_of(tmp_path / "tune.mid", (69, 0.5, 0.9), (76, 0.9, 1.2))
    words = [sys.executable, "play_midi.py", str(ddsp), "--midi-file", "tune.mid", "--null-audio", "--wav", "out.wav"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "dropouts in" in done.stderr and "Traceback" not in done.stderr
    sound = read_wav(tmp_path / "out.wav")
    assert len(sound) >= 2.1 * RATE  # the file and a second more; silence for every dropout
    levels = [np.sqrt(np.square(part).mean()) for part in np.array_split(sound, 20)]
    assert max(levels) > 0.01
    assert max(levels[:3]) < 0.1 * max(levels)
    assert not list(tmp_path.glob("*.part"))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert play_midi.main(list(words)) == 2
    return capsys.readouterr().err


def test_clear_messages(ddsp: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no file" in run(capsys, str(ddsp), "--midi-file", str(tmp_path / "none.mid"), "--null-audio")
    (tmp_path / "bad.mid").write_text("no MIDI")
    assert "no MIDI file" in run(capsys, str(ddsp), "--midi-file", str(tmp_path / "bad.mid"), "--null-audio")
    sing = exchange.export(make("sing", "toy"), tmp_path / "sing.onnx")
    assert "only a DDSP" in run(capsys, str(sing), "--null-audio")
    tune = str(file_of(tmp_path / "tune.mid", (69, 0.0, 0.1)))
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "libportaudio2" in run(capsys, str(ddsp), "--midi-file", tune)
    monkeypatch.setattr(mido, "get_input_names", lambda: ["Keystation 49", "Through Port"])
    assert "there are: Keystation 49, Through Port" in run(capsys, str(ddsp), "--midi", "piano", "--null-audio")
    monkeypatch.setattr(mido, "get_input_names", lambda: (_ for _ in ()).throw(ImportError("rtmidi")))
    assert "python-rtmidi" in run(capsys, str(ddsp), "--null-audio")
    monkeypatch.setitem(sys.modules, "mido", None)
    assert "pip install mido" in run(capsys, str(ddsp), "--null-audio")


def test_live_keys_reach_the_sound_card(ddsp: Path, monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path) -> None:
    """A stand-in for PortAudio, which this machine lacks: it asks for blocks as sounddevice does."""
    opened = {}

    class Stream:
        def __init__(self, *, samplerate, blocksize, channels, dtype, device, callback) -> None:
            assert (samplerate, channels, dtype, device) == (RATE, 1, "float32", 3)
            self.blocksize, self.callback, self.closed = blocksize, callback, False
            opened["stream"] = self

        def start(self) -> None:
            self.heard = []
            for i in range(40):
                out = np.empty((self.blocksize, 1), np.float32)
                self.callback(out, self.blocksize, None, SimpleNamespace(output_underflow=i == 7))
                self.heard.append(out[:, 0])

        def close(self) -> None:
            self.closed = True

    def open_input(name: str, callback) -> SimpleNamespace:
        callback(note("note_on", 60))
        return SimpleNamespace(close=lambda: opened.update(input_closed=True))

    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(OutputStream=Stream))
    monkeypatch.setattr(mido, "get_input_names", lambda: ["Keystation 49"])
    monkeypatch.setattr(mido, "open_input", open_input)
    words = [str(ddsp), "--device", "3", "--seconds", "0.1", "--block", "256", "--wav", str(tmp_path / "out.wav")]
    assert play_midi.main(words) == 0
    said = capsys.readouterr().err
    assert "listening to Keystation 49" in said and "1 dropouts in" in said
    stream = opened["stream"]
    assert stream.closed and opened["input_closed"]
    heard = np.concatenate(stream.heard)
    assert np.abs(heard).max() > 0.01
    np.testing.assert_allclose(read_wav(tmp_path / "out.wav"), heard, atol=1 / 32767)


def test_frequencies_are_equal_tempered() -> None:
    voice = play_midi.Voice(0.01, 1)
    for number in range(21, 109):
        voice.hear(note("note_on", number))
        f0, _ = voice.frame()
        assert math.log2(f0 / 440.0) * 12 + 69 == pytest.approx(number)
