"""The drawings of one chapter. Chapter: *WaveNet, SING, DDSP*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting
from lib.figures.cost import DASHES, MODEL_STYLE

Array = NDArray[np.float64]


def one_step(
    chances: Array, classes: Array, windows: Sequence[tuple[int, Array]], partials: Array, sample_rate: int
) -> Figure:
    """Draw what one step of each model makes, in three panels.

    Args:
        chances: [time, n_classes] of the next sample, and classes [time], the ones drawn.
        windows: (first sample, samples) of a few windows of SING, in order.
        partials: [n_partials, time] of DDSP, the strongest first.
        sample_rate: in Hz.
    """
    fig, axes = plt.subplots(3, 1, figsize=(4.9, 6.0), dpi=160)
    ms = 1000 / sample_rate
    picture = np.log10(np.maximum(chances.T, 1e-5))
    time = np.arange(len(classes)) * ms
    axes[0].pcolormesh(time, np.arange(picture.shape[0]), picture, rasterized=True, vmin=-4, vmax=0, shading="nearest")
    axes[0].plot(time, classes, ls="", marker="o", ms=3, mfc="none", mec="white", mew=0.8)
    axes[0].set(ylabel="class", yticks=[0, 128, 255])
    axes[0].set_title("WaveNet: the chance of every value, sample by sample", fontsize=10.5)
    first = windows[0][0]
    n = max(start + len(samples) for start, samples in windows) - first
    total = np.zeros(n)
    height = 1.2 * max(np.abs(samples).max() for _, samples in windows)
    for row, (start, samples) in enumerate(windows):
        place = start - first + np.arange(len(samples))
        total[place] += samples
        axes[1].plot(ms * place, samples + height * (len(windows) - row), color="#b35900", lw=0.7)
    axes[1].plot(ms * np.arange(n), total - 0.5 * height, color=plotting.INK, lw=0.7)
    axes[1].set_yticks([-0.5 * height, height * (len(windows) + 1) / 2], ["sum", "windows"])
    axes[1].set_title("SING: windows of 1024 samples that overlap", fontsize=10.5)
    time = ms * np.arange(partials.shape[1])
    height = 1.3 * np.abs(partials).max()
    for row, (sine, dash) in enumerate(zip(partials, DASHES)):
        axes[2].plot(time, sine + height * (len(partials) - row), color="#00795c", lw=1.2, ls=dash)
    axes[2].plot(time, partials.sum(axis=0) - height, color=plotting.INK, lw=1.2)
    axes[2].set_yticks([-height, height * (len(partials) + 1) / 2], ["sum", "sines"])
    axes[2].set_title("DDSP: a few sines, told how loud to be", fontsize=10.5)
    for ax in axes[1:]:
        ax.tick_params(left=False)
        ax.spines["left"].set_visible(False)
    axes[2].set_xlabel("milliseconds")
    return fig


def by_level(levels_db: Array, curves: Mapping[str, Array]) -> Figure:
    """Draw how far the error lies below the sound, over the level of the sound, one line a way to quantise."""
    fig, ax = plt.subplots(figsize=(4.9, 2.9))
    for (name, values), colour, dash in zip(curves.items(), plotting.SERIES, DASHES):
        ax.plot(levels_db, values, color=colour, ls=dash, label=name)
    ax.set(xlabel="peak of the sound in dB below full scale", ylabel="error below the sound, dB")
    ax.set_ylim(0, None)
    fig.legend(loc="outside lower center", ncol=2)
    return fig


def influence(lags: Array, change: Array, field: int) -> Figure:
    """Draw how much the scores of the next sample change when one past sample is changed, over how long ago it was."""
    fig, ax = plt.subplots(figsize=(4.9, 2.7))
    ax.plot(lags, np.maximum(change, 1e-9), color=MODEL_STYLE["WaveNet"][0], lw=0.9)
    ax.axvline(field, color=plotting.INK, lw=1.2, ls=DASHES[1])
    ax.annotate("receptive field", (field, change.max()), xytext=(-5, -2), textcoords="offset points", ha="right",
                fontsize=9.5)  # fmt: skip
    ax.set(xlabel="samples ago", ylabel="change of the scores", yscale="log", ylim=(0.3e-9, None))
    ax.set_yticks([1e-9, 1e-6, 1e-3, 1], ["none", "1e-6", "1e-3", "1"])
    return fig


def kernels(shapes: Array, spectra_db: Array, frequencies_hz: Array, sample_rate: int) -> Figure:
    """Draw kernels: three as waves [3, time], and the spectra of all, [kernel, bin], sorted by where they peak."""
    fig, axes = plt.subplots(2, 1, figsize=(4.9, 4.6), height_ratios=(1, 1.5), dpi=160)
    time = 1000 * np.arange(shapes.shape[1]) / sample_rate
    for row, shape in enumerate(shapes):
        axes[0].plot(time, shape / np.abs(shape).max() - 2.2 * row, color="#b35900", lw=0.8)
    axes[0].set(xlabel="milliseconds", yticks=[])
    axes[0].spines["left"].set_visible(False)
    axes[0].set_title("three kernels", fontsize=10.5)
    axes[1].pcolormesh(np.arange(len(spectra_db)), frequencies_hz, spectra_db.T, vmin=-40, vmax=0, rasterized=True,
                       shading="nearest")  # fmt: skip
    plotting.frequency_axis(axes[1], 110, 7500)
    axes[1].set(xlabel="kernel, sorted by its strongest frequency")
    axes[1].set_title("spectra of all", fontsize=10.5)
    return fig


def told(times_s: Array, loudness_db: Array, partials_db: Array, noise_db: Array, nyquist_hz: float) -> Figure:
    """Draw what DDSP's network hears and says: loudness [frame], partials [frame, n], noise [frame, band], in dB."""
    fig, axes = plt.subplots(3, 1, figsize=(4.9, 5.0), sharex=True, height_ratios=(1, 1.6, 1.6), dpi=160)
    axes[0].plot(times_s, loudness_db, color="#00795c")
    axes[0].set_ylabel("dB")
    axes[0].set_title("heard: loudness (and a steady pitch)", fontsize=10.5)
    for ax, picture, top, title, label in (
        (axes[1], partials_db, partials_db.shape[1] + 0.5, "said: how loud each partial is", "partial"),
        (axes[2], noise_db, nyquist_hz / 1000, "said: how loud the noise is", "kHz"),
    ):
        low = 0.5 if label == "partial" else 0.0
        rows = np.linspace(low, top, picture.shape[1] + 1)
        columns = np.append(times_s, times_s[-1] + times_s[1])
        ax.pcolormesh(columns, rows, picture.T, vmin=picture.max() - 50, vmax=picture.max(), rasterized=True)
        ax.set_title(title, fontsize=10.5)
        ax.set_ylabel(label)
    axes[2].set_xlabel("seconds")
    return fig


