"""Make the corpus from a sound font: which notes, how they are rendered, and the table.

`make corpus` renders everything beside the corpus and compares, byte by byte.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from lib.corpus import splits
from lib.corpus.audio import SAMPLE_RATE
from lib.corpus.soundfont import SoundFont
from lib.corpus.synth import SOUND_FONT, Synth, open_synth
from lib.corpus.table import COLUMNS, FAMILY, NOVEL, Note

RENDER_RATE = 44100
DURATION_S = 2.0
FADE_S = 0.02
LICENCE = "MIT"

#: Velocities beside 80 are made only where they change more than the level.
VELOCITY, EXTRA_VELOCITIES = 80, (40, 120)

#: No recording is transposed further than a fifth.
FURTHEST = 7


@dataclass(frozen=True)
class Voice:
    """One instrument: its preset in bank 0, the range it plays, and whether it has real dynamics."""

    program: int
    low: int
    high: int
    dynamics: bool = False


#: Playing ranges in sounding pitch. Piano keys from 104 on are left out: they are mostly hammer.
#: The contrabass ends where the bank goes over to recordings of a cello.
VOICES = {
    "Clarinet-Bb": Voice(71, 50, 91, dynamics=True),
    "Alto-Sax": Voice(65, 49, 81, dynamics=True),
    "Trumpet-C": Voice(56, 54, 86, dynamics=True),
    "Violoncello": Voice(42, 36, 81),
    "French-Horn": Voice(60, 35, 77, dynamics=True),
    "Oboe": Voice(68, 58, 91),
    "Flute": Voice(73, 60, 96),
    "English-Horn": Voice(69, 52, 81),
    "Bassoon": Voice(70, 34, 75),
    "Tenor-Trombone": Voice(57, 40, 77, dynamics=True),
    "Piano": Voice(0, 21, 103, dynamics=True),
    "Violin": Voice(40, 55, 100),
    "Piccolo": Voice(72, 74, 105),
    "Tuba": Voice(58, 26, 65),
    "Viola": Voice(41, 48, 88),
    "Contrabass": Voice(43, 28, 51),
}


def use(font: SoundFont, instrument: str, midi: int, velocity: int) -> splits.Use:
    """Say which recordings sound for a note; the first one carries it, the others are attacks."""
    zones = [zone for zone in font.zones(0, VOICES[instrument].program) if zone.sounds(midi, velocity)]
    zones.sort(key=lambda zone: "attack" in zone.sample.name.lower())
    recordings = tuple(dict.fromkeys(font.recording(zone.sample) for zone in zones))
    return splits.Use(midi, zones[0].root_key, recordings)


def keys(font: SoundFont, instrument: str) -> list[tuple[int, int]]:
    """List the (midi, velocity) of every note of an instrument.

    The piano's extra velocities are made only at the pitches of its recordings, or it would have
    more notes than any three other instruments.
    """
    voice = VOICES[instrument]
    chosen = []
    for midi in range(voice.low, voice.high + 1):
        shift = abs(midi - use(font, instrument, midi, VELOCITY).root_key)
        if shift > FURTHEST:
            continue
        extra = voice.dynamics and (instrument != "Piano" or shift == 0)
        chosen += [(midi, velocity) for velocity in sorted((VELOCITY, *(EXTRA_VELOCITIES if extra else ())))]
    return chosen


def plan(sound_font: Path = SOUND_FONT) -> list[Note]:
    """Make the table without the sounds: every row but its `sha256`."""
    font = SoundFont(sound_font)
    rows = []
    for instrument in VOICES:
        uses = {key: use(font, instrument, *key) for key in keys(font, instrument)}
        novel = instrument in NOVEL
        sides = {} if novel else splits.share_out(uses.values(), seed=instrument)
        for (midi, velocity), made_from in uses.items():
            rows.append(
                Note(
                    instrument=instrument,
                    family=FAMILY[instrument],
                    midi=midi,
                    f0_hz=round(440 * 2 ** ((midi - 69) / 12), 3),
                    velocity=velocity,
                    root=" + ".join(made_from.recordings),
                    split="novel" if novel else sides[made_from.recordings[0]],
                    file=f"{instrument}/{midi:03d}-{velocity:03d}.flac",
                    sha256="",
                    licence=LICENCE,
                )
            )
    return rows


def render(synth: Synth, note: Note) -> np.ndarray:
    """Play one note: float32 `[time]`, 2 s at `SAMPLE_RATE`, its last 20 ms faded out.

    Levels are the sound font's own; nothing is normalised.
    """
    long = synth.play(0, VOICES[note.instrument].program, note.midi, note.velocity, int(DURATION_S * RENDER_RATE))
    sound = soxr.resample(long, RENDER_RATE, SAMPLE_RATE, quality="VHQ")[: int(DURATION_S * SAMPLE_RATE)]
    n_fade = int(FADE_S * SAMPLE_RATE)
    sound[-n_fade:] *= np.cos(np.linspace(0, np.pi / 2, n_fade, dtype=np.float32)) ** 2
    return sound


def encode(sound: np.ndarray) -> bytes:
    """Write a sound as 16-bit FLAC, rounded without dither, so that the same sound is the same bytes.

    Raises:
        ValueError: the sound would clip.
    """
    if np.abs(sound).max() >= 1:
        raise ValueError(f"a note clips (peak {np.abs(sound).max():.2f})")
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        np.round(sound * 32767).astype(np.int16),
        SAMPLE_RATE,
        format="FLAC",
        subtype="PCM_16",
        compression_level=1.0,
    )
    return buffer.getvalue()


def render_all(sound_font: Path = SOUND_FONT) -> Iterator[tuple[Note, bytes]]:
    """Yield every row of the table, complete, with the bytes of its file."""
    with open_synth(sound_font, sample_rate=RENDER_RATE) as synth:
        for note in plan(sound_font):
            data = encode(render(synth, note))
            yield dataclasses.replace(note, sha256=hashlib.sha256(data).hexdigest()), data


def table_text(rows: list[Note]) -> str:
    """Write the table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(note, column) for column in COLUMNS] for note in rows)
    return out.getvalue()
