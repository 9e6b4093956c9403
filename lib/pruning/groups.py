"""Which numbers belong to a unit, and what goes when the unit goes.

A *group* is a set of units that must be kept or removed together: the hidden units of a GRU, the channels
of a residual stream. An axis of a tensor is a *concatenation of segments*; each segment holds the units of one
group, or is fixed. A model writes this down once, in `layout()`:

    "gru.weight_ih_l0": ((out("h"), out("h"), out("h")), (into("f"), into("l"), fixed(8)))

reads: the rows are three gate blocks over the same hidden units, the columns are the units of two earlier layers
and then eight inputs that nobody may remove. Positions are derived from the widths, never stored, so a model can be
trimmed again and again.

One law: a model with units removed computes what the model with the same units zeroed computes. Layer normalisation
is the exception: zeroed units still count in its mean and variance.

Chapter: *Trimming: groups, local and global*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, Protocol, TypeVar

import torch
from torch import Tensor, nn

from lib.errors import BookError

Role = Literal["out", "in", "gamma", "norm", "fixed"]


@dataclass(frozen=True)
class Seg:
    """A stretch of one axis of one tensor.

    Attributes:
        group: whose units it holds, or None when nothing of it can go.
        role: "out": the tensor makes the units; "in": it reads them; "gamma" and "norm": it normalises them
            (gamma is the learned scale, norm everything else); "fixed": no units.
        inner: numbers per unit; for a fixed segment, its length. A flattened [units, time] has inner = time.
    """

    group: str | None
    role: Role
    inner: int = 1

    def size(self, widths: Mapping[str, int]) -> int:
        """Give the length of the segment when the groups have these widths."""
        return self.inner * (1 if self.group is None else widths[self.group])


def out(group: str, inner: int = 1) -> Seg:
    """Mark rows that make the units of a group."""
    return Seg(group, "out", inner)


def into(group: str, inner: int = 1) -> Seg:
    """Mark columns that read the units of a group."""
    return Seg(group, "in", inner)


def gamma(group: str) -> Seg:
    """Mark the learned scale of a normalisation of the group."""
    return Seg(group, "gamma")


def norm(group: str) -> Seg:
    """Mark the shift or the running statistics of a normalisation of the group."""
    return Seg(group, "norm")


def fixed(size: int) -> Seg:
    """Mark a stretch that belongs to no group."""
    return Seg(None, "fixed", size)


Axis = tuple[Seg, ...]
#: Tensor name -> one tuple of segments per axis. A scalar has no axes: ().
Layout = Mapping[str, tuple[Axis, ...]]
Widths = Mapping[str, int]
#: Group -> indices of the units that stay, ascending.
Keep = Mapping[str, Tensor]


class Trimmable(Protocol):
    """What a model offers to be trimmed: its configuration, its widths, and its layout."""

    config: Any
    widths: dict[str, int]
    #: Groups inside a layer normalisation: for these the law cannot hold.
    layer_normed: frozenset[str]

    def layout(self) -> Layout:
        """Say which segments make up every axis of every tensor of the state."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """All tensors by name."""
        ...


M = TypeVar("M", bound=nn.Module)


def segments(axis: Axis, widths: Widths) -> Iterator[tuple[Seg, int, int]]:
    """Walk along an axis: each segment with its start and end.

    >>> list(segments((out("a"), fixed(2)), {"a": 3}))[1][1:]
    (3, 5)
    """
    start = 0
    for seg in axis:
        end = start + seg.size(widths)
        yield seg, start, end
        start = end


def shape_of(axes: tuple[Axis, ...], widths: Widths) -> tuple[int, ...]:
    """Give the shape a tensor has when the groups have these widths."""
    return tuple(sum(seg.size(widths) for seg in axis) for axis in axes)


def count(layout: Layout, widths: Widths, parameters: frozenset[str]) -> int:
    """Count parameters a model would have at these widths, without building it.

    Args:
        parameters: names of the tensors that are trained (running statistics are not).
    """
    return sum(prod(shape_of(layout[name], widths)) for name in parameters)


def parameter_names(model: nn.Module) -> frozenset[str]:
    """Name the tensors that training changes."""
    return frozenset(name for name, _ in model.named_parameters())


def unit_index(axis: Axis, widths: Widths, keep: Keep) -> Tensor:
    """List the positions of an axis that stay, int64 [n_kept].

    >>> unit_index((out("g"), out("g")), {"g": 3}, {"g": torch.tensor([0, 2])}).tolist()
    [0, 2, 3, 5]
    >>> unit_index((into("c", 2), fixed(1)), {"c": 2}, {"c": torch.tensor([1])}).tolist()
    [2, 3, 4]
    """
    parts = []
    for seg, start, end in segments(axis, widths):
        positions = torch.arange(start, end)
        if seg.group is not None and seg.group in keep:
            positions = positions.view(-1, seg.inner)[keep[seg.group].long()].flatten()
        parts.append(positions)
    return torch.cat(parts)


def check_layout(model: Trimmable) -> None:
    """Check that the layout covers every tensor and fits every shape.

    Raises:
        BookError: names the tensor or the group that does not fit.
    """
    layout, state = model.layout(), model.state_dict()
    if missing := set(state) - set(layout):
        raise BookError(f"The layout says nothing about {', '.join(sorted(missing))}.")
    if unknown := set(layout) - set(state):
        raise BookError(f"The layout names {', '.join(sorted(unknown))}, which the model has not.")
    for name, axes in layout.items():
        expected = shape_of(axes, model.widths)
        if expected != tuple(state[name].shape):
            raise BookError(f"{name}: the layout gives {expected}, the tensor is {tuple(state[name].shape)}.")
    roles = {(seg.group, seg.role) for axes in layout.values() for axis in axes for seg in axis}
    for group in model.widths:
        for role, verb in (("out", "makes"), ("in", "reads")):
            if (group, role) not in roles:
                raise BookError(f"No tensor {verb} the units of group {group!r}.")


def check_keep(model: Trimmable, keep: Keep) -> None:
    """Check that kept units exist, stand in order, and are at least one a group.

    Raises:
        BookError: names the group.
    """
    for group, units in keep.items():
        if group not in model.widths:
            raise BookError(f"No group {group!r}: the model has {', '.join(model.widths)}.")
        width, chosen = model.widths[group], units.tolist()
        if not chosen:
            raise BookError(f"Group {group!r} would lose every unit; keep at least one.")
        if chosen != sorted(set(chosen)) or chosen[0] < 0 or chosen[-1] >= width:
            raise BookError(f"Group {group!r} has units 0 to {width - 1}; keep them once each, in ascending order.")


def trim(model: M, keep: Keep) -> M:
    """Build the smaller model in which only the kept units exist.

    Args:
        model: anything `Trimmable`.
        keep: group -> ascending indices; groups not named stay whole.

    Returns:
        a new model of the same class and configuration, on the CPU, in the same mode.

    Raises:
        BookError: a group or a unit does not exist.

    Chapter: *Trimming: groups, local and global*.
    """
    check_keep(model, keep)
    smaller = build_like(model, {**model.widths, **{group: len(units) for group, units in keep.items()}})
    smaller.load_state_dict(trim_state(model.state_dict(), model.layout(), model.widths, keep))
    return smaller.train(model.training)


def build_like(model: M, widths: Widths) -> M:
    """Build a fresh model of the same class and configuration with other widths."""
    return type(model)(model.config, widths=dict(widths))


def trim_state(state: Mapping[str, Tensor], layout: Layout, widths: Widths, keep: Keep) -> dict[str, Tensor]:
    """Cut the tensors of a state, so that a snapshot can be trimmed along with its model."""
    smaller = {}
    for name, tensor in state.items():
        for axis, segs in enumerate(layout[name]):
            tensor = tensor.index_select(axis, unit_index(segs, widths, keep))
        smaller[name] = tensor.clone()
    return _rescale_weight_norm(state, smaller, lambda name: unit_index(layout[name][0], widths, keep))


@torch.no_grad()
def zero(model: M, keep: Keep) -> M:
    """Build the model of the same size in which the other units are silent: the other side of the law.

    Every trained number that belongs to a removed unit becomes zero. (Running statistics stay: a variance of zero
    would be another model. In a weight-normalised tensor the length g is zeroed, not the direction v, whose
    own length must not become zero.)
    """
    check_keep(model, keep)
    layout, trained = model.layout(), parameter_names(model)
    silent = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for name in trained:
        for axis, segs in enumerate(layout[name]):
            if axis == 0 and name.endswith(_DIRECTION):
                continue
            mask = torch.zeros(silent[name].shape[axis])
            mask[unit_index(segs, model.widths, keep)] = 1.0
            silent[name] *= mask.view([-1 if i == axis else 1 for i in range(silent[name].ndim)])
    silent = _rescale_weight_norm(model.state_dict(), silent, lambda name: slice(None))
    same = build_like(model, model.widths)
    same.load_state_dict(silent)
    return same.train(model.training)


# torch.nn.utils.parametrizations.weight_norm keeps w = g v / |v| as original0 (g) and original1 (v).
_LENGTH, _DIRECTION = "parametrizations.weight.original0", "parametrizations.weight.original1"


def _rescale_weight_norm(before: Mapping[str, Tensor], after: dict[str, Tensor], rows: Any) -> dict[str, Tensor]:
    # Without some columns |v| is shorter, and w = g v / |v| would grow; shrink g as much, so that the weights
    # that stay keep their values.
    for name in [name for name in after if name.endswith(_DIRECTION)]:
        old = before[name].flatten(1).norm(dim=1)[rows(name)]
        new = after[name].flatten(1).norm(dim=1)
        length = name.replace(_DIRECTION, _LENGTH)
        after[length] = after[length] * (new / old).view([-1] + [1] * (after[length].ndim - 1))
    return after


def numbers_of(
    model: Trimmable, tensors: Mapping[str, Tensor], roles: frozenset[str], *, min_dims: int = 1
) -> dict[str, Tensor]:
    """Collect, from tensors shaped like the model's, the numbers that belong to each unit.

    Args:
        tensors: name -> values, gradients or masks; names may be missing.
        roles: which parts count, such as {"out"} for what makes a unit.
        min_dims: 2 leaves biases out.

    Returns:
        group -> [n_units, n_numbers]; groups without any number in these roles are missing.
    """
    found: dict[str, list[Tensor]] = {}
    layout = model.layout()
    for name, tensor in tensors.items():
        for axis, segs in enumerate(layout[name] if tensor.ndim >= min_dims else ()):
            for seg, start, end in segments(segs, model.widths):
                if seg.group is not None and seg.role in roles:
                    part = tensor.narrow(axis, start, end - start).movedim(axis, 0)
                    found.setdefault(seg.group, []).append(part.reshape(model.widths[seg.group], -1))
    return {group: torch.cat(parts, dim=1) for group, parts in found.items()}
