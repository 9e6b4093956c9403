"""Experiments on small models: what is left after rounds of removing, in every way the paper compares.

One run is one chain of the lottery (`lib.pruning.lottery`) on the notes of the corpus, split by recording: the best
state of each round is chosen on validation recordings and judged on test recordings. Groups: `first` (the comparisons
most wanted), `controls`, `cost`, `ablation`, the names of the models, and `grid` (everything).

Chapter: *How small?*.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from lib import results
from lib.experiments import diet_tables
from lib.experiments.runs import Run
from lib.models import AudioModel, checkpoint, make
from lib.models.training import AudioTask, task
from lib.pruning import ablation, cost, lottery
from lib.pruning.criteria import CRITERIA, information, random, score
from lib.pruning.groups import build_like
from lib.pruning.lottery import Chain, LotteryConfig
from lib.pruning.scope import select

#: Chains under way and trained dense networks; safe to delete.
CACHE = results.RESULTS.parents[1] / ".cache" / "diet"
SEEDS = (0, 1, 2)


#: Chains whose models (of seed 0, trained long) are kept in `assets/checkpoints/diet`.
SHIPPED = {("trim", "local", "information", "rewind")}


@dataclass(frozen=True)
class Setting:
    """How long each model trains in one round, where it rewinds to, and how thin a group may get."""

    steps: int
    rewind_step: int
    floor: int
    rounds: int = 13  # 0.7 ** 13 is just below 1 %
    fraction: float = 0.3
    evaluations: int = 4


SETTINGS = {
    "ddsp": Setting(steps=300, rewind_step=30, floor=2),
    "sing": Setting(steps=600, rewind_step=60, floor=1),
    "wavenet": Setting(steps=300, rewind_step=30, floor=2),
}
#: Trained until validation hardly falls any more, in every round: what is shipped and heard.
LONG = {
    "ddsp": Setting(steps=2000, rewind_step=100, floor=2, evaluations=16),
    "sing": Setting(steps=5000, rewind_step=250, floor=1, evaluations=16),
    "wavenet": Setting(steps=1000, rewind_step=50, floor=2, evaluations=16),
}
#: The dense networks once more, so many times as long: how far from convergence is the end of a long round?
LONGER = 3
QUICK = Setting(steps=8, rewind_step=2, floor=2, rounds=2)


def runs(quick: bool = False) -> list[Run]:
    """All runs, the most wanted first."""
    wanted: dict[tuple, list[str]] = {}
    for group, cells in (("first", _first()), ("grid", _grid())):
        for cell in cells:
            groups = wanted.setdefault(cell, [cell[0]])
            groups.append(group)
    found = []
    for (model, how, scope, criterion, reset, seed), groups in wanted.items():
        if quick and seed:
            continue
        config = {
            "kind": "chain",
            "model": model,
            "how": how,
            "scope": scope,
            "criterion": criterion,
            "reset": reset,
            "seed": seed,
            "quick": quick,
            **asdict(QUICK if quick else SETTINGS[model]),
        }
        if reset in ("dense", "scratch"):
            groups.append("controls")
        found.append(Run("diet", _name(config), config, tuple(dict.fromkeys(groups))))
    found += [] if quick else [*_long(), *_wide(), *_priced()]
    for model in SETTINGS:
        start = "quick-" if quick else ""
        found.append(Run("diet", f"{start}{model}-cost", {"kind": "cost", "model": model}, ("cost", model)))
        for seed in SEEDS[: 1 if quick else None]:
            config = {
                "kind": "ablation",
                "model": model,
                "seed": seed,
                "quick": quick,
                **asdict(QUICK if quick else SETTINGS[model]),
            }
            found.append(Run("diet", f"{start}{model}-ablation-s{seed}", config, ("ablation", model)))
    return found


def _long() -> Iterator[Run]:
    """The chain that is shipped, its control, and the dense networks trained longer still."""
    for seed, criterion, model in itertools.product(SEEDS, ("information", "magnitude"), SETTINGS):
        config = {
            "kind": "chain",
            "model": model,
            "how": "trim",
            "scope": "local",
            "criterion": criterion,
            "reset": "rewind",
            "seed": seed,
            "quick": False,
            "long": True,
            **asdict(LONG[model]),
        }
        yield Run("diet", _name(config), config, ("long", model))
    for seed, model in itertools.product(SEEDS, SETTINGS):
        config = {"kind": "longer", "model": model, "seed": seed, "quick": False, "long": True, **asdict(LONG[model])}
        yield Run("diet", f"longer-{model}-dense-s{seed}", config, ("long", model))


def _wide() -> Iterator[Run]:
    """Networks with four to six times as many weights, on the same diet: is a thick network easier to thin?"""
    ways = (("local", "information"), ("priced", "taylor"))
    for seed, (scope, criterion), model in itertools.product(SEEDS, ways, SETTINGS):
        config = {
            "kind": "chain",
            "model": model,
            "preset": "wide",
            "how": "trim",
            "scope": scope,
            "criterion": criterion,
            "reset": "rewind",
            "seed": seed,
            "quick": False,
            **asdict(SETTINGS[model]),
        }
        yield Run("diet", _name(config), config, ("wide", model))


def _priced() -> Iterator[Run]:
    """What is worth least for each weight goes first, wherever it is; short and long rounds."""
    for long, seed, model in itertools.product((False, True), SEEDS, SETTINGS):
        config = {
            "kind": "chain",
            "model": model,
            "how": "trim",
            "scope": "priced",
            "criterion": "taylor",
            "reset": "rewind",
            "seed": seed,
            "quick": False,
            **({"long": True} if long else {}),
            **asdict(LONG[model] if long else SETTINGS[model]),
        }
        yield Run("diet", _name(config), config, ("long" if long else "priced", model))


Cell = tuple[str, str, str, str, str, int]


def _first() -> Iterator[Cell]:
    """The comparisons that decide the claims: every criterion beside chance and both controls."""
    order = [
        ("trim", "local", "magnitude", "dense"),
        ("trim", "local", "magnitude", "rewind"),
        ("trim", "local", "information", "rewind"),
        ("trim", "local", "random", "rewind"),
        ("trim", "local", "random", "scratch"),
        ("trim", "global", "information", "rewind"),
        ("trim", "global", "magnitude", "rewind"),
        ("trim", "local", "information", "keep"),
        ("mask", "local", "magnitude", "rewind"),
        ("mask", "global", "magnitude", "rewind"),
        ("trim", "local", "gradient", "rewind"),
        ("trim", "local", "activation", "rewind"),
        ("trim", "local", "magnitude", "reinit"),
    ]
    for model, cell, seed in itertools.product(SETTINGS, order, SEEDS):
        yield (model, *cell, seed)


def _grid() -> Iterator[Cell]:
    """Everything: both ways, both scopes, all criteria, all resets."""
    for model, scope, reset, seed in itertools.product(
        SETTINGS, ("local", "global"), ("rewind", "reinit", "keep"), SEEDS
    ):
        for criterion in CRITERIA:
            if criterion != "normalisation" or model == "ddsp":  # the others have no normalisation to read
                yield model, "trim", scope, criterion, reset, seed
        for criterion in ("magnitude", "random"):  # the others value units, not single weights
            yield model, "mask", scope, criterion, reset, seed


def _name(config: dict[str, Any]) -> str:
    parts = [config["model"], config["how"], config["scope"], config["criterion"], config["reset"]]
    if config["reset"] in ("dense", "scratch"):
        parts = [config["model"], config["reset"]]
    kind = "long" if config.get("long") else config.get("preset", "book")
    start = ["quick"] if config["quick"] else [] if kind == "book" else [kind]
    return "-".join([*start, *parts, f"s{config['seed']}"])


def perform(config: dict[str, Any]) -> dict[str, Any]:
    """Do one run, from its configuration alone."""
    return {"chain": _chain, "longer": _longer, "cost": _cost, "ablation": _ablation}[config["kind"]](config)


def _task(config: dict[str, Any]) -> AudioTask:
    if config["quick"]:
        return task(config["model"], "toy", n_clips=6, steps=config["steps"], batch_size=2)
    preset = config.get("preset", "book")
    return task(config["model"], preset, steps=config["steps"], evaluations=config.get("evaluations", 4))


def dense(problem: AudioTask, config: LotteryConfig) -> Chain:
    """Train the dense network of a seed, or take it from the cache: all chains of a seed share it."""
    key = {
        "model": problem.model,
        "preset": problem.preset,
        "recipe": asdict(problem.recipe),
        "seed": config.seed,
        "rewind_step": config.rewind_step,
        "clips": len(problem.train_clips),
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]
    path = CACHE / f"{problem.model}-dense-s{config.seed}-{digest}.pt"
    chain = lottery.load_chain(path, problem, config.seed, key)
    if chain is None:
        chain = lottery.train_dense(problem, config)
        lottery.save_chain(path, chain, key)
    return chain


def lottery_config(config: dict[str, Any]) -> LotteryConfig:
    """Read the part of a run's configuration that the lottery needs."""
    names = ("how", "scope", "criterion", "reset", "seed", "rounds", "fraction", "floor", "rewind_step")
    return LotteryConfig(**{name: config[name] for name in names})


