"""The drawings of one chapter. Chapter: *Navigating and paths*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting

Array = NDArray[np.float64]


def atlas(panels: Mapping[str, Array], instruments: Sequence[str], shown: Sequence[str]) -> Figure:
    """Draw all notes on two axes [n, 2], one panel for each title, some instruments in their own colours and marks."""
    fig, axes = plt.subplots(1, len(panels), figsize=(4.9, 3.45))
    labels = np.asarray(instruments)
    for ax, (title, xy) in zip(axes, panels.items()):
        ax.scatter(*xy.T, s=3, color=plotting.INK, alpha=0.15, linewidths=0)
        for name in shown:
            own = xy[labels == name]
            ax.scatter(*own.T, s=9, color=plotting.colour(name), marker=plotting.marker(name), alpha=0.7, linewidths=0)
        half = 1.08 * np.abs(xy).max()
        ax.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xticks=[], yticks=[])
        ax.set_title(title, fontsize=10.5)
    plotting.legend(fig, shown, loc="outside lower center", ncol=3, handletextpad=0.1)  # type: ignore[arg-type]
    return fig


def flattened(full: Array, flat: Mapping[str, Array]) -> Figure:
    """Draw distances on flat views over distances in the space, one cloud for each view."""
    fig, axes = plt.subplots(1, len(flat), figsize=(4.9, 2.7), sharey=True)
    top = float(full.max())
    for ax, (title, short), colour in zip(axes, flat.items(), plotting.SERIES):
        ax.scatter(full, short, s=3, color=colour, alpha=0.25, linewidths=0, rasterized=True)
        ax.plot([0, top], [0, top], color=plotting.INK, lw=0.8, ls=(0, (5, 2)))
        ax.set(xlabel="in the space", xlim=(0, top), ylim=(0, top))
        ax.set_title(title, fontsize=10.5)
    axes[0].set_ylabel("on the view")
    return fig


def shell(norms: Array, straight: Array, curved: Array) -> Figure:
    """Draw how far from the origin notes lie, and the middles of straight and of spherical paths."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    edges = np.linspace(0, max(norms.max(), curved.max()) * 1.05, 45)
    series = (("notes", norms, "-"), ("middles, linear", straight, "--"), ("middles, spherical", curved, ":"))
    for (label, values, dash), colour in zip(series, plotting.SERIES):
        ax.hist(values, edges, histtype="step", density=True, color=colour, ls=dash, lw=1.8, label=label)
    ax.set(xlabel="distance from the origin", ylabel="density", yticks=[])
    ax.legend(loc="upper left")
    return fig


def two_ways(a: Array, b: Array, straight: Array, curved: Array) -> Figure:
    """Draw the plane of two points: the chord, the arc, and both middles; all [n, 2]."""
    fig, ax = plt.subplots(figsize=(4.9, 3.0))
    for path, colour, dash, label in (
        (straight, plotting.SERIES[1], "--", "linear"),
        (curved, plotting.SERIES[0], "-", "spherical"),
    ):
        ax.plot(*path.T, color=colour, ls=dash, marker="o", markersize=4, label=label)
    for point, name in ((a, "a"), (b, "b")):
        ax.plot([0, point[0]], [0, point[1]], color=plotting.INK, lw=0.8)
        ax.annotate(name, point, xytext=(5, 3), textcoords="offset points", fontsize=11)
    ax.set(aspect="equal", xticks=[0], yticks=[0], xlabel="along a", ylabel="across")
    ax.legend(loc="lower left")
    return fig


def pair_gaps(ends_db: Array, notes_db: Array, means_db: Array) -> Figure:
    """Draw, over how far the ends of a path sound apart, how far its linear and spherical middles do."""
    fig, ax = plt.subplots(figsize=(4.9, 3.1))
    ax.plot(
        [0, ends_db.max()], [0, ends_db.max()], color=plotting.INK, lw=0.8, ls=(0, (5, 2)), label="as far as the ends"
    )
    ax.scatter(ends_db[:, 1], means_db, s=22, marker="^", color=plotting.SERIES[1], label="between instruments' means")
    ax.scatter(ends_db[:, 0], notes_db, s=22, marker="o", color=plotting.SERIES[0], label="between single notes")
    ax.set(xlabel="distance of the two ends in dB", ylabel="linear from spherical, in dB", ylim=(-0.3, None))
    ax.legend(loc="upper left")
    return fig


def emptiness(t: Array, straight: Array, curved: Array, usual: float) -> Figure:
    """Draw the distance to the nearest note along paths, medians over pairs: [n] each."""
    fig, ax = plt.subplots(figsize=(4.9, 2.8))
    ax.plot(t, straight, color=plotting.SERIES[1], ls="--", marker="s", markersize=4, label="linear")
    ax.plot(t, curved, color=plotting.SERIES[0], marker="o", markersize=4, label="spherical")
    ax.axhline(usual, color=plotting.INK, lw=1, ls=(0, (1, 1.3)), label="from a note to the next")
    ax.set(xlabel="way from one note to the other", ylabel="to the nearest note", ylim=(0, None))
    ax.legend(loc="lower center")
    return fig


def motion(paths: Mapping[str, Array]) -> Figure:
    """Draw how far a path moves from one step to the next: [n - 1] for each name."""
    fig, ax = plt.subplots(figsize=(4.9, 2.6))
    for (label, steps), colour, dash, mark in zip(paths.items(), plotting.SERIES, ("--", "-"), "so"):
        ax.plot(np.arange(1, len(steps) + 1), steps, color=colour, ls=dash, marker=mark, markersize=4, label=label)
    ax.set(xlabel="step", ylabel="length of the step", ylim=(0, None))
    ax.legend()
    return fig
