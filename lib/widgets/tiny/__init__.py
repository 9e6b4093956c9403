"""The playable tiny model: networks of one chain of trimming, played from a keyboard, changed while they sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from ipywidgets import widget_serialization
from traitlets import Dict, Float, Instance, Int, List, Unicode

from lib.errors import BookError
from lib.experiments import diet
from lib.models import DDSP
from lib.widgets.base import Widget
from lib.widgets.ddsp import Bits, DecoderData, checked_ddsp, decoder_data, instrument_codes, loudness_curves

__all__ = ["Thin", "Tiny", "operating_models", "tiny", "tiny_from_run"]

#: Chains whose models are kept, the longest trained first.
RUNS = diet.kept_chains("ddsp")
REMOVED = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
#: Networks on one page together stay below this, so that a page opens at once.
MOST_BYTES = 1_500_000


@dataclass(frozen=True)
class Thin:
    """One network to play.

    Attributes:
        model: a DDSP.
        removed: share of the weights of the first network of its chain that is gone, in [0, 1).
        error: its error divided by that of the first network, or None if nobody measured it.
    """

    model: DDSP
    removed: float = 0.0
    error: float | None = None


class Tiny(Widget):
    """The widget that `tiny` makes; see there."""

    folder: ClassVar[str] = "tiny"
    networks = List(Instance(DecoderData)).tag(sync=True, **widget_serialization)
    curves = Dict().tag(sync=True)
    instrument = Unicode().tag(sync=True)
    toward = Unicode().tag(sync=True)
    midi = Float().tag(sync=True)
    first = Int().tag(sync=True)
    source = Unicode().tag(sync=True)
    hint = Unicode().tag(sync=True)


@lru_cache(maxsize=4)
def operating_models(run: str | None = None, removed: tuple[float, ...] = REMOVED) -> tuple[Thin, ...]:
    """Open the networks of a chain, thickest first.

    Args:
        run: a run whose models are kept; None takes the longest trained one of the book.
        removed: shares of the weights; the nearest round of each is taken.

    Raises:
        BookError: the run is unknown, its models are not kept, or it is not a chain of DDSP.
    """
    points = diet.operating_points(chosen_run(run), removed)
    first = points[0][0]["test"] if points and points[0][0]["round"] == 0 else None
    return tuple(
        Thin(checked_ddsp(model), record["removed"], record["test"] / first if first else None)
        for record, model in points
    )


def chosen_run(run: str | None = None) -> str:
    """Name the run to play: the given one, or the longest trained one of the book that is complete."""
    if run is not None:
        return run
    for name in RUNS[:-1]:
        try:
            diet.operating_points(name)
        except (BookError, OSError, KeyError, IndexError):
            continue
        return name
    return RUNS[-1]


def tiny_from_run(run: str | None = None, removed: tuple[float, ...] = REMOVED, **options: Any) -> Tiny:
    """Play the networks of a chain of trimming.

        from lib.widgets.tiny import tiny_from_run
        tiny_from_run()                       # the book's own chain, at 0 to 99 % removed
        tiny_from_run("ddsp-trim-local-information-rewind-s0", (0.0, 0.5, 0.9))

    Args:
        run, removed: see `operating_models`.
        options: as for `tiny`.

    Raises:
        BookError: see `operating_models` and `tiny`.
    """
    return tiny(operating_models(run, tuple(removed)), source=chosen_run(run), **options)


def tiny(
    networks: Sequence[Thin | DDSP],
    *,
    instrument: str = "Clarinet-Bb",
    toward: str = "Trumpet-C",
    midi: int = 60,
    first: int = 0,
    bits: Bits = 8,
    source: str = "",
    hint: str = "hold a note and move the slider to the right, slowly. Where do you first hear a difference? "
    "Then play a melody with the thinnest network.",
) -> Tiny:
    """Play trimmed DDSP networks in the page, and change from one to the next while a note sounds.

    The decoder (dense layers, GRU, outputs), the sines and the noise are computed as they are heard, at 16 kHz. The
    page measures how long that takes. The latent code of an instrument is a line over pitch through its training
    notes, its attack is theirs, and all networks play equally loud. Keys: two rows of letters are a piano, the place
    on a key is its loudness, space holds the note, sliders listen to the arrows; a MIDI keyboard can join.

    Args:
        networks: DDSP models, thickest first: `Thin`, or the models alone. See `tiny_from_run` for the book's.
        instrument, toward: what is played at first, and what the slider leads to.
        midi: the note that is held at first, 36 to 84.
        first: the network that is played at first.
        bits: 8, 16 or 32 for each weight; with 8, the full book model has 85 kB.
        source: the name of the run, shown.
        hint: the line of what to try.

    Raises:
        BookError: no network, a model that is no DDSP or has other outputs than the first, an unknown instrument, a
            pitch outside the range, or more numbers than a page should carry.

    Chapter: *How small?*.
    """
    thins = [one if isinstance(one, Thin) else Thin(checked_ddsp(one)) for one in networks]
    if not thins:
        raise BookError("There is no network to play; pass at least one DDSP model, or use tiny_from_run().")
    config = thins[0].model.config
    if any(thin.model.config != config for thin in thins):
        raise BookError("Networks that change places while they sound need one configuration; trim one model.")
    if not 36 <= midi <= 84:
        raise BookError(f"The keys reach from MIDI 36 (C2) to 84 (C6), not to {midi}.")
    if not 0 <= first < len(thins):
        raise BookError(f"There are {len(thins)} networks, 0 to {len(thins) - 1}; there is no number {first}.")
    curves = loudness_curves()
    for name in (instrument, toward):
        if name not in curves:
            raise BookError(f"No instrument {name!r}; choose one of {', '.join(curves)}.")
    data = [packed(thin.model, bits, thin.removed, thin.error) for thin in thins]
    if (total := sum(len(one.data) for one in data)) > MOST_BYTES:
        raise BookError(f"These networks take {total / 1e6:.1f} MB of the page; play fewer, or with bits=8.")
    return Tiny(
        networks=data,
        curves=curves,
        instrument=instrument,
        toward=toward,
        midi=float(midi),
        first=first,
        source=source,
        hint=hint,
        label="Playable tiny model",
        alt=f"A piano that plays {len(thins)} DDSP networks, from {data[0].about['parameters']:,} weights "
        f"({data[0].about['bytes'] / 1000:.0f} kB) to {data[-1].about['parameters']:,} "
        f"({data[-1].about['bytes'] / 1000:.0f} kB). A slider changes the network while a note sounds; others set the "
        "loudness and lead the timbre from one instrument to another.",
    )


def packed(model: DDSP, bits: Bits, removed: float, error: float | None) -> DecoderData:
    """Store a network with what it has learnt of the instruments."""
    codes = instrument_codes(model)
    return decoder_data(model, bits, removed=removed, error=error, line=codes.line, gain_db=codes.gain_db)
