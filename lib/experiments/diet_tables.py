"""Tables of the diet experiment: curves with ranges, criteria against the truth, costs, and the paper's claims.

Nothing is smoothed, replaced or left out: a failed round ends its curve, failed runs are listed, and every number
carries how many seeds it stands on.

Chapter: *How small?*.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from lib import results
from lib.experiments import runs as single
from lib.experiments.runs import Run

#: Shares removed at which curves are read, by straight lines between rounds.
READ_AT = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
#: A claim gets a verdict only from this many seeds on.
FEWEST_SEEDS = 3


def write_all(everything: Sequence[Run], folder: Path | None = None) -> list[Path]:
    """Write every table whose runs exist."""
    done = single.finished(everything, folder)
    chains = {run.name: run for run in everything if run.config["kind"] == "chain" and run.name in done}
    curves = curves_of(chains, done)
    tables = {
        "curves": {"conditions": curves, "longer": _longer(everything, done), **_fate(everything, folder, "chain")},
        "criteria": {"models": _agreements(everything, done), **_fate(everything, folder, "ablation")},
        "cost": {
            run.config["model"]: done[run.name]
            for run in everything
            if run.config["kind"] == "cost" and run.name in done
        },
        "claims": claims(curves),
    }
    written = []
    for name, content in tables.items():
        provenance = results.provenance(
            config={"table": name, "runs": len(done)},
            seeds=sorted({run.config["seed"] for run in everything if run.name in done and "seed" in run.config}),
            command="python -m lib.experiments summary diet",
        )
        path = (folder or results.RESULTS) / "diet" / f"{name}.json"
        written.append(results.write_result(path, single.plain(content), provenance=provenance))
    return written


def multipliers(rounds: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Divide the errors of a chain by those of its own round 0; a failed round ends the list."""
    first, found = rounds[0], []
    for record in rounds:
        if "failed" in record:
            break
        found.append(
            {
                "round": record["round"],
                "removed": record["removed"],
                "n_parameters": record["n_parameters"],
                "test": record["test"] / first["test"],
                "valid": record["valid"] / first["valid"],
                **{key: record[key] for key in ("truly_removable", "cpu_seconds") if key in record},
            }
        )
    return found


def read_at(points: Sequence[Mapping[str, float]], removed: float, key: str = "test") -> float | None:
    """Read a curve at a share removed, by a straight line between its rounds; None beyond its ends.

    A curve that ends within 0.2 % of the weights of the share is read at its end: rounds hit their share to one unit.

    >>> read_at([{"removed": 0.0, "test": 1.0}, {"removed": 0.5, "test": 1.2}], 0.25)
    1.1
    """
    for before, after in pairwise(points):
        if before["removed"] <= removed <= after["removed"] and after["removed"] > before["removed"]:
            part = (removed - before["removed"]) / (after["removed"] - before["removed"])
            return before[key] + part * (after[key] - before[key])
    if points and 0.0 <= removed - points[-1]["removed"] <= 0.002:
        return points[-1][key]
    return None


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Median, smallest, largest, and how many.

    >>> spread([3.0, 1.0, 2.0])
    {'median': 2.0, 'min': 1.0, 'max': 3.0, 'n': 3}
    """
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


def curves_of(chains: Mapping[str, Run], done: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Join the seeds of each condition: per round, and read at fixed shares.

    Beside the multiplier against the chain's own round 0 stands the one against a dense network that has been trained
    for as many rounds (`against_dense`), where that control exists for the seed.
    """
    dense = {
        (run.config["model"], run.config["seed"], False): done[name]["rounds"]
        for name, run in chains.items()
        if run.config["reset"] == "dense"
    }
    conditions: dict[str, list[tuple[Run, list[dict[str, float]]]]] = {}
    for name, run in chains.items():
        points = multipliers(done[name]["rounds"])
        whose = (run.config["model"], run.config["seed"], run.config.get("long", False))
        control = dense.get(whose, []) if run.config.get("preset", "book") == "book" else []
        for point, record in zip(points, done[name]["rounds"]):
            match = control[point["round"]] if point["round"] < len(control) else {}
            if "test" in match:
                point["against_dense"] = record["test"] / match["test"]
        conditions.setdefault(name.rsplit("-s", 1)[0], []).append((run, points))
    return {condition: _joined(members) for condition, members in conditions.items()}


