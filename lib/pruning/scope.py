"""Which units go, so that exactly the asked share goes.

Every choice is a queue: units stand in the order in which they are to leave, and leave one by one until the asked
share of units, or of weights, is gone. In *local* scope a unit's place is its rank inside its own group, so
all groups shrink alike; in *global* scope it is its scaled value among all units, so the network may take any shape;
in *priced* scope it is its value for each weight that would go with it, so that what costs much must be worth much.

Chapter: *Trimming: groups, local and global*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from lib.errors import BookError
from lib.pruning.criteria import Scores
from lib.pruning.groups import Trimmable, count, numbers_of, parameter_names

Scope = Literal["local", "global", "priced"]
Scale = Literal["maximum", "dimension", "none"]
Measure = Literal["units", "weights"]


@dataclass(frozen=True)
class Selection:
    """Which units stay, and what was really obtained.

    Attributes:
        keep: group -> ascending indices of the units that stay.
        asked, obtained: share of `by` that should go and that goes, in [0, 1].
        by: "units" or "weights".
        at_floor: groups that gave all they could.
    """

    keep: Mapping[str, Tensor]
    asked: float
    obtained: float
    by: Measure
    at_floor: tuple[str, ...]


def scaled(scores: Scores, scale: Scale, model: Trimmable | None = None) -> Scores:
    """Make values of different groups comparable.

    "maximum" divides by the largest of the group; "dimension" by how many weights make one unit of it (then a sum
    over weights becomes a mean); "none" changes nothing.

    Raises:
        BookError: the scale is unknown.

    Source: Esling et al. 2020, section 3.2, which names the first two and does not say which made the figures.
    """
    if scale == "none":
        return dict(scores)
    if scale == "maximum":
        return {group: values / values.abs().max().clamp(min=1e-12) for group, values in scores.items()}
    if scale == "dimension" and model is not None:
        made = numbers_of(model, _ones(model), frozenset({"out"}), min_dims=2)
        return {group: values / made[group].shape[1] for group, values in scores.items()}
    raise BookError(f"No scale {scale!r}: choose maximum, dimension (which needs the model) or none.")


def priced(scores: Scores, model: Trimmable) -> Scores:
    """Divide the value of a unit by its price: how many weights go when it goes, those that read it included.

    Removing what is worth least a weight is the greedy answer to the knapsack problem: keep as much value as fits.
    It presumes that values of different groups are on one scale, as changes of the error ("taylor") are.

    Source: Dantzig 1957, the order of value by price. Chapter: *Trimming: groups, local and global*.

    >>> from lib.models import make
    >>> values = {group: torch.ones(width) for group, width in make("sing", "toy").widths.items()}
    >>> {group: round(1 / float(value[0])) for group, value in priced(values, make("sing", "toy")).items()}
    {'e1': 1031, 'e2': 13, 'e3': 10, 'd1': 25, 'd2': 13, 'd3': 1031}
    """
    layout, names, widths = model.layout(), parameter_names(model), dict(model.widths)
    whole = count(layout, widths, names)
    return {
        group: values / (whole - count(layout, {**widths, group: widths[group] - 1}, names))
        for group, values in scores.items()
    }


def select(
    model: nn.Module,
    scores: Scores,
    fraction: float,
    *,
    scope: Scope = "local",
    by: Measure = "weights",
    scale: Scale = "maximum",
    floor: int = 4,
    or_less: bool = False,
) -> Selection:
    """Choose the units that stay when `fraction` of the units or weights goes.

    Args:
        model: anything `Trimmable`.
        scores: group -> values, low ones go first; groups without values stay whole.
        fraction: share to remove, in [0, 1).
        scope, scale: see the module; only global scope needs a scale.
        by: "units" counts the units of the ranked groups; "weights" all parameters of the model, fixed ones included.
        floor: no group gets fewer units than this (or than it has).
        or_less: accept less when the floor is reached everywhere; the selection says so.

    Returns:
        the selection; its obtained share is the asked one to within one unit.

    Raises:
        BookError: a setting is impossible, or the floor stands in the way and `or_less` is not set.
    """
    if not 0.0 <= fraction < 1.0:
        raise BookError(f"A share of {fraction} cannot be removed; ask for 0 or more and less than 1.")
    if floor < 1 or scope not in ("local", "global", "priced") or by not in ("units", "weights"):
        raise BookError("Scope is local, global or priced, by is units or weights, and a floor is at least 1.")
    if unknown := [g for g in scores if g not in model.widths or len(scores[g]) != model.widths[g]]:
        raise BookError(f"The scores of {', '.join(unknown)} do not fit the model.")
    widths = dict(model.widths)
    layout, names = model.layout(), parameter_names(model)

    def size() -> int:
        return count(layout, widths, names) if by == "weights" else sum(widths[group] for group in scores)

    full = size()
    target = full * (1.0 - fraction)
    gone: dict[str, list[int]] = {group: [] for group in scores}
    before = full
    if scope == "global":
        scores = scaled(scores, scale, model)
    elif scope == "priced":
        scores = priced(scores, model)
    for group, unit in _queue(scores, scope):
        if before <= target:
            break
        if widths[group] <= floor:
            continue
        widths[group] -= 1
        after = size()
        if after < target and target - after > before - target:
            widths[group] += 1  # without this unit it is nearer
            break
        gone[group].append(unit)
        before = after
    else:
        if before > target + 0.5 and not or_less:
            raise BookError(
                f"{fraction:.1%} of the {by} were asked to go, but with at least {floor} units a group only "
                f"{1 - before / full:.1%} can. Ask for less, lower the floor, or pass or_less=True."
            )
    keep = {
        group: torch.tensor([u for u in range(model.widths[group]) if u not in set(gone[group])]) for group in scores
    }
    at_floor = tuple(group for group in scores if widths[group] <= floor)
    return Selection(keep, fraction, 1.0 - before / full, by, at_floor)


def _queue(scores: Scores, scope: Scope) -> list[tuple[str, int]]:
    # Groups whose ranks tie leave in turn, in the model's order: sorting is stable.
    places = []
    for group, values in scores.items():
        if scope == "local":
            order = values.argsort(stable=True).tolist()
            places += [((rank + 0.5) / len(order), group, unit) for rank, unit in enumerate(order)]
        else:
            places += [(float(value), group, unit) for unit, value in enumerate(values)]
    return [(group, unit) for _, group, unit in sorted(places, key=lambda place: place[0])]


def _ones(model: Trimmable) -> dict[str, Tensor]:
    return {name: torch.ones_like(tensor) for name, tensor in model.state_dict().items()}
