"""What all transforms of the book have in common."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from lib.transforms.coefficients import Coefficients
from lib.transforms.plan import Array


@runtime_checkable
class Transform(Protocol):
    """A picture of sound that can be turned back into the sound.

    `synthesize(analyze(audio))` is `audio`, for any batch, any length and both float types; both
    directions are linear, differentiable, and run wherever the audio is. Coefficients that belong to
    no sound are turned into the one whose coefficients are nearest.

    Chapters: *STFT and DCT*, *The NSGT and its scales*.
    """

    @property
    def name(self) -> str:
        """As given to `make`."""

    @property
    def sample_rate(self) -> int:
        """In hertz."""

    @property
    def is_complex(self) -> bool:
        """Whether coefficients have a phase, or just a sign."""

    @property
    def n_bins(self) -> int:
        """Bands, the residual ones not counted."""

    @property
    def frequencies_hz(self) -> Array:
        """Centre frequencies, `[bin]`."""

    @property
    def bandwidths_hz(self) -> Array:
        """Widths at half height (-6 dB) of the bands, `[bin]`."""

    @property
    def window_lengths_s(self) -> Array:
        """How much time each band looks at, `[bin]`: the window, or the main lobe of its response."""

    @property
    def redundancy(self) -> float:
        """Real numbers stored per sample."""

    def times_s(self, length: int, bin_index: int = 0) -> Array:
        """Centres of a band's frames in seconds, `[frame]`."""

    def analyze(self, audio: Tensor) -> Coefficients:
        """From `[batch, time]` to coefficients."""

    def synthesize(self, coefficients: Coefficients, length: int | None = None) -> Tensor:
        """From coefficients to `[batch, time]`."""

    def from_grid(
        self, grid: Tensor, length: int, low: Tensor | None = None, high: Tensor | None = None
    ) -> Coefficients:
        """From a plain `[batch, bin, frame]` tensor to coefficients."""
