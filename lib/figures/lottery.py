"""The drawings of one chapter. Chapter: *Lottery tickets and masking*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from lib import plotting

Array = NDArray[np.float64]

#: Colour, dash and marker of every way to go on, the same in every figure of the chapter.
STYLE: dict[str, tuple[str, object, str]] = {
    "rewind": (plotting.SERIES[0], "-", "o"),
    "reinit": (plotting.SERIES[3], (0, (1, 1.2)), "^"),
    "keep": (plotting.SERIES[1], (0, (5, 2)), "s"),
    "rewind, by chance": (plotting.SERIES[4], (0, (1, 1.2)), "v"),
    "dense, trained on": (plotting.INK, (0, (6, 1.5, 1, 1.5)), "D"),
    "same size from scratch": (plotting.SERIES[2], (0, (3, 1.5)), "X"),
    "masked, rewind": (plotting.SERIES[0], "-", "o"),
    "trimmed, rewind": (plotting.SERIES[1], (0, (5, 2)), "s"),
}

#: The same for anything else, in the order drawn.
_OTHER = (
    (plotting.SERIES[2], (0, (1, 1.2)), "^"),
    (plotting.SERIES[0], "-", "o"),
    (plotting.SERIES[3], (0, (5, 2)), "s"),
    (plotting.SERIES[1], (0, (4, 1, 1, 1)), "D"),
    (plotting.SERIES[4], "-", "v"),
    (plotting.SERIES[5], (0, (5, 2)), "P"),
)


def cycles(phase: Array, recorded: Array, drawn: Mapping[str, Array]) -> Figure:
    """Draw one cycle of a note, and the same cycle as networks remember it."""
    fig, axes = plt.subplots(len(drawn), 1, figsize=(4.9, 0.5 + 1.35 * len(drawn)), sharex=True, sharey=True)
    for ax, (title, made), colour in zip(np.atleast_1d(axes), drawn.items(), plotting.SERIES):
        ax.plot(phase, recorded, color=plotting.INK, linewidth=3.4, alpha=0.25)
        ax.plot(phase, made, color=colour, linewidth=1.4)
        ax.set_title(title, fontsize=10)
        ax.set(yticks=[0], xlim=(0, 1))
    axes = np.atleast_1d(axes)
    axes[-1].set(xlabel="phase, in cycles", xticks=[0, 0.25, 0.5, 0.75, 1])
    return fig


def one_shot(shares: Sequence[float], error: Array) -> Figure:
    """Draw the error over the share masked at once, [share, seed]: median and range."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    _band(ax, 100 * np.asarray(shares), 100 * error, plotting.SERIES[0], "-", "o", "")
    ax.set(xlabel="weights masked, in %", ylabel="error, in % of the wave's RMS", xlim=(-2, 102), ylim=(0, None))
    return fig


def masks(named: Mapping[str, tuple[Array, Array]]) -> Figure:
    """Draw weight matrices with their masks: masked cells are the page's own ground.

    Args:
        named: title -> (values [rows, columns], mask of the same shape).
    """
    fig, axes = plt.subplots(1, len(named), figsize=(4.9, 1.9), dpi=160)
    for ax, (title, (values, mask)) in zip(axes, named.items()):
        seen = np.ma.masked_where(mask == 0, np.abs(values))
        ax.imshow(seen, cmap="viridis", interpolation="nearest", vmin=0, vmax=np.quantile(np.abs(values), 0.98))
        ax.set_title(title, fontsize=9.5, fontweight="normal")
        ax.set(xticks=[], yticks=[])
        for side in ("top", "right"):
            ax.spines[side].set_visible(True)
    return fig


def remaining_axis(ax: Axes, largest: float = 100.0, smallest: float = 1.0) -> None:
    """Make the x-axis the share removed, with equal steps for equal ratios of what is left."""
    ax.set_xscale("log")
    ax.set_xlim(largest * 1.12, smallest / 1.12)
    ticks = [left for left in (100, 50, 20, 10, 5, 2, 1, 0.5) if smallest * 0.99 <= left <= largest]
    ax.set_xticks(ticks, [f"{100 - left:g}" for left in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("weights removed, in %")


def multipliers(
    curves: Mapping[str, tuple[Array, Array]], *, ylabel: str = "error multiplier", logarithmic: bool = False
) -> Figure:
    """Draw error multipliers over the share removed: median of the seeds and their range.

    Args:
        curves: one of `STYLE` -> (share left, in % [round]; multiplier [round, seed]).
    """
    fig, ax = plt.subplots(figsize=(4.9, 3.8))
    _multipliers(ax, curves, logarithmic)
    ax.set_ylabel(ylabel)
    _legend_above(ax)
    return fig


def pair(panels: Mapping[str, Mapping[str, tuple[Array, Array]]], ylabels: Sequence[str]) -> Figure:
    """Draw two sets of curves below each other, each with its own logarithmic y-axis."""
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.9, 2.7 * len(panels)), sharex=True)
    for number, (ax, (title, curves), ylabel) in enumerate(zip(axes, panels.items(), ylabels)):
        _lines(ax, curves)
        ax.set_yscale("log")
        _plain_ticks(ax)
        ax.set_title(title)
        ax.set_ylabel(ylabel)
        if number == 0:
            ax.legend(loc="upper left")
            ax.set_xlabel("")
    return fig


