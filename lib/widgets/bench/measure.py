"""What the bench's presets are: a note of each instrument, reduced to the numbers that additive synthesis needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from lib import corpus, descriptors
from lib.errors import BookError

#: E flat 4, the pitch of several of the pooled listening studies; all twelve instruments have it.
MIDI = 63
HARMONICS = 20
LOWEST_DB = -60.0

#: A release cannot be measured: the corpus ends its notes with a fade.
RELEASE_S = {"keyboard": 0.5, "string": 0.3}

_FALL_DB = 12.0
_MEASURED_UNTIL_S = 1.5


def measure_presets(midi: int = MIDI, velocity: int = 80) -> list[dict[str, Any]]:
    """Measure one note of each of the twelve instruments.

    Raises:
        BookError: an instrument does not play this pitch.
    """
    found = {note.instrument: note for note in corpus.notes(midi=midi, velocity=velocity)}
    missing = [name for name in corpus.INSTRUMENTS if name not in found]
    if missing:
        raise BookError(f"No note at MIDI {midi} for {', '.join(missing)}; {MIDI} is one that all have.")
    return [measure_preset(found[name]) for name in corpus.INSTRUMENTS]


def measure_preset(note: corpus.Note) -> dict[str, Any]:
    """Reduce a note to levels of 20 harmonics, attack, decay, sustain, damping, noise and stretch.

    Levels in dB re the strongest, means over 0.3 s from the loudest moment on. Where the level falls by less
    than 12 dB within 1.5 s the sound counts as sustained; otherwise `decay_s` is the time constant of the
    fundamental's fall and `damping` the additional rate, per second, of each harmonic above it (least squares,
    weighted by amplitude). `attack_s` is the ramp that has the note's attack time. `noise_db` is the power
    between the partials re that of the partials.

    Chapter: *What is timbre?*
    """
    audio, rate = note.audio(), corpus.SAMPLE_RATE
    measured = descriptors.describe(audio, rate, note.f0_hz)
    magnitudes, frequencies_hz = descriptors.frames(audio, rate)
    times_s = (1024 + 512 * np.arange(len(magnitudes))) / rate
    tracks, _ = descriptors.harmonic_amplitudes(magnitudes, frequencies_hz, note.f0_hz, count=HARMONICS)
    tracks = np.maximum(tracks, 1e-9 * tracks.max())
    power = (tracks**2).sum(1)
    loudest = int(power.argmax())
    plateau = (times_s >= times_s[loudest]) & (times_s <= times_s[loudest] + 0.3)
    level = np.zeros(HARMONICS)
    level[: tracks.shape[1]] = np.sqrt((tracks[plateau] ** 2).mean(0))
    levels_db = 20 * np.log10(np.maximum(level / level.max(), 10 ** (LOWEST_DB / 20)))

    after = (times_s >= times_s[loudest]) & (times_s <= _MEASURED_UNTIL_S)
    fall = np.polyfit(times_s[after], np.log(tracks[after]), 1)[0] if after.sum() > 4 else np.zeros(tracks.shape[1])
    weight = level[: len(fall)] ** 2 / (level**2).sum()
    last = power[(times_s > _MEASURED_UNTIL_S - 0.1) & (times_s <= _MEASURED_UNTIL_S)].mean()
    falling = 10 * np.log10(power[loudest] / last) > _FALL_DB
    h = np.arange(len(fall))
    audible = levels_db[: len(fall)] > -50
    trust = np.sqrt(weight) * h * audible
    damping = float(np.clip((trust * (fall[0] - fall)).sum() / (trust * h).sum(), 0, 5)) if falling else 0.0
    noise = float(np.clip(measured["noisiness"] or 0.0, 1e-6, 0.99))
    stretch = measured["inharmonicity"] or 0.0
    return {
        "name": note.instrument,
        "midi": note.midi,
        "file": note.file,
        "levels_db": [round(float(x), 1) for x in levels_db],
        "attack_s": round(float(np.clip(10 ** measured["log_attack_time"] / 0.8, 0.003, 1.0)), 4),
        "decay_s": round(float(np.clip(-1 / fall[0], 0.1, 5.0)), 3) if falling and fall[0] < 0 else 1.0,
        "sustain": 0.0 if falling else 1.0,
        "release_s": RELEASE_S.get(note.family, 0.15),
        "damping": round(damping, 3),
        "noise_db": round(float(np.clip(10 * np.log10(noise / (1 - noise)), LOWEST_DB, 0.0)), 1),
        "stretch": round(stretch, 6) if stretch > 3e-5 else 0.0,
        "centroid_hz": round(measured["centroid_hz"], 1),
    }
