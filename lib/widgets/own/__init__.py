"""Bring your own sound: place it in a timbre space, hear it come back, morph it into an instrument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ipywidgets import widget_serialization
from traitlets import Dict, Instance, List, Unicode

from lib import corpus
from lib.timbre.space import Space
from lib.widgets.base import Widget
from lib.widgets.sound import Sound, sound
from lib.widgets.space import SpaceData, decoder_data, encoder_data

__all__ = ["Own", "own"]

#: Instruments that no shipped space has heard in training.
EXAMPLES = (("Viola", 62), ("Tuba", 45))


class Own(Widget):
    """The widget that `own` makes; see there. In a notebook `result` holds what the page found."""

    folder: ClassVar[str] = "own"
    space = Instance(SpaceData).tag(sync=True, **widget_serialization)
    encoder = Instance(SpaceData).tag(sync=True, **widget_serialization)
    examples = List(Instance(Sound)).tag(sync=True, **widget_serialization)
    names = List(Unicode()).tag(sync=True)
    result = Dict().tag(sync=True)


def own(space: Space | str = "nsgt-erb", *, examples: Sequence[Any] | None = None) -> Own:
    """Drop a sound, or record one: see where it lands in the space, what is near, and morph it.

    Decoding, pitch, transform, encoder and synthesis all run in the page; nothing is uploaded. With a kernel,
    `result` holds point, f0_hz, likeness and nearest of the last sound.

    Args:
        space: a shipped space by name, or a space on the NSGT-ERB.
        examples: notes or `Sound`s to try; by default two instruments the space was never trained on.

    Chapter: *New instruments, new listeners*.
    """
    if examples is None:
        examples = [_nearest(name, midi) for name, midi in EXAMPLES]
    made = [sound(example) for example in examples]
    return Own(
        space=decoder_data(space),
        encoder=encoder_data(space),
        examples=made,
        names=[one.label for one in made],
        label="Bring your own sound",
        alt="A map of instrument notes. A sound of yours appears on it where the encoder puts it, with the instruments "
        "it is most like, its nearest notes, its descriptors, and a slider that morphs it into an instrument.",
    )


def _nearest(instrument: str, midi: int) -> corpus.Note:
    return min(corpus.notes(instrument=instrument, velocity=80), key=lambda note: abs(note.midi - midi))
