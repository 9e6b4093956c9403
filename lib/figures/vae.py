"""The drawings of one chapter. Chapter: *The VAE*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from numpy.typing import NDArray

from lib import plotting

Array = NDArray[np.float64]
DASHES = ("-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2)), (0, (3, 1)))


def front_end(frequencies_hz: Array, times_s: Array, linear: Array, compressed: Array) -> Figure:
    """Draw the twelve spectra of one note, [frame, bin], before and after compression, each on its own scale."""
    fig, axes = plt.subplots(1, 2, figsize=(4.9, 3.1), sharey=True, dpi=160)
    for ax, picture, title in zip(axes, (linear, compressed), ("magnitude / level", "to the power .3")):
        ax.pcolormesh(np.arange(len(times_s) + 1) + 0.5, _edges(frequencies_hz), picture.T, rasterized=True)
        plotting.frequency_axis(ax, frequencies_hz[0], frequencies_hz[-1])
        ax.set(xlabel="spectrum no.", xticks=[1, 4, 8, 12])
        ax.set_title(title, fontsize=10.5)
    axes[1].set_ylabel("")
    return fig


def codes(panels: Sequence[tuple[str, Array, Array, Sequence[str]]], shown: Sequence[str]) -> Figure:
    """Draw two-dimensional codes, one panel for each title, means [n, 2], standard deviations [n, 2], instruments."""
    fig, axes = plt.subplots(1, len(panels), figsize=(4.9, 3.1))
    for ax, (title, mean, std, names) in zip(axes, panels):
        labels = np.asarray(names)
        ax.scatter(*mean.T, s=3, color=plotting.INK, alpha=0.25, linewidths=0)
        for name in shown:
            own = labels == name
            ax.scatter(*mean[own].T, s=9, color=plotting.colour(name), marker=plotting.marker(name), alpha=0.9)
            for i in np.flatnonzero(own)[::6]:
                radius = float(std[i].mean())
                ax.add_patch(Circle(tuple(mean[i]), radius, fill=False, lw=0.7, color=plotting.colour(name), alpha=0.7))
        low, high = np.percentile(mean, [0.5, 99.5], axis=0)
        half = 0.58 * (high - low).max()
        middle = (low + high) / 2
        ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half), aspect="equal")
        ax.set_title(title, fontsize=10.5)
        ax.locator_params(nbins=4)
    handles = [
        Line2D([], [], ls="", color=plotting.colour(name), marker=plotting.marker(name), label=name) for name in shown
    ]
    fig.legend(handles=handles, loc="outside lower center", ncol=len(shown), fontsize=9.5, handletextpad=0.1)
    return fig


def monte_carlo(n_draws: Array, error: Array) -> Figure:
    """Draw the error of a Monte Carlo estimate in nats over the number of draws, beside the slope of a half."""
    fig, ax = plt.subplots(figsize=(4.9, 2.7))
    ax.loglog(n_draws, error, marker="o", label="typical error of the estimate")
    ax.loglog(
        n_draws, error[0] * np.sqrt(n_draws[0] / n_draws), color=plotting.INK, ls=(0, (5, 2)), lw=1,
        label="falls with the root of the draws",
    )  # fmt: skip
    ax.set(xlabel="draws", ylabel="error in nats")
    ax.legend()
    return fig


def two_readings(s: Array, right: Array, read_as_variance: Array) -> Figure:
    """Draw the KL of one dimension over the standard deviation, and what comes out when it is read as a variance."""
    fig, ax = plt.subplots(figsize=(4.9, 2.8))
    ax.plot(s, right, label="s is the standard deviation, and is read so")
    ax.plot(s, read_as_variance, color=plotting.SERIES[1], ls=(0, (5, 2)), label="s is read as the variance")
    ax.set(xlabel="s, the spread of the draws", ylabel="KL in nats", xlim=(0, 1.5), ylim=(0, 3))
    ax.legend()
    return fig


def learning(steps: Sequence[int], curves: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the reconstruction error in dB over the steps, one line for each side."""
    fig, ax = plt.subplots(figsize=(4.9, 2.8))
    for (name, values), colour, mark, dash in zip(curves.items(), plotting.SERIES, "os^", DASHES):
        ax.plot(steps, values, color=colour, marker=mark, markersize=4, ls=dash, label=name)
    ax.set(xlabel="training step", ylabel="error in dB", ylim=(0, None))
    ax.legend()
    return fig


def active(by_beta: Mapping[str, Array]) -> Figure:
    """Draw how many nats each latent dimension carries, sorted, one line for each weight of the KL."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    for (name, nats), colour, mark, dash in zip(by_beta.items(), plotting.SERIES, "os^D", DASHES):
        ax.plot(np.arange(1, len(nats) + 1), np.sort(nats)[::-1], color=colour, marker=mark, ms=4, ls=dash, label=name)
    ax.set(xlabel="latent dimensions, the busiest first", ylabel="nats a spectrum", ylim=(-0.1, None))
    ax.set_xticks([1, 4, 8, 12, 16])
    ax.legend()
    return fig


def bars(rows: Sequence[tuple[str, float, float]], unit: str) -> Figure:
    """Draw two bars a row: what was trained on, and what was held out in this way."""
    fig, ax = plt.subplots(figsize=(4.9, 0.7 + 0.75 * len(rows)))
    for i, (_, trained, held_out) in enumerate(rows):
        ax.barh(i - 0.2, trained, 0.36, color=plotting.SERIES[0], label="trained on" if i == 0 else None)
        ax.barh(i + 0.2, held_out, 0.36, color=plotting.SERIES[1], hatch="//", edgecolor="white", lw=0,
                label="held out" if i == 0 else None)  # fmt: skip
        for y, value in ((i - 0.2, trained), (i + 0.2, held_out)):
            ax.text(value, y, f" {value:.2f}", va="center", fontsize=9.5)
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    ax.invert_yaxis()
    ax.set(xlabel=unit, xlim=(0, 1.18 * max(max(a, b) for _, a, b in rows)))
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.3), ncol=2)
    return fig


def spectra(frequencies_hz: Array, curves: Mapping[str, Array]) -> Figure:
    """Draw spectra in dB on a logarithmic frequency axis, one line each."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    for (name, magnitude), colour, dash in zip(curves.items(), plotting.SERIES, DASHES):
        level = 20 * np.log10(np.maximum(magnitude, 1e-4))
        ax.plot(frequencies_hz, level, color=colour, ls=dash, lw=1.5, label=name)
    plotting.frequency_axis(ax, frequencies_hz[0], frequencies_hz[-1], which="x")
    ax.set(ylabel="dB of the level", ylim=(-62, 2))
    ax.legend(loc="lower left", fontsize=9.5)
    return fig


def _edges(centres: Array) -> Array:
    logs = np.log(centres)
    middle = (logs[1:] + logs[:-1]) / 2
    return np.exp(np.concatenate([[2 * logs[0] - middle[0]], middle, [2 * logs[-1] - middle[-1]]]))