def _chain(config: dict[str, Any]) -> dict[str, Any]:
    problem, chain = _task(config), lottery_config(config)
    name, first = _name(config), dense(problem, chain)

    def keep(number: int, model: AudioModel) -> None:
        if _is_shipped(config, number):
            checkpoint.save(model, f"{name}/round-{number:02d}.pt", {"run": name, "round": number})

    keep(0, first.model)
    records = lottery.run(problem, chain, dense=first, resume=CACHE / f"{name}.pt", after_round=keep)
    for record in records:
        if "widths" in record:
            counted = cost.cost(build_like(problem.build(0), record["widths"]))
            record |= {
                "bytes_f32": counted.bytes_f32,
                "bytes_int8": counted.bytes_int8,
                "macs_per_second": counted.total_macs_per_second,
                "activation_bytes": counted.activation_bytes,
                "state_bytes": counted.state_bytes,
            }
    return {
        "rounds": records,
        "training": asdict(problem.recipe),
        "n_clips": [len(side) for side in (problem.train_clips, problem.valid_clips, problem.test_clips)],
        "note": "Round 0 is trained for a fixed number of steps and may still be improving: see its curve and the "
        "dense run of the same seed.",
    }


def _longer(config: dict[str, Any]) -> dict[str, Any]:
    """Train the dense network of a long chain `LONGER` times as long: if the error falls, it had not converged."""
    problem = task(config["model"], steps=LONGER * config["steps"], evaluations=config["evaluations"])
    model = problem.build(config["seed"])
    trained = problem.train(model, seed=1000 * config["seed"])
    return {
        "training": asdict(problem.recipe),
        "valid": trained.valid,
        "test": problem.error(model, "test"),
        "curve": [list(point) for point in trained.curve],
        "cpu_seconds": round(trained.cpu_seconds, 1),
    }


