"""Rate it yourself: how different do two notes sound? About twenty pairs make the reader's own timbre space.

Why these pairs. A map of n notes in two dimensions has 2 n - 3 numbers to find, and a pair gives one. Twenty of
the 66 pairs of twelve instruments would leave a map undetermined; all 21 pairs of seven instruments give 21 numbers
for 11, and every note is tied to every other. So the first sitting rates seven instruments completely: the seven
with the most published ratings, whose published places are the surest. Each further sitting adds one
instrument and its pairs with all before, so the set is complete again after each; after five more, all 66.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ipywidgets import widget_serialization
from traitlets import Float, Instance, Int, List, Unicode

from lib import corpus, ratings
from lib.errors import BookError
from lib.widgets.base import Widget
from lib.widgets.rate.merge import COLUMNS, merge, read
from lib.widgets.sound import Sound, matched_gains_db, sound

__all__ = ["COLUMNS", "MIDI", "Rate", "merge", "rate", "read"]

#: E flat 4, the pitch of Grey's, Krumhansl's, McAdams' and Lakatos' sounds; all twelve instruments have it.
MIDI = 63

_STIMULUS_S, _FADE_S = 1.2, 0.15


class Rate(Widget):
    """The widget that `rate` makes; see there."""

    folder: ClassVar[str] = "rate"
    sounds = List(Instance(Sound)).tag(sync=True, **widget_serialization)
    names = List(Unicode()).tag(sync=True)
    gains_db = List(Float()).tag(sync=True)
    published = List(List(Float())).tag(sync=True)
    first = Int().tag(sync=True)  # instruments of the first sitting
    repeats = Int().tag(sync=True)


def rate(notes: Sequence[corpus.Note] | None = None, n_pairs: int = 20, repeats: int = 4) -> Rate:
    """Rate pairs of notes, then see your timbre space beside the published one.

    Notes have one pitch, one loudness and one length (1.2 s), so that timbre is what is left. After the pairs, the two
    rated most alike and the two rated most different are asked again: the mean distance between first and second
    answer, over what it would be for answers drawn by lot from one's own, tells how consistent a listener is.
    Ratings stay in the reader's browser; they leave it only as a CSV file that the reader saves (`read` documents it).

    Args:
        notes: one note each of at least five of the twelve rated instruments, in the order in which
            they are brought in; by default all twelve at E flat 4, the most rated first.
        n_pairs: of the first sitting, at least; it rates the smallest complete set of instruments with so many.
        repeats: how many pairs are asked twice in the first sitting; an even number, at least 2.

    Raises:
        BookError: notes of different pitches, of instruments without published ratings, or of one instrument twice.

    Source: the method of @grey1977 and of the other studies pooled in `lib.ratings`.
    Chapter: *Rating timbre and timbre spaces*.
    """
    published = ratings.pooled()
    if notes is None:
        order = [published.names[i] for i in np.argsort(-published.n.sum(1), kind="stable")]
        found = {note.instrument: note for note in corpus.notes(midi=MIDI, velocity=80, instrument=order)}
        notes = [found[name] for name in order]
    names = [note.instrument for note in notes]
    _check(notes, names, published.names)
    if n_pairs < 10 or n_pairs > len(names) * (len(names) - 1) // 2:
        raise BookError(f"{n_pairs} pairs: take 10 (five instruments) to {len(names) * (len(names) - 1) // 2}.")
    if repeats < 2 or repeats % 2 or repeats > 10:
        raise BookError(f"{repeats} repeats: take an even number from 2 to 10.")
    first = next(n for n in range(5, len(names) + 1) if n * (n - 1) // 2 >= n_pairs)
    made = [sound(_stimulus(note), corpus.SAMPLE_RATE, label=note.name, f0_hz=note.f0_hz) for note in notes]
    return Rate(
        sounds=made,
        names=names,
        gains_db=matched_gains_db(made),
        published=published.mean.sub(names).matrix.tolist(),
        first=first,
        repeats=repeats,
        label="Rate it yourself",
        alt=f"Pairs of notes of {first} instruments to rate from same to very different; then a map of your ratings "
        "beside the published one, with lines between the two places of each instrument.",
    )


def _check(notes: Sequence[Any], names: list[str], known: Sequence[str]) -> None:
    if len(names) < 5:
        raise BookError(f"{len(names)} notes are too few for a map; take at least five.")
    twice = sorted({name for name in names if names.count(name) > 1})
    unknown = [name for name in names if name not in known]
    if twice:
        raise BookError(f"One note an instrument, but {', '.join(twice)} comes twice.")
    if unknown:
        raise BookError(f"There are no published ratings of {', '.join(unknown)}; there are of {', '.join(known)}.")
    pitches = sorted({note.midi for note in notes})
    if len(pitches) > 1:
        raise BookError(f"The notes have different pitches ({', '.join(map(str, pitches))}); take one for all.")


def _stimulus(note: corpus.Note) -> np.ndarray:
    audio = note.audio()[: round(_STIMULUS_S * corpus.SAMPLE_RATE)].copy()
    fade = round(_FADE_S * corpus.SAMPLE_RATE)
    audio[-fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    return audio
