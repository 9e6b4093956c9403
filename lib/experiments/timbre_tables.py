"""From runs on timbre spaces to the tables the chapters read: spreads over splits, costs, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lib import results
from lib.experiments import runs as single
from lib.experiments.runs import Run


def write_all(everything: Sequence[Run], folder: Path | None = None) -> list[Path]:
    """Write every table from the runs that are done; each says which of its runs failed or are missing."""
    done = single.finished(everything, folder)
    jobs = {
        "splits": ("main", lambda members: spaces(members, done, "main")),
        "regularizers": ("regularizers", lambda members: spaces(members, done, "regularizers")),
        "transforms": ("transforms", lambda members: spaces(members, done, "transforms")),
        "zero_shot": ("zero_shot", lambda members: listeners(members, done)),
        "leave_one_out": ("leave_one_out", lambda members: single_runs(members, done)),
        "between_studies": ("between_studies", lambda members: single_runs(members, done)),
        "sound": ("sound", lambda members: single_runs(members, done)),
        "steering": ("steering", lambda members: single_runs(members, done)),
        "within": ("within", lambda members: single_runs(members, done)),
        "topology": ("topology", lambda members: single_runs(members, done)),
    }
    written = []
    for file, (group, make) in jobs.items():
        members = [run for run in everything if group in run.groups]
        content = {
            **make(members),
            "failed": [run.name for run in members if single.status(run, folder) == "failed"],
            "missing": [run.name for run in members if single.status(run, folder) == "missing"],
        }
        provenance = results.provenance(
            config={"group": group, "runs": [run.name for run in members if run.name in done]},
            seeds=sorted({int(run.config["seed"]) for run in members if "seed" in run.config}),
            command="python -m lib.experiments summary timbre",
        )
        path = (folder or results.RESULTS) / "timbre" / f"{file}.json"
        written.append(results.write_result(path, single.plain(content), provenance=provenance))
    return written


def spaces(members: Sequence[Run], done: Mapping[str, Any], group: str) -> dict[str, Any]:
    """Rows of trained spaces: `rows[variant][side][number]` is a spread over splits; `cost` in per cent."""
    table: dict[str, dict[int, Any]] = {}
    for run in members:
        if run.name in done:
            variant = run.config["variant"]
            key = f"{run.config['transform']} {variant}" if group == "transforms" else variant
            table.setdefault(key, {})[int(run.config["seed"])] = done[run.name]
    return {
        "rows": {key: summary_of(list(rows.values())) for key, rows in table.items()},
        "cost": costs(table, group),
    }


def summary_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Spread over splits of every number of every side."""
    answer: dict[str, Any] = {"n_splits": len(rows), "rated_dims": rows[0]["rated_dims"]}
    for side in rows[0]["sides"]:
        answer[side] = _spreads([row["sides"][side] for row in rows])
    return answer


def costs(table: Mapping[str, Mapping[int, Mapping[str, Any]]], group: str) -> dict[str, Any]:
    """Reconstruction cost against the unregularised space of the same split, in per cent of its dB error."""
    answer = {}
    for key, rows in table.items():
        reference = table.get(f"{key.split()[0]} none" if group == "transforms" else "none", {})
        ratio = [
            100 * (rows[seed]["sides"]["recordings"]["db"] / reference[seed]["sides"]["recordings"]["db"] - 1)
            for seed in rows
            if seed in reference and rows is not reference
        ]
        if ratio:
            answer[key] = spread(ratio)
    return answer


def listeners(members: Sequence[Run], done: Mapping[str, Any]) -> dict[str, Any]:
    """Agreement with outside listeners: means over studies, each study, and the pool beside, spread over seeds."""
    answer: dict[str, Any] = {}
    for variant in sorted({run.config["variant"] for run in members}):
        found = [done[run.name] for run in members if run.config["variant"] == variant and run.name in done]
        if found:
            answer[variant] = {
                "mean": _spreads([one["mean"] for one in found]),
                "by_study": _spreads([one["by_study"] for one in found]),
                "pool_agreement_by_weight": _spreads([one["pool_agreement_by_weight"] for one in found]),
            }
    return {"variants": answer}


def single_runs(members: Sequence[Run], done: Mapping[str, Any]) -> dict[str, Any]:
    """Runs that stand for themselves, by name."""
    return {"runs": {run.name: done[run.name] for run in members if run.name in done}}


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Mean, standard deviation (n - 1), minimum, median, maximum, and how many there are.

    >>> spread([1.0, 3.0])["mean"], spread([1.0, 3.0])["n"]
    (2.0, 2)
    """
    values = np.asarray(values, dtype=float)
    return {
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        "min": float(values.min()),
        "median": float(np.median(values)),
        "max": float(values.max()),
        "n": len(values),
    }


def _spreads(trees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Spread of each number found in all of several equal trees, names joined by dots."""
    flat = [_flatten(tree) for tree in trees]
    return {name: spread([f[name] for f in flat]) for name in flat[0] if all(name in f for f in flat)}


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{name}.")
        elif value is not None:
            flat[prefix + name] = float(value)
    return flat
