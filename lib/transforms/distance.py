"""How far apart two sounds are as one sees them: the log-spectral distance, the same ruler for every transform."""

from __future__ import annotations

import torch
from torch import Tensor

from lib.errors import BookError
from lib.transforms.stft import STFT

#: Windows of the ruler in seconds: shorter and longer than the 40 ms of the book's STFT, to favour no transform.
RULER_S = (0.020, 0.080)


def log_spectral_distance(
    audio: Tensor,
    reference: Tensor,
    sample_rate: int = 22050,
    floor_db: float = -60.0,
    range_hz: tuple[float, float] = (64.0, 8000.0),
) -> Tensor:
    """Measure how many decibels two sounds differ by, over time and frequency, `[batch]`; 0 is equal.

    The magnitudes of an STFT are put in decibels below the loudest point of the reference, and no lower than the
    floor. The distance is the root mean square of the difference over the frequencies of a frame, averaged over the
    frames and over two window lengths (`RULER_S`).

    Args:
        audio: `[batch, time]`.
        reference: of the same shape; its loudest point is 0 dB.
        sample_rate: in hertz.
        floor_db: what lies below counts as silence.
        range_hz: lowest and highest frequency that count.

    Raises:
        BookError: the shapes differ, the floor is not below 0 dB, or no frequency lies in the range.

    Source: Gray and Markel (1976), the root-mean-square log spectral measure; floor, range and two windows are ours.
    Chapter: *Magnitudes only: getting the phase back*.

    >>> sound = torch.sin(torch.arange(8000) / 10)[None]
    >>> log_spectral_distance(sound, sound).item()
    0.0
    """
    if audio.shape != reference.shape:
        raise BookError(f"Two sounds of shapes {list(audio.shape)} and {list(reference.shape)}: cut them alike.")
    if floor_db >= 0:
        raise BookError(f"The floor lies below the loudest point: floor_db must be negative, not {floor_db:g}.")
    distances = []
    for window_s in RULER_S:
        ruler = STFT(sample_rate=sample_rate, window_s=window_s, hop_s=window_s / 4)
        heard = (ruler.frequencies_hz >= range_hz[0]) & (ruler.frequencies_hz <= range_hz[1])
        if not heard.any():
            raise BookError(f"No frequency of the ruler lies between {range_hz[0]:g} and {range_hz[1]:g} Hz.")
        mine, wanted = (ruler.analyze(sound).grid.abs()[:, torch.from_numpy(heard)] for sound in (audio, reference))
        loudest = wanted.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(wanted.dtype).tiny)
        mine_db, wanted_db = (
            20 * torch.log10((part / loudest).clamp_min(10 ** (floor_db / 20))) for part in (mine, wanted)
        )
        distances.append((mine_db - wanted_db).square().mean(dim=1).sqrt().mean(dim=1))
    return torch.stack(distances).mean(dim=0)
