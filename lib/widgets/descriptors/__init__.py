"""The descriptor explorer: every note of the corpus as a point, two descriptors as axes, a click to hear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from traitlets import Bytes, Dict, List, Unicode

from lib import corpus
from lib.descriptors import DESCRIPTORS
from lib.descriptors.table import of_corpus
from lib.errors import BookError
from lib.results import RESULTS, read_result
from lib.widgets.base import Widget

#: Pitch may be an axis too: how much of a descriptor is only the note that is played?
PITCH = {"key": "f0_hz", "name": "pitch", "unit": "Hz", "scale": "log", "hears": "Pitch: which note it is."}

#: Which descriptor goes with which axis of the timbre space, with intervals; shown when it is there.
AXES = "ratings/descriptor_axes.json"


class Explorer(Widget):
    """The widget that `descriptors` makes; see there."""

    folder: ClassVar[str] = "descriptors"
    values = Bytes().tag(sync=True)  # float32 [note, descriptor and pitch], NaN where a note has no value
    notes = Bytes().tag(sync=True)  # uint8 [note, 3]: position of the instrument, MIDI pitch, velocity
    instruments = List(Unicode()).tag(sync=True)
    descriptors = List(Dict()).tag(sync=True)
    axes = Dict().tag(sync=True)
    x = Unicode().tag(sync=True)
    y = Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._answer)

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        """Send the bytes of a note to a page that has no files beside it (JupyterLab)."""
        wanted = content.get("file") if isinstance(content, Mapping) else None
        found = [note for note in corpus.notes() if note.file == wanted]
        if found and found[0].path.exists():
            self.send({"file": wanted}, buffers=[found[0].path.read_bytes()])
        else:
            self.send({"file": str(wanted), "error": "There is no such note in the corpus."})


def descriptors(
    x: str = "centroid_hz",
    y: str = "log_attack_time",
    *,
    rows: Iterable[Mapping[str, Any]] | None = None,
    only: Sequence[str] | None = None,
) -> Explorer:
    """Show the notes of the corpus by two descriptors of the reader's choice, and hear any of them.

    Args:
        x: the descriptor of the horizontal axis, a key of `lib.descriptors.DESCRIPTORS`, or "f0_hz" for the pitch.
        y: of the vertical axis.
        rows: notes with `instrument`, `midi`, `velocity` and descriptors; the whole corpus if left out.
        only: the instruments to show; all if left out.

    Raises:
        BookError: a descriptor or an instrument does not exist, or there are no notes.

    Chapter: *Audio descriptors*.
    """
    named = {key: d.name for key, d in DESCRIPTORS.items()} | {PITCH["key"]: PITCH["name"]}
    for name in (x, y):
        if name not in named:
            raise BookError(f"No descriptor {name!r}; there are {', '.join(named)}.")
    table = list(of_corpus() if rows is None else rows)
    present = {row["instrument"] for row in table}
    for name in only or ():
        if name not in present:
            raise BookError(f"No notes of {name!r}; there are notes of {', '.join(sorted(present))}.")
    instruments = [name for name in corpus.FAMILY if name in present and (not only or name in only)]
    table = [row for row in table if row["instrument"] in instruments]
    if not table:
        raise BookError("There are no notes to show.")
    values = [
        [*(np.nan if row.get(key) is None else row[key] for key in DESCRIPTORS), 440 * 2 ** ((row["midi"] - 69) / 12)]
        for row in table
    ]
    notes = [[instruments.index(row["instrument"]), row["midi"], row["velocity"]] for row in table]
    return Explorer(
        values=np.asarray(values, dtype="<f4").tobytes(),
        notes=np.asarray(notes, dtype=np.uint8).tobytes(),
        instruments=instruments,
        descriptors=[
            {"key": key, "name": d.name, "unit": d.unit, "scale": d.scale, "hears": d.hears}
            for key, d in DESCRIPTORS.items()
        ]
        + [PITCH],
        axes=_axes(),
        x=x,
        y=y,
        label="Descriptor explorer",
        alt=f"{len(table)} notes of {len(instruments)} instruments as points, placed by {named[x]} and "
        f"{named[y]}. Arrow keys go from note to note; their names and numbers are read out.",
    )


def _axes() -> dict[str, Any]:
    """Read what the panel on the timbre space needs, or nothing."""
    if not (RESULTS / AXES).exists():
        return {}
    found = read_result(AXES)["results"]
    keys = ("descriptor", "axis", "r", "interval", "p_holm")
    return {"rows": [{key: row[key] for key in keys} for row in found["axes"] if row["descriptor"] in DESCRIPTORS]}
