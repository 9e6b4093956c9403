"""The drawings of one chapter. Chapter: *The topology of descriptors*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting

Array = NDArray[np.float64]


def maps(panels: Mapping[str, Array], positions: Array, *, shared: bool = False, unit: str = "") -> Figure:
    """Draw values [n, n] over positions [n, n, 2] with lines of equal value, one panel for each title.

    `shared` gives all panels one colour scale, named by `unit`.
    """
    columns = 3 if len(panels) > 4 else 2
    n_rows = -(-len(panels) // columns)
    fig, axes = plt.subplots(n_rows, columns, figsize=(4.9, 1.85 * n_rows + 0.5), sharex=True, sharey=True, dpi=160)
    everything = np.concatenate([values.ravel() for values in panels.values()])
    limits = {"vmin": everything.min(), "vmax": everything.max()} if shared else {}
    for ax, (title, values) in zip(np.ravel(axes), panels.items()):
        x, y = positions[0, :, 0], positions[:, 0, 1]
        image = ax.pcolormesh(x, y, values, rasterized=True, shading="nearest", cmap="viridis", **limits)
        ax.contour(x, y, values, levels=7, colors="#ffffff", linewidths=0.6, alpha=0.8)
        ax.set_title(title, fontsize=10)
        ax.set(aspect="equal", xticks=[], yticks=[])
        if not shared:
            bar = fig.colorbar(image, ax=ax, shrink=0.85)
            bar.ax.tick_params(labelsize=9)
            bar.ax.locator_params(nbins=4)
    if shared:
        fig.colorbar(image, ax=axes, location="bottom", shrink=0.8, aspect=40, label=unit)
    return fig


def walk(t: Array, values: Mapping[str, Array], straight: Array, label: str) -> Figure:
    """Draw a descriptor along a straight walk, and the straight line between its ends."""
    fig, ax = plt.subplots(figsize=(4.9, 2.7))
    ax.plot(t, straight, color=plotting.INK, lw=1, ls=(0, (5, 2)), label="if it were linear")
    for (name, row), colour, dash in zip(values.items(), plotting.SERIES, ("-", ":")):
        ax.plot(t, row, color=colour, ls=dash, label=name)
    ax.set(xlabel="way across the map", ylabel=label)
    ax.legend()
    return fig


def linear_share(rows: Sequence[tuple[str, Mapping[str, Mapping[str, float]]]]) -> Figure:
    """Draw the share of variance that one plane explains: median and quartiles, by descriptor and space."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    styles = zip(("o", "s", "^"), plotting.SERIES)
    for k, ((label, by_name), (mark, colour)) in enumerate(zip(rows, styles)):
        for y, one in enumerate(reversed(list(by_name.values()))):
            height = y + 0.2 * (1 - k)
            ax.plot([one["q25"], one["q75"]], [height, height], color=colour, lw=2)
            ax.scatter(one["median"], height, s=45, color=colour, marker=mark, label=label if y == 0 else None)
    names = list(rows[0][1])
    ax.set_yticks(range(len(names)), reversed(names))
    ax.set(xlabel="share of the variance that one plane explains", xlim=(0, 1), ylim=(-0.5, len(names) - 0.4))
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.2), ncol=3, handletextpad=0.1)
    return fig


def refinement(n: Sequence[int], slopes: Mapping[str, Sequence[float]], jump: Sequence[float]) -> Figure:
    """Draw the 95 % slope over the number of grid lines, and what a jump would do."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    for (name, row), colour, mark in zip(slopes.items(), plotting.SERIES, "os^D"):
        ax.plot(n, row, color=colour, marker=mark, label=name)
    ax.plot(n, jump, color=plotting.INK, lw=1, ls=(0, (5, 2)), label="if there were a jump")
    ax.set(xscale="log", yscale="log", xlabel="grid lines", ylabel="largest slope")
    ax.set_xticks(n, [f"{k}" for k in n])
    ax.set_yticks([4, 8, 16, 32], ["4", "8", "16", "32"])
    ax.minorticks_off()
    ax.legend()
    return fig


def two_axes(right: Array, wrong: Array) -> Figure:
    """Draw the centroid with bins misread as equally spaced over the centroid at their true frequencies."""
    fig, ax = plt.subplots(figsize=(4.9, 3.0))
    ax.scatter(right.ravel(), wrong.ravel(), s=4, color=plotting.SERIES[0], alpha=0.4, linewidths=0, rasterized=True)
    top = max(float(right.max()), float(wrong.max()))
    ax.plot([0, top], [0, top], color=plotting.INK, lw=1, ls=(0, (5, 2)))
    ax.set(xlabel="centroid at true frequencies, Hz", ylabel="bins taken as equal steps, Hz")
    return fig
