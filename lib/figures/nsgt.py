"""The drawings of one chapter. Chapter: *The NSGT and its scales*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from lib import plotting
from lib.transforms import Scale, Transform
from lib.transforms.plan import Plan

Array = NDArray[np.float64]

#: Line and colour of each scale, the same in every figure of the chapter.
SCALE_STYLE: dict[str, tuple[str, str]] = {
    "octave": (plotting.SERIES[0], "-"),
    "mel": (plotting.SERIES[1], (0, (5, 2))),
    "erb": (plotting.SERIES[2], (0, (1, 1.2))),
}

#: Points of a picture below this level, relative to its loudest one, are black.
FLOOR_DB = -50.0


def close_ups(
    panels: Sequence[tuple[str, Array, Array, Array]],
    ranges_hz: Sequence[tuple[float, float]],
    span_s: tuple[float, float],
) -> Figure:
    """Draw pictures of one sound below each other, each in close-ups of several frequency ranges.

    Args:
        panels: title, frequencies in hertz `[bin]`, times in seconds `[frame]`, magnitudes `[bin, frame]`.
        ranges_hz: lowest and highest frequency of each column.
        span_s: first and last moment.
    """
    size = (4.9, 0.5 + 1.9 * len(panels))
    fig, axes = plt.subplots(len(panels), len(ranges_hz), figsize=size, sharex=True, squeeze=False, dpi=160)
    for row, (title, frequencies_hz, times_s, magnitude) in zip(axes, panels):
        for ax, (low_hz, high_hz) in zip(row, ranges_hz):
            _picture(ax, frequencies_hz, times_s, magnitude, (low_hz / 1.3, high_hz * 1.3), span_s)
            plotting.frequency_axis(ax, low_hz, high_hz)
            ax.set(ylabel="", xlim=span_s)
        row[0].set_ylabel("frequency in Hz")
        row[0].set_title(title)
    for ax in axes[-1]:
        ax.set_xlabel("time in s")
    return fig


def _picture(
    ax: Axes,
    frequencies_hz: Array,
    times_s: Array,
    magnitude: Array,
    range_hz: tuple[float, float],
    span_s: tuple[float, float],
) -> None:
    rows = np.flatnonzero((frequencies_hz > range_hz[0]) & (frequencies_hz < range_hz[1]))
    columns = np.flatnonzero((times_s > span_s[0] - 0.05) & (times_s < span_s[1] + 0.05))
    part = magnitude[np.ix_(rows, columns)]
    level_db = 20 * np.log10(np.maximum(part / part.max(), 1e-6))
    ax.pcolormesh(
        times_s[columns], frequencies_hz[rows], level_db, shading="nearest", vmin=FLOOR_DB, vmax=0.0, rasterized=True
    )


def bandwidths(transforms: Mapping[str, Transform], stft: Transform) -> Figure:
    """Draw how wide the bands are at every frequency, for several transforms and for the ear."""
    fig, ax = plt.subplots(figsize=(4.9, 3.4))
    f_hz = np.geomspace(55, 9000, 200)
    stft_hz, stft_ms = stft.bandwidths_hz[0], 1000 * stft.window_lengths_s[0]
    ax.plot(f_hz, np.full(len(f_hz), stft_hz), color=plotting.INK, linewidth=1.0)
    ax.text(8900, 0.84 * stft_hz, f"STFT, {stft_ms:.0f} ms", fontsize=9.5, ha="right", va="top")
    ax.plot(f_hz, 24.7 * (0.00437 * f_hz + 1), color=plotting.SERIES[3], linewidth=5, alpha=0.3)
    ax.text(720, 165, "the ear's ERB", fontsize=9.5, ha="right", color=plotting.SERIES[3])
    for (label, transform), mark in zip(transforms.items(), "os^"):
        colour, dash = SCALE_STYLE[transform.scale.kind]
        ax.plot(
            transform.frequencies_hz, transform.bandwidths_hz, color=colour, linestyle=dash, label=label,
            marker=mark, markevery=24, markersize=5,
        )  # fmt: skip
    plotting.frequency_axis(ax, 55, 9000, which="x")
    ax.set_yscale("log")
    ax.set_yticks([2, 5, 10, 20, 50, 100, 200, 500], ["2", "5", "10", "20", "50", "100", "200", "500"])
    ax.minorticks_off()
    ax.set_ylabel("bandwidth in Hz")
    ax.legend(loc="lower right")
    return fig


def warps(scales: Mapping[str, Scale]) -> Figure:
    """Draw where each scale puts a frequency, counted in bands."""
    fig, ax = plt.subplots(figsize=(4.9, 3.1))
    f_hz = np.geomspace(64, 8000, 200)
    for label, scale in scales.items():
        colour, dash = SCALE_STYLE[scale.kind]
        ax.plot(f_hz, scale.position(f_hz), color=colour, linestyle=dash, label=label)
    plotting.frequency_axis(ax, 55, 9000, which="x")
    ax.set_ylabel("band number")
    ax.legend(loc="upper left")
    return fig


def tilings(duration_s: float = 0.12, low_hz: float = 60.0, high_hz: float = 1000.0) -> Figure:
    """Draw four tilings of the plane; every tile has the same area, one second times one hertz."""
    erb = Scale.spread("erb", 8, low_hz, high_hz)
    edges = {
        "STFT, short window": np.arange(0.0, high_hz + 1, 125.0),
        "STFT, long window": np.arange(0.0, high_hz + 1, 25.0),
        "octave scale": low_hz * 2.0 ** (np.arange(0, 10) / 2),
        "ERB scale": erb.frequency(np.arange(-0.5, 9)),
    }
    fig, axes = plt.subplots(2, 2, figsize=(4.9, 4.9), sharex=True, sharey=True)
    for ax, (title, edge) in zip(axes.ravel(), edges.items()):
        for number, (low, high) in enumerate(pairwise(edge)):
            _row_of_tiles(ax, number, low, high, duration_s)
        ax.set(title=title, xlim=(0, duration_s), ylim=(0, high_hz))
        ax.set_yticks([0, 250, 500, 750, 1000])
        ax.set_xticks([0, 0.05, 0.1])
    for ax in axes[1]:
        ax.set_xlabel("time in s")
    for ax in axes[:, 0]:
        ax.set_ylabel("frequency in Hz")
    return fig


def _row_of_tiles(ax: Axes, row: int, low_hz: float, high_hz: float, duration_s: float) -> None:
    width_s = 1.0 / (high_hz - low_hz)
    for column, start in enumerate(np.arange(0, duration_s, width_s)):
        colour = plotting.SERIES[(row + column) % 2]
        ax.add_patch(Rectangle((start, low_hz), width_s, high_hz - low_hz, facecolor=colour, alpha=0.5, lw=0))


def window_family(plan: Plan, scale: Scale) -> Figure:
    """Draw the windows of all bands twice: over hertz, and over the scale's own axis."""
    fig, axes = plt.subplots(2, 1, figsize=(4.9, 4.6))
    f_hz = np.arange(plan.n_frequencies) * plan.sample_rate / plan.fft_length
    for number, band in enumerate(plan.bands):
        residual = band.name in ("low", "high")
        colour = plotting.SERIES[3] if residual else plotting.SERIES[0] if number % 2 else plotting.SERIES[1]
        style = {"color": colour, "linestyle": (0, (4, 2)) if residual else "-", "linewidth": 2.2 if residual else 1.4}
        covered = slice(band.start, band.start + len(band.window))
        axes[0].plot(f_hz[covered], band.window, **style)
        axes[1].plot(np.clip(scale.position(f_hz[covered]), -2, scale.n_bins + 1), band.window, **style)
    axes[0].set(xlabel="frequency in Hz", xlim=(0, plan.sample_rate / 2))
    axes[1].set(xlabel="position on the scale, in bands", xlim=(-2, scale.n_bins + 1))
    numbers = range(-1, scale.n_bins + 1, 4)
    axes[1].set_xticks(numbers, ["low" if k < 0 else "high" if k == scale.n_bins else str(k) for k in numbers])
    for ax in axes:
        ax.set(ylabel="window", ylim=(0, 1.08), yticks=[0, 0.5, 1])
    return fig


