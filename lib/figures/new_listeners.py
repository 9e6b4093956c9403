"""The drawings of one chapter. Chapter: *New instruments, new listeners*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting

Array = NDArray[np.float64]


def likeness(novel: Sequence[str], rated: Sequence[str], shares: Array) -> Figure:
    """Draw how alike novel instruments are to rated ones: shares [novel, rated], as shaded cells with numbers."""
    fig, ax = plt.subplots(figsize=(4.9, 4.2))
    ax.imshow(shares.T, cmap="Blues", vmin=0, vmax=1, aspect="auto", alpha=0.75)
    for i in range(len(novel)):
        for j in range(len(rated)):
            if shares[i, j] >= 0.05:
                ink = "#ffffff" if shares[i, j] > 0.7 else "#10202c"
                ax.text(i, j, f"{100 * shares[i, j]:.0f}", ha="center", va="center", fontsize=10, color=ink)
    ax.set_xticks(range(len(novel)), novel)
    ax.set_yticks(range(len(rated)), rated)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return fig


def costs(known: Mapping[str, float], novel: Mapping[str, float]) -> Figure:
    """Draw the reconstruction error of each instrument in dB, sorted; novel instruments are filled."""
    rows = sorted([*known.items(), *novel.items()], key=lambda row: row[1])
    fig, ax = plt.subplots(figsize=(4.9, 4.0))
    for y, (name, db) in enumerate(rows):
        colour = plotting.colour(name)
        ax.hlines(y, 0, db, color=plotting.INK, alpha=0.15, lw=1)
        ax.scatter(db, y, s=55, marker="o", color=colour if name in novel else "none", edgecolors=colour, lw=1.6)
    ax.set_yticks(range(len(rows)), [f"{name} (new)" if name in novel else name for name, _ in rows])
    ax.set(xlabel="reconstruction error in dB", xlim=(0, None))
    return fig


def left_out(agreement: Mapping[str, float], baseline: Mapping[str, float]) -> Figure:
    """Draw the agreement of each hidden instrument with its ratings beside a guess without sound."""
    names = sorted(agreement, key=lambda name: agreement[name])
    fig, ax = plt.subplots(figsize=(4.9, 3.7))
    ax.axvline(0, color=plotting.INK, lw=0.8, alpha=0.5)
    for y, name in enumerate(names):
        ax.scatter(agreement[name], y, s=55, color=plotting.colour(name), marker=plotting.marker(name), zorder=3)
        ax.scatter(baseline[name], y, s=40, marker="|", color=plotting.INK)
    ax.set_yticks(range(len(names)), names)
    ax.scatter([], [], s=55, marker="o", color=plotting.SERIES[0], label="from sound (instrument's own mark)")
    ax.scatter([], [], s=40, marker="|", color=plotting.INK, label="guess without sound")
    ax.set(xlabel="Pearson with the hidden ratings", xlim=(-1, 1.05))
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.2), ncol=1)
    return fig


def listeners(rows: Sequence[tuple[str, float, float, str]], ceiling: float) -> Figure:
    """Draw agreement with new listeners, one row (label, mean, standard deviation, kind) each; `ceiling` is a line."""
    kinds = {
        "name": ("s", plotting.SERIES[1]),
        "acoustic": ("D", plotting.SERIES[2]),
        "learned": ("o", plotting.SERIES[0]),
    }
    fig, ax = plt.subplots(figsize=(4.9, 4.7))
    ax.axvline(ceiling, color=plotting.INK, ls=(0, (5, 2)), lw=1)
    ax.text(ceiling, len(rows) - 0.35, "two studies, median", ha="center", fontsize=9.5)
    for y, (_, mean, std, kind) in enumerate(reversed(list(rows))):
        mark, colour = kinds[kind]
        ax.errorbar(mean, y, xerr=std, color=colour, marker=mark, markersize=7, capsize=3, lw=1.4)
    ax.set_yticks(range(len(rows)), [row[0] for row in reversed(list(rows))])
    ax.set(xlabel="mean Pearson over four studies", xlim=(0, 0.85), ylim=(-0.6, len(rows) - 0.1))
    for label, (mark, colour) in {
        "names": kinds["name"],
        "acoustic": kinds["acoustic"],
        "learned": kinds["learned"],
    }.items():
        ax.plot([], [], ls="", marker=mark, color=colour, label=label)
    ax.legend(loc="upper center", bbox_to_anchor=(0.3, -0.18), ncol=3, handletextpad=0.1)
    return fig


def by_study(studies: Sequence[str], values: Mapping[str, Sequence[float]]) -> Figure:
    """Draw agreement study by study, one line of marks for each distance."""
    fig, ax = plt.subplots(figsize=(4.9, 3.2))
    x = np.arange(len(studies))
    for (label, row), colour, mark, dash in zip(values.items(), plotting.SERIES, "osD^", ("-", "--", ":", "-.")):
        ax.plot(x, row, color=colour, marker=mark, ls=dash, lw=1, label=label)
    ax.set_xticks(x, studies)
    ax.set(ylabel="Pearson", ylim=(0, 1), xlim=(-0.3, len(studies) - 0.7))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncol=2)
    return fig


def frontier(pool: Array, listeners: Array, acoustic: float, here: int | None = None) -> Figure:
    """Draw agreement with the pool against agreement with new listeners; the point `here` is filled."""
    fig, ax = plt.subplots(figsize=(4.9, 3.2))
    ax.axhline(acoustic, color=plotting.SERIES[2], ls=(0, (5, 2)), lw=1)
    ax.text(0.0, acoustic + 0.015, "best acoustic distance", fontsize=9.5, color=plotting.SERIES[2])
    ax.plot(pool, listeners, color=plotting.SERIES[0], marker="o", markerfacecolor="none", markersize=6)
    if here is not None:
        ax.plot(pool[here], listeners[here], color=plotting.SERIES[1], marker="o", markersize=12)
    ax.set(
        xlabel="agreement with the pool, held-out recordings",
        ylabel="with new listeners",
        xlim=(-0.02, 1),
        ylim=(0, 0.85),
    )
    return fig
