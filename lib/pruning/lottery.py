"""The lottery: train, rank, remove, go back, train again.

One *chain* starts with a trained dense model and removes a share of what is left in every round. After each removal the
survivors go back to an early snapshot ("rewind"), start afresh ("reinit") or go on as they are ("keep").
Two controls belong beside every chain: "dense" removes nothing and trains on for as many rounds, and
"scratch" trains an evenly thin network of the same size from new weights, once.

Source: Frankle & Carbin 2019; Esling et al. 2020, section 2.3. Chapter: *Lottery tickets and masking*.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from lib.errors import BookError
from lib.pruning import masking
from lib.pruning.criteria import Batches, random, score
from lib.pruning.groups import build_like, trim, trim_state
from lib.pruning.scope import Measure, Scale, Scope, select

Reset = Literal["rewind", "reinit", "keep", "dense", "scratch"]


class Task(Protocol):
    """What the lottery needs to know about the problem; `lib.models.training.AudioTask` is one."""

    def build(self, seed: int) -> nn.Module: ...
    def train(
        self,
        model: nn.Module,
        *,
        seed: int,
        start_step: int = 0,
        snapshot_at: int | None = None,
        masks: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Any: ...
    def error(self, model: nn.Module, side: str) -> float: ...
    def valid_batches(self) -> Batches: ...


@dataclass(frozen=True)
class LotteryConfig:
    """One chain.

    `fraction` of the `by` ("weights" or "units") that are left goes in each of `rounds` rounds; `how` is
    "trim" (units go) or "mask" (single weights are zeroed); `rewind_step` is where on the schedule every round begins
    again; `floor` is the least number of units a group keeps.
    """

    how: Literal["trim", "mask"] = "trim"
    criterion: str = "magnitude"
    scope: Scope = "local"
    reset: Reset = "rewind"
    fraction: float = 0.3
    by: Measure = "weights"
    rounds: int = 12
    scale: Scale = "maximum"
    floor: int = 2
    rewind_step: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        if self.how == "mask" and self.criterion not in ("magnitude", "random"):
            raise BookError(f"{self.criterion!r} values units, not weights: mask by magnitude or random.")
        if self.how == "mask" and self.reset == "scratch":
            raise BookError("A masked network has no smaller shape that could be trained from scratch.")


@dataclass
class Chain:
    """A chain under way: everything that the next round needs, and the records so far."""

    model: nn.Module
    snapshot: dict[str, Tensor]
    records: list[dict[str, Any]]
    masks: dict[str, Tensor] | None = None


def run(
    task: Task,
    config: LotteryConfig,
    *,
    dense: Chain | None = None,
    resume: Path | None = None,
    progress: bool = False,
    after_round: Callable[[int, nn.Module], None] | None = None,
) -> list[dict[str, Any]]:
    """Run one chain to its end.

    Args:
        dense: the first chain link, from `train_dense`, to share it among chains of the same seed.
        resume: a file to write after every round, and to go on from if it is there.
        progress: show a bar.
        after_round: called with the round and the model, for instance to keep checkpoints.

    Returns:
        one record a round: `round`, `n_parameters`, `removed` (share of the dense weights that is gone, or masked),
        `asked` and `obtained` (of what was left), `widths`, `at_floor`, `valid` and `test` errors, `curve` of
        validation, `cpu_seconds`. A round that failed has `failed`, the reason, instead of errors, and is the last.
    """
    chain = load_chain(resume, task, config.seed, asdict(config)) or dense or train_dense(task, config)
    chain = copy.deepcopy(chain)  # a shared first link must stay as it is
    first = len(chain.records)
    with tqdm(total=config.rounds + 1, initial=first, disable=not progress, unit="round") as bar:
        for number in range(first, config.rounds + 1):
            if "failed" in chain.records[-1]:
                break
            chain = _one_round(task, config, chain, number)
            if resume is not None:
                save_chain(resume, chain, asdict(config))
            if after_round is not None and "failed" not in chain.records[-1]:
                after_round(number, chain.model)
            bar.update()
            bar.set_postfix(removed=f"{chain.records[-1].get('removed', 0.0):.1%}")
    return chain.records


def train_dense(task: Task, config: LotteryConfig, progress: Callable[[int, int], None] | None = None) -> Chain:
    """Do round 0: train the whole network, keeping the snapshot that later rounds rewind to."""
    model = task.build(config.seed)
    trained = task.train(model, seed=_round_seed(config, 0), snapshot_at=config.rewind_step, progress=progress)
    if trained.snapshot is None:
        raise BookError(f"Training ended before the snapshot at step {config.rewind_step}; rewind earlier.")
    record = _record(0, task, model, trained, {"asked": 0.0, "obtained": 0.0, "at_floor": []}, 0.0)
    return Chain(model, trained.snapshot, [record])


def _one_round(task: Task, config: LotteryConfig, chain: Chain, number: int) -> Chain:
    full = chain.records[0]["n_parameters"]
    try:
        after, chosen = _remove(task, config, chain, number)
        start = 0 if config.reset in ("reinit", "scratch") else config.rewind_step
        trained = task.train(after.model, seed=_round_seed(config, number), start_step=start, masks=after.masks)
        removed = masking.masked_share(after.model, after.masks) if after.masks else 1.0 - _size(after.model) / full
        record = _record(number, task, after.model, trained, chosen, removed)
        if after.masks:
            freed = masking.what_stays(masking.removable(after.model, after.masks))
            record["truly_removable"] = 1.0 - _size(trim(after.model, freed)) / full
        return replace(after, records=[*chain.records, record])
    except (BookError, RuntimeError, FloatingPointError) as error:
        # A round that fails is a finding: the chain ends, and its record says so.
        failure = {"round": number, "failed": f"{type(error).__name__}: {error}"}
        return replace(chain, records=[*chain.records, failure])


def _remove(task: Task, config: LotteryConfig, chain: Chain, number: int) -> tuple[Chain, dict[str, Any]]:
    seed = _round_seed(config, number)
    nothing = {"asked": 0.0, "obtained": 0.0, "at_floor": []}
    if config.reset == "dense":
        return chain, nothing
    if config.how == "mask":
        masks = masking.mask_more(
            chain.model,
            chain.masks or masking.full_masks(chain.model),
            config.fraction,
            scope=config.scope,
            criterion=config.criterion,
            seed=seed,
        )
        model = _reset(task, config, chain.model, chain.snapshot, seed)
        masking.apply(model, masks)
        return Chain(model, chain.snapshot, chain.records, masks), {
            **nothing,
            "asked": config.fraction,
            "obtained": config.fraction,
        }
    scores = (
        random(chain.model, seed=seed)
        if config.reset == "scratch"
        else score(chain.model, config.criterion, task.valid_batches(), seed)
    )
    chosen = select(
        chain.model,
        scores,
        config.fraction,
        scope=config.scope,
        by=config.by,
        scale=config.scale,
        floor=config.floor,
        or_less=True,
    )
    if chosen.obtained == 0.0:
        raise BookError(f"Every group is at its floor of {config.floor}; nothing is left to remove.")
    layout, widths = chain.model.layout(), chain.model.widths
    snapshot = trim_state(chain.snapshot, layout, widths, chosen.keep)
    model = _reset(task, config, trim(chain.model, chosen.keep), snapshot, seed)
    return Chain(model, snapshot, chain.records), {
        "asked": chosen.asked,
        "obtained": chosen.obtained,
        "at_floor": list(chosen.at_floor),
    }


def _reset(task: Task, config: LotteryConfig, model: nn.Module, snapshot: dict[str, Tensor], seed: int) -> nn.Module:
    if config.reset == "rewind":
        model.load_state_dict(snapshot)
        return model
    if config.reset == "keep":
        return model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_like(model, model.widths)


def _record(
    number: int, task: Task, model: nn.Module, trained: Any, chosen: dict[str, Any], removed: float
) -> dict[str, Any]:
    return {
        "round": number,
        "n_parameters": _size(model),
        "removed": removed,
        **chosen,
        "widths": dict(model.widths),
        "valid": trained.valid,
        "test": task.error(model, "test"),
        "curve": [list(point) for point in trained.curve],
        "cpu_seconds": round(trained.cpu_seconds, 1),
    }


def _size(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def _round_seed(config: LotteryConfig, number: int) -> int:
    return 1000 * config.seed + number


def save_chain(path: Path, chain: Chain, key: dict[str, Any]) -> None:
    """Write a chain so that `load_chain` can take it up; `key` says which chain it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".tmp")
    torch.save(
        {
            "key": key,
            "widths": chain.model.widths,
            "state": chain.model.state_dict(),
            "snapshot": chain.snapshot,
            "records": chain.records,
            "masks": chain.masks,
        },
        scratch,
    )
    scratch.replace(path)


def load_chain(path: Path | None, task: Task, seed: int, key: dict[str, Any]) -> Chain | None:
    """Take up a chain where it was left; None if there is no file.

    Raises:
        BookError: the file belongs to another chain.
    """
    if path is None or not path.exists():
        return None
    saved = torch.load(path, weights_only=True)
    if saved["key"] != key:
        raise BookError(f"{path.name} belongs to a chain with another configuration; remove it or name another file.")
    model = build_like(task.build(seed), saved["widths"])
    model.load_state_dict(saved["state"])
    return Chain(model, saved["snapshot"], saved["records"], saved["masks"])
