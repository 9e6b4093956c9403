"""Experiments on timbre spaces: which regulariser, which transform, how far it generalises.

One run trains one space on one seeded split by recording and judges it on three sides. Groups:
`main` (10 splits, without and with ratings), `regularizers`, `transforms` (each with every regulariser),
`leave_one_out`, `zero_shot`;
and on the shipped spaces `use`: `sound`, `steering`, `topology`, `within`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from lib.experiments import timbre_tables
from lib.experiments.runs import Run
from lib.experiments.timbre_use import PERFORM
from lib.timbre import agreement, evaluate, zero_shot
from lib.timbre.features import TRANSFORMS, FrontEnd
from lib.timbre.fit import SpaceConfig, fit_space
from lib.timbre.regularizers import Target
from lib.timbre.table import feature_table
from lib.timbre.train import TrainConfig, with_strength

#: Splits by recording in the tables, and those whose spaces outside listeners judge.
SPLITS, JUDGED_SPLITS = 10, 5
#: Leading dimensions that the paper's regularisers act on.
RATED_DIMS = 8
#: The paper's terms, at strengths that bring training recordings near the ratings.
PAPERS = ("prior", "l2", "gaussian", "student_text", "student_code")


def variants() -> dict[str, SpaceConfig]:
    """Every way of bringing the ratings in, by name."""
    train = TrainConfig(regularized_dims=RATED_DIMS)
    found = {
        "none": SpaceConfig(train=train),
        "none_note": SpaceConfig(train=train, note_input=True),
        "recipe": SpaceConfig(train=train, use_head=True),
        **{name: SpaceConfig(train=with_strength(train, name), note_input=True) for name in PAPERS},  # type: ignore[arg-type]
        # As printed: strength .1, all dimensions, spectra only.
        "student_text_printed": SpaceConfig(
            train=replace(train, regularizer="student_text", strength=0.1, regularized_dims=None)
        ),
        "l2_two_stage": SpaceConfig(train=replace(with_strength(train, "l2"), stage_two=0.5), note_input=True),
        # As released: ratings looked up in another order of the instruments.
        "l2_permuted": SpaceConfig(train=with_strength(train, "l2"), note_input=True),
    }
    return found


def runs(quick: bool = False) -> list[Run]:
    """All runs, the most wanted first."""
    wanted: dict[tuple[str, str, int], list[str]] = {}

    def add(group: str, transforms: Sequence[str], names: Sequence[str], n_splits: int) -> None:
        for seed in range(1 if quick else n_splits):
            for transform in transforms:
                for name in names:
                    wanted.setdefault((transform, name, seed), []).append(group)

    add("main", ["nsgt-erb"], ["none", "recipe"], SPLITS)
    add("regularizers", ["nsgt-erb"], list(variants()), SPLITS)
    add("transforms", TRANSFORMS, ["none", "recipe", "l2"], SPLITS)
    add("transforms", TRANSFORMS, [name for name in PAPERS if name != "l2"], SPLITS)
    start = "quick-" if quick else ""
    found = [
        Run("timbre", f"{start}{transform}-{name}-s{seed}", _config(transform, name, seed, quick), tuple(groups))
        for (transform, name, seed), groups in wanted.items()
    ]
    found.append(Run("timbre", f"{start}leave-one-out-head", {"kind": "leave_one_out"}, ("leave_one_out",)))
    found.append(Run("timbre", f"{start}between-studies", {"kind": "between_studies"}, ("between_studies",)))
    for seed in range(1 if quick else JUDGED_SPLITS):
        for name in ("none", "recipe"):
            config = {**_config("nsgt-erb", name, seed, quick), "kind": "zero_shot"}
            found.append(Run("timbre", f"{start}zero-shot-{name}-s{seed}", config, ("zero_shot",)))
    for kind in PERFORM:
        for space in ("nsgt-erb", "nsgt-erb-free"):
            config = {"kind": kind, "space": space, "seed": 0, "quick": quick}
            found.append(Run("timbre", f"{start}{kind}-{space}", config, ("use", kind)))
    return found


def _config(transform: str, variant: str, seed: int, quick: bool) -> dict[str, Any]:
    return {"kind": "space", "transform": transform, "variant": variant, "seed": seed, "quick": quick}


def perform(config: dict[str, Any]) -> dict[str, Any]:
    """Do one run, from its configuration alone."""
    if config["kind"] == "leave_one_out":
        table = feature_table().rated()
        target = Target.pooled()
        return {"leave_one_out": evaluate.leave_one_out(table, target), "anchors": evaluate.anchor_fit(target)}
    if config["kind"] == "between_studies":
        return {"pearson": zero_shot.between_studies()}
    if config["kind"] in PERFORM:
        return PERFORM[config["kind"]](config)
    chosen = variants()[config["variant"]]
    chosen = replace(chosen, train=replace(chosen.train, seed=config["seed"]))
    if config["quick"]:
        chosen = replace(chosen, train=replace(chosen.train, steps=20))
    return (_zero_shot if config["kind"] == "zero_shot" else _space)(config, chosen)


def _zero_shot(config: dict[str, Any], chosen: SpaceConfig) -> dict[str, Any]:
    """Train on one split's training side, then ask listeners of other studies (TIMBRE_STUDIES)."""
    table = feature_table().rated()
    split, target = table.split_by_seed(config["seed"]), Target.pooled()
    space = fit_space(table, split.train, chosen, target)
    frontier = {}
    held = table.take(split.recordings)
    # The frontier mixes what an encoder alone would give with the ratings, as in zero_shot.distances.
    u, v = space.rated_code(held.note), space.free_code(held.spectra, held.midi, held.note)[0].mean(axis=1)
    for weight in zero_shot.FRONTIER if space.head_dims else ():
        both = np.concatenate([v / _rms(v), weight * u / _rms(u)], axis=1)
        frontier[f"{weight:g}"] = agreement.agreement(both, held.instrument.tolist(), target)["pearson"]
    return {**zero_shot.judge_all(space, zero_shot.load_all()), "pool_agreement_by_weight": frontier}


def _rms(points: np.ndarray) -> float:
    return float(np.sqrt(np.square(agreement.upper(agreement.pairwise(points))).mean()))


def _space(config: dict[str, Any], chosen: SpaceConfig) -> dict[str, Any]:
    """Train one space and judge it on the three sides of its split."""
    table = feature_table(FrontEnd(transform=config["transform"])).rated()
    split = table.split_by_seed(config["seed"])
    target = Target.pooled()
    trained_on = _released_order(target) if config["variant"] == "l2_permuted" else target
    curve: list[dict[str, float]] = []
    space = fit_space(
        table, split.train, chosen, trained_on, every=100, callback=lambda p: curve.append({"step": p.step, **p.terms})
    )
    if chosen.use_head:
        rated_dims = space.head_dims
    else:
        rated_dims = 0 if chosen.train.regularizer == "none" else chosen.train.regularized_dims or space.dims
    sides = evaluate.evaluate(space, table, split, target, rated_dims=rated_dims)
    return {"settings": asdict(chosen), "rated_dims": rated_dims, "sides": sides, "curve": curve}


def _released_order(target: Target) -> Target:
    """Ratings filed under the wrong names, as when two lists of instruments are in different orders."""
    order = np.argsort(np.array(target.names))
    return Target.of(target.names, target.mean.numpy()[np.ix_(order, order)], target.std.numpy()[np.ix_(order, order)])


def summarise(folder: Path | None = None) -> list[Path]:
    """Turn finished runs into the tables that the chapters read."""
    return timbre_tables.write_all(runs(), folder)
