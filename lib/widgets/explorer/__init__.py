"""The transform explorer: see a note's coefficients, and hear what they hold and what is lost without phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ipywidgets import widget_serialization
from traitlets import Instance, List, Unicode

from lib.errors import BookError
from lib.widgets.base import Widget
from lib.widgets.sound import Sound, sound

TRANSFORMS = ("stft", "dct", "nsgt-cqt", "nsgt-mel", "nsgt-erb")

#: Notes are cut to this length, to keep the page light.
SECONDS = 1.25

#: Where in an instrument's range its three notes lie.
_PLACES = (0.15, 0.5, 0.85)


class Explorer(Widget):
    """The widget that `explorer` makes; see there."""

    folder: ClassVar[str] = "explorer"
    sounds = List(Instance(Sound)).tag(sync=True, **widget_serialization)
    instruments = List(Unicode()).tag(sync=True)
    names = List(Unicode()).tag(sync=True)
    transform = Unicode("nsgt-cqt").tag(sync=True)
    first = Unicode().tag(sync=True)


def explorer(notes: Sequence[Any] | None = None, *, transform: str = "nsgt-cqt", first: str = "Oboe") -> Explorer:
    """Explore the book's transforms on a few notes; all of it is computed in the page.

    Args:
        notes: corpus notes, or pairs `(name, audio)` at 22,050 Hz; by default a low, a middle and a high note of
            each of the twelve instruments. Each is cut to `SECONDS`.
        transform: the one to begin with, of `TRANSFORMS`.
        first: the instrument to begin with.

    Raises:
        BookError: no notes, no such transform, or a sound that cannot be used.

    Chapters: *STFT and DCT*, *The NSGT and its scales*, *Magnitudes only: getting the phase back*.
    """
    if transform not in TRANSFORMS:
        raise BookError(f"The explorer has no transform {transform!r}: use {', '.join(TRANSFORMS)}.")
    chosen = _corpus_notes() if notes is None else list(notes)
    if not chosen:
        raise BookError("The explorer needs at least one note; it was given none.")
    instruments, names, sounds = [], [], []
    for note in chosen:
        if callable(getattr(note, "audio", None)):
            instrument, name, audio, f0_hz = note.instrument, note.name, note.audio(), note.f0_hz
        else:
            (name, audio), instrument, f0_hz = note, "Sounds", None
        instruments.append(instrument)
        names.append(name.removeprefix(instrument).strip() or name)
        sounds.append(sound(_cut(audio), label=name, f0_hz=f0_hz))
    return Explorer(
        sounds=sounds,
        instruments=instruments,
        names=names,
        transform=transform,
        first=first if first in instruments else instruments[0],
        label="Transform explorer",
        alt=f"Choose one of {len(sounds)} notes and one of {len(TRANSFORMS)} transforms; see the magnitudes of its "
        "coefficients over time and frequency, and hear the note, the exact round trip, and the sound made from "
        "magnitudes alone with random phases or with phases found by Griffin-Lim.",
    )


def _corpus_notes() -> list[Any]:
    from lib import corpus

    chosen = []
    for instrument in corpus.INSTRUMENTS:
        if instrument in corpus.NOVEL:
            continue
        notes = sorted(corpus.notes(instrument=instrument), key=lambda note: (note.midi, note.velocity))
        chosen += [notes[round(place * (len(notes) - 1))] for place in _PLACES]
    return chosen


def _cut(audio: np.ndarray, sample_rate: int = 22050, fade_s: float = 0.06) -> np.ndarray:
    """Keep the beginning and fade it out, so that its end is no click."""
    length = round(SECONDS * sample_rate)
    if len(audio) <= length:
        return audio
    cut = np.array(audio[:length], dtype=np.float32)
    fade = round(fade_s * sample_rate)
    cut[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    return cut
