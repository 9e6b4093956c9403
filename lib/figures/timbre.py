"""The drawings of one chapter. Chapter: *What is timbre?*"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting

Array = NDArray[np.float64]

#: Levels below this, in dB of the strongest harmonic, are drawn at the bottom.
FLOOR_DB = -50.0


def periods(
    sounds: Mapping[str, Array], f0_hz: float, sample_rate: int, *, at_s: float = 1.0, count: int = 3
) -> Figure:
    """Draw a few periods of each instrument, small pictures side by side; each starts where it rises through zero."""
    rows = -(-len(sounds) // 2)
    fig, axes = plt.subplots(rows, 2, figsize=(4.9, 0.4 + 1.05 * rows), sharex=True)
    length = round(count * sample_rate / f0_hz)
    for ax, (name, audio) in zip(axes.flat, sounds.items()):
        start = _rising(audio, round(at_s * sample_rate), round(sample_rate / f0_hz))
        piece = audio[start : start + length]
        ax.axhline(0, color=plotting.INK, lw=0.6, alpha=0.3)
        ax.plot(1000 * np.arange(length) / sample_rate, piece / np.abs(piece).max(), color=plotting.colour(name))
        ax.set(yticks=[], ylim=(-1.15, 1.15), xlim=(0, 1000 * count / f0_hz))
        ax.set_title(name, fontsize=10, fontweight="normal")
        ax.spines["left"].set_visible(False)
    for ax in axes[-1]:
        ax.set_xlabel("time in ms")
    return fig


def _rising(audio: Array, start: int, period: int) -> int:
    """Find the rise through zero that comes before the highest peak of a period."""
    piece = audio[start : start + 2 * period]
    before = piece[: period + int(np.argmax(piece[period // 2 : period // 2 + period]))]
    crossings = np.flatnonzero((before[:-1] <= 0) & (before[1:] > 0))
    return start + (int(crossings[-1]) if len(crossings) else 0)


def onsets(courses: Mapping[str, tuple[Array, Array]], until_s: float = 0.4) -> Figure:
    """Draw how each sound begins: times in s and level in dB of its peak."""
    fig, ax = plt.subplots(figsize=(4.9, 3.0))
    dashes = ["-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2))]
    for (name, (times_s, level_db)), dash in zip(courses.items(), dashes):
        ax.plot(1000 * times_s, level_db, color=plotting.colour(name), ls=dash, label=name, lw=2)
    ax.set(xlim=(0, 1000 * until_s), ylim=(-42, 2), xlabel="time in ms", ylabel="level in dB of the peak")
    ax.legend(loc="lower right")
    return fig


def harmonics(panels: Sequence[tuple[str, str, Array]], columns: int = 2) -> Figure:
    """Draw the levels of harmonics as stems, one small picture for each title, instrument and `[harmonic]` dB."""
    rows = -(-len(panels) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(4.9, 0.5 + 1.2 * rows), sharex=True, sharey=True, squeeze=False)
    for ax, (title, instrument, levels_db) in zip(axes.flat, panels):
        numbers = np.arange(1, len(levels_db) + 1)
        shown = np.maximum(levels_db, FLOOR_DB)
        odd = numbers % 2 == 1
        colour = plotting.colour(instrument)
        # an open dot stays open on any ground: its stem ends below it
        ax.vlines(numbers, FLOOR_DB, np.where(odd, shown, np.maximum(shown - 3.0, FLOOR_DB)), color=colour, lw=2.2)
        ax.scatter(numbers[odd], shown[odd], s=22, color=colour, zorder=3)
        ax.scatter(numbers[~odd], shown[~odd], s=22, facecolor="none", edgecolor=colour, linewidths=1.3, zorder=3)
        ax.set(xlim=(0.3, len(levels_db) + 0.7), ylim=(FLOOR_DB - 1, 5), yticks=[-40, -20, 0])
        ax.set_xticks(numbers[:: 1 if len(numbers) <= 10 else 3])
        ax.set_title(title, fontsize=10, fontweight="normal")
    for row in axes:
        row[0].set_ylabel("dB")
    for ax in axes[-1]:
        ax.set_xlabel("harmonic")
    return fig


def courses(panels: Sequence[tuple[str, Array, Array]], count: int = 6) -> Figure:
    """Draw the level of each harmonic over time: title, times in s and tracks `[harmonic, time]` in dB."""
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.9, 0.4 + 2.0 * len(panels)), sharex=True, sharey=True)
    dashes = ["-", (0, (5, 1.5)), (0, (1, 1.2)), "-", (0, (5, 1.5)), (0, (1, 1.2))]
    for ax, (title, times_s, tracks_db) in zip(np.atleast_1d(axes), panels):
        for h, (track, dash) in enumerate(zip(tracks_db[:count], dashes), start=1):
            ax.plot(times_s, track, color=plotting.SERIES[(h - 1) % 6], ls=dash, lw=1.5, label=str(h))
        ax.set(ylim=(-50, 2), yticks=[-40, -20, 0], ylabel="level in dB")
        ax.set_title(title)
    np.atleast_1d(axes)[-1].set(xlabel="time in s", xlim=(0, float(times_s[-1])))
    handles, labels = np.atleast_1d(axes)[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=count, title="harmonic", handlelength=1.6)
    return fig


def orders(columns: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the order of the same instruments by several measures: one column each, a line for each instrument."""
    fig, ax = plt.subplots(figsize=(4.9, 3.7))
    names = list(next(iter(columns.values())))
    places = {title: {n: i for i, n in enumerate(sorted(names, key=values.get))} for title, values in columns.items()}
    for name in names:
        y = [places[title][name] for title in columns]
        ax.plot(range(len(columns)), y, color=plotting.colour(name), marker=plotting.marker(name), lw=1.8, ms=7)
        ax.annotate(
            name, (len(columns) - 1, y[-1]), xytext=(9, 0), textcoords="offset points", va="center", fontsize=9.5
        )
    ax.set_xticks(range(len(columns)), list(columns))
    ax.set_yticks([0, len(names) - 1], ["least", "most"])
    ax.set_xlim(-0.15, len(columns) - 0.2 + 0.35)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0)
    return fig
