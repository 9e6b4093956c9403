"""The ground truth of every criterion: silence one unit, measure what it does to the error, put it back.

Chapter: *Which units matter? Criteria and mutual information*.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from scipy.stats import spearmanr
from torch import nn

from lib.pruning.criteria import Batches, Scores, evaluating
from lib.pruning.groups import zero


@torch.no_grad()
def damage(model: nn.Module, data: Batches, groups: Iterable[str] | None = None) -> Scores:
    """Measure for each unit how much the error grows when it alone is silent; below zero it was in the way.

    Args:
        data: batches of validation data; one pass per unit, so keep it small.
        groups: which groups to measure; all by default.

    Returns:
        group -> [n_units], in units of the error.
    """
    with evaluating(model):
        whole = _error(model, data)
        harm: Scores = {}
        for group in model.widths if groups is None else groups:
            everyone = torch.arange(model.widths[group])
            without = (
                (zero(model, {group: everyone[everyone != unit]}) for unit in everyone) if len(everyone) > 1 else ()
            )
            harm[group] = torch.tensor([_error(silent, data) - whole for silent in without])
    return harm


def agreement(scores: Scores, harm: Scores) -> dict[str, float]:
    """Spearman correlation of a criterion with the damage, group by group: 1 means the same order.

    Groups in which either is constant have no order and are left out. With n units chance alone spreads this
    by about 1 / sqrt(n - 1).
    """
    found = {}
    for group in scores.keys() & harm.keys():
        a, b = scores[group], harm[group]
        if len(a) == len(b) > 2 and a.max() > a.min() and b.max() > b.min():
            found[group] = float(spearmanr(a.numpy(), b.numpy()).statistic)
    return found


def _error(model: nn.Module, data: Batches) -> float:
    total = sum(len(batch) for batch in data)
    return sum(float(model.loss(batch)) * len(batch) for batch in data) / total
