"""What several tests of the transforms need."""

from __future__ import annotations

import torch
from torch import Tensor

#: Relative error of a round trip, in the signal's own terms: -240 dB and -120 dB.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}


def noise(batch: int, length: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    """White noise `[batch, time]`: every frequency counts, so nothing a transform loses stays unseen."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, length, generator=generator, dtype=torch.float64).to(dtype)


def sinusoid(f_hz: float, length: int, sample_rate: int = 22050, phase: float = 0.3) -> Tensor:
    """A sinusoid of amplitude 1, `[1, time]`."""
    t = torch.arange(length, dtype=torch.float64) / sample_rate
    return torch.cos(2 * torch.pi * f_hz * t + phase)[None]


def relative_error(actual: Tensor, wanted: Tensor) -> float:
    """Norm of the difference over norm of the wanted."""
    return float((actual - wanted).norm() / wanted.norm())
