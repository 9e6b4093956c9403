"""A plan turned into index tables, so that no loop over bands remains."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from lib.transforms.plan import Band, Plan


@dataclass(frozen=True, eq=False)
class Group:
    """Neighbouring bands with one number of frames, transformed by one batched FFT.

    Attributes:
        n_bands, frames: shape of the group's coefficients.
        index: FFT bin at each slot of each band, `[n_bands * frames]`.
        weight: window at each slot, 2 / N included, complex for speed; 0 where the window does not reach.
    """

    n_bands: int
    frames: int
    index: Tensor
    weight: Tensor


@dataclass(frozen=True, eq=False)
class Tables:
    """What analysis gathers and what synthesis gathers back.

    Attributes:
        groups: low, the bands from the lowest up, high.
        sources: for each FFT bin the slots that know it, `[layer, n_frequencies]`. As at most two
            windows of a scale overlap there are two layers, and synthesis is a gather, not a scatter.
        duals: dual window at these slots, scaled to undo the two FFTs; 0 where a layer is empty.
    """

    groups: tuple[Group, ...]
    sources: Tensor
    duals: Tensor


def build_tables(plan: Plan, dtype: torch.dtype, device: torch.device) -> Tables:
    """Lay out a plan for tensors of one real dtype on one device."""
    complex_dtype = torch.complex64 if dtype == torch.float32 else torch.complex128
    groups = []
    for bands in _runs(plan.bands):
        frames = bands[0].frames
        index = np.zeros((len(bands), frames), dtype=np.int64)
        weight = np.zeros((len(bands), frames))
        for row, band in enumerate(bands):
            slots = _slots(band)
            index[row, slots] = band.start + np.arange(len(band.window))
            weight[row, slots] = band.window * (2.0 / plan.fft_length)
        groups.append(
            Group(
                len(bands),
                frames,
                torch.from_numpy(index.ravel()).to(device),
                torch.from_numpy(weight.ravel()).to(device, complex_dtype),
            )
        )
    sources, duals = _synthesis_layers(plan)
    return Tables(
        tuple(groups), torch.from_numpy(sources).to(device), torch.from_numpy(duals).to(device, complex_dtype)
    )


def _runs(bands: tuple[Band, ...]) -> list[list[Band]]:
    """Split into runs with one number of frames each, the residual bands by themselves."""
    inner = [list(run) for _, run in groupby(bands[1:-1], key=lambda band: band.frames)]
    return [[bands[0]], *inner, [bands[-1]]]


def _slots(band: Band) -> np.ndarray:
    return (band.start + np.arange(len(band.window))) % band.frames


def _synthesis_layers(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Turn "band k writes to bins" around into "bin j reads from slots"."""
    covered = np.zeros(plan.n_frequencies, dtype=np.int64)
    for band in plan.bands:
        covered[band.start : band.start + len(band.window)] += 1
    sources = np.zeros((covered.max(), plan.n_frequencies), dtype=np.int64)
    duals = np.zeros(sources.shape)
    layer = np.zeros(plan.n_frequencies, dtype=np.int64)
    offset = 0
    for band in plan.bands:
        bins = band.start + np.arange(len(band.window))
        sources[layer[bins], bins] = offset + _slots(band)
        duals[layer[bins], bins] = plan.dual(band) * (0.5 * plan.fft_length / band.frames)
        layer[bins] += 1
        offset += band.frames
    return sources, duals
