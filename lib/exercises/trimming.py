"""Exercises of *Trimming: groups, local and global*."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lib.errors import BookError
from lib.exercises import Exercise, Mistake, array, choice, function, numeric
from lib.pruning.groups import Layout, check_layout, fixed, into, out, trim, zero

Array = NDArray[np.float64]


def positions(axis: Sequence[tuple[str | None, int]], widths: Mapping[str, int], keep: Mapping[str, list[int]]) -> list:
    """List the positions of an axis that stay.

    Args:
        axis: segments (group, numbers per unit); a fixed segment is (None, its length).
        keep: group -> units that stay; other groups stay whole.

    Chapter: *Trimming: groups, local and global*.
    """
    found, start = [], 0
    for group, inner in axis:
        units = [0] if group is None else keep.get(group, range(widths[group]))
        found += [start + unit * inner + k for unit in units for k in range(inner)]
        start += inner if group is None else inner * widths[group]
    return found


def _no_offset(axis: Any, widths: Any, keep: Any) -> list:
    found = []
    for group, inner in axis:
        units = [0] if group is None else keep.get(group, range(widths[group]))
        found += [unit * inner + k for unit in units for k in range(inner)]
    return found


def _kept_offset(axis: Any, widths: Any, keep: Any) -> list:
    found, start = [], 0
    for group, inner in axis:
        units = [0] if group is None else keep.get(group, range(widths[group]))
        found += [start + unit * inner + k for unit in units for k in range(inner)]
        start += inner * len(units)
    return found


def _one_number(axis: Any, widths: Any, keep: Any) -> list:
    found, start = [], 0
    for group, inner in axis:
        n = inner if group is None else widths[group]
        found += [start + unit for unit in (range(n) if group is None else keep.get(group, range(n)))]
        start += n
    return found


def _no_fixed(axis: Any, widths: Any, keep: Any) -> list:
    found, start = [], 0
    for group, inner in axis:
        units = [] if group is None else keep.get(group, range(widths[group]))
        found += [start + unit * inner + k for unit in units for k in range(inner)]
        start += inner if group is None else inner * widths[group]
    return found


def keep_globally(scores: Sequence[Array], fraction: float) -> list[Array]:
    """Rank the units of all groups together, each group divided by its largest value; say which stay (1) or go (0).

    Chapter: *Trimming: groups, local and global*.
    """
    return _ranked([values / values.max() for values in scores], fraction)


def _ranked(scaled: Sequence[Array], fraction: float) -> list[Array]:
    pooled = np.concatenate(scaled)
    stay = np.ones(len(pooled))
    stay[pooled.argsort(kind="stable")[: round(fraction * len(pooled))]] = 0
    return np.split(stay, np.cumsum([len(values) for values in scaled])[:-1])


def _joined(way: Callable[[Sequence[Array], float], Sequence[Array]]) -> Callable[[Sequence[Array], float], Array]:
    return lambda scores, fraction: np.concatenate(way(scores, fraction))


def _local(scores: Sequence[Array], fraction: float) -> list[Array]:
    return [_ranked([values], fraction)[0] for values in scores]


_groups = (np.array([4.0, 9.0, 6.5, 10.0]), np.array([0.2, 0.9, 0.31, 0.47, 1.0, 0.85]))
_others = (np.array([10.0, 3.2, 3.1, 3.0]), np.array([5.0, 4.9, 4.8, 2.0]))

_axes = (
    (("g", 1), ("g", 1)),
    (("f", 1), ("l", 1), (None, 3)),
    (("c", 4), (None, 2), ("c", 4)),
)
_widths = {"g": 4, "f": 3, "l": 2, "c": 3}
_keep = {"g": [1, 2], "f": [0, 2], "c": [2]}


class Oscillator(nn.Module):
    """The oscillator of *Lottery tickets and masking*, made trimmable: the solution, and the slips of its layout.

    Args:
        config: which slip; None for none.
        widths: of the groups a and b.
    """

    layer_normed: frozenset[str] = frozenset()

    def __init__(self, config: str | None = None, widths: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.config = config
        self.widths = dict(widths or {"a": 7, "b": 5})
        self.first = nn.Linear(2, self.widths["a"])
        self.second = nn.Linear(self.widths["a"], self.widths["b"])
        self.last = nn.Linear(self.widths["b"], 1)

    def forward(self, phase: Tensor) -> Tensor:
        """The wave at every phase [time], in cycles."""
        angle = 2 * torch.pi * phase
        x = torch.stack([angle.sin(), angle.cos()], dim=-1)
        return self.last(self.second(self.first(x).tanh()).tanh())[..., 0]

    def layout(self) -> Layout:
        """Say which units every number belongs to."""
        layout: dict[str, Any] = {
            "first.weight": ((out("a"),), (fixed(2),)),
            "first.bias": ((out("a"),),),
            "second.weight": ((out("b"),), (into("a"),)),
            "second.bias": ((out("b"),),),
            "last.weight": ((fixed(1),), (into("b"),)),
            "last.bias": ((fixed(1),),),
        }
        if self.config == "no bias":
            del layout["second.bias"]
        if self.config == "swapped":
            layout["second.weight"] = ((into("a"),), (out("b"),))
        if self.config == "bias fixed":
            layout["first.bias"] = ((fixed(self.widths["a"]),),)
        return layout


def _problem(model: Any) -> str:
    """What is wrong with a trimmable oscillator: "" if nothing."""
    if not isinstance(model, nn.Module):
        raise TypeError("a model is asked for: an nn.Module with config, widths, layer_normed, layout() and forward()")
    if len(model.widths) < 2:
        return "groups"
    try:
        check_layout(model)
    except BookError as error:
        return "missing" if "says nothing" in str(error) else "shape"
    phase = torch.arange(32) / 32
    for group, width in model.widths.items():
        keep = {group: torch.arange(0, width, 2)}
        try:
            smaller, silent = trim(model, keep), zero(model, keep)
        except (RuntimeError, BookError):
            return "fixed"
        with torch.no_grad():
            if not torch.allclose(smaller(phase), silent(phase), atol=1e-5):
                return "law"
    return ""


def _built(config: str | None) -> Callable[[], Oscillator]:
    return lambda: Oscillator(config)


EXERCISES = (
    numeric(
        "trim-square",
        1 - 0.7**2,
        [
            (0.3, "That is the share of units. A weight between two layers needs a unit on both sides."),
            (0.6, "Adding counts the weights that lose both their units twice."),
            (0.49, "That is what stays."),
            (0.09, "Those weights have lost the units on both sides; one side is enough."),
        ],
    ),
    numeric(
        "trim-third",
        1 - 0.7**0.5,
        [
            (0.3, "Then half of the weights go."),
            (0.15, "Halving is only a first guess: (1 − p) is squared."),
            (0.51, "The other way round: that is the weights that go with 30 % of the units."),
            (0.7**0.5, "That is the share of units that stay."),
        ],
        rtol=0.005,
    ),
    function(
        "trim-positions",
        positions,
        [(axis, _widths, _keep) for axis in _axes],
        [
            (_no_offset, "Where does a segment start? The second one begins where the first one ends."),
            (_kept_offset, "The next segment starts after all units of this one, also those that go."),
            (_one_number, "A unit may own several numbers on an axis: inner of them."),
            (_no_fixed, "Fixed stretches stay, whoever goes."),
        ],
        praise="Right: this is all there is to trimming. Apply it to every axis of every tensor.",
    ),
    choice(
        "trim-residual",
        "c",
        {
            "a": "Those make and read channel 5 in layer 2 alone. The stream runs through all layers.",
            "b": "Every layer adds to channel 5 as well: the rows of its residual convolution go, too.",
            "d": "The skip sum is another group: its channels are not those of the stream.",
        },
        praise="Right. One channel, and something of almost every tensor.",
    ),
    numeric(
        "trim-norm",
        1.0,
        [
            (0.0, "Compute both: the mean of three numbers is not the mean of two of them."),
            (0.5, "That is the difference of the means; now divide each by its own standard deviation."),
            (-1.0, "That is the value after removing. The question is how far it is from the value after zeroing."),
            (2**-0.5, "That standard deviation is of a sample, with n − 1; layer normalisation divides by n."),
        ],
        praise="Right: from 0 to −1, because a silent unit still counts.",
    ),
    function(
        "trim-global",
        _joined(keep_globally),
        [(_groups, 0.4), (_others, 3 / 8)],
        [
            (_joined(_ranked), "The groups have different scales: divide each by its largest value first."),
            (_joined(_local), "That is local: each group gives its own share. Rank all units together."),
            (
                _joined(lambda scores, fraction: [1 - keep for keep in keep_globally(scores, fraction)]),
                "Those are the ones that go.",
            ),
            (
                _joined(lambda scores, fraction: _ranked([v / v.mean() for v in scores], fraction)),
                "You divide by the mean; the chapter's scale is the largest value.",
            ),
        ],
        praise="Right. Look which group pays.",
    ),
    array(
        "trim-gates",
        lambda: [2, 6, 10],
        [
            (lambda: [2], "A GRU has three gates, each with a block of rows over the same units."),
            (lambda: [6, 7, 8], "Rows are stacked gate by gate, not unit by unit."),
            (lambda: [2, 3, 4], "Those are units 2 and 3 of the first gate, and unit 0 of the second."),
            (lambda: [3, 7, 11], "Units are counted from 0."),
        ],
    ),
    Exercise(
        "trim-own",
        lambda model: _problem(model) == "",
        _built(None),
        (
            Mistake(
                "check_layout says that a tensor is not covered. Biases are tensors, too.",
                _built("no bias"),
                lambda model: _problem(model) == "missing",
            ),
            Mistake(
                "check_layout says that a shape does not fit: in nn.Linear, rows make and columns read.",
                _built("swapped"),
                lambda model: _problem(model) == "shape",
            ),
            Mistake(
                "Trimming cannot build the smaller model: is something fixed that belongs to units?",
                _built("bias fixed"),
                lambda model: _problem(model) == "fixed",
            ),
        ),
        praise="Right: it obeys the law, and everything in lib.pruning now works on it.",
    ),
)