def _is_shipped(config: dict[str, Any], number: int) -> bool:
    """Say whether the model of this round goes into the book: one seed of the chains that are heard."""
    if config["seed"] or config["quick"] or not config.get("long"):
        return False
    return (config["how"], config["scope"], config["criterion"], config["reset"]) in SHIPPED


def kept_chains(model: str) -> tuple[str, ...]:
    """Name the chains of a model whose checkpoints are kept, the longest trained first.

    >>> kept_chains("sing")[0]
    'long-sing-trim-local-information-rewind-s0'
    """
    return tuple(f"{start}{model}-trim-local-information-rewind-s0" for start in ("long-", ""))


def operating_points(
    name: str, removed: tuple[float, ...] = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99), folder: Path | None = None
) -> list[tuple[dict[str, Any], AudioModel]]:
    """Open the models of a kept chain that are nearest to the given shares removed, to hear them.

    Args:
        name: of a run whose models are kept, such as "long-ddsp-trim-local-information-rewind-s0".

    Returns:
        (record of the round, model), each round once, thickest first.

    Raises:
        BookError: the run has no result, or its models are not kept.
    """
    rounds = results.read_result((folder or results.RESULTS) / "diet" / "runs" / f"{name}.json")["results"]["rounds"]
    whole = [record for record in rounds if "test" in record]
    nearest = {min(whole, key=lambda r, share=share: abs(r["removed"] - share))["round"] for share in removed}
    return [(whole[number], checkpoint.load(f"{name}/round-{number:02d}.pt")[0]) for number in sorted(nearest)]


