"""What transforms of equally long, equally spaced frames have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from lib.errors import BookError
from lib.transforms import framing
from lib.transforms.checks import positive
from lib.transforms.coefficients import Coefficients, grid_coefficients
from lib.transforms.plan import Array


@dataclass(frozen=True)
class Framed(ABC):
    """Hamming-windowed frames at a fixed hop; `STFT` and `DCT` say what is done with each frame.

    Attributes:
        name: as given to `make`.
        sample_rate: in hertz.
        window_s: length of the window in seconds, rounded to samples (882 at 22,050 Hz).
        hop_s: time from frame to frame in seconds, rounded to samples (220, so 9.977 ms, at 22,050 Hz).

    Raises:
        BookError: a length is not positive, the window is shorter than 2 samples or than the hop.

    Chapter: *STFT and DCT*.
    """

    is_complex: ClassVar[bool]

    name: str
    sample_rate: int = 22050
    window_s: float = 0.040
    hop_s: float = 0.010

    def __post_init__(self) -> None:
        positive(sample_rate=self.sample_rate, window_s=self.window_s, hop_s=self.hop_s)
        if self.window_length < 2 or not 1 <= self.hop_length <= self.window_length:
            raise BookError(
                f"A window of {self.window_length} and a hop of {self.hop_length} samples lose some: "
                "need 1 <= hop <= window."
            )

    @property
    @abstractmethod
    def n_bins(self) -> int:
        """Numbers in a transformed frame."""

    @property
    def window_length(self) -> int:
        """Samples in the window."""
        return round(self.window_s * self.sample_rate)

    @property
    def hop_length(self) -> int:
        """Samples from frame to frame."""
        return round(self.hop_s * self.sample_rate)

    @property
    def bandwidths_hz(self) -> Array:
        """Width of the window's spectrum at half height (-6 dB), the same in every bin, `[bin]`."""
        return np.full(self.n_bins, framing.bandwidth_hz(framing.hamming(self.window_length), self.sample_rate))

    @property
    def window_lengths_s(self) -> Array:
        """Length of the window in seconds, the same in every bin, `[bin]`."""
        return np.full(self.n_bins, self.window_length / self.sample_rate)

    @property
    def redundancy(self) -> float:
        """Real numbers stored per sample of a long sound (a complex coefficient counts two)."""
        return (2.0 if self.is_complex else 1.0) * self.n_bins / self.hop_length

    def times_s(self, length: int, bin_index: int = 0) -> Array:
        """Centres of the frames in seconds, `[frame]`, the same in every bin."""
        return framing.frame_times_s(length, self.hop_length, self.sample_rate)

    def from_grid(
        self, grid: Tensor, length: int, low: Tensor | None = None, high: Tensor | None = None
    ) -> Coefficients:
        """Make coefficients from `[batch, bin, frame]`; frames have no residual bands, so `low` and `high` are unused.

        Raises:
            BookError: bins or frames are not those of this transform for `length` samples.
        """
        shape = (self.n_bins, framing.frame_count(length, self.hop_length))
        return grid_coefficients(grid, shape, length, None, None, None)
