"""The discrete cosine transform of windowed frames: a real picture, with an exact inverse."""

from __future__ import annotations

import math
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


def dct(frames: Tensor) -> Tensor:
    """Orthonormal DCT-II over the last axis, by one real FFT of the same size.

    sqrt(2/n) s_k sum_t x[t] cos(pi k (2t + 1) / 2n), s_0 = sqrt(1/2), else 1. Source: Ahmed et al. (1974) for
    the transform; Makhoul (1980) for the reordering that makes it an FFT. Chapter: *STFT and DCT*.
    """
    n = frames.shape[-1]
    reordered = torch.cat([frames[..., ::2], frames[..., 1::2].flip(-1)], dim=-1)
    turned = torch.fft.rfft(reordered) * _quarter_turns(n, frames)  # real parts: lower half, imaginary: upper
    upper = -turned.imag[..., 1 : (n + 1) // 2].flip(-1)
    return torch.cat([turned.real, upper], dim=-1) * _orthonormal(n, frames)


def idct(coefficients: Tensor) -> Tensor:
    """Inverse of `dct` over the last axis (its transpose, the DCT-III)."""
    n = coefficients.shape[-1]
    plain = coefficients / _orthonormal(n, coefficients)
    lower = plain[..., : n // 2 + 1]
    mirrored = torch.cat([torch.zeros_like(plain[..., :1]), plain.flip(-1)[..., : n // 2]], dim=-1)
    reordered = torch.fft.irfft(torch.complex(lower, -mirrored) * _quarter_turns(n, plain).conj(), n=n)
    half = -(-n // 2)
    frames = torch.empty_like(reordered)
    frames[..., ::2] = reordered[..., :half]
    frames[..., 1::2] = reordered[..., half:].flip(-1)
    return frames


@dataclass(frozen=True)
class DCT(Framed):
    """DCT-II of Hamming-windowed frames: real coefficients, so the only phase is a sign.

    A cosine that fits the frame has magnitude 1, but the same cosine shifted by a quarter period
    nearly vanishes: the magnitudes of a steady sound flicker from frame to frame.

    Attributes:
        name, sample_rate, window_s, hop_s: as in `Framed`.

    Chapter: *STFT and DCT*.

    >>> transform = DCT()
    >>> audio = torch.randn(1, 997, dtype=torch.float64)
    >>> transform.analyze(audio).grid.shape
    torch.Size([1, 882, 6])
    >>> bool((transform.synthesize(transform.analyze(audio)) - audio).abs().max() < 1e-12)
    True
    """

    is_complex: ClassVar[bool] = False

    name: str = "dct"

    @property
    def n_bins(self) -> int:
        """Number of frequencies: as many as samples in the window."""
        return self.window_length

    @property
    def frequencies_hz(self) -> Array:
        """Centre frequencies, `[bin]`, half as far apart as those of the STFT."""
        return np.arange(self.n_bins) * (self.sample_rate / (2.0 * self.window_length))

    def analyze(self, audio: Tensor) -> Coefficients:
        """Transform real audio `[batch, time]` into real coefficients `[batch, bin, frame]`.

        Raises:
            BookError: the audio is not a finite, non-empty float tensor `[batch, time]`.
        """
        window = framing.hamming(self.window_length, check_audio(audio).dtype, audio.device)
        spectra = dct(framing.frame(audio, window, self.hop_length)) * _amplitude(window)  # [batch, frame, bin]
        return Coefficients((spectra.transpose(1, 2),), audio.shape[1])

    def synthesize(self, coefficients: Coefficients, length: int | None = None) -> Tensor:
        """Turn coefficients back into audio `[batch, time]`: the least-squares inverse, exact after `analyze`.

        Raises:
            BookError: the coefficients are not those of this transform.
        """
        length = check_length(coefficients.length, length)
        grid = self.from_grid(coefficients.grid, coefficients.length).grid
        window = framing.hamming(self.window_length, grid.dtype, grid.device)
        frames = idct(grid.transpose(1, 2) / _amplitude(window))
        return framing.overlap_add(frames, window, self.hop_length, coefficients.length)[:, :length]


def _quarter_turns(n: int, like: Tensor) -> Tensor:
    angle = torch.arange(n // 2 + 1, dtype=torch.float64) * (-math.pi / (2 * n))
    complex_dtype = torch.complex64 if like.dtype == torch.float32 else torch.complex128
    return torch.polar(torch.ones_like(angle), angle).to(like.device, complex_dtype)


def _orthonormal(n: int, like: Tensor) -> Tensor:
    scale = torch.full((n,), math.sqrt(2.0 / n), dtype=like.dtype, device=like.device)
    scale[0] = math.sqrt(1.0 / n)
    return scale


def _amplitude(window: Tensor) -> Tensor:
    return math.sqrt(2.0 * len(window)) / window.sum()