def by_window(n_ffts: Sequence[int], distances: Mapping[str, Sequence[float]]) -> Figure:
    """Draw a spectral distance over the length of its window, one line for each kind of error."""
    fig, ax = plt.subplots(figsize=(4.9, 2.8))
    for (name, values), colour, mark, dash in zip(distances.items(), plotting.SERIES, "os^", DASHES):
        ax.plot(n_ffts, values, color=colour, marker=mark, ls=dash, label=name)
    ax.set(xscale="log", xlabel="window in samples", ylabel="spectral distance")
    ax.set_xticks(n_ffts, [str(n) for n in n_ffts])
    ax.minorticks_off()
    ax.set_ylim(0, None)
    fig.legend(loc="outside lower center", ncol=2)
    return fig


def learning(panels: Sequence[tuple[str, str, Mapping[str, Sequence[tuple[int, float]]]]]) -> Figure:
    """Draw validation error over steps: (model, unit, name of a run -> (step, error)), one panel a model."""
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.9, 0.6 + 1.9 * len(panels)), squeeze=False)
    for ax, (model, unit, runs) in zip(axes[:, 0], panels):
        colour = MODEL_STYLE[model][0]
        for (name, curve), dash, mark in zip(runs.items(), DASHES, ("o", "s", "^")):
            ax.plot(*np.array(curve).T, color=colour, ls=dash, marker=mark, ms=3.5, label=name)
        ax.set(ylabel=unit, ylim=(0.9 * min(e for c in runs.values() for _, e in c), None))
        ax.set_title(model, fontsize=10.5)
        ax.legend(loc="upper right")
    axes[-1, 0].set_xlabel("training step")
    return fig
