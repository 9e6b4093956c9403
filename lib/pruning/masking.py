"""Zeroing single weights: the original lottery, and what of it can truly be removed.

A mask leaves a weight where it is and sets it to zero. The tensor keeps its shape, so nothing gets smaller or faster,
until a whole unit has lost every weight that makes it or every weight that reads it.

Source: Frankle & Carbin 2019; Esling et al. 2020, sections 2.3 and 3.1. Chapter: *Lottery tickets and masking*.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lib.errors import BookError
from lib.pruning.groups import Keep, numbers_of
from lib.pruning.scope import Scope

#: Tensor name -> 1.0 where the weight lives, 0.0 where it is masked. Biases and normalisations have no mask.
Masks = Mapping[str, Tensor]


def maskable(model: nn.Module) -> dict[str, Tensor]:
    """Give the weights a mask may touch: everything with at least two axes."""
    return {name: p for name, p in model.named_parameters() if p.ndim >= 2}


def full_masks(model: nn.Module) -> dict[str, Tensor]:
    """Start with every weight alive."""
    return {name: torch.ones_like(p) for name, p in maskable(model).items()}


@torch.no_grad()
def mask_more(
    model: nn.Module,
    masks: Masks,
    fraction: float,
    *,
    scope: Scope = "local",
    criterion: str = "magnitude",
    seed: int = 0,
) -> dict[str, Tensor]:
    """Mask the lowest `fraction` of the weights that are still alive.

    Args:
        scope: "local" ranks inside each tensor; "global" ranks all together after dividing by each tensor's maximum.
        criterion: "magnitude" or "random".

    Returns:
        new masks; the asked number of weights, to the nearest one, is gone from each tensor (local) or in all (global).

    Raises:
        BookError: the fraction, the scope or the criterion does not exist.
    """
    if not 0.0 <= fraction < 1.0 or scope not in ("local", "global") or criterion not in ("magnitude", "random"):
        raise BookError("Mask a share in [0, 1), local or global, by magnitude or random.")
    drawn = torch.Generator().manual_seed(seed)
    values = {}
    for name, p in maskable(model).items():
        value = p.abs() if criterion == "magnitude" else torch.rand(p.shape, generator=drawn)
        values[name] = value / value.max().clamp(min=1e-12) if scope == "global" else value
    pools = [[name] for name in values] if scope == "local" else [list(values)]
    more = {name: mask.clone() for name, mask in masks.items()}
    for pool in pools:
        alive = torch.cat([masks[name].flatten() for name in pool]) > 0
        order = torch.cat([values[name].flatten() for name in pool]).masked_fill(~alive, torch.inf).argsort()
        flat = torch.cat([more[name].flatten() for name in pool])
        flat[order[: round(fraction * int(alive.sum()))]] = 0.0
        for name, part in zip(pool, flat.split([more[name].numel() for name in pool])):
            more[name] = part.view_as(more[name])
    return more


@torch.no_grad()
def apply(model: nn.Module, masks: Masks) -> None:
    """Set the masked weights of a model to zero, in place."""
    for name, p in maskable(model).items():
        p *= masks[name]


def mask_gradients(model: nn.Module, masks: Masks) -> None:
    """Keep masked weights where they are during the next step of the optimiser."""
    for name, p in maskable(model).items():
        if p.grad is not None:
            p.grad *= masks[name]


def masked_share(model: nn.Module, masks: Masks) -> float:
    """Say which share of all parameters is masked; biases and normalisations count as alive."""
    alive = sum(int(mask.sum()) for mask in masks.values())
    return (sum(mask.numel() for mask in masks.values()) - alive) / sum(p.numel() for p in model.parameters())


def removable(model: nn.Module, masks: Masks) -> dict[str, Tensor]:
    """Find the units that masking has really freed: group -> bool [n_units].

    A unit can go when no weight reads it, or when no weight makes it: then it is constant, and the constant
    can be added to the biases of its readers. (Inside a layer normalisation this is still a change.)
    """
    makes = numbers_of(model, masks, frozenset({"out"}), min_dims=2)
    reads = numbers_of(model, masks, frozenset({"in"}), min_dims=2)
    return {group: (makes[group].sum(1) == 0) | (reads[group].sum(1) == 0) for group in model.widths}


def unread(model: nn.Module, masks: Masks) -> dict[str, Tensor]:
    """Find the units that no weight reads any more: these can go without changing the output at all."""
    reads = numbers_of(model, masks, frozenset({"in"}), min_dims=2)
    return {group: reads[group].sum(1) == 0 for group in model.widths}


def what_stays(freed: Mapping[str, Tensor]) -> Keep:
    """Turn freed units into units to keep, at least one a group."""
    keep = {}
    for group, gone in freed.items():
        stay = (~gone).nonzero()[:, 0]
        keep[group] = stay if len(stay) else torch.tensor([0])
    return keep
