"""The drawings of one chapter. Chapter: *Magnitudes only: getting the phase back*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting
from lib.figures.stft_dct import Panel, picture

Array = NDArray[np.float64]

#: Name, colour, marker and dash of each transform, the same in every figure of the chapter.
TRANSFORM_STYLE: dict[str, tuple[str, str, str, Any]] = {
    "stft": ("STFT", plotting.SERIES[0], "o", "-"),
    "nsgt-erb": ("NSGT, ERB", plotting.SERIES[2], "s", (0, (5, 2))),
    "nsgt-cqt48": ("NSGT, 48 an octave", plotting.SERIES[1], "^", (0, (1, 1.2))),
    "dct": ("DCT (signs)", plotting.SERIES[3], "D", (0, (5, 2, 1, 2))),
}


def spiral(coefficients: NDArray[np.complex128], turns: Array, times_s: Array) -> Figure:
    """Draw one bin of a steady note: one turn of it in the complex plane, and its phase over time, in turns."""
    fig, (plane, line) = plt.subplots(1, 2, figsize=(4.9, 2.7), width_ratios=[1, 1.35])
    size = np.abs(coefficients).max()
    once = coefficients[: int(np.argmax(turns - turns[0] > 0.97))] / size
    plane.scatter(once.real, once.imag, c=np.arange(len(once)), cmap="viridis", s=26, zorder=3)
    plane.axhline(0, color=plotting.INK, linewidth=0.6, alpha=0.5)
    plane.axvline(0, color=plotting.INK, linewidth=0.6, alpha=0.5)
    plane.set(aspect="equal", xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), xticks=[-1, 1], yticks=[-1, 1])
    plane.set(xlabel="real part", ylabel="imaginary part")
    line.plot(1000 * (times_s - times_s[0]), turns - turns[0], marker="o", markersize=4, markevery=4)
    line.set(xlabel="time in ms", ylabel="phase in turns")
    return fig


def who_wins(windows_ms: Array, spectrum: Mapping[str, Array], rhythm: Mapping[str, Array]) -> Figure:
    """Draw how much a hybrid is like the giver of its magnitudes and the giver of its phases.

    Args:
        windows_ms: window lengths.
        spectrum: "magnitudes" and "phases" to the correlation of the long-term spectra with that giver's.
        rhythm: the same for the envelopes over time.
    """
    fig, axes = plt.subplots(2, 1, figsize=(4.9, 4.6), sharex=True, sharey=True)
    for ax, title, curves in zip(axes, ("spectrum: whose colour?", "envelope: whose rhythm?"), (spectrum, rhythm)):
        for (giver, values), colour, mark, dash in zip(curves.items(), plotting.SERIES, "os", ("-", (0, (5, 2)))):
            ax.plot(windows_ms, values, color=colour, marker=mark, markersize=4, linestyle=dash, label=giver)
        ax.axvline(40, color=plotting.INK, linewidth=0.8, alpha=0.5)
        ax.axhline(0, color=plotting.INK, linewidth=0.6, alpha=0.5)
        ax.set(title=title, xscale="log", ylabel="correlation", ylim=(-0.6, 1.1), yticks=[-0.5, 0, 0.5, 1])
    ticks = [0.1, 1, 10, 100, 1000]
    axes[1].set_xticks(ticks, ["0.1", "1", "10", "100", "1000"])
    axes[1].minorticks_off()
    axes[1].set_xlabel("window in ms; the line marks 40 ms")
    axes[1].legend(title="like the giver of", loc="upper right", alignment="left")
    return fig


def panels(rows: Sequence[Panel], span_s: tuple[float, float], range_hz: tuple[float, float]) -> Figure:
    """Draw pictures below each other on a logarithmic frequency axis."""
    fig, axes = plt.subplots(len(rows), 1, figsize=(4.9, 0.5 + 1.8 * len(rows)), sharex=True, squeeze=False, dpi=160)
    for ax, panel in zip(axes[:, 0], rows):
        picture(ax, panel, span_s, range_hz)
        plotting.frequency_axis(ax, *range_hz)
        ax.set(title=panel[0], ylabel="")
    axes[len(rows) // 2, 0].set_ylabel("frequency in Hz")
    axes[-1, 0].set_xlabel("time in s")
    return fig


def projections(ways: Mapping[str, tuple[Array, Array, float]]) -> Figure:
    """Draw alternating projections between a circle (wanted magnitude) and a line (pictures of sounds).

    Args:
        ways: title to the points visited `[step, 2]`, the direction of the line `[2]` and its distance from the origin.
    """
    fig, axes = plt.subplots(1, len(ways), figsize=(4.9, 1.9), sharey=True)
    angle = np.linspace(0, 2 * np.pi, 200)
    for ax, (title, (points, direction, offset)) in zip(axes, ways.items()):
        normal = np.array([-direction[1], direction[0]])
        ends = offset * normal + np.outer([-2.2, 2.2], direction)
        ax.plot(np.cos(angle), np.sin(angle), color=plotting.SERIES[1], linewidth=2, linestyle=(0, (5, 2)))
        ax.plot(ends[:, 0], ends[:, 1], color=plotting.SERIES[0], linewidth=2)
        ax.plot(points[:, 0], points[:, 1], color=plotting.INK, linewidth=1, marker="o", markersize=3)
        ax.plot(*points[0], marker="D", markersize=7, color=plotting.SERIES[3])
        ax.set(aspect="equal", xlim=(-1.2, 1.2), ylim=(-0.4, 1.7), xticks=[], yticks=[])
        ax.set_title(title, fontsize=10.5)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
    return fig


def curves(named: Mapping[str, Array]) -> Figure:
    """Draw spectral convergence over iterations for a few runs."""
    fig, ax = plt.subplots(figsize=(4.9, 3.0))
    for (label, curve), colour, mark, dash in zip(
        named.items(), plotting.SERIES, "os^", ("-", (0, (5, 2)), (0, (1, 1.2)))
    ):
        ax.plot(curve, color=colour, linestyle=dash, marker=mark, markevery=20, markersize=5, label=label)
    ax.set(xlabel="iteration", ylabel="spectral convergence", yscale="log")
    _plain_log_ticks(ax)
    ax.legend(loc="upper right")
    return fig


def by_iteration(steps: Sequence[int], bands: Mapping[str, tuple[Array, Array, Array]]) -> Figure:
    """Draw, for each transform, the median spectral convergence over iterations and the range of its middle 80 %.

    Args:
        steps: the iterations that were kept.
        bands: transform to lower bound, median and upper bound `[kept]`.
    """
    fig, ax = plt.subplots(figsize=(4.9, 3.6))
    for name, (low, middle, high) in bands.items():
        label, colour, mark, dash = TRANSFORM_STYLE[name]
        ax.fill_between(steps, low, high, color=colour, alpha=0.15, lw=0)
        ax.plot(steps, middle, color=colour, linestyle=dash, marker=mark, markevery=6, markersize=5, label=label)
    ax.set(xlabel="iteration", ylabel="spectral convergence", yscale="log", ylim=(0.006, 1.0))
    _plain_log_ticks(ax)
    ax.legend(loc="lower left", ncols=2)
    return fig


def starts(values: Mapping[str, Mapping[str, Array]]) -> Figure:
    """Draw the spectral convergence of single notes from two starts, one dot a note, a thick mark at the median.

    Args:
        values: transform to start to values `[note]`.
    """
    fig, axes = plt.subplots(1, len(values), figsize=(4.9, 3.3), sharey=True)
    for ax, (name, by_start) in zip(axes, values.items()):
        pairs = np.array(list(by_start.values()))
        for place, (row, colour, mark) in enumerate(zip(pairs, (plotting.SERIES[0], plotting.SERIES[1]), "os")):
            ax.plot(np.full(len(row), place), row, mark, color=colour, markersize=4, alpha=0.6)
            ax.plot([place - 0.25, place + 0.25], [np.median(row)] * 2, color=plotting.INK, linewidth=2.4)
        ax.plot([0, 1], pairs, color=plotting.INK, linewidth=0.5, alpha=0.25)
        ax.set_xticks([0, 1], list(by_start))
        ax.set_title(TRANSFORM_STYLE[name][0].replace("NSGT, ", "").replace("48 an octave", "48/oct."), fontsize=10.5)
        ax.set(xlim=(-0.5, 1.5), yscale="log")
        _plain_log_ticks(ax)
    axes[0].set_ylabel("spectral convergence")
    return fig


def per_instrument(values: Mapping[str, Mapping[str, float]], label: str) -> Figure:
    """Draw one dot an instrument and transform, instruments in rows, sorted by the first transform.

    Args:
        values: transform to instrument to value.
        label: of the axis.
    """
    first = next(iter(values.values()))
    names = sorted(first, key=first.__getitem__)
    fig, axes = plt.subplots(1, len(values), figsize=(4.9, 4.3), sharex=True, sharey=True)
    top = max(max(v.values()) for v in values.values())
    for ax, (transform, mine) in zip(axes, values.items()):
        for row, name in enumerate(names):
            ax.plot([0, mine[name]], [row, row], color=plotting.INK, alpha=0.25, linewidth=1)
            plotting.scatter(ax, mine[name], row, name, label=False, size=40)
        short = TRANSFORM_STYLE[transform][0].replace("NSGT, ", "").replace("48 an octave", "48/oct.")
        ax.set_title(short, fontsize=10.5)
        ax.set(xlim=(0, 1.12 * top))
        ax.set_yticks(range(len(names)), names)
    axes[len(axes) // 2].set_xlabel(label)
    axes[0].invert_yaxis()
    return fig


def waveforms(rows: Mapping[str, Array], times_s: Array) -> Figure:
    """Draw several sounds' waveforms below each other, to the same scale."""
    fig, axes = plt.subplots(len(rows), 1, figsize=(4.9, 0.9 * len(rows) + 0.5), sharex=True, sharey=True)
    for ax, (title, audio), colour in zip(axes, rows.items(), plotting.SERIES):
        ax.plot(times_s, audio, color=colour, linewidth=0.8)
        ax.set_title(title, fontsize=10.5, fontweight="normal")
        ax.set(yticks=[])
        ax.spines["left"].set_visible(False)
    axes[-1].set_xlabel("time in s")
    return fig


def _plain_log_ticks(ax: plt.Axes) -> None:
    low, high = ax.get_ylim()
    ticks = [t for t in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if low <= t <= high]
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