def _joined(members: Sequence[tuple[Run, list[dict[str, float]]]]) -> dict[str, Any]:
    config = members[0][0].config
    rows = []
    for number in range(max(len(points) for _, points in members)):
        here = [points[number] for _, points in members if number < len(points)]
        row: dict[str, Any] = {"round": number}
        for key in ("removed", "n_parameters", "test", "valid", "against_dense", "truly_removable", "cpu_seconds"):
            values = [point[key] for point in here if key in point]
            if values:
                row[key] = spread(values)
        rows.append(row)
    read = {}
    for removed in READ_AT:
        for key in ("test", "valid", "against_dense"):
            whole = [[p for p in points if key in p] for _, points in members]
            values = [v for v in (read_at(points, removed, key) for points in whole) if v is not None]
            if values:
                read.setdefault(f"{removed:g}", {})[key] = spread(values)
    # The round is chosen by validation, its number is reported on test.
    best = [min(points[1:], key=lambda p: p["valid"]) for _, points in members if len(points) > 1]
    return {
        **{key: config[key] for key in ("model", "how", "scope", "criterion", "reset", "steps")},
        "seeds": [run.config["seed"] for run, _ in members],
        "runs": [run.name for run, _ in members],
        "rounds": rows,
        "read_at": read,
        "best_by_validation": [{"removed": p["removed"], "test": p["test"]} for p in best],
    }


def _longer(everything: Sequence[Run], done: Mapping[str, Any]) -> dict[str, Any]:
    """Errors of dense networks trained longer still, over those at the start of the long chains of the same seed."""
    found: dict[str, list[float]] = {}
    for run in everything:
        chain = f"long-{run.config['model']}-trim-local-information-rewind-s{run.config.get('seed')}"
        if run.config["kind"] == "longer" and run.name in done and chain in done:
            ratio = done[run.name]["test"] / done[chain]["rounds"][0]["test"]
            found.setdefault(run.config["model"], []).append(ratio)
    return {model: spread(ratios) for model, ratios in found.items()}


def _agreements(everything: Sequence[Run], done: Mapping[str, Any]) -> dict[str, Any]:
    tables: dict[str, dict[str, dict[str, list[float]]]] = {}
    for run in everything:
        if run.config["kind"] == "ablation" and run.name in done:
            for criterion, groups in done[run.name]["spearman"].items():
                for group, value in groups.items():
                    tables.setdefault(run.config["model"], {}).setdefault(criterion, {}).setdefault(group, [])
                    tables[run.config["model"]][criterion][group].append(value)
    return {
        model: {
            criterion: {
                "mean_over_groups": statistics.mean(statistics.median(values) for values in groups.values()),
                "groups": {group: spread(values) for group, values in groups.items()},
            }
            for criterion, groups in table.items()
        }
        for model, table in tables.items()
    }


def _fate(everything: Sequence[Run], folder: Path | None, kind: str) -> dict[str, list[str]]:
    of_kind = [run for run in everything if run.config["kind"] == kind]
    return {fate: [run.name for run in of_kind if single.status(run, folder) == fate] for fate in ("failed", "missing")}


