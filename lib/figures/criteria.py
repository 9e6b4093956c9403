"""The drawings of one chapter. Chapter: *Which units matter? Criteria and mutual information*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import rankdata

from lib import plotting
from lib.pruning.information import normal_scores

Array = NDArray[np.float64]
_MARKS = ("o", "s", "^", "D", "v", "P")


def damages(values: Array, unit: str = "error added") -> Figure:
    """Draw what each unit is worth, the most harmful to lose first."""
    ordered = np.sort(values)[::-1]
    fig, ax = plt.subplots(figsize=(4.9, 2.6))
    ax.bar(
        np.arange(len(ordered)), ordered, width=0.8, color=np.where(ordered > 0, plotting.SERIES[0], plotting.SERIES[1])
    )
    ax.axhline(0.0, color=plotting.INK, lw=0.8)
    ax.set(xlabel="units, the most harmful to lose first", ylabel=unit, xlim=(-0.8, len(ordered) - 0.2))
    return fig


def opinions(scores: Mapping[str, Array], harm: Array) -> Figure:
    """Draw the rank that every criterion gives every unit, the units ordered by the damage of losing them."""
    order = np.argsort(-harm)
    ranks = np.stack([rankdata(-np.asarray(values))[order] for values in scores.values()])
    fig, (top, ax) = plt.subplots(2, 1, figsize=(4.9, 3.9), sharex=True, height_ratios=(1, 2.6))
    top.bar(np.arange(len(order)), harm[order], width=0.8, color=plotting.SERIES[0])
    top.axhline(0.0, color=plotting.INK, lw=0.8)
    top.set_ylabel("damage")
    ax.imshow(ranks, aspect="auto", cmap="viridis_r", vmin=1, vmax=len(order), interpolation="nearest")
    for row, line in enumerate(ranks):
        for column, rank in enumerate(line):
            ax.text(
                column, row, f"{rank:.0f}", ha="center", va="center", fontsize=9.5,
                color="#000000" if rank < 0.55 * len(order) else "#ffffff",
            )  # fmt: skip
    ax.set_yticks(range(len(scores)), list(scores))
    ax.set_xticks(range(len(order)), [str(unit) for unit in order])
    ax.set_xlabel("unit, the most harmful to lose first")
    ax.tick_params(length=0)
    return fig


def relations(panels: Mapping[str, tuple[Array, Array, Sequence[str]]]) -> Figure:
    """Draw pairs of variables, one panel each, with lines of numbers below: title -> (x, y, lines)."""
    fig, axes = plt.subplots(2, 2, figsize=(4.9, 5.4))
    for ax, (title, (x, y, lines)) in zip(axes.ravel(), panels.items()):
        ax.scatter(x, y, s=5, color=plotting.SERIES[0], alpha=0.5, linewidths=0, rasterized=True)
        ax.set(xticks=[], yticks=[])
        ax.set_title(title, fontsize=10)
        ax.set_xlabel("\n".join(lines), fontsize=9.5, loc="left")
    return fig


def three_ways(x: Array, y: Array, centre: int, k: int = 4) -> Figure:
    """Draw how three estimators look at the same samples: as ranks, as neighbourhoods, as buckets."""
    fig, axes = plt.subplots(1, 3, figsize=(4.9, 2.35))
    dots = {"s": 5, "alpha": 0.55, "linewidths": 0}
    u, v = (normal_scores(z[:, None])[:, 0] for z in (x, y))
    axes[0].scatter(u, v, color=plotting.SERIES[0], **dots)
    axes[0].set_title("copula", fontsize=10)
    axes[0].set_xlabel("ranks, bent to\na Gaussian", fontsize=9.5)
    both = np.column_stack([(z - z.mean()) / z.std() for z in (x, y)])
    radius = cKDTree(both).query(both[centre], k + 1, p=np.inf)[0][-1]
    for axis, colour in ((0, plotting.SERIES[2]), (1, plotting.SERIES[1])):
        span = (axes[1].axvspan, axes[1].axhspan)[axis]
        span(both[centre, axis] - radius, both[centre, axis] + radius, color=colour, alpha=0.3, lw=0)
    axes[1].scatter(*both.T, color=plotting.SERIES[0], **dots)
    axes[1].add_patch(Rectangle(both[centre] - radius, 2 * radius, 2 * radius, fill=False, ec=plotting.INK, lw=1.4))
    axes[1].scatter(*both[centre], s=28, color=plotting.SERIES[3], zorder=3)
    axes[1].set_title("KSG", fontsize=10)
    axes[1].set_xlabel("box to the 4th\nneighbour, strips", fontsize=9.5)
    edges = np.linspace(-3, 3, 9)
    counts = np.histogram2d(*both.T, bins=(edges, edges))[0]
    axes[2].pcolormesh(edges, edges, np.ma.masked_equal(counts.T, 0), cmap="viridis_r", alpha=0.9)
    axes[2].scatter(*both.T, color=plotting.INK, s=2, alpha=0.5, linewidths=0)
    axes[2].set_title("buckets", fontsize=10)
    axes[2].set_xlabel("how full is\neach box?", fontsize=9.5)
    for ax in axes:
        ax.set(xticks=[], yticks=[], xlim=(-3, 3), ylim=(-3, 3), box_aspect=1)
    return fig


def saturation(
    dims: Sequence[int], independent: Mapping[str, Sequence[float]], truth: Sequence[float], ceiling: float
) -> Figure:
    """Draw what estimators say about independent noise of more and more dimensions."""
    fig, ax = plt.subplots(figsize=(4.9, 3.6))
    for (name, values), colour, mark in zip(independent.items(), plotting.SERIES, _MARKS):
        ax.plot(dims, values, color=colour, marker=mark, ms=5, label=name)
    ax.plot(dims, truth, color=plotting.INK, lw=1.2, ls=(0, (5, 2)), label="truth: 0")
    ax.axhline(ceiling, color=plotting.INK, lw=1, ls=":")
    ax.text(dims[0], ceiling + 0.15, "log2 of the number of samples", va="bottom", fontsize=9.5)
    ax.set(xscale="log", xlabel="dimensions of each of the two variables", ylabel="bits")
    ax.set_xticks(list(dims), [str(d) for d in dims])
    ax.minorticks_off()
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncol=2)
    return fig


def units_and_target(panels: Sequence[tuple[str, Array, Array]]) -> Figure:
    """Draw activations over the first component of the target: (title, target, activation) each."""
    fig, axes = plt.subplots(1, len(panels), figsize=(4.9, 2.5), sharex=True)
    for ax, (title, target, activation) in zip(axes, panels):
        ax.scatter(target, activation, s=5, color=plotting.SERIES[0], alpha=0.45, linewidths=0, rasterized=True)
        ax.set_title(title, fontsize=10)
        ax.set(xlabel="first component", yticks=[])
    axes[0].set_ylabel("activation of the unit")
    return fig


def against_damage(scores: Mapping[str, Array], harm: Array, rho: Mapping[str, float]) -> Figure:
    """Draw the damage of every unit over its rank by a criterion, six criteria; linear up to 0.01."""
    fig, axes = plt.subplots(2, 3, figsize=(4.9, 3.7), sharex=True, sharey=True)
    for ax, (name, values) in zip(axes.ravel(), scores.items()):
        ax.scatter(rankdata(values), harm, s=13, color=plotting.SERIES[0], alpha=0.75, linewidths=0)
        ax.axhline(0.0, color=plotting.INK, lw=0.6)
        ax.set_title(f"{name}\nρ {rho[name]:+.2f}", fontsize=9.5)
        ax.set_xticks([1, len(values)], ["low", "high"])
        ax.set_yscale("symlog", linthresh=0.01)
        ax.set_yticks([-0.01, 0.0, 0.01, 0.1], ["−0.01", "0", "0.01", "0.1"])
        ax.minorticks_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("damage", fontsize=9.5)
    fig.supxlabel("rank by the criterion", fontsize=10.5)
    return fig


def agreement(tables: Mapping[str, Mapping[str, Mapping[str, float]]], chance: float) -> Figure:
    """Draw the agreement with damage: model -> criterion -> group -> median rho; the mean of the groups as a bar."""
    names = list(next(iter(tables.values())))
    fig, axes = plt.subplots(1, len(tables), figsize=(4.9, 0.34 * len(names) + 1.1), sharey=True, squeeze=False)
    for ax, (model, by_criterion), colour, mark in zip(axes[0], tables.items(), plotting.SERIES, _MARKS):
        ax.axvspan(-chance, chance, color=plotting.INK, alpha=0.08, lw=0)
        ax.axvline(0.0, color=plotting.INK, lw=0.8)
        for y, name in enumerate(names):
            values = list(by_criterion.get(name, {}).values())
            if values:
                ax.scatter(values, [y] * len(values), s=14, color=colour, alpha=0.5, marker=mark, linewidths=0)
                ax.plot([np.mean(values)] * 2, [y - 0.33, y + 0.33], color=plotting.INK, lw=2.4, solid_capstyle="butt")
        ax.set(xlim=(-0.75, 1.0), xlabel="Spearman's ρ")
        ax.set_xticks([-0.5, 0.0, 0.5], ["−0.5", "0", "0.5"])
        ax.set_title(model, fontsize=10.5)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].invert_yaxis()
    return fig
