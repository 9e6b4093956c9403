"""What the pruning sweep shows: every run there is, packed for the page; nothing is smoothed, guessed or left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lib import results
from lib.errors import BookError
from lib.experiments import diet, diet_sounds
from lib.experiments.diet_tables import multipliers, spread

TITLES = {"ddsp": "DDSP", "sing": "SING", "wavenet": "WaveNet"}

#: How the networks are drawn: a node is (group, column, row, columns wide), an edge joins two groups, a text stands
#: where sound or controls come in or go out. Groups that are not named here are drawn in a row.
PICTURES: dict[str, dict[str, Any]] = {
    "ddsp": {
        "nodes": [
            *[(f"{branch}{i}", 0.7 + i, row, 1) for row, branch in enumerate("flc") for i in (1, 2, 3)],
            ("h", 5.4, 1, 1),
            *[(f"o{i}", 5.4 + i, 1, 1) for i in (1, 2, 3)],
        ],
        "edges": [
            *[(f"{branch}{i}", f"{branch}{i + 1}") for branch in "flc" for i in (1, 2)],
            *[(f"{branch}3", "h") for branch in "flc"],
            *[("h", "o1"), ("o1", "o2"), ("o2", "o3")],
        ],
        "texts": [("pitch", "left", 0), ("loudness", "left", 1), ("recording", "left", 2), ("sound", "right", 1)],
    },
    "sing": {
        "nodes": [*[(f"e{i}", 0.9 + i, 0, 1) for i in (1, 2, 3)], *[(f"d{i}", 4.9 + i, 0, 1) for i in (1, 2, 3)]],
        "edges": [("e1", "e2"), ("e2", "e3"), ("d1", "d2"), ("d2", "d3")],
        "texts": [("recording", "left", 0), ("code", 4.9, 0), ("sound", "right", 0)],
    },
    "wavenet": {
        "nodes": [*[(f"g{i}", i, 0, 1) for i in range(1, 9)], ("r", 1, 1, 8), ("s", 9, 0, 1), ("o", 10, 0, 1)],
        "edges": [*[(f"g{i}", f"g{i + 1}") for i in range(1, 8)], ("g8", "s"), ("s", "o")],
        "texts": [("past", "left", 1), ("next", "right", 0)],
    },
}
#: How many columns wide each picture is.
COLUMNS = {"ddsp": 10.4, "sing": 10.2, "wavenet": 12.2}

#: The build of generated C whose times are shown: as the book compiles it, for the machine it was timed on.
C_BUILD = "exact, this processor"

#: What is packed of every round, and how many digits.
_SERIES = {
    "removed": 5,
    "n_parameters": 0,
    "bytes_int8": 0,
    "macs_per_second": 0,
    "state_bytes": 0,
    "truly_removable": 4,
}


def sweep_data(folder: Path | None = None) -> dict[str, Any]:
    """Pack the diet's results for the pruning sweep.

    Args:
        folder: results folder, `assets/results` by default; its `diet/` is read: `runs/*.json`, `cost.json`,
            `sounds.json`. A file that is missing takes only its own part away.

    Returns:
        `models` (title, groups with their full widths, picture, measured latencies), `conditions` (per round the
        median, least and greatest error over its seeds), `runs` (every round of every run), `planned` (conditions of
        the plan, whether run or not), `failed` (runs that came to nothing, with their reason).

    Chapter: *How small?*.
    """
    chains, longer, failed = _read((folder or results.RESULTS) / "diet" / "runs")
    dense = {
        (config["model"], config["seed"]): record["rounds"]
        for config, record in chains.values()
        if config["reset"] == "dense" and not config.get("long")
    }
    runs = {name: _run(config, record["rounds"], dense) for name, (config, record) in chains.items()}
    return {
        "models": _models(chains, longer, folder),
        "conditions": _conditions({name: config for name, (config, _) in chains.items()}, runs),
        "runs": runs,
        "planned": sorted({_condition(run.name) for run in diet.runs() if is_shown(run.config)}),
        "failed": failed,
    }


def _read(folder: Path) -> tuple[dict[str, tuple[dict, dict]], list[tuple[str, dict, dict]], dict[str, str]]:
    """Read every run: finished chains, dense networks trained longer, and the reasons of what failed altogether."""
    chains, longer, failed = {}, [], {}
    for path in sorted(folder.glob("*.json")):
        try:
            record = results.read_result(path)
        except BookError as error:
            failed[path.stem] = str(error)
            continue
        config, found = record["provenance"]["config"], record["results"]
        if config.get("quick") or config.get("kind") not in ("chain", "longer"):
            continue
        if config["kind"] == "chain" and path.stem != f"{_key(config)}-s{config['seed']}":
            continue  # a trial outside the plan
        if found.get("status") == "failed":
            failed[path.stem] = str(found.get("error", "no reason given"))
        elif config["kind"] == "longer":
            longer.append((path.stem, config, found))
        elif "test" not in found["rounds"][0]:
            failed[path.stem] = str(found["rounds"][0].get("failed", "round 0 has no error"))
        else:
            chains[path.stem] = (config, found)
    return chains, longer, failed


def _run(config: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]], dense: Mapping[Any, Any]) -> dict[str, Any]:
    """Pack one chain: series over its rounds, and the reason if its last round failed."""
    points = multipliers(rounds)
    whole = rounds[: len(points)]
    packed: dict[str, Any] = {"seed": config["seed"], "test": [round(point["test"], 5) for point in points]}
    for key, digits in _SERIES.items():
        if any(key in record for record in whole):
            packed[key] = [_rounded(record.get(key), digits) for record in whole]
    # A text a round: what there is most of in the page is kept short.
    packed["widths"] = [" ".join(map(str, record["widths"].values())) for record in whole]
    # A control of the same seed, trained for as many rounds; chains trained long have none.
    control = [] if config.get("long") else dense.get((config["model"], config["seed"]), [])
    against = [
        round(record["test"] / match["test"], 5) if "test" in match else None for record, match in zip(whole, control)
    ]
    if any(value is not None for value in against):
        packed["against_dense"] = against
    if len(rounds) > len(points):
        end = rounds[len(points)]
        packed["ended"] = {"round": end["round"], "reason": end["failed"]}
    return packed


def _conditions(configs: Mapping[str, Mapping[str, Any]], runs: Mapping[str, Any]) -> dict[str, Any]:
    members: dict[str, list[str]] = {}
    for name in runs:
        members.setdefault(_condition(name), []).append(name)
    found = {}
    for condition, names in members.items():
        config = configs[names[0]]
        found[condition] = {
            **{key: config[key] for key in ("model", "how", "scope", "criterion", "reset", "steps")},
            "long": bool(config.get("long")),
            "runs": sorted(names, key=lambda name: configs[name]["seed"]),
            **{key: _ranges([runs[name].get(key, []) for name in names]) for key in ("removed", "test")},
        }
        if any("against_dense" in runs[name] for name in names):
            found[condition]["against_dense"] = _ranges([runs[name].get("against_dense", []) for name in names])
    return found


def _ranges(series: Sequence[Sequence[float | None]]) -> list[list[float] | None]:
    """Join the seeds of a condition round by round: [median, least, greatest, how many]."""
    rows: list[list[float] | None] = []
    for number in range(max(map(len, series))):
        here = [one[number] for one in series if number < len(one) and one[number] is not None]
        rows.append([round(value, 5) for value in spread(here).values()] if here else None)
    return rows


def _models(chains: Mapping[str, Any], longer: Iterable[tuple], folder: Path | None) -> dict[str, Any]:
    first: dict[str, Mapping[str, Any]] = {}
    for config, record in chains.values():
        first.setdefault(config["model"], record["rounds"][0])
    models = {}
    for name, start in sorted(first.items()):
        picture = PICTURES.get(name, {"nodes": [], "edges": [], "texts": []})
        columns = COLUMNS.get(name, 2.0 + len(start["widths"]))
        nodes = [node for node in picture["nodes"] if node[0] in start["widths"]]
        spare = [group for group in start["widths"] if group not in {node[0] for node in nodes}]
        n_rows = 1 + max((node[2] for node in nodes), default=-1)
        models[name] = {
            "title": TITLES.get(name, name),
            "n_parameters": start["n_parameters"],
            "groups": dict(start["widths"]),
            "picture": {
                **picture,
                "columns": columns,
                "nodes": nodes + [(group, 1 + i, n_rows, 1) for i, group in enumerate(spare)],
            },
            "latencies": _latencies(name, folder),
            "longer": [],
        }
    for run, config, found in longer:
        own = next((r for c, r in chains.values() if _same_start(c, config)), None)
        if own and config["model"] in models:
            ratio = round(found["test"] / own["rounds"][0]["test"], 5)
            models[config["model"]]["longer"].append({"run": run, "seed": config["seed"], "test": ratio})
    return models


def _same_start(chain: Mapping[str, Any], longer: Mapping[str, Any]) -> bool:
    keys = ("model", "seed", "steps")
    return bool(chain.get("long")) and all(chain[key] == longer[key] for key in keys)


def _latencies(model: str, folder: Path | None) -> list[dict[str, Any]]:
    """List what has been timed, by width: the sweep shows the nearest of these and says so, it never interpolates."""
    found = []
    for row in _read_table("diet/cost.json", folder).get(model, {}).get("book", []):
        for one in row["latency"]:
            # What is exported of DDSP is its network; of the others, all that makes the sound.
            covers = "the network alone" if model == "ddsp" else "all of it"
            found.append(_timing(one["runtime"], row["parameters"], one["real_time_factor"], covers))
    for row in _read_table("bench/deploy_host.json", folder).get("speed", []):
        if row["model"] == f"{model} book" and row["build"] == C_BUILD and row["precision"] == "float32":
            found.append(_timing("generated C", row["n_parameters"], row["median"], "all of it"))
    return found


def _timing(runtime: str, n_parameters: int, real_time_factor: float, covers: str) -> dict[str, Any]:
    return {
        "runtime": runtime,
        "n_parameters": n_parameters,
        "real_time_factor": real_time_factor,
        "covers": covers,
    }


def _read_table(path: str, folder: Path | None) -> dict[str, Any]:
    try:
        return results.read_result((folder or results.RESULTS) / path)["results"]
    except BookError:
        return {}


def sweep_sounds(clips: Sequence[str], folder: Path | None = None) -> dict[str, Any]:
    """List what can be heard: the clips, and of each model the points of one run, the one trained longest.

    Returns:
        `clips`: what `sounds.json` says of each; `runs`: name -> points with `round`, `removed`, and for each clip what
        is known about its sound.
    """
    known = diet_sounds.facts(folder)
    chosen = [clip for clip in known["clips"] if clip["key"] in clips]
    runs = {}
    for model in dict.fromkeys(run["model"] for run in known["runs"].values()):
        name = diet_sounds.heard_run(model, folder)
        runs[name] = known["runs"][name]
    return {"clips": chosen, "runs": runs}


def _condition(name: str) -> str:
    return name.rsplit("-s", 1)[0]


def is_shown(config: Mapping[str, Any]) -> bool:
    """Wide networks have their place in the chapter, and none in the widget: it compares diets, not starts."""
    return config["kind"] == "chain" and config.get("preset", "book") == "book"


def _key(config: Mapping[str, Any]) -> str:
    """Name a condition as its runs have it before their seed."""
    if config["reset"] in ("dense", "scratch"):
        return f"{config['model']}-{config['reset']}"
    parts = [config[name] for name in ("model", "how", "scope", "criterion", "reset")]
    return "-".join(["long", *parts] if config.get("long") else parts)


def _rounded(value: float | None, digits: int) -> float | int | None:
    return None if value is None else round(value, digits) if digits else round(value)
