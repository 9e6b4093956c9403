"""The latent pad: a map of a timbre space that sounds under the finger."""

from __future__ import annotations

from typing import ClassVar

from ipywidgets import widget_serialization
from traitlets import Float, Instance, List, Unicode

from lib.errors import BookError
from lib.timbre.space import Space
from lib.widgets.base import Widget
from lib.widgets.space import SpaceData, decoder_data

__all__ = ["Pad", "pad"]


class Pad(Widget):
    """The widget that `pad` makes; see there."""

    folder: ClassVar[str] = "pad"
    spaces = List(Instance(SpaceData)).tag(sync=True, **widget_serialization)
    names = List(Unicode()).tag(sync=True)
    midi = Float().tag(sync=True)
    hint = Unicode().tag(sync=True)


def pad(
    space: Space | str = "nsgt-erb",
    other: Space | str | None = "nsgt-erb-free",
    *,
    names: tuple[str, str] = ("With ratings", "Without"),
    midi: float = 60.0,
    hint: str = "drag from the oboe toward the French horn, slowly: where does one become the other? "
    "Then do the same in the space without ratings.",
) -> Pad:
    """Play a timbre space: press the map and it sounds, drag and it changes.

    A place on the map fixes two coordinates of the point; the others come from the notes around it, so that
    the map passes through the notes. Everything runs in the page. Keys: arrows move the point, space holds the
    note, two rows of letters are a piano; a MIDI keyboard can join.

    Args:
        space, other: shipped spaces by name, or spaces with their own notes; `other` stands beside, or is None.
        names: what the page calls the two.
        midi: pitch to begin with, 36 to 88.
        hint: the line of what to try.

    Raises:
        BookError: an unknown space, or a pitch outside the range.

    Chapter: the landing page and *Navigating and paths*.
    """
    if not 36 <= midi <= 88:
        raise BookError(f"The pad plays MIDI 36 (C2) to 88 (E6), not {midi}.")
    shown = [space] if other is None else [space, other]
    return Pad(
        spaces=[decoder_data(one) for one in shown],
        names=list(names[: len(shown)]),
        midi=midi,
        hint=hint,
        label="Latent pad",
        alt="A map of instrument notes as dots, near each other where the space finds them alike. Pressing a place "
        "plays the timbre there; dragging changes it without a break.",
    )
