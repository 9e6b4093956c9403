"""Pictures of what boards can do and models need. Chapter: *Bounds for Raspberry Pi and Arduino*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lib.deploy.boards import CORES, Board
from lib.plotting import INK, SERIES

MODEL_STYLE = {"ddsp": ("o", SERIES[0]), "sing": ("s", SERIES[1]), "wavenet": ("^", SERIES[2])}


def roofline(board: Board, rows: Sequence[Mapping[str, Any]], precision: str = "float32") -> Figure:
    """Draw multiply-adds a second over multiply-adds per byte: two roofs, and where the models need to be."""
    peak = CORES[board.core].macs_per_cycle[precision] * board.clock_hz
    fig, axes = plt.subplots(figsize=(4.9, 3.3), layout="constrained")
    intensity = np.geomspace(0.05, 300, 200)
    roof = np.minimum(peak, (board.bandwidth_bytes_s or np.inf) * intensity)
    axes.loglog(intensity, roof, color=INK)
    axes.fill_between(intensity, roof, 1e13, color=INK, alpha=0.08, linewidth=0)
    axes.text(0.06, peak * 1.2, "cannot be", fontsize=9.5)
    for row in rows:
        if row["precision"] != precision or row["round"]:
            continue
        marker, colour = MODEL_STYLE[row["model"]]
        x = row["macs_per_second"] / row["traffic_bytes_s"]
        axes.plot(x, row["macs_per_second"], marker, color=colour, markersize=9, linestyle="none", label=row["model"])
    axes.set_xlabel("multiply-adds per byte of weights read")
    axes.set_ylabel("multiply-adds per second of sound")
    axes.set_ylim(1e6, 4 * peak)
    axes.legend(frameon=False, loc="lower right")
    return fig


def instructions(rows: Sequence[Mapping[str, Any]], core: str, board: Board, artefact: str = "c") -> Figure:
    """Draw instructions per second of sound over the weights left, and how many a core finishes at best."""
    fig, axes = plt.subplots(figsize=(4.9, 3.8), layout="constrained")
    for (model, precision), (marker, colour) in {
        (m, p): MODEL_STYLE[m] for m in MODEL_STYLE for p in ("float32", "int8")
    }.items():
        own = [r for r in rows if (r["model"], r["precision"]) == (model, precision)]
        own = [r for r in own if core in r["instructions_per_second"]]
        if not own:
            continue
        axes.loglog(
            [r["n_parameters"] for r in own],
            [r["instructions_per_second"][core] for r in own],
            marker=marker,
            color=colour,
            linestyle="-" if precision == "float32" else "--",
            fillstyle="full" if precision == "float32" else "none",
            label=f"{model} {precision}",
        )
    best = board.clock_hz * CORES[board.core].max_ipc
    axes.axhline(best, color=INK, linewidth=1.2)
    axes.text(0.02, best * 1.1, f"all that one core finishes: {best / 1e9:.2g} G", transform=axes.get_yaxis_transform())
    axes.set_ylim(top=best * 200)  # room for the legend above the line
    axes.set_xlabel("weights left")
    axes.set_ylabel("instructions per second of sound")
    axes.legend(frameon=False, fontsize=9.5, ncols=2, loc="upper left")
    return fig


def chip_budget(rows: Sequence[Mapping[str, Any]], core: str, cycles: float) -> Figure:
    """Draw instructions of the costliest block of 10 ms on a microcontroller against the cycles there are."""
    fig, axes = plt.subplots(figsize=(4.9, 3.0), layout="constrained")
    for precision, style in (("float32", "-"), ("int8", "--")):
        own = [r for r in rows if r["precision"] == precision and core in r["largest_block"] and r["model"] == "ddsp"]
        axes.plot(
            [100 * r["removed"] for r in own],
            [r["largest_block"][core] / 1e3 for r in own],
            marker="o",
            color=SERIES[0],
            linestyle=style,
            fillstyle="full" if precision == "float32" else "none",
            label=precision,
        )
    axes.axhline(cycles / 1e3, color=INK)
    axes.text(1, cycles / 1e3 * 0.93, "cycles in 10 ms at 64 MHz", va="top")
    axes.set_ylim(0, cycles / 1e3 * 1.1)
    axes.set_xlabel("weights removed, %")
    axes.set_ylabel("thousand instructions a block")
    axes.legend(frameon=False)
    return fig


def evidence(text: str, kind: str) -> str:
    """Colour a number by what it rests on, the same in all tables: "measured", "emulated" or "predicted".

    >>> evidence("3", "measured")
    '<span class="tb-measured">3</span>'
    """
    return f'<span class="tb-{kind}">{text}</span>'
