"""Experiments that the ledger needs and no chapter runs at length: any target, new instruments, all paths.

Groups: `target` (tell a space wrong ratings), `use` (the shipped spaces).

Chapter: *Reproduction ledger*.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lib import corpus, results
from lib.experiments import runs as single
from lib.experiments.runs import Run
from lib.experiments.timbre import variants
from lib.timbre import evaluate, navigate
from lib.timbre.fit import fit_space
from lib.timbre.regularizers import Target
from lib.timbre.space import load_space
from lib.timbre.table import feature_table

SEEDS = (0, 1, 2)
SPACES = ("nsgt-erb", "nsgt-erb-free")
#: Pitch at which paths run, and points on each.
PATH_MIDI, PATH_POINTS = 62, 17


def runs(quick: bool = False) -> list[Run]:
    """All runs."""
    start = "quick-" if quick else ""
    found = [
        Run("ledger", f"{start}any-target-s{seed}", {"kind": "target", "seed": seed, "quick": quick}, ("target",))
        for seed in SEEDS[: 1 if quick else None]
    ]
    for kind, space in itertools.product(("novel", "paths"), SPACES):
        config = {"kind": kind, "space": space, "seed": 0, "quick": quick}
        found.append(Run("ledger", f"{start}{kind}-{space}", config, ("use",)))
    return found


def perform(config: Mapping[str, Any]) -> dict[str, Any]:
    """Do one run, from its configuration alone."""
    return {"target": any_target, "novel": novel, "paths": paths}[config["kind"]](config)


def any_target(config: Mapping[str, Any]) -> dict[str, Any]:
    """Train a space on the ratings with the instruments' names drawn anew: how well does it obey?"""
    table = feature_table().rated()
    seed = config["seed"]
    split, true = table.split_by_seed(seed), Target.pooled()
    order = np.random.default_rng(seed).permutation(len(true.names))
    told = Target.of(true.names, true.mean.numpy()[np.ix_(order, order)], true.std.numpy()[np.ix_(order, order)])
    chosen = variants()["l2"]
    chosen = replace(chosen, train=replace(chosen.train, seed=seed))
    if config["quick"]:
        chosen = replace(chosen, train=replace(chosen.train, steps=20))
    space = fit_space(table, split.train, chosen, told)
    found = {}
    for name, target in (("told", told), ("true", true)):
        sides = evaluate.evaluate(space, table, split, target, rated_dims=chosen.train.regularized_dims or space.dims)
        found[name] = {side: sides[side]["rated"]["pearson"] for side in ("train", "recordings")}
    return {"pearson": found, "order": [true.names[i] for i in order]}


def novel(config: Mapping[str, Any]) -> dict[str, Any]:
    """Reconstruction error of instruments the space never heard, beside test recordings of those it knows."""
    space, table = load_space(config["space"]), feature_table()

    def cost_db(rows: np.ndarray) -> float:
        part = table.take(rows)
        return float(evaluate.reconstruction(space, part, space.of_table(part))["db"])

    test = table.split == "test"
    known = {name: cost_db(np.flatnonzero((table.instrument == name) & test)) for name in corpus.INSTRUMENTS}
    others = sorted(set(np.unique(table.instrument)) - set(corpus.INSTRUMENTS))
    return {"known_db": known, "novel_db": {name: cost_db(table.where(instrument=name)) for name in others}}


def paths(config: Mapping[str, Any]) -> dict[str, Any]:
    """Decode the linear and the spherical path between every two instruments.

    Each path is judged by its largest step against the difference of its ends (1 would be a jump), both as the root
    mean square of decibels over bands.
    """
    space, table = load_space(config["space"]), feature_table().rated()
    points, ends = space.of_table(table).mean(axis=1), {}
    for name in corpus.INSTRUMENTS:
        own = np.flatnonzero(table.instrument == name)
        ends[name] = points[own[np.abs(table.midi[own] - PATH_MIDI).argmin()]]
    rows = []
    for one, other in itertools.combinations(corpus.INSTRUMENTS, 2):
        ways = [
            20 * np.log10(space.decode(way(ends[one], ends[other], PATH_POINTS), float(PATH_MIDI)) + 10**-2.5)
            for way in (navigate.linear, navigate.spherical)
        ]
        whole = _rms(ways[0][0] - ways[0][-1])
        rows.append(
            {
                "pair": [one, other],
                "ends_db": whole,
                "finite": bool(all(np.isfinite(way).all() for way in ways)),
                "largest_step_share": max(_rms(a - b) for a, b in itertools.pairwise(ways[0])) / whole,
                "linear_from_spherical_db": max(_rms(a - b) for a, b in zip(*ways)),
            }
        )
    return {"pairs": rows, "n_points": PATH_POINTS}


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.square(x).mean()))


def summarise(folder: Path | None = None) -> list[Path]:
    """Join the finished runs into `measured.json`."""
    everything: Sequence[Run] = runs()
    done = single.finished(everything, folder)
    table = {"runs": done, "missing": [run.name for run in everything if run.name not in done]}
    provenance = results.provenance(
        config={"table": "measured", "runs": len(done)},
        seeds=list(SEEDS),
        command="python -m lib.experiments summary ledger",
    )
    path = (folder or results.RESULTS) / "ledger" / "measured.json"
    return [results.write_result(path, single.plain(table), provenance=provenance)]
