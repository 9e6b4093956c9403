"""The short-time Fourier transform with an exact inverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from lib.errors import BookError
from lib.transforms import framing
from lib.transforms.checks import check_audio, check_length, positive
from lib.transforms.coefficients import Coefficients, grid_coefficients
from lib.transforms.plan import Array


@dataclass(frozen=True)
class STFT:
    """Fourier transform of Hamming-windowed frames: one resolution for all frequencies.

    Attributes:
        name: as given to `make`.
        sample_rate: in hertz.
        window_s: length of the window in seconds, rounded to samples (882 at 22,050 Hz).
        hop_s: time from frame to frame in seconds, rounded to samples (220, so 9.977 ms, at 22,050 Hz).

    Source: Griffin and Lim (1984) for the inverse. Chapter: *STFT and DCT*.

    >>> audio = torch.randn(1, 997, dtype=torch.float64)
    >>> stft = STFT()
    >>> stft.analyze(audio).grid.shape
    torch.Size([1, 442, 6])
    >>> bool((stft.synthesize(stft.analyze(audio)) - audio).abs().max() < 1e-12)
    True
    """

    is_complex: ClassVar[bool] = True

    name: str = "stft"
    sample_rate: int = 22050
    window_s: float = 0.040
    hop_s: float = 0.010

    def __post_init__(self) -> None:
        check_framing(self.sample_rate, self.window_s, self.hop_s)

    @property
    def window_length(self) -> int:
        """Samples in the window."""
        return round(self.window_s * self.sample_rate)

    @property
    def hop_length(self) -> int:
        """Samples from frame to frame."""
        return round(self.hop_s * self.sample_rate)

    @property
    def n_bins(self) -> int:
        """Number of frequencies, 0 and half the sample rate included."""
        return self.window_length // 2 + 1

    @property
    def frequencies_hz(self) -> Array:
        """Centre frequencies, `[bin]`."""
        return np.arange(self.n_bins) * (self.sample_rate / self.window_length)

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
        return 2.0 * self.n_bins / self.hop_length

    def times_s(self, length: int, bin_index: int = 0) -> Array:
        """Centres of the frames in seconds, `[frame]`, the same in every bin."""
        return framing.frame_times_s(length, self.hop_length, self.sample_rate)

    def analyze(self, audio: Tensor) -> Coefficients:
        """Transform real audio `[batch, time]` into complex coefficients `[batch, bin, frame]`.

        Raises:
            BookError: the audio is not a finite, non-empty float tensor `[batch, time]`.
        """
        window = framing.hamming(self.window_length, check_audio(audio).dtype, audio.device)
        spectra = torch.fft.rfft(framing.frame(audio, window, self.hop_length))  # [batch, frame, bin]
        return Coefficients(((spectra * (2.0 / window.sum())).transpose(1, 2),), audio.shape[1])

    def synthesize(self, coefficients: Coefficients, length: int | None = None) -> Tensor:
        """Turn coefficients back into audio `[batch, time]`: the least-squares inverse, exact after `analyze`.

        Raises:
            BookError: the coefficients are not those of this transform.
        """
        length = check_length(coefficients.length, length)
        grid = self.from_grid(coefficients.grid, coefficients.length).grid
        window = framing.hamming(self.window_length, grid.real.dtype, grid.device)
        frames = torch.fft.irfft(grid.transpose(1, 2) * (window.sum() / 2.0), n=self.window_length)
        return framing.overlap_add(frames, window, self.hop_length, coefficients.length)[:, :length]

    def from_grid(
        self, grid: Tensor, length: int, low: Tensor | None = None, high: Tensor | None = None
    ) -> Coefficients:
        """Make coefficients from `[batch, bin, frame]`, real or complex; an STFT has no residual bands.

        Raises:
            BookError: bins or frames are not those of this transform for `length` samples.
        """
        shape = (self.n_bins, framing.frame_count(length, self.hop_length))
        return grid_coefficients(grid, shape, length, None, None, None)


def check_framing(sample_rate: int, window_s: float, hop_s: float) -> None:
    """Check that frames overlap or touch, so that every sample lies in one.

    Raises:
        BookError: a length is not positive, the window is shorter than 2 samples or than the hop.
    """
    positive(sample_rate=sample_rate, window_s=window_s, hop_s=hop_s)
    window_length, hop_length = round(window_s * sample_rate), round(hop_s * sample_rate)
    if window_length < 2 or not 1 <= hop_length <= window_length:
        raise BookError(
            f"A window of {window_length} and a hop of {hop_length} samples lose some: need 1 <= hop <= window."
        )
