"""Cutting sound into windowed frames, and adding them up again so that nothing is lost."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lib.transforms.plan import Array


def hamming(window_length: int, dtype: torch.dtype = torch.float64, device: torch.device | None = None) -> Tensor:
    """The periodic Hamming window, `[window_length]`."""
    return torch.hamming_window(window_length, periodic=True, dtype=torch.float64).to(device, dtype)


def frame_count(length: int, hop_length: int) -> int:
    """How many frames centred at 0, hop, 2 hop, ... reach past the last sample."""
    return -(-(length - 1) // hop_length) + 1


def frame(audio: Tensor, window: Tensor, hop_length: int) -> Tensor:
    """Cut `[batch, time]` into windowed frames `[batch, frame, sample]`, the first centred on sample 0."""
    size = len(window)
    n_frames = frame_count(audio.shape[1], hop_length)
    left = size // 2
    right = (n_frames - 1) * hop_length + size - left - audio.shape[1]
    return torch.nn.functional.pad(audio, (left, right)).unfold(1, size, hop_length) * window


def overlap_add(frames: Tensor, window: Tensor, hop_length: int, length: int) -> Tensor:
    """Undo `frame` by the canonical dual: window each frame again, add, divide by the summed squared windows.

    For frames that are no cut-up sound this is the sound whose frames are nearest in the least-squares
    sense (Griffin and Lim 1984).
    """
    size, n_frames = len(window), frames.shape[1]
    total = (n_frames - 1) * hop_length + size

    def add(pieces: Tensor) -> Tensor:
        columns = pieces.transpose(1, 2)  # [batch, sample, frame]
        return torch.nn.functional.fold(columns, (1, total), (1, size), stride=(1, hop_length))[:, 0, 0]

    weight = add((window * window).expand(1, n_frames, size))
    kept = slice(size // 2, size // 2 + length)
    return add(frames * window)[:, kept] / weight[:, kept]


def bandwidth_hz(window: Tensor, sample_rate: int) -> float:
    """Width of the window's spectrum between its points at half height (-6 dB)."""
    points = 64 * len(window)
    spectrum = np.abs(np.fft.rfft(window.double().numpy(), n=points))
    first = int(np.argmax(spectrum < 0.5 * spectrum[0]))
    above, below = spectrum[first - 1], spectrum[first]
    crossing = first - 1 + (above - 0.5 * spectrum[0]) / (above - below)
    return float(2.0 * crossing * sample_rate / points)


def frame_times_s(length: int, hop_length: int, sample_rate: int) -> Array:
    """Centres of the frames in seconds, `[frame]`."""
    return np.arange(frame_count(length, hop_length)) * (hop_length / sample_rate)