def atoms(plan: Plan, numbers: Sequence[int], sample_rate: int, span_s: float = 0.3) -> Figure:
    """Draw the atoms of some bands in time, centred: what a coefficient compares the sound with."""
    fig, axes = plt.subplots(len(numbers), 1, figsize=(4.9, 1.1 * len(numbers) + 0.4), sharex=True, dpi=160)
    time_s = (np.arange(plan.fft_length) - plan.fft_length // 2) / sample_rate
    shown = np.abs(time_s) <= span_s
    both = "#3f8fb5"  # drawn as an image, so this one colour must do on light and on dark pages
    for ax, number in zip(axes, numbers):
        band = plan.bands[number + 1]
        spectrum = np.zeros(plan.fft_length, dtype=complex)
        spectrum[band.start : band.start + len(band.window)] = band.window
        atom = np.fft.fftshift(np.fft.ifft(spectrum))
        atom /= np.abs(atom).max()
        envelope = np.abs(atom[shown])
        ax.fill_between(time_s[shown], -envelope, envelope, color=both, alpha=0.25, lw=0, rasterized=True)
        ax.plot(time_s[shown], atom.real[shown], color=both, linewidth=0.7, rasterized=True)
        ax.set(yticks=[], ylim=(-1.15, 1.15))
        ax.spines["left"].set_visible(False)
        ax.set_title(f"band {number}, {band.centre_hz:,.0f} Hz", fontsize=9.5, fontweight="normal")
    ax.set_xlabel("time in s")
    return fig


def matrices(named: Mapping[str, NDArray[np.complex128]], labels: Sequence[tuple[str, str]]) -> Figure:
    """Draw the magnitudes of matrices side by side; white is 0.

    Args:
        named: title to matrix.
        labels: what the rows and the columns of each count.
    """
    fig, axes = plt.subplots(1, len(named), figsize=(4.9, 2.9), dpi=160)
    for ax, (title, matrix), (rows, columns) in zip(np.atleast_1d(axes), named.items(), labels):
        magnitude = np.abs(matrix)
        image = np.ma.masked_less(magnitude, 1e-9 * magnitude.max())  # zeros stay the page's own ground
        ax.imshow(image, cmap="viridis", vmin=0, vmax=magnitude.max(), interpolation="nearest", aspect="auto")
        ax.set(title=title, xlabel=columns, ylabel=rows)
        ax.xaxis.set_major_locator(plt.MaxNLocator(4, integer=True))
        ax.yaxis.set_major_locator(plt.MaxNLocator(5, integer=True))
        for side in ("top", "right"):
            ax.spines[side].set_visible(True)
    return fig


def dual_windows(plan: Plan) -> Figure:
    """Draw windows, the frame operator they add up to, and the dual windows that undo it."""
    fig, axes = plt.subplots(2, 1, figsize=(4.9, 4.4), sharex=True)
    f_hz = np.arange(plan.n_frequencies) * plan.sample_rate / plan.fft_length
    for number, band in enumerate(plan.bands):
        covered = f_hz[band.start : band.start + len(band.window)]
        colour = plotting.SERIES[0] if number % 2 else plotting.SERIES[1]
        axes[0].plot(covered, band.window, color=colour, linewidth=1.2)
        axes[1].plot(covered, plan.dual(band), color=colour, linewidth=1.2)
    axes[0].plot(f_hz, plan.frame_operator, color=plotting.INK, linewidth=2.4, linestyle=(0, (3, 1.5)))
    axes[0].set_title("windows, and the frame operator (dashed)")
    axes[1].set_title("dual windows")
    for ax in axes:
        ax.set(ylim=(0, 1.35), yticks=[0, 0.5, 1])
        plotting.frequency_axis(ax, 55, plan.sample_rate / 2, which="x")
        ax.set_xlabel("")
    axes[1].set_xlabel("frequency in Hz")
    return fig


def cliff(share: Sequence[float], error_db: Sequence[float]) -> Figure:
    """Draw the error of the round trip over the number of frames, as a share of what the windows need."""
    fig, ax = plt.subplots(figsize=(4.9, 3.0))
    ax.axvspan(0.0, 1.0, color=plotting.SERIES[3], alpha=0.10, lw=0)
    ax.plot(share, error_db, marker="o", markersize=4)
    ax.text(0.985, -290, "too few frames", ha="right", fontsize=9.5, color=plotting.SERIES[3])
    ax.text(1.015, -60, "painless", fontsize=9.5)
    ax.set(xlabel="frames per FFT bin of the window", ylabel="error in dB", xlim=(min(share) - 0.02, max(share) + 0.02))
    return fig


def outside_range(share_db: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw, for each instrument, how much of its energy lies below and above the bands.

    Args:
        share_db: instrument to energy in the low and in the high band, in dB of the whole.
    """
    fig, axes = plt.subplots(1, 2, figsize=(4.9, 4.3), sharey=True, sharex=True)
    names = list(share_db)
    for side, (ax, title) in enumerate(zip(axes, ("below", "above"))):
        for row, name in enumerate(names):
            level = max(share_db[name][side], -100.0)
            ax.plot([-100, level], [row, row], color=plotting.INK, alpha=0.25, linewidth=1)
            plotting.scatter(ax, level, row, name, label=False, size=44)
        ax.set(title=title, xlabel="energy in dB", xlim=(-103, 0))
        ax.set_yticks(range(len(names)), names)
        ax.set_xticks([-80, -40, 0])
    axes[0].invert_yaxis()
    return fig


def timings(rows: Sequence[tuple[str, float, bool]]) -> Figure:
    """Draw milliseconds for a round trip as horizontal bars on a logarithmic axis, ours in another colour.

    Args:
        rows: label, milliseconds, whether it is of this book.
    """
    fig, ax = plt.subplots(figsize=(4.9, 0.9 + 0.34 * len(rows)))
    for row, (_, milliseconds, ours) in enumerate(rows):
        colour = plotting.SERIES[0] if ours else plotting.SERIES[1]
        ax.barh(row, milliseconds, color=colour, height=0.62, hatch=None if ours else "///", alpha=0.85)
        ax.text(milliseconds * 1.08, row, f"{milliseconds:.1f}", va="center", fontsize=9.5)
    ax.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    ax.set_xscale("log")
    ax.set_xlim(0.5, 2.2 * max(milliseconds for _, milliseconds, _ in rows))
    ax.set_xticks([1, 10, 100], ["1", "10", "100"])
    ax.set_xlabel("ms for forward and inverse, one note of 2 s")
    ax.invert_yaxis()
    return fig