def _cost(config: dict[str, Any]) -> dict[str, Any]:
    """Count and time a model at five widths, and count the two published sizes."""
    rows = []
    for removed in (0.0, 0.3, 0.5, 0.8, 0.9):
        model = make(config["model"], "book")
        keep = select(model, random(model), removed, by="units", floor=2, or_less=True).keep
        thin = build_like(model, {group: len(units) for group, units in keep.items()})
        rows.append({"units_removed": removed, **_counted(thin), "latency": _latencies(thin)})
    published = {}
    for preset in ("text", "code"):
        with torch.device("meta"):
            model = make(config["model"], preset)
        published[preset] = {
            "parameters": model.n_parameters(),
            "macs_per_second": model.macs_per_second(),
            "state_bytes": 4 * sum(model.streaming_state().values()),
        }
    return {"book": rows, "published": published}


def _counted(model: AudioModel) -> dict[str, Any]:
    counted = cost.cost(model)
    return {**asdict(counted), "total_macs_per_second": counted.total_macs_per_second, "widths": dict(model.widths)}


def _latencies(model: AudioModel) -> list[dict[str, Any]]:
    if hasattr(model, "dilated"):  # the sampler is what makes sound; it is not an exported file
        found = [cost.sampler_latency(model)]
        return [{**asdict(one), "real_time_factor": one.real_time_factor} for one in found]
    exported, size, difference = cost.onnx_latency(model)
    found = [cost.torch_latency(model), exported]
    rows = [{**asdict(one), "real_time_factor": one.real_time_factor} for one in found]
    rows[1] |= {"file_bytes": size, "difference_from_torch": difference}
    return rows


def _ablation(config: dict[str, Any]) -> dict[str, Any]:
    """Ask every criterion about a trained dense network, and silence its units one by one to see who was right."""
    problem = _task(config)
    chain = LotteryConfig(seed=config["seed"], rewind_step=config["rewind_step"])
    model = dense(problem, chain).model
    few = torch.linspace(0, len(problem.valid_clips) - 1, 12).long()
    harm = ablation.damage(model, [problem.valid_clips.take(few)])
    agreement = {}
    for criterion in CRITERIA:
        if criterion == "normalisation" and config["model"] != "ddsp":
            continue
        scores = score(model, criterion, problem.valid_batches(), config["seed"])
        agreement[criterion] = ablation.agreement(scores, harm)
    for estimator in (
        "ksg",
        "hashing",
        "binned",
    ):  # slower, so fewer samples, and fewer dimensions than the copula bears
        scores = information(
            model, problem.valid_batches(), config["seed"], estimator=estimator, n_samples=600, n_components=2
        )
        agreement[f"information ({estimator})"] = ablation.agreement(scores, harm)
    return {
        "spearman": agreement,
        "damage": {group: values.tolist() for group, values in harm.items()},
        "silent_units": {group: int((values.abs() < 1e-7).sum()) for group, values in harm.items()},
    }


def summarise(folder: Path | None = None) -> list[Path]:
    """Turn finished runs into `curves.json`, `criteria.json`, `cost.json` and `claims.json`."""
    return diet_tables.write_all(runs(), folder)
