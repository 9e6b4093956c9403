"""The drawings of one chapter. Chapter: *STFT and DCT*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lib import plotting
from lib.transforms import framing

Array = NDArray[np.float64]
#: Title, frequencies in hertz `[bin]`, times in seconds `[frame]`, magnitudes `[bin, frame]`.
Panel = tuple[str, Array, Array, Array]

#: Points of a picture below this level, relative to its loudest one, are black.
FLOOR_DB = -50.0


def fine_panel(title: str, audio: Array, sample_rate: int, window_s: float, hop_s: float) -> Panel:
    """Compute STFT magnitudes at many frequencies between the bins, for drawing only: smooth at any window."""
    window = framing.hamming(round(window_s * sample_rate))
    n_fft = 1 << (max(4096, 2 * len(window)) - 1).bit_length()
    hop_length = round(hop_s * sample_rate)
    frames = framing.frame(torch.from_numpy(np.array(audio, dtype=np.float64))[None], window, hop_length)[0]
    magnitude = torch.fft.rfft(frames, n=n_fft).abs().T.numpy() * 2 / float(window.sum())
    frequencies_hz = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    return title, frequencies_hz, framing.frame_times_s(len(audio), hop_length, sample_rate), magnitude


def picture(ax: Axes, panel: Panel, span_s: tuple[float, float], range_hz: tuple[float, float]) -> None:
    """Draw the magnitudes of one transform, in decibels below the loudest point shown."""
    _, frequencies_hz, times_s, magnitude = panel
    step_hz, step_s = frequencies_hz[1] - frequencies_hz[0], times_s[1] - times_s[0]
    rows = np.flatnonzero((frequencies_hz > range_hz[0] - step_hz) & (frequencies_hz < range_hz[1] + step_hz))
    columns = np.flatnonzero((times_s > span_s[0] - step_s) & (times_s < span_s[1] + step_s))
    part = magnitude[np.ix_(rows, columns)]
    level_db = 20 * np.log10(np.maximum(part / part.max(), 1e-6))
    ax.pcolormesh(
        times_s[columns], frequencies_hz[rows], level_db, shading="nearest", vmin=FLOOR_DB, vmax=0.0, rasterized=True
    )
    ax.set(xlim=span_s, ylim=range_hz)


def pictures(panels: Sequence[Panel], span_s: tuple[float, float], range_hz: tuple[float, float]) -> Figure:
    """Draw several pictures of one sound below each other, on a linear frequency axis."""
    fig, axes = plt.subplots(
        len(panels), 1, figsize=(4.9, 0.5 + 1.9 * len(panels)), sharex=True, squeeze=False, dpi=160
    )
    for ax, panel in zip(axes[:, 0], panels):
        picture(ax, panel, span_s, range_hz)
        ax.set(title=panel[0], ylabel="frequency in Hz")
        ax.yaxis.set_major_locator(plt.MaxNLocator(4))
    ax.set_xlabel("time in s")
    return fig


def columns(
    panels: Sequence[Panel], spans_s: Sequence[tuple[float, float]], ranges_hz: Sequence[tuple[float, float]]
) -> Figure:
    """Draw pictures of one sound below each other, each at several places: one span and one range a column."""
    size = (4.9, 0.5 + 1.55 * len(panels))
    ratios = [2.2, 1.0][: len(spans_s)]
    fig, axes = plt.subplots(
        len(panels), len(spans_s), figsize=size, sharex="col", squeeze=False, dpi=160, width_ratios=ratios
    )
    for row, panel in zip(axes, panels):
        for ax, span_s, range_hz in zip(row, spans_s, ranges_hz):
            picture(ax, panel, span_s, range_hz)
            ax.yaxis.set_major_locator(plt.MaxNLocator(3))
            ax.xaxis.set_major_locator(plt.MaxNLocator(4 if span_s[1] - span_s[0] > 1 else 2))
        row[0].set(title=panel[0], ylabel="frequency in Hz")
    for ax in axes[-1]:
        ax.set_xlabel("time in s")
    return fig


def frames_of(audio: Array, window: Array, hop_length: int, sample_rate: int, count: int = 3) -> Figure:
    """Draw a sound under a row of windows, and below it the frames they cut out."""
    size = len(window)
    time_ms = 1000 * np.arange(size + (count - 1) * hop_length) / sample_rate
    fig, axes = plt.subplots(count + 1, 1, figsize=(4.9, 1.1 * (count + 1) + 0.4), sharex=True)
    peak = np.abs(audio[: len(time_ms)]).max()
    axes[0].plot(time_ms, audio[: len(time_ms)] / peak, color=plotting.INK, linewidth=0.8)
    for m in range(count):
        covered = slice(m * hop_length, m * hop_length + size)
        colour, dash = plotting.SERIES[m % 3], ("-", (0, (5, 2)), (0, (1, 1.2)))[m % 3]
        axes[0].plot(time_ms[covered], window, color=colour, linestyle=dash)
        axes[m + 1].plot(time_ms[covered], audio[covered] * window / peak, color=colour, linewidth=0.9)
        axes[m + 1].text(0.995, 0.86, f"frame {m}", transform=axes[m + 1].transAxes, ha="right", fontsize=9.5)
    for ax in axes:
        ax.set(yticks=[], ylim=(-1.15, 1.15))
        ax.spines["left"].set_visible(False)
    axes[-1].set_xlabel("time in ms")
    return fig


def leaks(spectra_db: Mapping[str, tuple[Array, Array]], marks_hz: Sequence[tuple[float, str]]) -> Figure:
    """Draw spectra of one frame cut out by different windows.

    Args:
        spectra_db: name of the window to frequencies in hertz and levels in decibels.
        marks_hz: where something is hidden, and its name.
    """
    fig, axes = plt.subplots(len(spectra_db), 1, figsize=(4.9, 1.35 * len(spectra_db) + 0.5), sharex=True, sharey=True)
    for ax, (name, (f_hz, level_db)), colour in zip(axes, spectra_db.items(), plotting.SERIES):
        ax.plot(f_hz, level_db, color=colour, linewidth=1.2)
        ax.fill_between(f_hz, -110, level_db, color=colour, alpha=0.18, lw=0)
        ax.set(title=name, ylim=(-100, 8), yticks=[0, -40, -80], xlim=(f_hz[0], f_hz[-1]))
        for hz, label in marks_hz:
            ax.annotate(label, (hz, -52), xytext=(hz, -14), ha="center", fontsize=9.5, arrowprops={"arrowstyle": "->"})
    axes[len(axes) // 2].set_ylabel("level in dB")
    axes[-1].set_xlabel("frequency in Hz")
    return fig


def sums(curves: Mapping[str, Array], sample_rate: int) -> Figure:
    """Draw what shifted windows add up to, from the first sample on."""
    fig, ax = plt.subplots(figsize=(4.9, 3.0))
    for (label, curve), colour, dash in zip(curves.items(), plotting.SERIES, ("-", (0, (5, 2)))):
        ax.plot(1000 * np.arange(len(curve)) / sample_rate, curve, color=colour, linestyle=dash, label=label)
    ax.axhline(1.0, color=plotting.INK, linewidth=0.8, alpha=0.5)
    ax.text(0.5, 1.03, "what we would like", fontsize=9.5, va="bottom")
    ax.set(xlabel="time in ms", ylabel="sum", ylim=(0, 2.7))
    ax.legend(loc="upper right", ncols=2)
    return fig


def dual(window: Array, dual_window: Array, sample_rate: int) -> Figure:
    """Draw a window and its dual, which is drawn to the same height and labelled by its own."""
    fig, ax = plt.subplots(figsize=(4.9, 2.7))
    time_ms = 1000 * (np.arange(len(window)) - len(window) / 2) / sample_rate
    ax.plot(time_ms, window, label="window g")
    ax.plot(time_ms, dual_window, linestyle=(0, (5, 2)), label="dual window")
    ax.set(xlabel="time from the middle of the frame in ms", ylim=(0, 1.1), yticks=[0, 0.5, 1])
    ax.legend(loc="upper right")
    return fig


def shifts(rows: Sequence[tuple[str, Array]], frequencies_hz: Array, envelope: Array) -> Figure:
    """Draw the signed DCT coefficients of one tone at several shifts, and the size the STFT gives them all.

    Args:
        rows: title and coefficients `[bin]`.
        frequencies_hz: of these bins.
        envelope: STFT magnitudes at the same frequencies.
    """
    fig, axes = plt.subplots(len(rows), 1, figsize=(4.9, 1.35 * len(rows) + 0.4), sharex=True, sharey=True)
    for ax, (title, values) in zip(axes, rows):
        ax.fill_between(frequencies_hz, -envelope, envelope, color=plotting.SERIES[1], alpha=0.18, lw=0)
        ax.vlines(frequencies_hz, 0, values, color=plotting.SERIES[0], linewidth=2)
        ax.plot(frequencies_hz, values, "o", color=plotting.SERIES[0], markersize=4.5)
        ax.axhline(0, color=plotting.INK, linewidth=0.7)
        ax.set_title(title, fontsize=10.5, fontweight="normal")
        ax.set(ylim=(-1.15, 1.15), yticks=[-1, 0, 1])
    axes[len(rows) // 2].set_ylabel("coefficient")
    axes[-1].set_xlabel("frequency in Hz")
    return fig


def flicker(times_s: Array, curves: Mapping[str, Array]) -> Figure:
    """Draw the magnitude of one bin from frame to frame, for several transforms."""
    fig, ax = plt.subplots(figsize=(4.9, 2.8))
    for (label, curve), colour, mark, dash in zip(curves.items(), plotting.SERIES, "os", ("-", (0, (4, 1.5)))):
        ax.plot(times_s, curve / curve.max(), color=colour, marker=mark, markersize=4, linestyle=dash, label=label)
    ax.set(xlabel="time in s", ylabel="magnitude, of the largest", ylim=(0, 1.3), yticks=[0, 0.5, 1])
    ax.legend(loc="upper right", ncols=2)
    return fig


def shift_distances(distances: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw, for each instrument, how much a tiny shift changes its pictures.

    Args:
        distances: transform to instrument to distance, relative to the picture.
    """
    fig, axes = plt.subplots(1, len(distances), figsize=(4.9, 4.2), sharex=True, sharey=True)
    for ax, (title, values) in zip(axes, distances.items()):
        for row, (name, value) in enumerate(values.items()):
            ax.plot([0, value], [row, row], color=plotting.INK, alpha=0.25, linewidth=1)
            plotting.scatter(ax, value, row, name, label=False, size=44)
        ax.set(title=title, xlim=(-0.04, 1.0), xticks=[0, 0.5, 1], xlabel="relative change")
        ax.set_yticks(range(len(values)), list(values))
    axes[0].invert_yaxis()
    return fig


def ladder(panel: Panel, pairs_hz: Sequence[tuple[float, float]], starts_s: Sequence[float], width_s: float) -> Figure:
    """Draw the picture of pairs of tones an octave apart, with ticks before each pair where its tones are."""
    fig, ax = plt.subplots(figsize=(4.9, 3.9), dpi=160)
    picture(ax, panel, (-0.16, starts_s[-1] + width_s), (40.0, 2600.0))
    ax.set_facecolor("black")
    for (low_hz, high_hz), start in zip(pairs_hz, starts_s):
        for hz in (low_hz, high_hz):
            ax.plot([start - 0.14, start - 0.04], [hz, hz], color="white", linewidth=0.9)
    plotting.frequency_axis(ax, 45, 2500)
    ax.set_xlabel("time in s")
    return fig
