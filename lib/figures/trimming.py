"""The drawings of one chapter. Chapter: *Trimming: groups, local and global*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from lib import plotting
from lib.pruning.groups import Axis, Trimmable, segments

Array = NDArray[np.float64]

_CUT = plotting.SERIES[1]
#: Colour, dash and marker of the ways to choose units.
_WAYS = (
    (plotting.INK, "-", "o"),
    (plotting.SERIES[0], "-", "s"),
    (plotting.SERIES[3], (0, (5, 2)), "^"),
    (plotting.SERIES[2], (0, (1, 1.2)), "D"),
    (plotting.SERIES[1], (0, (6, 1.5, 1, 1.5)), "v"),
)


def tied(model: Trimmable, group: str, units: Sequence[int], tensors: Sequence[str], titles: Sequence[str]) -> Figure:
    """Draw tensors to scale, with their segments and everything in them that goes with some units of a group.

    Args:
        tensors: names in the model's layout; the first two axes are drawn, a vector as one column.
        titles: what to write above each.
    """
    layout, shapes = model.layout(), {name: t.shape for name, t in model.state_dict().items()}
    tallest = max(shapes[name][0] for name in tensors)
    columns = [max(8, shapes[name][1] if len(shapes[name]) > 1 else 1) for name in tensors]
    fig, axes = plt.subplots(
        1, len(tensors), figsize=(4.9, 3.1), width_ratios=[c + 0.14 * sum(columns) for c in columns]
    )
    for ax, name, title in zip(np.atleast_1d(axes), tensors, titles):
        rows, wide = shapes[name][0], shapes[name][1] if len(shapes[name]) > 1 else 1
        segs = layout[name]
        ax.add_patch(Rectangle((0, 0), wide, rows, facecolor=plotting.INK, alpha=0.07, lw=0))
        _along(ax, segs[0], model, group, units, wide, rows=True)
        if len(segs) > 1:
            _along(ax, segs[1], model, group, units, rows, rows=False)
        ax.add_patch(Rectangle((0, 0), wide, rows, fill=False, edgecolor=plotting.INK, lw=1))
        ax.set(xlim=(-0.02 * wide, wide * 1.02), ylim=(tallest * 1.01, -0.01 * tallest), xticks=[], yticks=[])
        ax.set_title(title, fontsize=9.5, fontweight="normal")
        for spine in ax.spines.values():
            spine.set_visible(False)
    return fig


def _along(
    ax: Axes, axis: Axis, model: Trimmable, group: str, units: Sequence[int], across: int, *, rows: bool
) -> None:
    for seg, start, end in segments(axis, model.widths):
        if rows and start > 0:
            ax.plot([0, across], [start, start], color=plotting.INK, lw=0.8, linestyle=(0, (2, 2)))
        elif start > 0:
            ax.plot([start, start], [0, across], color=plotting.INK, lw=0.8, linestyle=(0, (2, 2)))
        if seg.group != group:
            continue
        for unit in units:
            at, thick = start + unit * seg.inner, max(seg.inner, 0.012 * (end if rows else across))
            corner, size = ((0, at), (across, thick)) if rows else ((at, 0), (thick, across))
            ax.add_patch(Rectangle(corner, *size, facecolor=_CUT, lw=0))


def dead_zone(values: Array, mask: Array) -> Figure:
    """Draw a layer before and after normalisation, with a unit zeroed and with it removed.

    Args:
        values: activations [unit].
        mask: False for the unit that goes.
    """
    fig, axes = plt.subplots(1, 2, figsize=(4.9, 2.7))
    zeroed, removed = np.where(mask, values, 0.0), values[mask]
    place = np.arange(len(values))
    axes[0].bar(place, zeroed, color=plotting.SERIES[0], width=0.7)
    axes[0].set_title("before")
    axes[1].bar(
        place - 0.2, (zeroed - zeroed.mean()) / zeroed.std(), width=0.38, color=plotting.SERIES[0], label="zeroed"
    )
    axes[1].bar(
        place[mask] + 0.2, (removed - removed.mean()) / removed.std(), width=0.38, color=_CUT, hatch="///",
        edgecolor="white", lw=0, label="removed",
    )  # fmt: skip
    axes[1].set_title("after")
    axes[1].legend(loc="upper left")
    low, high = axes[1].get_ylim()
    axes[1].set_ylim(low, high + 0.45 * (high - low))
    for ax in axes:
        ax.axhline(0, color=plotting.INK, lw=0.8)
        ax.set(xlabel="unit", xticks=place, xticklabels=[str(k + 1) for k in place])
    axes[0].set_ylabel("activation")
    return fig


def squares(share: float) -> Figure:
    """Draw a weight matrix that has lost a share of its rows and of its columns."""
    fig, ax = plt.subplots(figsize=(4.9, 2.4))
    ax.add_patch(Rectangle((0, 0), 1, 1, facecolor=_CUT, alpha=0.25, lw=0))
    ax.add_patch(Rectangle((0, share), 1 - share, 1 - share, facecolor=plotting.SERIES[0], alpha=0.6, lw=0))
    ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=plotting.INK))
    ax.text((1 - share) / 2, share + (1 - share) / 2, f"{(1 - share) ** 2:.0%} stay", ha="center", va="center")
    ax.text(0.5, share / 2, f"rows of {share:.0%} of the units", ha="center", va="center", fontsize=9.5)
    ax.text(1.04, 0.5, f"columns of {share:.0%}\nof the units", va="center", fontsize=9.5)
    ax.set(xlim=(0, 1.9), ylim=(1.02, -0.02), xticks=[], yticks=[], aspect="equal")
    for spine in ax.spines.values():
        spine.set_visible(False)
    return fig


def widths(full: Mapping[str, int], chosen: Mapping[str, Mapping[str, int]], floor: int) -> Figure:
    """Draw what each group keeps, in % of its units, for several ways to choose.

    Args:
        full: group -> units before.
        chosen: way -> group -> units that stay.
        floor: units that every group keeps.
    """
    fig, ax = plt.subplots(figsize=(4.9, 3.6))
    place = np.arange(len(full))
    for (label, kept), (colour, dash, mark) in zip(chosen.items(), _WAYS):
        share = [100 * kept[group] / n for group, n in full.items()]
        ax.plot(place, share, color=colour, linestyle=dash, marker=mark, markersize=5, lw=0.7, label=label)
    ax.plot(
        place, [100 * floor / n for n in full.values()], color=plotting.INK, linestyle="", marker="_", markersize=14,
        label=f"floor, {floor} units",
    )  # fmt: skip
    ax.set_xticks(place, list(full))
    ax.set(ylabel="units kept, in %", ylim=(-3, 105), xlabel="group")
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncol=2, columnspacing=1.2)
    return fig


def chains(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Draw errors over the round, one line a chain.

    Args:
        curves: label -> (weights in thousands [round], error [round]).
    """
    fig, axes = plt.subplots(2, 1, figsize=(4.9, 4.2), sharex=True)
    for (label, (thousands, error)), (colour, dash, mark) in zip(curves.items(), _WAYS[1:]):
        style = {"color": colour, "linestyle": dash, "marker": mark, "markersize": 5, "label": label}
        axes[0].plot(range(len(error)), error, **style)
        axes[1].plot(range(len(error)), thousands, **style)
    axes[0].set_ylabel("test error")
    axes[1].set(ylabel="weights, in thousands", xlabel="round", ylim=(0, None))
    axes[1].set_xticks(range(max(len(error) for _, error in curves.values())))
    axes[0].legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncol=2)
    return fig
