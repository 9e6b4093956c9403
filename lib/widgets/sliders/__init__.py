"""Descriptor sliders: ask an instrument for a centroid, a bandwidth, a flatness, a loudness, and hear what comes."""

from __future__ import annotations

from typing import ClassVar

from ipywidgets import widget_serialization
from traitlets import Float, Instance, Unicode

from lib import corpus
from lib.errors import BookError
from lib.timbre.space import Space
from lib.widgets.base import Widget
from lib.widgets.space import SpaceData, decoder_data

__all__ = ["Sliders", "sliders"]


class Sliders(Widget):
    """The widget that `sliders` makes; see there."""

    folder: ClassVar[str] = "sliders"
    space = Instance(SpaceData).tag(sync=True, **widget_serialization)
    instrument = Unicode().tag(sync=True)
    midi = Float().tag(sync=True)


def sliders(space: Space | str = "nsgt-erb", *, instrument: str = "Clarinet-Bb", midi: float = 62.0) -> Sliders:
    """Ask for descriptors of an instrument; the page searches the space and measures what it got on the sound.

    Shaded parts lie outside what 80 % of the instrument's own notes near that pitch do. A descriptor that is
    asked for is held while others are moved; the others follow. The search is Newton's method on the free
    code, with the smallest change by how the instrument itself varies (`lib.timbre.steer.follow`).

    Args:
        space: a shipped space by name, or a space.
        instrument: one of the rated twelve, to begin with; midi: pitch to begin with, 40 to 84.

    Raises:
        BookError: an unknown instrument or space, or a pitch out of range.

    Chapter: *Synthesis by descriptor*.
    """
    if instrument not in corpus.INSTRUMENTS:
        raise BookError(f"No {instrument!r} here; choose one of {', '.join(corpus.INSTRUMENTS)}.")
    if not 40 <= midi <= 84:
        raise BookError(f"The sliders play MIDI 40 (E2) to 84 (C6), not {midi}.")
    return Sliders(
        space=decoder_data(space),
        instrument=instrument,
        midi=midi,
        label="Descriptor sliders",
        alt="Four sliders ask for spectral centroid, bandwidth, flatness and loudness of an instrument's note; beside "
        "each stands what was measured on the sound that came, and what the instrument cannot do is shaded.",
    )
