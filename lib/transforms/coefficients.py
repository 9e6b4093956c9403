"""What a transform returns: the bands, the two residual bands, and how long the sound was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lib.errors import BookError


@dataclass(frozen=True)
class Coefficients:
    """The picture a transform draws of a batch of sounds, with nothing left out.

    Every transform of the book measures amplitude: a sinusoid of amplitude 1 at the centre of a
    band has magnitude 1 there (for the DCT: at most 1), whatever the window or the grid.

    Attributes:
        bands: tensors `[batch, bin, frame]`, ascending in frequency. One tensor on a regular grid;
            one per group of bands that share a number of frames on octave grids.
        low: `[batch, frame]`, what lies below the lowest band, or None (STFT, DCT: nothing does).
        high: `[batch, frame]`, what lies above the highest band, or None.
        length: samples of the sound that was analysed.

    Chapter: *The NSGT and its scales*.
    """

    bands: tuple[Tensor, ...]
    length: int
    low: Tensor | None = None
    high: Tensor | None = None

    @property
    def grid(self) -> Tensor:
        """The picture as one tensor `[batch, bin, frame]`.

        Raises:
            BookError: the bands have different numbers of frames.
        """
        if len(self.bands) != 1:
            frames = ", ".join(str(part.shape[-1]) for part in self.bands)
            raise BookError(f"These bands have {frames} frames: no single grid. Use make(..., grid='regular').")
        return self.bands[0]

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """Every tensor that is there: low, bands in order, high."""
        return tuple(part for part in (self.low, *self.bands, self.high) if part is not None)

    @property
    def n_bins(self) -> int:
        """How many bands there are, the residual ones not counted."""
        return sum(part.shape[1] for part in self.bands)

    def band(self, index: int) -> Tensor:
        """One band as `[batch, frame]`, counted from the lowest.

        Raises:
            BookError: there is no such band.
        """
        remaining = index
        for part in self.bands:
            if 0 <= remaining < part.shape[1]:
                return part[:, remaining]
            remaining -= part.shape[1]
        raise BookError(f"There is no band {index}: bands are numbered 0 to {self.n_bins - 1}.")

    def map(self, function: Callable[[Tensor], Tensor]) -> Coefficients:
        """Apply a function to every part, residual bands included."""
        return replace(
            self,
            bands=tuple(function(part) for part in self.bands),
            low=None if self.low is None else function(self.low),
            high=None if self.high is None else function(self.high),
        )

    def zip(self, other: Coefficients, function: Callable[[Tensor, Tensor], Tensor]) -> Coefficients:
        """Combine with coefficients of the same shape, part by part.

        Raises:
            BookError: the two come from different transforms or lengths.
        """
        if [p.shape for p in self.parts] != [p.shape for p in other.parts] or self.length != other.length:
            raise BookError("These coefficients differ in shape: take both from the same transform and length.")
        return replace(
            self,
            bands=tuple(function(mine, theirs) for mine, theirs in zip(self.bands, other.bands)),
            low=None if self.low is None or other.low is None else function(self.low, other.low),
            high=None if self.high is None or other.high is None else function(self.high, other.high),
        )

    def magnitude(self) -> Coefficients:
        """Keep the magnitudes and forget the phases (for the DCT: the signs)."""
        return self.map(torch.abs)

    def with_phase_of(self, other: Coefficients) -> Coefficients:
        """Give these magnitudes the phases (or signs) of other coefficients; where those are 0, phase 0."""
        return self.zip(other, lambda mine, theirs: mine.abs() * _phase(theirs))

    def to(self, *args: object, **kwargs: object) -> Coefficients:
        """Move every part to a device, as `torch.Tensor.to` does."""
        return self.map(lambda part: part.to(*args, **kwargs))

    def without_residuals(self) -> Coefficients:
        """The same bands with silent low and high bands: what a model sees that only learns the bands."""
        return replace(
            self,
            low=None if self.low is None else torch.zeros_like(self.low),
            high=None if self.high is None else torch.zeros_like(self.high),
        )

    def energy(self) -> Tensor:
        """The energy of each sound's picture, `[batch]`: squared magnitudes, mean over time, sum over bands.

        Taking the mean lets bands on fine and coarse time grids count alike; it is the norm in which
        the inverse transforms of this book are least-squares ones.
        """
        return sum(part.abs().square().mean(dim=-1).reshape(part.shape[0], -1).sum(dim=-1) for part in self.parts)


def grid_coefficients(
    grid: Tensor,
    shape: tuple[int, int],
    length: int,
    residual_frames: tuple[int, int] | None,
    low: Tensor | None,
    high: Tensor | None,
) -> Coefficients:
    """Wrap a `[batch, bin, frame]` tensor a reader or a model made; missing residual bands are silent.

    Raises:
        BookError: bins or frames are not those of the transform for this length.
    """
    if grid.ndim != 3 or tuple(grid.shape[1:]) != shape:
        raise BookError(
            f"A grid of shape {list(grid.shape)} does not fit: {length} samples need [batch, {shape[0]}, {shape[1]}]."
        )
    if residual_frames is not None:
        low = grid.new_zeros(grid.shape[0], residual_frames[0]) if low is None else low
        high = grid.new_zeros(grid.shape[0], residual_frames[1]) if high is None else high
    return Coefficients(bands=(grid,), length=length, low=low, high=high)


def _phase(values: Tensor) -> Tensor:
    return torch.where(values == 0, torch.ones_like(values), torch.sgn(values))
