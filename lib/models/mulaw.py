"""Mu-law: 256 steps that are fine near silence and coarse near full scale.

Source: ITU-T G.711; WaveNet (van den Oord et al. 2016, section 2.2). Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from math import log1p

import torch
from torch import Tensor


def compress(audio: Tensor, n_classes: int = 256) -> Tensor:
    """Bend amplitudes so that quiet ones get more room: [-1, 1] -> [-1, 1].

    >>> float(compress(torch.tensor(0.01))) > 0.2
    True
    """
    mu = n_classes - 1
    return audio.sign() * torch.log1p(mu * audio.abs().clamp(max=1.0)) / log1p(mu)


def expand(compressed: Tensor, n_classes: int = 256) -> Tensor:
    """Undo `compress`."""
    mu = n_classes - 1
    return compressed.sign() * torch.expm1(compressed.abs() * log1p(mu)) / mu


def encode(audio: Tensor, n_classes: int = 256) -> Tensor:
    """Turn amplitudes in [-1, 1] into classes 0 .. n_classes - 1 (int64, same shape).

    >>> encode(torch.tensor([-1.0, 0.0, 1.0])).tolist()
    [0, 128, 255]
    """
    return ((compress(audio, n_classes) + 1.0) / 2.0 * (n_classes - 1) + 0.5).floor().long()


def decode(classes: Tensor, n_classes: int = 256) -> Tensor:
    """Turn classes back into amplitudes; off by at most half a step of the bent scale.

    >>> audio = torch.linspace(-1, 1, 9)
    >>> float((compress(decode(encode(audio))) - compress(audio)).abs().max()) < 1 / 255 + 1e-6
    True
    """
    return expand(2.0 * classes.to(torch.get_default_dtype()) / (n_classes - 1) - 1.0, n_classes)
