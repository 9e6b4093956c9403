"""The drawings of one chapter. Chapter: *Rating timbre and timbre spaces*"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting
from lib.ratings import Clouds, Dissimilarities, Map, Pooled

Array = NDArray[np.float64]


def table(d: Dissimilarities) -> Figure:
    """Draw the lower triangle of a matrix as a heat map, with each value in hundredths."""
    n = len(d)
    fig, ax = plt.subplots(figsize=(4.9, 3.9), dpi=160)
    shown = np.where(np.tri(n, k=-1) > 0, d.matrix, np.nan)
    ax.imshow(shown, cmap="magma_r", vmin=0.0, vmax=0.85, aspect="auto")
    for i in range(n):
        for j in range(i):
            dark = d.matrix[i, j] > 0.375  # from here on white has the better contrast
            text = f"{100 * d.matrix[i, j]:.0f}"
            ax.text(j, i, text, ha="center", va="center", fontsize=9.5, color="white" if dark else "black")
        # a name at the end of its row is also the top of its column
        ax.text(i - 0.4, i, d.names[i], ha="left", va="center", fontsize=9.5)
    ax.set(xlim=(-0.5, n + 1.7), ylim=(n - 0.5, -0.6), xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_visible(False)
    return fig


def doubt(ratings: Pooled, named: Sequence[tuple[str, str]]) -> Figure:
    """Draw half the 95 % interval of every pair against its number of ratings, some of them named."""
    fig, ax = plt.subplots(figsize=(4.9, 3.5))
    upper = np.triu_indices(len(ratings.names), 1)
    n, half = ratings.n[upper], 1.96 * ratings.standard_error[upper]
    many = np.geomspace(8.5, 500, 50)
    middle = float(np.median(ratings.std[upper]))
    ax.plot(many, 1.96 * middle / np.sqrt(many), color=plotting.INK, lw=1, ls="--", alpha=0.7)
    ax.scatter(n, half, s=26, color=plotting.SERIES[0], alpha=0.75, linewidths=0)
    for a, b in named:
        i, j = ratings.names.index(a), ratings.names.index(b)
        at = (ratings.n[i, j], 1.96 * ratings.standard_error[i, j])
        crowded = at[0] > 30
        leader = {"arrowstyle": "-", "lw": 0.8, "color": plotting.INK} if crowded else None
        ax.annotate(f"{a}, {b}", at, xytext=(4, 85) if crowded else (-9, 0), textcoords="offset points",
                    fontsize=9.5, ha="right", va="center", arrowprops=leader)  # fmt: skip
        ax.scatter(*at, s=60, facecolor="none", edgecolor=plotting.SERIES[1], linewidths=1.6, zorder=3)
    ax.set_xscale("log")
    ax.minorticks_off()
    ax.set_xticks([9, 30, 100, 405], ["9", "30", "100", "405"])
    ax.set(xlim=(1.7, 520), ylim=(0, 0.16), xlabel="number of ratings", ylabel="mean ± this much")
    return fig


def bowl(at: Array, misfit: Array, bound: Array, start: int) -> Figure:
    """Draw the misfit as one point moves along a line, and the parabola that touches it from above at `start`."""
    fig, ax = plt.subplots(figsize=(4.9, 3.1))
    ax.plot(at, misfit, color=plotting.SERIES[0], lw=2.2, label="misfit")
    ax.plot(at, bound, color=plotting.SERIES[1], lw=1.8, ls=(0, (5, 2)), label="parabola above it")
    low = int(np.argmin(bound))
    ax.scatter(at[start], misfit[start], s=55, color=plotting.SERIES[1], zorder=4)
    ax.scatter(at[low], bound[low], s=55, marker="v", color=plotting.SERIES[1], zorder=4)
    ax.scatter(at[low], misfit[low], s=55, marker="o", facecolor="none", edgecolor=plotting.SERIES[0], zorder=4)
    ax.annotate("now here", (at[start], misfit[start]), xytext=(8, 3), textcoords="offset points")
    ax.annotate("go there", (at[low], bound[low]), xytext=(0, 9), textcoords="offset points", ha="center")
    ax.set(xlabel="place of one instrument along a line", ylabel="squared misfit", xlim=(at[0], at[-1]))
    ax.set_ylim(0, 1.25 * float(misfit.max()))
    ax.legend(loc="upper right")
    return fig


def space(found: Map) -> Figure:
    """Draw a map with names, both axes alike."""
    fig, ax = plt.subplots(figsize=(4.9, 4.5))
    _dots(ax, found.points, found.names)
    return fig


def unnamed(maps: Mapping[str, Array]) -> Figure:
    """Draw maps side by side without names."""
    fig, axes = plt.subplots(1, len(maps), figsize=(4.9, 2.7))
    for ax, (title, points) in zip(np.atleast_1d(axes), maps.items()):
        ax.scatter(*points.T, s=34, color=plotting.SERIES[0])
        ax.set_title(title)
        _square(ax, points)
    return fig


def stress(dims: Sequence[int], curves: Mapping[str, Sequence[float]], low: Array, high: Array) -> Figure:
    """Draw stress against dimensions for several methods, and the range that shuffled ratings give."""
    fig, ax = plt.subplots(figsize=(4.9, 3.4))
    ax.fill_between(dims, low, high, color=plotting.INK, alpha=0.18, lw=0, label="same numbers, dealt at random")
    for (name, values), dash, marker, colour in zip(
        curves.items(), ["-", (0, (5, 2)), (0, (1, 1.2))], "os^", plotting.SERIES
    ):
        ax.plot(dims, values, color=colour, ls=dash, marker=marker, ms=6, label=name)
    ax.set(xlabel="dimensions", ylabel="stress-1", ylim=(0, 0.65), xticks=list(dims))
    ax.legend(loc="upper right")
    return fig


def moved(names: Sequence[str], before: Array, after: Array) -> Figure:
    """Draw two maps over each other, with a line from each instrument's one place to its other."""
    fig, ax = plt.subplots(figsize=(4.9, 4.5))
    for a, b in zip(before, after):
        ax.plot(*np.stack([a, b]).T, color=plotting.INK, lw=1, alpha=0.6)
    ax.scatter(*after.T, s=34, facecolor="none", edgecolor=plotting.INK, linewidths=1.2, zorder=2)
    _dots(ax, before, names, extra=after)
    return fig


