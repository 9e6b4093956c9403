"""The short-time Fourier transform with an exact inverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from lib.transforms import framing
from lib.transforms.checks import check_audio, check_length
from lib.transforms.coefficients import Coefficients
from lib.transforms.framed import Framed
from lib.transforms.plan import Array


@dataclass(frozen=True)
class STFT(Framed):
    """Fourier transform of Hamming-windowed frames: one resolution for all frequencies.

    Attributes:
        name, sample_rate, window_s, hop_s: as in `Framed`.

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

    @property
    def n_bins(self) -> int:
        """Number of frequencies, 0 and half the sample rate included."""
        return self.window_length // 2 + 1

    @property
    def frequencies_hz(self) -> Array:
        """Centre frequencies, `[bin]`."""
        return np.arange(self.n_bins) * (self.sample_rate / self.window_length)

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