def claims(curves: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Put the paper's figures beside ours; the verdict is computed, and "not measured" where runs are missing."""

    def at(model: str, condition: str, removed: float) -> dict[str, Any] | None:
        return curves.get(f"{model}-{condition}", {}).get("read_at", {}).get(f"{removed:g}", {}).get("test")

    def everywhere(condition: str, removed: float) -> dict[str, Any]:
        found = {model: at(model, condition, removed) for model in ("ddsp", "sing", "wavenet")}
        return {model: value for model, value in found.items() if value is not None}

    def long_everywhere(condition: str, removed: float) -> dict[str, Any]:
        found = {model: at(f"long-{model}", condition, removed) for model in ("ddsp", "sing", "wavenet")}
        return {model: value for model, value in found.items() if value is not None}

    def verdict(values: Mapping[str, Any], limit: float) -> str:
        if not values:
            return "not measured"
        if fewest := _too_few(values.values()):
            return fewest
        holds = [value["median"] <= limit for value in values.values()]
        return "holds" if all(holds) else "holds for some models" if any(holds) else "does not hold"

    information, best = "trim-local-information-rewind", "trim-local-magnitude-rewind"
    scopes = {
        model: {"local": local, "global": value}
        for model, value in everywhere("trim-global-information-rewind", 0.9).items()
        if (local := at(model, information, 0.9)) is not None
    }
    ranks = {
        model: {
            "information": value,
            "magnitude": at(model, best, 0.8),
            "random": at(model, "trim-local-random-rewind", 0.8),
        }
        for model, value in everywhere(information, 0.8).items()
    }

    def limited(claim: str, paper: str, removed: float, limit: float) -> dict[str, Any]:
        short, long = everywhere(information, removed), long_everywhere(information, removed)
        name = f"{100 * removed:g}"
        return {
            "claim": claim,
            "paper": paper,
            f"ours_at_{name}": short,
            "verdict": verdict(short, limit),
            f"long_at_{name}": long,
            "verdict_long": verdict(long, limit),
        }

    return [
        limited("smaller is more accurate", "0.912 at 80 % of weights trimmed", 0.8, 1.0),
        limited("95 % of weights go without loss", "about 1.0 at 95 %", 0.95, 1.0),
        limited("100 times smaller at commensurate accuracy", "1.2 at 99 %", 0.99, 1.2),
        {
            "claim": "masking gives no gain in size",
            "paper": "99.5 % masked: 25.4 % removable (local), about a third (global)",
            "removable": (removable := _removable(curves)),
            "verdict": _little([one["truly_removable"] for one in removable.values()]),
        },
        {
            "claim": "trimming needs global selection",
            "paper": "global better up to 90 %",
            "ours_at_90": scopes,
            "verdict": _compare(scopes, "global", ("local",)),
        },
        {
            "claim": "information is the best criterion",
            "paper": "best at low ratios",
            "ours_at_80": ranks,
            "verdict": _compare(ranks, "information", ("magnitude", "random")),
        },
    ]


def _removable(curves: Mapping[str, Any]) -> dict[str, Any]:
    """What the last round of every masked condition truly lets go."""
    return {
        condition: {key: curve["rounds"][-1][key] for key in ("removed", "truly_removable")}
        for condition, curve in curves.items()
        if curve["how"] == "mask" and "truly_removable" in curve["rounds"][-1]
    }


def _little(shares: Sequence[Mapping[str, Any]]) -> str:
    """Say whether less than half of the weights can truly go, of the masks that were run."""
    if not shares:
        return "not measured"
    holds = [share["median"] < 0.5 for share in shares]
    return "holds" if all(holds) else "holds for some masks" if any(holds) else "does not hold"


def _compare(table: Mapping[str, Mapping[str, Any]], winner: str, others: Sequence[str]) -> str:
    """Say who is better only where the ranges over seeds do not overlap."""
    verdicts = set()
    for row in table.values():
        rivals = [row[name] for name in others if row.get(name)]
        if not rivals or row.get(winner) is None:
            continue
        if fewest := _too_few([row[winner], *rivals]):
            verdicts.add(fewest)
        elif all(row[winner]["max"] < rival["min"] for rival in rivals):
            verdicts.add("holds")
        elif any(rival["max"] < row[winner]["min"] for rival in rivals):
            verdicts.add("does not hold")
        else:
            verdicts.add("cannot be told apart")
    return "not measured" if not verdicts else verdicts.pop() if len(verdicts) == 1 else "differs between models"


def _too_few(values: Iterable[Mapping[str, Any]]) -> str | None:
    """Refuse a verdict on fewer than three seeds."""
    fewest = min(value["n"] for value in values)
    return None if fewest >= FEWEST_SEEDS else f"too few seeds to say (n = {fewest})"
