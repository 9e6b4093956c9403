"""The board advisor: can this model run on that board in real time, on what evidence, and with what margin?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ipywidgets import widget_serialization
from traitlets import Dict, Instance, List

from lib import results
from lib.deploy.boards import BOARDS
from lib.errors import BookError
from lib.experiments import diet_sounds
from lib.widgets.base import Widget
from lib.widgets.sound import Sound, matched_gains_db

#: Samples from one deadline to the next that a reader may choose.
BLOCKS = (64, 128, 256, 512, 1024, 2048)
#: Samples that one step of a model makes.
STEP = {"ddsp": 160, "sing": 256, "wavenet": 1}
TITLES = {"ddsp": "DDSP", "sing": "SING", "wavenet": "WaveNet"}


class Advisor(Widget):
    """The widget that `advisor` makes; see there."""

    folder: ClassVar[str] = "advisor"
    data = Dict().tag(sync=True)
    sounds = List(Instance(Sound)).tag(sync=True, **widget_serialization)
    gains_db = List().tag(sync=True)


def advisor(*, clip: str = "oboe", folder: Path | None = None) -> Advisor:
    """Choose model, share removed, precision, block and board; read what is known, and hear the model.

    In a chapter, two lines:

        from lib.widgets.advisor import advisor
        advisor()

    Answers come from `assets/results/deploy/table.json`; a board that a reader has measured answers by its clock.
    Keys: arrows move in the lists, space plays, 1 and 2 switch between the whole model and this one.

    Args:
        clip: the note to hear, of those that `lib.experiments.diet_sounds` renders.
        folder: results folder, `assets/results` by default.

    Raises:
        BookError: the table is missing or empty.

    Chapter: *Bounds for Raspberry Pi and Arduino*.
    """
    rows = results.read_result((folder or results.RESULTS) / "deploy" / "table.json")["results"]["rows"]
    if not rows:
        raise BookError("The table of models and boards is empty; python -m lib.deploy.table makes it.")
    made: list[Sound] = []
    heard = {name: _heard(name, rows, clip, made, folder) for name in dict.fromkeys(row["run"] for row in rows)}
    models = list(dict.fromkeys(row["model"] for row in rows))
    return Advisor(
        data={
            "models": [{"key": key, "title": TITLES.get(key, key), "step": STEP.get(key, 1)} for key in models],
            "boards": [_board(name) for name in BOARDS],
            "blocks": list(BLOCKS),
            "rows": [_packed(row, heard[row["run"]]) for row in rows],
        },
        sounds=made,
        gains_db=matched_gains_db(made) if made else [],
        label="Board advisor",
        alt=f"Choose one of {len(models)} models, how much of it is removed, its precision, the samples in a block and "
        f"one of {len(BOARDS)} boards; read whether it can keep up, on what evidence and with what margin, what it "
        "needs, and hear it.",
    )


def least_load(margin: float, block: int, step: int) -> float:
    """Give the least share of a block's time that is spent computing, in the worst block.

    A step of `step` samples is computed whole, so a shorter block now and then has to carry all of it.

    Args:
        margin: how many times faster than real time at most, over many blocks.

    >>> least_load(10.0, 160, 160), least_load(10.0, 64, 160), least_load(10.0, 2048, 160)
    (0.1, 0.25, 0.1015625)
    """
    steps = -(-block // step)
    return steps * step / block / margin


def _board(name: str) -> dict[str, Any]:
    board = BOARDS[name]
    price = board.price
    return {
        "name": name,
        "kind": board.kind,
        "about": f"{board.n_cores} × {board.core}, {board.clock_hz / 1e6:.0f} MHz",
        "price": f"{price.currency} {price.amount:g} ({price.what}, list price of {price.date})" if price else None,
        "source": board.source,
    }


def _packed(row: Mapping[str, Any], heard: Mapping[int, int]) -> dict[str, Any]:
    keep = ("model", "run", "round", "removed", "precision", "n_parameters", "macs_per_second", "weight_bytes")
    more = ("test_multiplier", "rounding_multiplier", "x86_real_time_factor")
    return {
        **{key: row[key] for key in (*keep, *more)},
        "instructions": row["instructions_per_second"],
        "sound": heard.get(row["round"]),
        "boards": {
            name: {
                **{key: found[key] for key in ("answer", "evidence", "margin", "says", "cannot_say")},
                "bounds": [[b["resource"], round(b["load"], 5), b["evidence"], b["text"]] for b in found["bounds"]],
            }
            for name, found in row["boards"].items()
        },
    }


def _heard(
    run: str, rows: Sequence[Mapping[str, Any]], clip: str, made: list[Sound], folder: Path | None
) -> dict[int, int]:
    """Load the sounds of a run: round -> place in `made`; empty if none was rendered."""
    try:
        points = diet_sounds.points(run, folder)
    except (BookError, KeyError):
        return {}
    wanted, found = {row["round"] for row in rows if row["run"] == run}, {}
    for point in points:
        if point["round"] in wanted:
            made.append(
                diet_sounds.load(point["sounds"][clip], f"{run}, {diet_sounds.point_name(point['removed'])}", folder)
            )
            found[point["round"]] = len(made) - 1
    return found
