"""Sounds on a page: each distinct sound is one model, compressed once, that any number of widgets point to."""

from __future__ import annotations

import hashlib
import io
from typing import Any, ClassVar

import ipywidgets
import numpy as np
import soundfile
from traitlets import Bytes, Float, Int, Unicode

from lib.errors import BookError
from lib.widgets.loudness import loudness_lufs

#: Every sound plays at this loudness, unless a peak of the group would pass `PEAK_DBFS`.
TARGET_LUFS = -23.0
PEAK_DBFS = -1.0


class Sound(ipywidgets.Widget):
    """One sound, stored once: a model without a view.

    `data` is FLAC, 16 bit, one channel. `gain_db` makes this sound alone play at `TARGET_LUFS`; widgets that
    compare several use `matched_gains_db`. `description` says in words what one would hear.
    """

    data = Bytes().tag(sync=True)
    sample_rate = Int().tag(sync=True)
    label = Unicode().tag(sync=True)
    description = Unicode().tag(sync=True)
    gain_db = Float().tag(sync=True)
    duration_s = Float().tag(sync=True)
    peak = Float().tag(sync=True)
    loudness = Float(allow_none=True).tag(sync=True)  # LUFS; None is silence, which JSON cannot write as -inf

    _made: ClassVar[dict[str, Sound]] = {}


def sound(
    audio: Any,
    sample_rate: int = 22050,
    *,
    label: str = "",
    description: str | None = None,
    f0_hz: float | None = None,
) -> Sound:
    """Return the page's sound for `audio`: the one made before if the audio is the same, else a new one.

    Args:
        audio: `[time]` (array or tensor; full scale at 1, louder is scaled down to 1), a corpus note, or a `Sound`.
        sample_rate: in Hz; a note or a `Sound` brings its own.
        label: what to call it where a widget does not give it a name of its own.
        description: the text equivalent; `describe` writes one if it is not given.
        f0_hz: the pitch, if known, for that text.

    Raises:
        BookError: the audio is empty, not one-dimensional, or holds NaN or infinity.

    Chapter: every chapter; the numbers in the text are explained in *Audio descriptors*.
    """
    if isinstance(audio, Sound):
        return audio
    if callable(getattr(audio, "audio", None)):
        note = audio
        label, f0_hz = label or note.name, f0_hz or note.f0_hz
        audio, sample_rate = note.audio(), getattr(note, "sample_rate", 22050)
    samples = checked(audio, label)
    digest = hashlib.sha256(f"{sample_rate}:".encode() + to_int16(samples).tobytes()).hexdigest()
    made = Sound._made.get(digest)
    if made is not None and made.comm is not None:
        made.description = description or made.description
        return made
    loudness = loudness_lufs(samples, sample_rate)
    made = Sound(
        data=_flac(samples, sample_rate),
        sample_rate=sample_rate,
        label=label,
        description=description or describe(samples, sample_rate, f0_hz),
        duration_s=len(samples) / sample_rate,
        peak=float(np.abs(samples).max()),
        loudness=loudness if np.isfinite(loudness) else None,
    )
    made.gain_db = matched_gains_db([made])[0]
    Sound._made[digest] = made
    return made


def matched_gains_db(sounds: list[Sound]) -> list[float]:
    """Gains that make the sounds play at `TARGET_LUFS`, all turned down alike if a peak would pass `PEAK_DBFS`."""
    gains = [0.0 if s.loudness is None else TARGET_LUFS - s.loudness for s in sounds]
    peaks = [20 * np.log10(s.peak) + gain for s, gain in zip(sounds, gains) if s.peak > 0]
    excess = max(0.0, max(peaks, default=-np.inf) - PEAK_DBFS)
    return [float(gain - excess) for gain in gains]


def checked(audio: Any, label: str = "") -> np.ndarray:
    """Return `audio` as float32 `[time]` within [-1, 1], or say what is wrong with it."""
    name = f"The sound {label!r}" if label else "The sound"
    if hasattr(audio, "detach"):
        audio = audio.detach().cpu().numpy()
    samples = np.asarray(audio)
    if samples.dtype.kind not in "fiu":
        raise BookError(f"{name} holds {samples.dtype}, not numbers; pass a float array with shape [time].")
    if np.issubdtype(samples.dtype, np.integer):
        samples = samples / (np.iinfo(samples.dtype).max + 1.0)
    if samples.ndim != 1:
        shape = list(samples.shape)
        raise BookError(f"{name} has shape {shape}; a sound is [time], one channel. Take audio[0] or a mean.")
    if not samples.size:
        raise BookError(f"{name} is empty: it has no samples.")
    if not np.isfinite(samples).all():
        raise BookError(f"{name} holds NaN or infinity; find out where they come from before listening to it.")
    samples = samples.astype(np.float32)
    return samples / max(1.0, float(np.abs(samples).max()))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Round float samples within [-1, 1] to the 16-bit values that are stored."""
    return np.clip(np.round(samples.astype(np.float64) * 32768), -32768, 32767).astype(np.int16)


def _flac(samples: np.ndarray, sample_rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, to_int16(samples), sample_rate, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return file.getvalue()


def describe(audio: np.ndarray, sample_rate: int, f0_hz: float | None = None) -> str:
    """Say what one would hear, and for how long.

    >>> describe(np.zeros(22050), 22050)
    'Silence, for 1.0 s.'
    """
    from lib.descriptors import in_words  # loads torch: not before there is a sound

    seconds = len(audio) / sample_rate
    if seconds < 0.01:
        return f"A click of {1000 * seconds:.1f} ms."
    words = in_words(audio, sample_rate, f0_hz)
    return f"{words[0].upper()}{words[1:]}, for {seconds:.1f} s."
