"""Play an exported DDSP live: MIDI in, sound out. For a Raspberry Pi, or any machine with numpy and onnxruntime.

    scp lib/deploy/measure.py lib/deploy/play_midi.py model.onnx pi@raspberrypi.local:
    ssh pi@raspberrypi.local
    sudo apt install libportaudio2
    python3 -m venv play && play/bin/pip install numpy onnxruntime mido python-rtmidi sounddevice
    play/bin/python play_midi.py model.onnx

One voice, the last key wins. Velocity sets loudness, the wheel bends by two semitones, controllers 1, 2, 3 ... move the
latent code. With `--midi-file` it plays a file; with `--null-audio` a sound card that does not exist asks for blocks in
time, and `--wav` keeps what it got. Ctrl-C ends it.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
import time
import wave
from pathlib import Path

try:
    from lib.deploy.measure import MISSING, BoardError, Model
except ImportError:  # on a board the two files lie side by side
    from measure import MISSING, BoardError, Model

if MISSING is None:
    import numpy as np

SILENT_DB = -80.0
QUIETEST_DB, LOUDEST_DB = -42.0, -12.0
ATTACK_S, RELEASE_S = 0.03, 0.25
BEND_SEMITONES = 2.0


class Voice:
    """What the keys want: one pitch and one loudness a frame, and a latent code."""

    def __init__(self, frame_s, dims):
        self.frame_s, self.keys, self.bend = frame_s, [], 0.0
        self.midi, self.loudness_db, self.goal_db = 69.0, SILENT_DB, SILENT_DB
        self.z = np.zeros(dims, np.float32)

    def hear(self, message):
        """Take one MIDI message; messages that mean nothing here are ignored."""
        kind = message.type
        if kind == "note_on" and message.velocity > 0:
            self.release(message.note)
            self.keys.append(message.note)
            self.midi = float(message.note)
            self.goal_db = QUIETEST_DB + (LOUDEST_DB - QUIETEST_DB) * message.velocity / 127
        elif kind in ("note_on", "note_off"):
            self.release(message.note)
        elif kind == "pitchwheel":
            self.bend = BEND_SEMITONES * message.pitch / 8192
        elif kind == "control_change" and 1 <= message.control <= len(self.z):
            self.z[message.control - 1] = 4.0 * message.value / 127 - 2.0  # two standard deviations either way
        elif kind == "control_change" and message.control in (120, 123):  # all sound off, all notes off
            self.keys, self.goal_db = [], SILENT_DB

    def release(self, note):
        """Let a key go: the one pressed before it sounds again, or none."""
        if note in self.keys:
            self.keys.remove(note)
        if self.keys:
            self.midi = float(self.keys[-1])
        else:
            self.goal_db = SILENT_DB

    def frame(self):
        """Go one frame on: (f0 in hertz, loudness in decibels)."""
        rising = self.goal_db > self.loudness_db
        most = -SILENT_DB * self.frame_s / (ATTACK_S if rising else RELEASE_S)
        self.loudness_db += float(np.clip(self.goal_db - self.loudness_db, -most, most))
        return 440.0 * 2.0 ** ((self.midi + self.bend - 69.0) / 12.0), self.loudness_db


class Player:
    """A model, a voice, and messages that are due at some sample of the sound."""

    def __init__(self, model):
        if model.about["model"] != "ddsp" or model.about["part"] != "step":
            raise BoardError(f"{model.path.name} is a {model.about['model']}; only a DDSP step is played by keys.")
        self.model, self.made = model, 0
        self.frames, dims = model.feed["z"].shape[1:]
        self.voice = Voice(model.samples / self.frames / model.rate, dims)
        self.left = np.zeros(0, np.float32)
        self.due, self.live = [], queue.SimpleQueue()

    def warm_up(self):
        """Run a few steps unheard, since the first are slow, and begin anew."""
        for _ in range(10):
            self.model.step()
        self.model.reset()

    def load(self, messages):
        """Take the messages of a file: (seconds, message), in order; gives the length in seconds."""
        self.due = list(messages)
        return self.due[-1][0] + 1.0 if self.due else 0.0

    def step(self):
        """Hear what is due, and make the sound of one step."""
        now = self.made / self.model.rate
        while self.due and self.due[0][0] <= now:
            self.voice.hear(self.due.pop(0)[1])
        while not self.live.empty():
            self.voice.hear(self.live.get())
        wanted = [self.voice.frame() for _ in range(self.frames)]
        self.model.feed["f0_hz"] = np.array([[f0 for f0, _ in wanted]], np.float32)
        self.model.feed["loudness_db"] = np.array([[loudness for _, loudness in wanted]], np.float32)
        self.model.feed["z"] = np.broadcast_to(self.voice.z, self.model.feed["z"].shape).copy()
        self.made += self.model.samples
        return self.model.step()

    def pull(self, count):
        """Give the next samples, float32 in [-1, 1]."""
        parts, have = [self.left], len(self.left)
        while have < count:
            parts.append(self.step())
            have += self.model.samples
        sound = np.concatenate(parts)
        self.left = sound[count:]
        return np.clip(sound[:count], -1.0, 1.0)


class Tape:
    """What was played: its length, its dropouts, and the sound itself where it is to be kept."""

    def __init__(self, rate, block, keep):
        self.rate, self.block, self.keep = rate, block, keep
        self.played, self.dropouts, self.blocks = 0, 0, []

    def record(self, sound):
        """Count a block, and keep it if wanted: an hour is 230 MB."""
        self.played += len(sound)
        if self.keep:
            self.blocks.append(np.array(sound))


class NullCard(Tape):
    """A sound card that does not exist: it asks in time for blocks, and counts what comes too late."""

    def __init__(self, rate, block, keep=True, clock=time):
        super().__init__(rate, block, keep)
        self.clock = clock

    def play(self, pull, seconds):
        """Ask for sound until so much has been played; silence stands where a block was late."""
        period, start, asked = self.block / self.rate, self.clock.perf_counter(), 0
        while self.played < seconds * self.rate:
            self.clock.sleep(max(0.0, start + asked * period - self.clock.perf_counter()))
            sound = pull(self.block)
            late = self.clock.perf_counter() - (start + (asked + 1) * period)
            missed = int(late / period) + 1 if late > 0 else 0
            for _ in range(missed):
                self.record(np.zeros(self.block, np.float32))
            self.record(sound)
            self.dropouts += missed
            asked += 1 + missed

    def close(self):
        """Nothing to close."""


class SoundCard(Tape):
    """The machine's own sound card, by way of sounddevice; the card's thread asks for blocks."""

    def __init__(self, rate, block, keep=False, device=None):
        super().__init__(rate, block, keep)
        try:
            import sounddevice
        except (ImportError, OSError) as error:  # OSError: the package is there, PortAudio is not
            raise BoardError(
                "Sound needs sounddevice and PortAudio: pip install sounddevice, sudo apt install libportaudio2; "
                "or use --null-audio."
            ) from error
        self.pull = self.trouble = None
        try:
            self.stream = sounddevice.OutputStream(
                samplerate=rate, blocksize=block, channels=1, dtype="float32", device=device, callback=self.fill
            )
        except Exception as error:
            raise BoardError(f"The sound card cannot be opened at {rate} Hz ({error}). Try --device.") from error

    def fill(self, out, count, when, status):
        """Fill one block: called by the card. Anything raised here would be lost, so it is kept for `play`."""
        self.dropouts += bool(status.output_underflow)
        try:
            sound = self.pull(count)
        except Exception as error:
            self.trouble, sound = error, np.zeros(count, np.float32)
        self.record(sound)
        out[:, 0] = sound

    def play(self, pull, seconds):
        """Play for so long, or until interrupted."""
        self.pull = pull
        self.stream.start()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            time.sleep(0.05)
            if self.trouble is not None:
                raise self.trouble

    def close(self):
        """Stop, and let the card go."""
        self.stream.close()


def read_midi(path):
    """Read a MIDI file: (seconds, message), tempo changes counted in."""
    mido = need_mido()
    try:
        file = mido.MidiFile(str(path))
        messages, now = [], 0.0
        for message in file:
            now += message.time
            if not message.is_meta:
                messages.append((now, message))
    except FileNotFoundError as error:
        raise BoardError(f"There is no file {path}.") from error
    except Exception as error:
        raise BoardError(f"{path} is no MIDI file, or is damaged.") from error
    return messages


def open_input(name, heard):
    """Listen to a MIDI input, the first one unless named; messages go to `heard` from another thread."""
    mido = need_mido()
    try:
        names = mido.get_input_names()
    except ImportError as error:
        raise BoardError("Live MIDI needs python-rtmidi: pip install python-rtmidi; or use --midi-file.") from error
    chosen = next((one for one in names if name is None or name.lower() in one.lower()), None)
    if chosen is None:
        there = ", ".join(names) or "none"
        raise BoardError(f"No MIDI input{f' called {name}' if name else ''}; there are: {there}. Is it plugged in?")
    return chosen, mido.open_input(chosen, callback=heard.put)


def need_mido():
    """Import mido, or say what to do."""
    try:
        import mido
    except ImportError as error:
        raise BoardError("MIDI needs mido: pip install mido (and python-rtmidi for live playing).") from error
    return mido


def write_wav(path, blocks, rate):
    """Write 16-bit mono, whole or not at all."""
    scratch = Path(path).with_name(f"{Path(path).name}.{os.getpid()}.part")
    sound = np.concatenate([np.zeros(0, np.float32), *blocks])
    with wave.open(str(scratch), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(32767 * sound).astype("<i2").tobytes())
    os.replace(scratch, path)


def arguments(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="play_midi.py", description=__doc__.split("\n")[0])
    parser.add_argument("model", help="a DDSP step exported by the book (.onnx)")
    parser.add_argument("--midi", help="part of the name of a MIDI input; the first one by default")
    parser.add_argument("--midi-file", help="play this file instead")
    parser.add_argument("--device", help="name or number of a sound card")
    parser.add_argument("--block", type=int, default=512, help="samples a block: larger is safer, smaller is quicker")
    parser.add_argument("--seconds", type=float, help="end after so long; otherwise with the file, or on Ctrl-C")
    parser.add_argument("--null-audio", action="store_true", help="use a sound card that does not exist")
    parser.add_argument("--wav", help="keep what was played")
    return parser.parse_args(argv)


def main(argv=None):
    """Play; 0 if all went well."""
    args = arguments(argv)

    def say(text):
        print(f"[play] {text}", file=sys.stderr, flush=True)

    card = source = None
    try:
        if MISSING is not None:
            raise BoardError(f"{MISSING.name} is missing here: pip install numpy onnxruntime")
        if args.block < 16:
            raise BoardError("A block needs at least 16 samples.")
        player = Player(Model(args.model))
        seconds = args.seconds or float("inf")
        if args.midi_file:
            seconds = min(seconds, player.load(read_midi(args.midi_file)))
        else:
            name, source = open_input(args.midi, player.live)
            say(f"listening to {name}")
        rate = player.model.rate
        device = int(args.device) if args.device and args.device.isdigit() else args.device
        keep = args.wav is not None
        card = NullCard(rate, args.block, keep) if args.null_audio else SoundCard(rate, args.block, keep, device)
        player.warm_up()
        say(f"playing in blocks of {args.block} samples ({1000 * args.block / rate:.0f} ms); Ctrl-C ends it")
        try:
            card.play(player.pull, seconds)
        except KeyboardInterrupt:
            say("stopped")
        say(f"{card.dropouts} dropouts in {card.played / rate:.1f} s")
        if args.wav:
            write_wav(args.wav, card.blocks, rate)
            say(f"wrote {args.wav}")
    except (BoardError, OSError) as error:
        say(str(error))
        return 2
    finally:
        for one in (card, source):
            if one is not None:
                one.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
