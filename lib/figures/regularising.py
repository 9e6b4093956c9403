"""The drawings of one chapter. Chapter: *Regularising with perception*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting

Array = NDArray[np.float64]
#: The three sides of a split: title, colour, marker.
SIDES = {
    "train": ("training recordings", plotting.SERIES[0], "o"),
    "keys": ("held-out keys", plotting.SERIES[2], "s"),
    "recordings": ("held-out recordings", plotting.SERIES[1], "D"),
}


def pairs(panels: Sequence[tuple[str, Array, Array]], marked: Mapping[int, str]) -> Figure:
    """Draw distances over ratings, one dot a pair of instruments; a few pairs carry their name."""
    fig, axes = plt.subplots(1, len(panels), figsize=(4.9, 2.9), sharex=True)
    for ax, (title, rated, found) in zip(np.atleast_1d(axes), panels):
        shown = found / found.mean()
        ax.scatter(rated, shown, s=14, color=plotting.SERIES[0], alpha=0.75, linewidths=0)
        for i, name in marked.items():
            ax.scatter(rated[i], shown[i], s=42, color=plotting.SERIES[1], marker="D")
            right = rated[i] < 0.45
            ax.annotate(
                name, (rated[i], shown[i]), xytext=(7, -14) if right else (-5, 9), textcoords="offset points",
                fontsize=9.5, ha="left" if right else "right",
            )  # fmt: skip
        ax.set(xlabel="rated dissimilarity", ylim=(0, 2.2), xticks=[0, 0.4, 0.8], xlim=(0, 0.85))
        ax.set_title(title, fontsize=10.5)
    np.atleast_1d(axes)[0].set_ylabel("distance / its mean")
    return fig


def over_scale(scales: Array, terms: Mapping[str, tuple[Array, Array]]) -> Figure:
    """Draw each term over the size of a space whose distances follow the right ratings, or shuffled ones."""
    fig, axes = plt.subplots(2, 2, figsize=(4.9, 4.3), sharex=True)
    for ax, (name, (right, shuffled)) in zip(axes.flat, terms.items()):
        ax.plot(scales, right, color=plotting.SERIES[0], label="right names")
        ax.plot(scales, shuffled, color=plotting.SERIES[1], ls=(0, (4, 2)), label="names shuffled")
        # a term that is far from zero for a tiny space has its story below that value
        top = 1.3 * right[0] if right[0] > 0.5 * right.max() / 4 else 1.1 * right.max()
        ax.set(xscale="log", ylim=(0, top))
        ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        ax.minorticks_off()
        ax.set_title(name, fontsize=10.5)
    fig.supxlabel("distance for a rating of 1", fontsize=10.5)
    axes[0, 0].legend(loc="upper center", fontsize=9)
    return fig


def three_sides(rows: Sequence[tuple[str, Mapping[str, Array]]], label: str = "Pearson's r with the ratings") -> Figure:
    """Draw, for each way, its mean, its range and its single splits on the three sides."""
    fig, ax = plt.subplots(figsize=(4.9, 0.9 + 0.52 * len(rows)))
    for i, (_, by_side) in enumerate(rows):
        for offset, (side, (title, colour, mark)) in zip((-0.22, 0.0, 0.22), SIDES.items()):
            values = np.asarray(by_side[side])
            y = i + offset
            ax.plot([values.min(), values.max()], [y, y], color=colour, lw=1.5)
            ax.scatter(values.mean(), y, color=colour, marker=mark, s=26, zorder=3, label=title if i == 0 else None)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.invert_yaxis()
    ax.axvline(0, color=plotting.INK, lw=0.6, alpha=0.5)
    ax.grid(axis="x", alpha=0.3)
    ax.set(xlabel=label)
    fig.legend(loc="outside lower center", ncol=3, fontsize=9, columnspacing=1, handletextpad=0.2)
    return fig


def hidden(by_instrument: Mapping[str, float], mean: float) -> Figure:
    """Draw the agreement for each instrument when it was hidden, sorted, with the mean."""
    fig, ax = plt.subplots(figsize=(4.9, 3.6))
    order = sorted(by_instrument, key=by_instrument.__getitem__)
    for y, name in enumerate(order):
        ax.plot([0, by_instrument[name]], [y, y], color=plotting.colour(name), lw=2)
        ax.scatter(by_instrument[name], y, s=46, color=plotting.colour(name), marker=plotting.marker(name), zorder=3)
    ax.axvline(0, color=plotting.INK, lw=0.8)
    ax.axvline(mean, color=plotting.INK, lw=1, ls=(0, (4, 3)))
    ax.annotate(f"mean {mean:.2f}", (mean, -0.6), xytext=(4, 0), textcoords="offset points", fontsize=9.5)
    ax.set_yticks(range(len(order)), order)
    ax.set(xlabel="Pearson's r with the hidden ratings", xlim=(-1, 1.05))
    return fig


def side_by_side(rows: Sequence[tuple[str, float, float, float]], label: str = "correlation") -> Figure:
    """Draw one dot and its range for each row: name, value, lowest, highest."""
    fig, ax = plt.subplots(figsize=(4.9, 0.8 + 0.42 * len(rows)))
    for y, (_, value, low, high) in enumerate(rows):
        ax.plot([low, high], [y, y], color=plotting.SERIES[0], lw=1.6, alpha=0.7)
        ax.scatter(value, y, s=40, color=plotting.SERIES[1] if low == high else plotting.SERIES[0], zorder=3,
                   marker="D" if low == high else "o")  # fmt: skip
        ax.annotate(f"{value:.2f}", (value, y), xytext=(0, 6), textcoords="offset points", fontsize=9, ha="center")
    ax.set_yticks(range(len(rows)), [row[0] for row in rows])
    ax.invert_yaxis()
    ax.axvline(0, color=plotting.INK, lw=0.6, alpha=0.5)
    ax.set(xlabel=label, xlim=(min(-0.1, min(r[2] for r in rows) - 0.05), 1.08), ylim=(len(rows) - 0.5, -0.8))
    return fig


def learning(steps: Sequence[int], curves: Mapping[str, Sequence[float]], label: str) -> Figure:
    """Draw several curves over the training steps."""
    fig, ax = plt.subplots(figsize=(4.9, 2.7))
    dashes = ("-", (0, (5, 2)), (0, (1, 1.3)))
    for (name, values), colour, mark, dash in zip(curves.items(), plotting.SERIES, "os^", dashes):
        ax.plot(steps, values, color=colour, marker=mark, markersize=4, ls=dash, label=name)
    ax.set(xlabel="training step", ylabel=label, ylim=(0, None))
    ax.legend()
    return fig
