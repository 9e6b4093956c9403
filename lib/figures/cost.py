"""The drawings of one chapter. Chapter: *What a model costs*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from lib import plotting

#: Colour and marker of each model, the same in all figures of Part IV that compare models.
MODEL_STYLE = {"DDSP": ("#00795c", "^"), "SING": ("#b35900", "s"), "WaveNet": ("#0077a8", "o")}
DASHES = ("-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2)))


def uses(points: Sequence[tuple[str, str, float, float]], rates: Mapping[str, float]) -> Figure:
    """Draw products a second over the weights that are needed to play, with lines of equal use.

    Args:
        points: (model, preset, weights, multiply-adds a second).
        rates: name of a line -> how often a second every weight is used.
    """
    fig, ax = plt.subplots(figsize=(4.9, 3.7))
    span = np.array([8e3, 2.5e8])
    for (name, rate), dash in zip(rates.items(), DASHES[1:]):
        ax.plot(span, span * rate, color=plotting.INK, lw=0.9, ls=dash, alpha=0.6)
        left = max(1.15 * span[0], 1e6 / rate)
        below = rate < 1000  # two points lie on this line
        ax.annotate(
            name, (left, left * rate), xytext=(0, -4 if below else 5), textcoords="offset points", rotation=34,
            rotation_mode="anchor", fontsize=9.5, va="top" if below else "baseline",
        )  # fmt: skip
    for model, preset, weights, macs in points:
        colour, mark = MODEL_STYLE[model]
        ax.plot(weights, macs, ls="", color=colour, marker=mark, ms=8)
        place = {"book": (9, -8), "text": (-3, 8), "code": (9, -7)}[preset]
        place = {("DDSP", "book"): (-33, 0), ("SING", "book"): (-22, 8)}.get((model, preset), place)
        ax.annotate(preset, (weights, macs), xytext=place, textcoords="offset points", fontsize=9.5, color=colour)
    ax.set(xscale="log", yscale="log", xlabel="weights needed to play", ylabel="multiply-adds per second of sound")
    ax.set(xlim=span, ylim=(6e5, 4e11))
    _plain_powers(ax)
    handles = [Line2D([], [], ls="", color=c, marker=m, ms=7, label=name) for name, (c, m) in MODEL_STYLE.items()]
    ax.legend(handles=handles, loc="lower right", handletextpad=0.2)
    return fig


def shares(rows: Sequence[tuple[str, Mapping[str, float]]]) -> Figure:
    """Draw what the parts of a model cost, one stacked bar a row, in millions of multiply-adds a second."""
    fig, ax = plt.subplots(figsize=(4.9, 0.95 + 0.42 * len(rows)))
    parts = list(rows[0][1])
    for i, (_, costs) in enumerate(rows):
        left = 0.0
        for part, colour, hatch in zip(parts, ("#0077a8", "#b35900", "#737300"), ("", "//", "..")):
            width = costs[part] / 1e6
            ax.barh(i, width, 0.7, left=left, color=colour, hatch=hatch, edgecolor="white", lw=0,
                    label=part if i == 0 else None)  # fmt: skip
            left += width
        ax.annotate(f"{left:.1f}", (left, i), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9.5)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.invert_yaxis()
    ax.set(xlabel="million multiply-adds per second of sound", xlim=(0, 1.15 * sum(rows[0][1].values()) / 1e6))
    fig.legend(loc="outside lower center", ncol=len(parts), columnspacing=1.2)
    return fig


def memory(seconds: Sequence[float], activations: Mapping[str, Sequence[float]], state: Mapping[str, float]) -> Figure:
    """Draw bytes over the length made at once: a rising line for all at once, a level one for a stream."""
    fig, ax = plt.subplots(figsize=(4.9, 3.4))
    for name, values in activations.items():
        colour, mark = MODEL_STYLE[name]
        ax.plot(seconds, values, color=colour, marker=mark, ms=5)
        ax.axhline(state[name], color=colour, ls=DASHES[1], lw=1.3)
        aside = (7, {"SING": 3, "DDSP": -9}.get(name, -3))  # these two would overlap
        ax.annotate(
            name, (seconds[-1], values[-1]), xytext=aside, textcoords="offset points", fontsize=9.5, color=colour
        )
    ax.set(xscale="log", yscale="log", xlabel="seconds of sound made at once", ylabel="bytes", xlim=(0.09, 40))
    ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
    ticks = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
    ax.set_yticks(ticks, ["1 kB", "10 kB", "100 kB", "1 MB", "10 MB", "100 MB", "1 GB"])
    ax.minorticks_off()
    handles = [
        Line2D([], [], color=plotting.INK, ls="-", marker=".", label="all at once: largest layer"),
        Line2D([], [], color=plotting.INK, ls=DASHES[1], label="in a stream: what is kept"),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncol=2, columnspacing=1.2)
    return fig


def cone(dilations: Sequence[int]) -> Figure:
    """Draw which places of a dilated stack are computed for one new sample: naively, and with a memory."""
    n = 1 + sum(dilations)
    fig, axes = plt.subplots(2, 1, figsize=(4.9, 4.0), sharex=True)
    # A convolution runs over whole stretches: layer i needs the last 1 + (dilations above it) places.
    needed = [range(n - 1 - sum(dilations[layer:]), n) for layer in range(len(dilations) + 1)]
    places = sum(len(stretch) for stretch in needed[1:])
    titles = (f"naive: {places} places", f"with a memory: {len(dilations)} places")
    for ax, title, naive in zip(axes, titles, (True, False)):
        for layer in range(len(dilations) + 1):
            ax.plot(range(n), [layer] * n, ls="", marker="o", ms=3, color=plotting.INK, alpha=0.25)
        for layer, dilation in enumerate(dilations, start=1):
            for t in needed[layer] if naive else [n - 1]:
                for source in (t, t - dilation):
                    ax.plot([source, t], [layer - 1, layer], color="#0077a8", lw=1, alpha=0.7)
                ax.plot(t, layer, ls="", marker="o", ms=6, color="#0077a8")
                if not naive:
                    ax.plot(t - dilation, layer - 1, ls="", marker="s", ms=7, mfc="none", mec="#b35900", mew=1.6)
        ax.set_yticks(range(len(dilations) + 1), ["input", *(f"dilation {d}" for d in dilations)])
        ax.set_title(title, fontsize=10.5)
        ax.tick_params(length=0)
        ax.spines[["left", "bottom"]].set_visible(False)
    axes[1].set_xticks([0, n - 1], [f"{n - 1} samples ago", "now"])
    return fig


def time_and_products(rows: Sequence[tuple[str, str, Sequence[float], Sequence[float]]]) -> Figure:
    """Draw milliseconds per second of sound over multiply-adds a second: (model, runtime, products, milliseconds)."""
    fig, ax = plt.subplots(figsize=(4.9, 3.3))
    for model, runtime, macs, ms in rows:
        colour, mark = MODEL_STYLE[model]
        ax.plot(macs, ms, color=colour, marker=mark, ms=5, ls="-" if runtime == "torch" else DASHES[1])
        aside = (6, -12 if (model, runtime) == ("DDSP", "ONNX") else -3)
        ax.annotate(runtime, (macs[0], ms[0]), xytext=aside, textcoords="offset points", fontsize=9.5, color=colour)
    low, high = (f(x for *_, xs, _ in rows for x in xs) for f in (min, max))
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="multiply-adds per second of sound, network only",
        ylabel="ms per second of sound",
    )
    ax.set(xlim=(0.6 * low, 9 * high))
    _plain_powers(ax)
    ax.set_yticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
    ax.set_ylim(0.1, 4)
    ax.yaxis.set_minor_locator(NullLocator())
    used = {model for model, *_ in rows}
    handles = [Line2D([], [], color=c, marker=m, label=n) for n, (c, m) in MODEL_STYLE.items() if n in used]
    fig.legend(handles=handles, loc="outside lower center", ncol=2)
    return fig


def real_time(rows: Sequence[tuple[str, float, bool]]) -> Figure:
    """Draw the computing time of one second of sound on a logarithmic axis: (label, seconds, published size?)."""
    fig, ax = plt.subplots(figsize=(4.9, 0.9 + 0.36 * len(rows)))
    low = 1e-4
    for i, (_, value, published) in enumerate(rows):
        ax.barh(i, value - low, 0.7, left=low, color="#b35900" if published else "#0077a8",
                hatch="//" if published else "", edgecolor="white", lw=0)  # fmt: skip
        ax.text(value * 1.2, i, duration(value), va="center", fontsize=9.5)
    ax.axvline(1, color=plotting.INK, lw=1, ls=DASHES[1], alpha=0.5, zorder=0)
    ax.set(xscale="log", xlim=(low, 25 * max(value for _, value, _ in rows)))
    ax.set_xlabel("computing for one second of sound")
    ax.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    ax.invert_yaxis()
    ax.set_xticks([1e-3, 1e-2, 1e-1, 1, 10], ["1 ms", "10 ms", "100 ms", "1 s", "10 s"])
    ax.xaxis.set_minor_locator(NullLocator())
    return fig


def duration(seconds: float) -> str:
    """Write seconds with two digits and a fitting unit.

    >>> duration(0.000352), duration(0.0238), duration(36.7)
    ('0.35 ms', '24 ms', '37 s')
    """
    value, unit = (1000 * seconds, "ms") if seconds < 1 else (seconds, "s")
    return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}" if value >= 1 else f"{value:.2f} {unit}"


def _plain_powers(ax: Axes) -> None:
    names = {3: "1 k", 4: "10 k", 5: "100 k", 6: "1 M", 7: "10 M", 8: "100 M", 9: "1 G", 10: "10 G", 11: "100 G"}

    def say(value: float, _: object) -> str:
        return names.get(round(np.log10(value)), f"{value:g}")

    ax.xaxis.set_major_locator(LogLocator(base=10, numticks=12))
    ax.yaxis.set_major_locator(LogLocator(base=10, numticks=12))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(say))
        axis.set_minor_locator(NullLocator())
