"""The pruning sweep: every run of the diet, its curve, its costs, its shape, and its sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from ipywidgets import widget_serialization
from traitlets import Dict, Float, Instance, List

from lib.errors import BookError
from lib.experiments import diet_sounds
from lib.widgets.base import Widget
from lib.widgets.sound import Sound, matched_gains_db
from lib.widgets.sweep.data import sweep_data, sweep_sounds

__all__ = ["Sweep", "sweep", "sweep_data", "sweep_sounds"]


class Sweep(Widget):
    """The widget that `sweep` makes; see there."""

    folder: ClassVar[str] = "sweep"
    data = Dict().tag(sync=True)
    heard = Dict().tag(sync=True)  # clips, and per run its points with places in `sounds`
    sounds = List(Instance(Sound)).tag(sync=True, **widget_serialization)
    gains_db = List(Float()).tag(sync=True)
    start = Dict().tag(sync=True)


def sweep(*, model: str | None = None, clips: Sequence[str] = ("oboe", "piano"), folder: Path | None = None) -> Sweep:
    """Explore what is left when weights are removed: model x criterion x scope x reset x share, all as measured.

    In a chapter, two lines:

        from lib.widgets.sweep import sweep
        sweep()

    Error curves with their range over seeds, parameters, bytes, multiply-adds, the nearest measured latency, which
    groups shrank, and the sound, beside the full model and the recording. Conditions that were not run are said to be
    so. Keys: left and right change the round, space plays, 1 to 3 switch between recording, full model and this point.

    Args:
        model: the one to begin with, by default the first that can be heard.
        clips: notes to bring along, of those that `lib.experiments.diet_sounds` renders; each weighs the page down.
        folder: results folder, `assets/results` by default.

    Raises:
        BookError: there is no result of any chain, or none of that model.

    Chapter: *How small?*.
    """
    data = sweep_data(folder)
    if not data["runs"]:
        raise BookError("The sweep has nothing to show: python -m lib.experiments run diet makes results.")
    heard = sweep_sounds(clips, folder)
    made: list[Sound] = []

    def place(about: dict[str, Any], label: str) -> int:
        made.append(diet_sounds.load(about, label, folder))
        return len(made) - 1

    shown = {
        "clips": [{"name": one["name"], "sound": place(one, f"{one['name']}, recording")} for one in heard["clips"]],
        "runs": {
            name: [
                {
                    "round": point["round"],
                    "removed": round(point["removed"], 5),
                    "sounds": [
                        place(point["sounds"][clip["key"]], _label(run, point, clip)) for clip in heard["clips"]
                    ],
                    "to_original_db": [point["sounds"][clip["key"]]["to_original_db"] for clip in heard["clips"]],
                    "to_full_db": [point["sounds"][clip["key"]]["to_full_db"] for clip in heard["clips"]],
                }
                for point in run["points"]
            ]
            for name, run in heard["runs"].items()
            if name in data["runs"]
        },
        "between_draws_db": {
            name: [run["between_draws_db"][clip["key"]] for clip in heard["clips"]]
            for name, run in heard["runs"].items()
        },
    }
    first = _first(data, shown, model)
    return Sweep(
        data=data,
        heard=shown,
        sounds=made,
        gains_db=matched_gains_db(made),
        start=first,
        label="Pruning sweep",
        alt=f"Choose among {len(data['conditions'])} ways of removing weights from {len(data['models'])} models, "
        f"{len(data['runs'])} runs in all, and a share of the weights to remove; see the error against the full "
        "network with its range over seeds, what the network costs, which of its groups shrank, and hear it.",
    )


def _first(data: dict[str, Any], shown: dict[str, Any], model: str | None) -> dict[str, Any]:
    """Choose where to begin: a run that can be heard, at the round nearest to 90 % removed."""
    runs = [name for name in [*shown["runs"], *data["runs"]] if not _is_control(name, data)] or list(data["runs"])
    own = [name for name in runs if model is None or data["conditions"][name.rsplit("-s", 1)[0]]["model"] == model]
    if not own:
        raise BookError(f"No run of {model!r} to show; there are {', '.join(data['models'])}.")
    run = own[0]
    removed = data["runs"][run]["removed"]
    return {
        "condition": run.rsplit("-s", 1)[0],
        "run": run,
        "round": min(range(len(removed)), key=lambda number: abs(removed[number] - 0.9)),
    }


def _is_control(name: str, data: dict[str, Any]) -> bool:
    return data["conditions"][name.rsplit("-s", 1)[0]]["reset"] in ("dense", "scratch")


def _label(run: dict[str, Any], point: dict[str, Any], clip: dict[str, Any]) -> str:
    return f"{clip['name']}, {run['model']}, {diet_sounds.point_name(point['removed'])}"
