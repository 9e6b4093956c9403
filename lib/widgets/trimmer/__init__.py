"""Trim it by hand: units of a small live network to take out, with all that goes with them, and what is heard after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from ipywidgets import widget_serialization
from traitlets import Bytes, Dict, Instance, List, Unicode

from lib import corpus
from lib.errors import BookError
from lib.models import DDSP, data
from lib.models.base import Batch
from lib.models.losses import multi_scale_spectral
from lib.pruning.criteria import score
from lib.widgets.base import Widget
from lib.widgets.ddsp import DecoderData, checked_ddsp, decoder_data, decoder_state, pack
from lib.widgets.tiny import operating_models

__all__ = ["Trimmer", "trimmer", "trimmer_from_run"]

#: Criteria whose order the reader can take or try to beat; chance is drawn in the page.
CRITERIA = ("magnitude", "information", "activation")
#: Notes (of the test recordings) by which the trimmed network is judged, one an instrument.
JUDGED = ("Clarinet-Bb", "Trumpet-C", "Violoncello", "Flute", "Bassoon", "Piano")
#: More units than this in a group cannot be picked with a finger.
MOST_UNITS = 64


class Trimmer(Widget):
    """The widget that `trimmer` makes; see there."""

    folder: ClassVar[str] = "trimmer"
    network = Instance(DecoderData).tag(sync=True, **widget_serialization)
    groups = Dict().tag(sync=True)
    scores = Dict().tag(sync=True)
    clips = List(Dict()).tag(sync=True)
    controls = Bytes().tag(sync=True)
    layout_of_controls = List(Dict()).tag(sync=True)
    judged = Dict().tag(sync=True)
    source = Unicode().tag(sync=True)
    hint = Unicode().tag(sync=True)


def trimmer_from_run(run: str | None = None, removed: float = 0.76, **options: Any) -> Trimmer:
    """Trim a network that has been through some rounds of a chain already.

        from lib.widgets.trimmer import trimmer_from_run
        trimmer_from_run()                    # the book's chain at 76 % removed: about 30 units a layer

    Args:
        run: a run whose models are kept; None takes the longest trained one of the book.
        removed: share of the weights that is gone; the nearest round is taken.
        options: as for `trimmer`.

    Raises:
        BookError: the run is unknown or its models are not kept; see also `trimmer`.
    """
    from lib.widgets.tiny import chosen_run

    thin = operating_models(run, (removed,))[0]
    return trimmer(thin.model, source=f"{chosen_run(run)}, {thin.removed:.0%} removed", **options)


def trimmer(
    model: DDSP | None = None,
    *,
    instruments: Sequence[str] = JUDGED,
    source: str = "",
    hint: str = "take out a few units of the GRU, then as many of a dense layer. Which is heard more? In which does "
    "zeroing the units differ from removing them, and why?",
) -> Trimmer:
    """Take units out of a small DDSP by hand, and hear and see what becomes of it.

    Every unit of the decoder is a cell. The page cuts the tensors as `lib.pruning.groups.trim` does, plays notes of the
    test recordings through what is left, and measures the distance from the full network (`multi_scale_spectral`).
    Beside it stands what zeroing would have given: the same where the law holds, another where a LayerNorm counts the
    zeros. Keys: arrows move, space takes a unit out or puts it back, L the whole layer, U undoes, P plays, 1 and 2
    switch.

    Args:
        model: a DDSP with at most 64 units a group; None takes the book's, see `trimmer_from_run`.
        instruments: whose notes it is judged by, 1 to 12.
        source: where the network comes from, shown.
        hint: the line of what to try.

    Raises:
        BookError: the model cannot be played in the page or has too many units, or an instrument is unknown.

    Chapter: *Trimming: groups, local and global*.
    """
    if model is None:
        return trimmer_from_run(instruments=instruments, hint=hint)
    checked_ddsp(model)
    wanted = list(dict.fromkeys(instruments))
    if not wanted or (unknown := [name for name in wanted if name not in corpus.INSTRUMENTS]):
        raise BookError(
            f"Pass one or more of {', '.join(corpus.INSTRUMENTS)}"
            + (f"; there is no {', '.join(unknown)}." if wanted else ".")
        )
    widths = {group: n for group, n in model.widths.items() if not group.startswith("c")}
    if (most := max(widths.values())) > MOST_UNITS:
        raise BookError(f"A group has {most} units, too many to pick by hand; trim it to {MOST_UNITS} or fewer first.")
    clips, batch = judged_clips(tuple(wanted))
    packed, layout_of_controls, error = controls(model, batch)
    held = data.clips("valid").take(slice(None, None, 4))
    scores = {name: score(model, name, [held]) for name in CRITERIA}
    return Trimmer(
        network=decoder_data(model, 16),
        groups={"widths": widths, "layout": page_layout(model), "layer_normed": sorted(model.layer_normed)},
        scores={
            name: {group: [round(float(x), 5) for x in values[group]] for group in widths}
            for name, values in scores.items()
        },
        clips=clips,
        controls=packed,
        layout_of_controls=layout_of_controls,
        judged={"n_ffts": list(model.config.n_ffts), "error": error},
        source=source,
        hint=hint,
        label="Trim it by hand",
        alt=f"A DDSP decoder drawn as {len(widths)} blocks of units, {sum(widths.values())} in all: three layers that "
        "hear the pitch, three that hear the loudness, a GRU that joins them, three layers after it, and the outputs. "
        "Units can be taken out; the page shows which rows and columns go with them, what it saves, and how far the "
        "sound moves from the full network's.",
    )


def page_layout(model: DDSP) -> dict[str, list[list[dict[str, Any]]]]:
    """The layout of the decoder's tensors, as the page reads it."""
    layout = model.layout()
    return {
        name: [[{"group": seg.group, "role": seg.role, "inner": seg.inner} for seg in axis] for axis in layout[name]]
        for name in decoder_state(model)
    }


def judged_clips(instruments: tuple[str, ...]) -> tuple[list[dict[str, Any]], Batch]:
    """One test note of each instrument, near the middle of what it plays."""
    chosen = []
    for name in instruments:
        notes = sorted(corpus.notes(split="test", velocity=80, instrument=name), key=lambda note: note.midi)
        chosen.append(notes[len(notes) // 2])
    about = [{"name": note.name, "instrument": note.instrument, "f0_hz": note.f0_hz} for note in chosen]
    return about, data.batch_of(chosen)


@torch.no_grad()
def controls(model: DDSP, batch: Batch) -> tuple[bytes, list[dict[str, Any]], float]:
    """What the notes tell the decoder, packed, and how far the full network is from their recordings."""
    given = model.controls(batch)
    packed, layout = pack({"loudness": given["loudness_db"], "z": given["z"]}, 16)
    error = multi_scale_spectral(model.generate(given), batch.audio, model.config.n_ffts)
    return packed, layout, round(float(error), 4)
