"""The drawings of one chapter. Chapter: *Which transform?*"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting
from lib.figures.regularising import SIDES

Array = NDArray[np.float64]

#: Title, colour and marker of each transform, the same in every figure of the chapter.
STYLE: dict[str, tuple[str, str, str]] = {
    "stft": ("STFT", plotting.SERIES[0], "o"),
    "dct": ("DCT", plotting.SERIES[3], "D"),
    "nsgt-cqt": ("NSGT-CQT", plotting.SERIES[1], "^"),
    "nsgt-mel": ("NSGT-Mel", plotting.SERIES[5], "v"),
    "nsgt-erb": ("NSGT-ERB", plotting.SERIES[2], "s"),
}


def pictures(panels: Mapping[str, tuple[Array, Array]]) -> Figure:
    """Draw one spectrum of a note, as the model sees it, in each picture: name -> frequencies in Hz, values."""
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.9, 0.9 + 0.95 * len(panels)), sharex=True)
    for ax, (name, (frequencies_hz, values)) in zip(axes, panels.items()):
        title, colour, _ = STYLE[name]
        ax.plot(frequencies_hz, values, color=colour, lw=1.1)
        ax.fill_between(frequencies_hz, values, color=colour, alpha=0.2, lw=0)
        ax.set(ylim=(0, 1.05), yticks=[0, 1])
        ax.set_title(f"{title}: {len(values)} numbers", fontsize=10, loc="left")
    plotting.frequency_axis(axes[-1], 64, 8000, which="x")
    return fig


def by_transform(rows: Mapping[str, Mapping[str, Array]], label: str) -> Figure:
    """Draw, for each transform, the mean and the range over splits on the three sides."""
    fig, ax = plt.subplots(figsize=(4.9, 1.2 + 0.5 * len(rows)))
    for i, sides in enumerate(rows.values()):
        for offset, (side, (title, colour, mark)) in zip((-0.22, 0.0, 0.22), SIDES.items()):
            values = np.asarray(sides[side])
            ax.plot([values.min(), values.max()], [i + offset] * 2, color=colour, lw=1.5)
            ax.scatter(values.mean(), i + offset, color=colour, marker=mark, s=26, zorder=3,
                       label=title if i == 0 else None)  # fmt: skip
    ax.set_yticks(range(len(rows)), [STYLE[name][0] for name in rows])
    ax.invert_yaxis()
    ax.grid(axis="x", alpha=0.3)
    ax.set(xlabel=label)
    fig.legend(loc="outside lower center", ncol=3, fontsize=9, columnspacing=1, handletextpad=0.2)
    return fig


def gaps(rows: Mapping[str, tuple[float, float, Array]], label: str) -> Figure:
    """Draw differences to a reference with their intervals: name -> mean, half-width, single splits."""
    fig, ax = plt.subplots(figsize=(4.9, 1.0 + 0.45 * len(rows)))
    for i, (name, (mean, half, singles)) in enumerate(rows.items()):
        _, colour, mark = STYLE[name]
        if np.isfinite(half):
            ax.plot([mean - half, mean + half], [i, i], color=colour, lw=2)
        ax.scatter(singles, np.full(len(singles), i + 0.2), s=10, color=plotting.INK, alpha=0.5, linewidths=0)
        ax.scatter(mean, i, color=colour, marker=mark, s=46, zorder=3)
    ax.axvline(0, color=plotting.INK, lw=0.9)
    ax.set_yticks(range(len(rows)), [STYLE[name][0] for name in rows])
    ax.set(xlabel=label, ylim=(len(rows) - 0.4, -0.6))
    return fig


def shifts(rows: Mapping[str, Array]) -> Figure:
    """Draw how far a short shift moves each picture, one dot an instrument, with the median."""
    fig, ax = plt.subplots(figsize=(4.9, 0.9 + 0.42 * len(rows)))
    for i, (name, values) in enumerate(rows.items()):
        _, colour, mark = STYLE[name]
        ax.scatter(values, np.full(len(values), i), s=22, color=colour, marker=mark, alpha=0.7, linewidths=0)
        ax.plot([np.median(values)] * 2, [i - 0.3, i + 0.3], color=plotting.INK, lw=1.6)
    ax.set_yticks(range(len(rows)), [STYLE[name][0] for name in rows])
    ax.invert_yaxis()
    ax.set(xlabel="change of the picture, in % of the change to another note", xlim=(0, None))
    return fig


def ranks(floors_db: Sequence[float], errors: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the error of each transform over the floor of its decibels."""
    fig, ax = plt.subplots(figsize=(4.9, 3.1))
    dashes = ("-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2)), (0, (3, 1)))
    for (name, values), dash in zip(errors.items(), dashes):
        title, colour, mark = STYLE[name]
        ax.plot(floors_db, values, color=colour, marker=mark, ms=4.5, ls=dash, label=title)
    ax.set(xlabel="floor in dB below the level", ylabel="error in dB, own axis", ylim=(0, None))
    ax.legend(fontsize=9.5)
    return fig
