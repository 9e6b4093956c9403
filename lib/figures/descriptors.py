"""The drawings of one chapter. Chapter: *Audio descriptors*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting
from lib.descriptors import DESCRIPTORS

Array = NDArray[np.float64]

#: Highest frequency of the pictures of spectra, in Hz.
TOP_HZ = 5000.0


def balance(panels: Sequence[tuple[str, Array, Array, float, float]], magnified: float | None = None) -> Figure:
    """Draw power spectra as weights on a beam, with the point where each balances.

    Args:
        panels: instrument, frequencies in Hz `[bin]`, magnitudes `[bin]`, centroid and bandwidth in Hz.
        magnified: draw a pale second curve this many times as high, cut off at the top, to show a weak tail.
    """
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.9, 0.55 + 1.35 * len(panels)), sharex=True, squeeze=False)
    for ax, (instrument, f, m, centre, width) in zip(axes[:, 0], panels):
        power = m**2 / (m**2).sum()
        height = power.max()
        if magnified:
            pale = np.minimum(magnified * power / height, 1.05)
            ax.fill_between(f, pale, color=plotting.colour(instrument), alpha=0.3, linewidth=0)
        ax.fill_between(f, power / height, step="mid", color=plotting.colour(instrument), linewidth=0)
        ax.plot(f, power / height, color=plotting.colour(instrument), linewidth=0.8)
        ax.plot([centre - width, centre + width], [-0.13, -0.13], color=plotting.INK, linewidth=1.2)
        ax.plot([centre], [-0.13], marker="^", color=plotting.INK, markersize=9)
        ax.axhline(0, color=plotting.INK, linewidth=0.8)
        ax.annotate(f"{centre:,.0f} Hz", (centre + width, -0.13), (5, -3), textcoords="offset points", fontsize=9.5)
        ax.set_title(instrument)
        ax.set(ylim=(-0.28, 1.1), yticks=[], xlim=(0, TOP_HZ))
        ax.spines[["left", "bottom"]].set_visible(False)
    axes[0, 0].set_ylabel("power")
    axes[-1, 0].set_xlabel("frequency in Hz, linear")
    return fig


def envelopes(notes: Sequence[tuple[str, Array, Array, float, float, float]]) -> Figure:
    """Draw envelopes with their attack shaded and their temporal centroid marked.

    Args:
        notes: instrument, times in s, envelope, start and end of the attack, temporal centroid in s.
    """
    fig, axes = plt.subplots(len(notes), 1, figsize=(4.9, 0.5 + 1.1 * len(notes)), sharex=True, squeeze=False)
    for ax, (instrument, times_s, level, begin_s, end_s, centre_s) in zip(axes[:, 0], notes):
        ax.fill_between(times_s, level / level.max(), color=plotting.colour(instrument), alpha=0.45, linewidth=0)
        ax.axvspan(begin_s, end_s, color=plotting.SERIES[1], alpha=0.55, linewidth=0)
        ax.plot([centre_s], [-0.12], marker="^", color=plotting.INK, markersize=8)
        ax.set_title(f"{instrument}: {1000 * (end_s - begin_s):.0f} ms")
        ax.set(ylim=(-0.25, 1.1), yticks=[], xlim=(0, 2.0))
        ax.spines["left"].set_visible(False)
    axes[-1, 0].set_xlabel("time in s")
    return fig


def stretched(h: Array, cents: Array, fitted_cents: Array) -> Figure:
    """Draw how many cents each partial lies above the whole multiple of the fundamental, with the fitted law."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    ax.axhline(0, color=plotting.INK, linewidth=0.8, linestyle=(0, (4, 3)))
    ax.plot(h, fitted_cents, color=plotting.SERIES[0])
    ax.plot(h, cents, "o", color=plotting.SERIES[1], markersize=5)
    ax.annotate("whole multiples", (h[-1], 0), (0, 4), textcoords="offset points", ha="right", fontsize=9.5)
    ax.set(xlabel="partial $h$", ylabel="cents above $h\\,f_0$")
    return fig


