"""The drawings of one chapter. Chapter: *How small?*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib import plotting

#: Shares removed that are marked on every axis, as the share that is left.
SHARES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "<")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (4, 1, 1, 1)), "-", (0, (5, 1.5)), (0, (1.2, 1.2)), "-")
#: One point of a curve: share removed, and the median, least and greatest multiplier over seeds.
Point = tuple[float, float, float, float]


def share_axis(ax: Axes, ticks: Sequence[float] = SHARES) -> None:
    """Make an axis logarithmic in what is left, marked by what is gone: equal rounds are equal steps."""
    ax.set_xscale("log")
    ax.set_xlim(1.06, 0.0085)
    ax.set_xticks([1 - share for share in ticks], [f"{100 * share:.0f}" for share in ticks])
    ax.minorticks_off()


def curves(panels: Mapping[str, Mapping[str, Sequence[Point]]], label: str, *, top: float | None = None) -> Figure:
    """Draw error multipliers over the share removed, with their ranges, one panel a model: title -> name -> points.

    A line at 1 is the network that they are compared with; `top` cuts the axis off.
    """
    names = list(dict.fromkeys(name for by_name in panels.values() for name in by_name))
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.9, 2.35 * len(panels) + 0.7), sharex=True, squeeze=False)
    for ax, (title, by_name) in zip(axes[:, 0], panels.items()):
        for name, points in by_name.items():
            k = names.index(name)
            left, middle, low, high = _columns(points)
            ax.fill_between(left, low, high, color=plotting.SERIES[k % 6], alpha=0.15, lw=0)
            ax.plot(
                left, middle, color=plotting.SERIES[k % 6], marker=_MARKS[k % 8], ms=4, ls=_DASHES[k % 8], lw=1.4,
                label=name,
            )  # fmt: skip
        ax.axhline(1.0, color=plotting.INK, lw=0.8)
        ax.set_title(title)
        ax.set_ylabel(label)
        share_axis(ax)
        if top is not None:
            ax.set_ylim(top=min(top, ax.get_ylim()[1]))
    axes[-1, 0].set_xlabel("weights removed, %")
    handles = {line.get_label(): line for ax in axes[:, 0] for line in ax.get_lines() if line.get_label() in names}
    fig.legend(handles.values(), handles.keys(), loc="outside lower center", ncol=2, fontsize=9.5)
    return fig


def convergence(panels: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]) -> Figure:
    """Draw validation error over training steps, one panel a model: title -> name -> (step, error)."""
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.9, 1.9 * len(panels) + 0.6), squeeze=False)
    names = list(dict.fromkeys(name for by_name in panels.values() for name in by_name))
    for ax, (title, by_name) in zip(axes[:, 0], panels.items()):
        for name, points in by_name.items():
            k = names.index(name)
            ax.plot(*zip(*points), color=plotting.SERIES[k], marker=_MARKS[k], ms=4, ls=_DASHES[k], label=name)
        ax.set_title(title)
        ax.set_ylabel("error")
    axes[-1, 0].set_xlabel("training steps")
    handles = {line.get_label(): line for ax in axes[:, 0] for line in ax.get_lines()}
    fig.legend(handles.values(), handles.keys(), loc="outside lower center", ncol=2, fontsize=9.5)
    return fig


def bars(limits: Mapping[float, float], reached: Mapping[str, Mapping[float, Mapping[str, float]]]) -> Figure:
    """Draw what was asked for and what was reached: share -> limit, and name -> share -> median, min, max.

    Names come in pairs: the first word of a name is its colour, and the second of a pair is drawn hollow.
    """
    fig, ax = plt.subplots(figsize=(4.9, 3.6))
    for x, (_, limit) in enumerate(limits.items()):
        ax.plot([x - 0.42, x + 0.42], [limit, limit], color=plotting.INK, lw=2.4, label="bar" if x == 0 else None)
    width = 0.7 / max(1, len(reached))
    kinds = list(dict.fromkeys(name.split()[0] for name in reached))
    seen: list[str] = []
    for k, (name, by_share) in enumerate(reached.items()):
        kind = kinds.index(name.split()[0])
        colour, mark = plotting.SERIES[kind], _MARKS[kind]
        face = "none" if name.split()[0] in seen else colour
        seen.append(name.split()[0])
        for x, share in enumerate(limits):
            if share not in by_share:
                continue
            one, place = by_share[share], x + (k - (len(reached) - 1) / 2) * width
            ax.plot([place, place], [one["min"], one["max"]], color=colour, lw=2)
            label = name if share == next(iter(by_share)) else None
            ax.scatter(place, one["median"], s=38, facecolor=face, edgecolor=colour, marker=mark, label=label, zorder=3)
    ax.axhline(1.0, color=plotting.INK, lw=0.8, ls=":")
    ax.set_xticks(range(len(limits)), [f"{100 * share:.0f} % removed" for share in limits])
    ax.set_ylabel("error multiplier")
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.12), ncol=2, columnspacing=1.0, handletextpad=0.4)
    return fig


def distances(panels: Mapping[str, tuple[Sequence[float], Mapping[str, Sequence[float]], float]]) -> Figure:
    """Draw spectral distances over the share removed: title -> (shares, name -> dB, dB between two draws)."""
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.9, 2.1 * len(panels) + 0.7), sharex=True, squeeze=False)
    for ax, (title, (removed, by_name, draws)) in zip(axes[:, 0], panels.items()):
        left = [1 - share for share in removed]
        for (name, values), colour, mark, dash in zip(by_name.items(), plotting.SERIES, _MARKS, _DASHES):
            ax.plot(left, values, color=colour, marker=mark, ms=5, ls=dash, label=name)
        ax.axhline(draws, color=plotting.INK, lw=1, ls=":", label="two draws of the same model")
        ax.set_title(title)
        ax.set_ylabel("dB")
        ax.set_ylim(bottom=0)
        share_axis(ax)
    axes[-1, 0].set_xlabel("weights removed, %")
    handles = {line.get_label(): line for ax in axes[:, 0] for line in ax.get_lines()}
    fig.legend(handles.values(), handles.keys(), loc="outside lower center", ncol=2, fontsize=9.5)
    return fig


def repaired(rounds: Sequence[float], honest: Sequence[float], mended: Sequence[float], removed: Any) -> Figure:
    """Draw one chain three times: as it is, with a bad start, and with that start replaced."""
    fig, ax = plt.subplots(figsize=(4.9, 3.1))
    left = 1 - np.asarray(removed)
    rows = {"as measured": rounds, "round 0 spoilt": honest, "round 0 replaced": mended}
    for (name, values), colour, mark, dash in zip(rows.items(), plotting.SERIES, _MARKS, _DASHES):
        ax.plot(left, values, color=colour, marker=mark, ms=4, ls=dash, label=name)
    ax.axhline(1.0, color=plotting.INK, lw=0.8)
    ax.set(xlabel="weights removed, %", ylabel="error multiplier")
    share_axis(ax)
    ax.legend(loc="upper left")
    return fig


def _columns(points: Sequence[Point]) -> tuple[np.ndarray, ...]:
    removed, middle, low, high = (np.array(column) for column in zip(*points))
    return 1 - removed, middle, low, high
