"""The drawings of one chapter. Chapter: *Synthesis by descriptor*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting

Array = NDArray[np.float64]
WAYS = {"projection": ("o", "-"), "Algorithm 1": ("s", "--"), "Algorithm 1, absolute": ("^", ":")}


def tracking(target: Array, paths: Mapping[str, Array], low: float, high: float, label: str) -> Figure:
    """Draw a wanted curve, what each way achieved, and the range of the instrument as a band: [n] each."""
    fig, ax = plt.subplots(figsize=(4.9, 3.0))
    ax.axhspan(low, high, color=plotting.INK, alpha=0.08, lw=0)
    ax.plot(target, color=plotting.INK, lw=3.5, alpha=0.35, label="asked for")
    for (name, values), colour in zip(paths.items(), plotting.SERIES):
        mark, dash = WAYS.get(name, ("D", "-."))
        ax.plot(values, color=colour, marker=mark, markersize=4, ls=dash, lw=1.2, label=name)
    ax.set(xlabel="step", ylabel=label)
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncol=2)
    return fig


def errors(rows: Sequence[tuple[str, Mapping[str, float]]], goal: float) -> Figure:
    """Draw the mean error of each way in per cent of the range, one row for each descriptor; `goal` is a line."""
    fig, ax = plt.subplots(figsize=(4.9, 3.0))
    ax.axvline(goal, color=plotting.INK, lw=1, ls=(0, (5, 2)))
    ax.text(goal, len(rows) - 0.45, "goal", ha="center", fontsize=9.5)
    for y, (_, by_way) in enumerate(reversed(list(rows))):
        for way, colour in zip(WAYS, plotting.SERIES):
            if way in by_way:
                ax.scatter(by_way[way], y, s=50, color=colour, marker=WAYS[way][0])
    ax.set_yticks(range(len(rows)), [label for label, _ in reversed(list(rows))])
    for way, colour in zip(WAYS, plotting.SERIES):
        ax.scatter([], [], s=50, color=colour, marker=WAYS[way][0], label=way)
    ax.set(xscale="log", xlabel="mean error in % of the instrument's range", ylim=(-0.6, len(rows) - 0.2))
    ax.legend(loc="upper center", bbox_to_anchor=(0.35, -0.2), ncol=3, handletextpad=0.1, columnspacing=0.8)
    return fig


def beyond(asked: Array, error: Array, moved: Array, usual: float) -> Figure:
    """Draw error and distance from the origin over how far outside its range an instrument is asked to go."""
    fig, axes = plt.subplots(2, 1, figsize=(4.9, 3.6), sharex=True)
    for ax, values, mark, colour, label in (
        (axes[0], 100 * error, "o", plotting.SERIES[0], "error in % of range"),
        (axes[1], moved, "s", plotting.SERIES[1], "way from the note"),
    ):
        ax.axvspan(0, 1, color=plotting.INK, alpha=0.08, lw=0)
        ax.plot(asked, values, color=colour, marker=mark, markersize=4)
        ax.set(ylabel=label, ylim=(0, None))
    axes[1].axhline(usual, color=plotting.INK, lw=1, ls=(0, (5, 2)))
    axes[1].set(xlabel="target, in the instrument's own range (0 low end, 1 high end)")
    return fig