def models(
    panels: Mapping[str, Mapping[str, tuple[Array, Array]]], paper: Sequence[tuple[float, float]] = ()
) -> Figure:
    """Draw the real chains of each model below each other.

    Args:
        panels: model -> what `multipliers` takes; the last axis of a multiplier holds median, smallest and largest.
        paper: (share left in %, multiplier) of published points.
    """
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.9, 0.9 + 2.5 * len(panels)), squeeze=False)
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    for ax, (title, curves) in zip(axes[:, 0], panels.items()):
        _multipliers(ax, curves, False, names)
        if paper:
            ax.plot(*zip(*paper), linestyle="", marker="*", markersize=11, color=plotting.SERIES[5], label="the paper")
        ax.set_title(title)
        ax.set_ylabel("error multiplier")
    drawn = {label: line for ax in axes[:, 0] for line, label in zip(*ax.get_legend_handles_labels())}
    fig.legend(drawn.values(), drawn.keys(), loc="outside upper left", ncol=2)
    return fig


def freed(
    masked: Sequence[float],
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    paper: Sequence[tuple[float, float]],
) -> Figure:
    """Draw the share truly removable over the share masked.

    Args:
        masked: where the thin line "if masks were trims" is drawn, in %.
        curves: label -> (masked, in %; removable, in %).
        paper: (masked, removable) in % of the published points.
    """
    fig, ax = plt.subplots(figsize=(4.9, 3.5))
    left = 100 - np.asarray(masked)
    ax.plot(left, masked, color=plotting.INK, linewidth=1, alpha=0.5)
    ax.annotate("what is masked", (10, 90), xytext=(-8, 4), textcoords="offset points", fontsize=9.5, ha="right")
    marks = "os^vDX"
    for number, (label, (x, y)) in enumerate(curves.items()):
        dash = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))[number % 4]
        ax.plot(
            100 - np.asarray(x), y, color=plotting.SERIES[number % 5], linestyle=dash, marker=marks[number % 6],
            markersize=4.5, label=label,
        )  # fmt: skip
    for number, (x, y) in enumerate(paper):
        label = "the paper" if number == 0 else None
        ax.plot(100 - x, y, linestyle="", marker="*", markersize=12, color=plotting.SERIES[5], label=label)
    remaining_axis(ax, 100.0, 0.5)
    ax.set(xlabel="weights masked, in %", ylabel="truly removable, in %", ylim=(-3, 108))
    _legend_above(ax)
    return fig


def chance(widths: Sequence[int], shares: Sequence[float]) -> Figure:
    """Draw how many units chance frees, over the width of the layers, one line a share masked."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    n = np.asarray(widths, dtype=float)
    for share, colour, dash, mark in zip(shares, plotting.SERIES, ("-", (0, (5, 2)), (0, (1, 1.2))), "os^"):
        ax.plot(n, 100 * (1 - (1 - share**n) ** 2), color=colour, linestyle=dash, marker=mark, markersize=4,
                label=f"{100 * share:g} % masked")  # fmt: skip
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    ax.set(xlabel="width of the layers, in units", ylabel="units freed, in %", ylim=(-3, 103))
    ax.legend(loc="upper right")
    return fig


def _multipliers(
    ax: Axes, curves: Mapping[str, tuple[Array, Array]], logarithmic: bool, names: Sequence[str] = ()
) -> None:
    ax.axhline(1.0, color=plotting.INK, linewidth=0.8, alpha=0.5)
    _lines(ax, curves, names)
    if logarithmic:
        ax.set_yscale("log")
        _plain_ticks(ax)


def _lines(ax: Axes, curves: Mapping[str, tuple[Array, Array]], names: Sequence[str] = ()) -> None:
    """Draw curves; a name looks the same in every panel that shares the list of `names`."""
    names = list(names) or list(curves)
    for name, (left, values) in curves.items():
        colour, dash, mark = STYLE.get(name, _OTHER[names.index(name) % len(_OTHER)])
        _band(ax, left, values, colour, dash, mark, name)
    remaining_axis(ax, 100.0, min(float(np.min(left)) for left, _ in curves.values()))


def _band(ax: Axes, x: Array, values: Array, colour: str, dash: object, mark: str, label: str) -> None:
    median = np.median(values, axis=1)
    ax.fill_between(x, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, lw=0)
    ax.plot(x, median, color=colour, linestyle=dash, marker=mark, markersize=4.5, label=label or None)


def _legend_above(ax: Axes) -> None:
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncol=2, columnspacing=1.2)


def _plain_ticks(ax: Axes) -> None:
    low, high = ax.get_ylim()
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200) if low <= t <= high]
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.yaxis.set_minor_locator(NullLocator())
