"""What a unit should tell something about: the spectrum of the frame it is making.

Chapter: *Which units matter? Criteria and mutual information*.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from lib.models.base import MODEL_RATE


def mel_bands(n_bands: int, n_fft: int, low_hz: float = 80.0, sample_rate: int = MODEL_RATE) -> Tensor:
    """Build triangles evenly spaced on the mel scale, each of area one: [n_bands, n_fft // 2 + 1].

    Mel is 2595 log10(1 + f / 700) (O'Shaughnessy 1987). A triangle too narrow to meet a bin takes the nearest one.
    """
    return _mel_bands(n_bands, n_fft, low_hz, sample_rate, torch.get_default_dtype())


@lru_cache(maxsize=8)
def _mel_bands(n_bands: int, n_fft: int, low_hz: float, sample_rate: int, _kept_apart: torch.dtype) -> Tensor:
    high_mel, low_mel = (2595.0 * torch.log10(torch.tensor(1.0 + f / 700.0)) for f in (sample_rate / 2, low_hz))
    edges = 700.0 * (10.0 ** (torch.linspace(float(low_mel), float(high_mel), n_bands + 2) / 2595.0) - 1.0)
    bins = torch.linspace(0.0, sample_rate / 2, n_fft // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    bands = torch.minimum(rising, falling).clamp(min=0.0)
    empty = bands.sum(dim=1) == 0.0
    nearest = (edges[1:-1, None] - bins).abs().argmin(dim=1)
    bands[empty, nearest[empty]] = 1.0
    return bands / bands.sum(dim=1, keepdim=True)


def log_spectrum_frames(audio: Tensor, hop_length: int, n_bands: int = 24, n_fft: int = 1024) -> Tensor:
    """Log power in mel bands, one column a hop: [batch, time] -> [batch, n_bands, time // hop_length].

    In units of 50 dB, floor at -50 dB of mean power: quiet noise does not matter.
    """
    spectrum = torch.stft(audio, n_fft, hop_length, window=torch.hann_window(n_fft), return_complex=True)
    power = mel_bands(n_bands, n_fft) @ spectrum.abs().square()[..., : audio.shape[-1] // hop_length]
    return (power.clamp(min=1e-5).log10() + 5.0) / 5.0