def clouds(found: Clouds, shown: int = 60) -> Figure:
    """Draw where each instrument lands when its ratings are drawn again."""
    fig, ax = plt.subplots(figsize=(4.9, 4.7), dpi=160)
    names = found.reference.names
    for k, name in enumerate(names):
        ax.scatter(*found.points[:shown, k].T, s=7, color=plotting.colour(name), alpha=0.35, linewidths=0)
    _dots(ax, found.reference.points, names, extra=found.points.reshape(-1, 2))
    return fig


def permutations(by_chance: Array, observed: float) -> Figure:
    """Draw the correlations that shuffled names give, and the one observed."""
    fig, ax = plt.subplots(figsize=(4.9, 2.8))
    ax.hist(by_chance, bins=50, color=plotting.SERIES[0], alpha=0.7)
    ax.axvline(observed, color=plotting.SERIES[1], lw=2.4)
    ax.annotate("observed", (observed, 0.9), xycoords=("data", "axes fraction"), xytext=(-6, 0),
                textcoords="offset points", ha="right")  # fmt: skip
    ax.set(xlabel="correlation", ylabel="shuffles", yticks=[])
    return fig


def intervals(rows: Sequence[tuple[str, int, float, tuple[float, float]]], split: int) -> Figure:
    """Draw correlations with their intervals: name, pairs, r, interval; a gap after the first `split` rows."""
    fig, ax = plt.subplots(figsize=(4.9, 0.9 + 0.34 * len(rows)))
    for k, (_, _, r, (low, high)) in enumerate(rows):
        y = k + (0.7 if k >= split else 0)
        colour = plotting.SERIES[0 if k < split else 1]
        ax.plot([low, high], [y, y], color=colour, lw=2)
        ax.scatter([r], [y], s=50, marker="o" if k < split else "s", color=colour, zorder=3)
    ax.axvline(0, color=plotting.INK, lw=0.8, alpha=0.5)
    places = [k + (0.7 if k >= split else 0) for k in range(len(rows))]
    ax.set_yticks(places, [f"{name} ({pairs})" for name, pairs, _, _ in rows])
    ax.set(xlim=(-1.05, 1.05), xticks=[-1, -0.5, 0, 0.5, 1], xlabel="correlation r and 95 % interval")
    ax.invert_yaxis()
    return fig


def rows_agree(found: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> Figure:
    """Draw for each instrument and study how well its row of dissimilarities agrees with the pool's."""
    fig, ax = plt.subplots(figsize=(4.9, 4.2))
    ax.axvline(0, color=plotting.INK, lw=0.8, alpha=0.5)
    for k, (study, row) in enumerate(found.items()):
        y = [i + 0.09 * (k - 1.5) for i, name in enumerate(names) if name in row]
        x = [row[name] for name in names if name in row]
        ax.scatter(x, y, s=44, marker="os^D"[k % 4], color=plotting.SERIES[k % 6], label=study, alpha=0.9, linewidths=0)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlim=(-0.6, 1.08), xlabel="correlation of its row with the pool's")
    ax.grid(axis="y")
    ax.invert_yaxis()
    fig.legend(loc="outside upper center", ncols=2)
    return fig


def _dots(ax: Axes, points: Array, names: Sequence[str], extra: Array | None = None) -> None:
    everything = points if extra is None else np.concatenate([points, extra])
    reach = 1.12 * float(np.abs(everything).max())
    for k, (name, (x, y)) in enumerate(zip(names, points)):
        ax.scatter([x], [y], s=70, color=plotting.colour(name), marker=plotting.marker(name), zorder=3)
        others = np.delete(points, k, axis=0) / reach - points[k] / reach
        right = _free(others, 1, name, x / reach) >= _free(others, -1, name, x / reach)
        ax.annotate(name, (x, y), xytext=(7 if right else -7, 5), textcoords="offset points", fontsize=9.5,
                    ha="left" if right else "right", zorder=4)  # fmt: skip
    _square(ax, everything)


def _free(others: Array, side: int, name: str, x: float) -> float:
    """Tell how much room a name has on one side of its point; distances count half the picture as 1."""
    width = 0.1 + 0.042 * len(name)
    to_border = 1.0 - side * x - width
    beside = others[(np.abs(others[:, 1] - 0.03) < 0.09) & (side * others[:, 0] > 0)]
    to_next = float((side * beside[:, 0]).min() - width) if len(beside) else 1.0
    return min(to_border, to_next, 0.1)


def _square(ax: Axes, points: Array) -> None:
    """Both axes alike, and no numbers on them: a map may be turned."""
    reach = 1.12 * np.abs(points).max()
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_visible(True)
        side.set_alpha(0.3)