def keyboard(midi: Array, stretch: Array) -> Figure:
    """Draw the inharmonicity of the piano's notes over the keyboard."""
    fig, ax = plt.subplots(figsize=(4.9, 2.7))
    ax.semilogy(midi, stretch, marker="$\\times$", linestyle="none", color=plotting.colour("Piano"))
    marks = [28, 33, 45, 57, 69, 81]
    ax.set_xticks(marks[1:], ["A1", "A2", "A3", "A4", "A5"])
    ax.set(xlabel="key", ylabel="inharmonicity $B$")
    return fig


def beating(distance_hz: Array, rough: Array, erb_hz: float) -> Figure:
    """Draw the roughness of two equal sines over their distance, with the width of the ear's filter."""
    fig, ax = plt.subplots(figsize=(4.9, 2.7))
    ax.plot(distance_hz, rough, color=plotting.SERIES[0])
    worst = int(np.argmax(rough))
    ax.plot(distance_hz[worst], rough[worst], "o", color=plotting.SERIES[0])
    ax.annotate(f"{distance_hz[worst]:.0f} Hz", (distance_hz[worst], rough[worst]), (8, -2), textcoords="offset points")
    ax.axvline(erb_hz, color=plotting.INK, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.annotate("one ERB", (erb_hz, rough[worst] * 0.9), (5, 0), textcoords="offset points", fontsize=9.5)
    ax.set(xlabel="distance of the two sines in Hz", ylabel="roughness", xlim=(0, distance_hz[-1]), ylim=(0, None))
    return fig


def noise_on_axes(panels: Sequence[tuple[str, Array, Array, float, float]]) -> Figure:
    """Draw the mean magnitude of one noise over bin number, with two readings of its centroid.

    Args:
        panels: title, frequencies in Hz `[bin]`, magnitudes `[bin]`, true centroid in Hz, and the centroid that
            takes the bins to be equally spaced from 0 to 11,025 Hz.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(4.9, 3.1), sharey=True)
    for ax, (title, f, m, true_hz, linear_hz) in zip(axes, panels):
        k = np.arange(len(f))
        ax.fill_between(k, m / m.max(), color=plotting.INK, alpha=0.18, linewidth=0)
        true_bin = float(np.interp(true_hz, f, k))
        linear_bin = linear_hz / 11_025 * k[-1]
        marks = ((true_bin, true_hz, plotting.SERIES[2], "-"), (linear_bin, linear_hz, plotting.SERIES[1], (0, (5, 2))))
        for place, (x, hz, colour, dash) in zip((1.02, 1.12), marks):
            ax.axvline(x, color=colour, linestyle=dash)
            ax.annotate(
                f"{hz:,.0f} Hz", (x, place), xycoords=("data", "axes fraction"), ha="center", color=colour, fontsize=10
            )
        ax.set_title(title, pad=32)
        ax.set(xlabel="bin", xlim=(0, k[-1]), ylim=(0, 1.08), yticks=[])
    axes[0].set_ylabel("mean magnitude")
    return fig


def as_if_linear(found: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw for each instrument the centroid with log bins taken as linear against the true one."""
    fig, ax = plt.subplots(figsize=(4.9, 3.6))
    values = np.array(list(found.values()))
    (left, low), (right, high) = values.min(axis=0) / 1.2, values.max(axis=0) * 1.3
    right *= 1.25
    for factor in (3, 4, 5, 6):
        ax.plot([left, high / factor], [factor * left, high], color=plotting.INK, linewidth=0.7, linestyle=(0, (4, 3)))
        ax.annotate(f"× {factor}", (high / factor, high), (0, 3), textcoords="offset points", ha="center", fontsize=9.5)
    for name, (true_hz, linear_hz) in found.items():
        plotting.scatter(ax, true_hz, linear_hz, name, label=name in {"Trumpet-C", "Piano", "Oboe"})
    ax.set(xscale="log", yscale="log", xlim=(left, right), ylim=(low, high))
    ax.set(xlabel="true centroid in Hz", ylabel="bins taken as linear, Hz")
    for axis, ticks in ((ax.xaxis, (500, 1000, 2000)), (ax.yaxis, (3000, 4000, 6000))):
        axis.set_ticks(ticks, [f"{tick:,}" for tick in ticks])
        axis.minorticks_off()
    return fig


def exponents(powers: Array, curves: Mapping[str, Array]) -> Figure:
    """Draw the centroid of several notes over the exponent that weighs the magnitudes."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    for dash, (name, hz) in zip(("-", (0, (5, 2)), (0, (1, 1.2))), curves.items()):
        ax.plot(powers, hz, color=plotting.colour(name), linestyle=dash, label=name)
    for power, label in ((1, "amplitude"), (2, "power")):
        ax.axvline(power, color=plotting.INK, linewidth=0.7, linestyle=(0, (4, 3)))
        ax.annotate(label, (power, 1), (3, -10), xycoords=("data", "axes fraction"), textcoords="offset points")
    ax.set(xlabel="exponent", ylabel="centroid in Hz", xlim=(powers[0], powers[-1]), ylim=(0, None))
    ax.legend(loc="upper right")
    return fig


def variance(shares: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw for each descriptor how its variance divides among sources, as stacked bars that sum to 100 %."""
    names = list(shares)
    fig, ax = plt.subplots(figsize=(4.9, 0.9 + 0.27 * len(names)))
    left = np.zeros(len(names))
    looks = ((plotting.SERIES[0], ""), (plotting.SERIES[1], "///"), ("#9aa3ad", "..."))
    for (colour, hatch), source in zip(looks, next(iter(shares.values()))):
        size = np.array([100 * shares[name][source] for name in names])
        ax.barh(names, size, left=left, color=colour, label=source, hatch=hatch, edgecolor="white", linewidth=0.4)
        left += size
    ax.set(xlim=(0, 100), xlabel="share of the variance in %")
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    fig.legend(
        *ax.get_legend_handles_labels(), loc="outside upper center", ncols=3, columnspacing=1.2, handlelength=1.4
    )
    return fig


def correlations(rows: Sequence[Mapping[str, Any]], level: float = 0.05) -> Figure:
    """Draw the correlation of each descriptor with each axis of the map: dots with 95 % intervals.

    Args:
        rows: as in `descriptor_axes.json`; a filled dot survives Holm's correction at `level`.
    """
    keys = list(dict.fromkeys(row["descriptor"] for row in rows))
    count = max(row["axis"] for row in rows)
    fig, axes = plt.subplots(1, count, figsize=(4.9, 0.8 + 0.26 * len(keys)), sharey=True)
    for row in rows:
        ax, y = axes[row["axis"] - 1], keys.index(row["descriptor"])
        survives = row["p_holm"] < level
        colour, marker, fill = (plotting.SERIES[1], "D", "full") if survives else (plotting.SERIES[0], "o", "none")
        ax.plot(row["interval"], [y, y], color=colour, linewidth=1.3)
        ax.plot(row["r"], y, marker, color=colour, markersize=6, fillstyle=fill)
    for axis, ax in enumerate(axes, start=1):
        ax.axvline(0, color=plotting.INK, linewidth=0.8)
        ax.set(xlim=(-1.05, 1.05), title=f"axis {axis}")
        ax.set_xticks([-1, 0, 1], ["−1", "0", "1"])
        ax.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(keys)), [DESCRIPTORS[key].name for key in keys])
    axes[0].invert_yaxis()
    axes[count // 2].set_xlabel("correlation $r$")
    return fig


def gains(frequencies_hz: Array, gain_db: Array, steps: Array, hz: Array, target_hz: float) -> Figure:
    """Draw what gradient descent did: the centroid over the steps, and the filter it ended with."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(4.9, 2.7), width_ratios=(1, 1.25))
    left.axhline(target_hz, color=plotting.INK, linewidth=0.8, linestyle=(0, (4, 3)))
    left.plot(steps, hz, color=plotting.SERIES[0])
    left.set(xlabel="step", ylabel="centroid in Hz", ylim=(0, None))
    right.axhline(0, color=plotting.INK, linewidth=0.8)
    right.plot(frequencies_hz, gain_db, color=plotting.SERIES[2])
    right.set(xscale="log", xlabel="frequency in Hz", ylabel="gain in dB", xlim=(100, 8000))
    right.set_xticks([100, 1000, 8000], ["100", "1,000", "8,000"])
    right.minorticks_off()
    return fig
