"""Pictures of what a clock said. Chapter: *Export a pruned model and measure it on a Raspberry Pi*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lib.plotting import INK, SERIES


def block_times(blocks: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw how much of a block's time its computation takes: median and worst, by block size."""
    fig, axes = plt.subplots(figsize=(4.9, 3.0), layout="constrained")
    sizes = [one["block"] for one in blocks]
    median = [max(1e-5, one["median_s"] / one["period_s"]) for one in blocks]
    worst = [one["worst_factor"] for one in blocks]
    axes.loglog(sizes, worst, "^-", color=SERIES[1], label="worst block")
    axes.loglog(sizes, median, "o-", color=SERIES[0], label="median block")
    axes.axhline(1.0, color=INK, linewidth=1.2)
    axes.text(sizes[-1], 1.15, "late", ha="right")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("samples in a block (16 kHz)")
    axes.set_ylabel("time taken over time there is")
    axes.legend(frameon=False)
    return fig
