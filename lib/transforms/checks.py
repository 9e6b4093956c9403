"""What every transform asks of the audio it is given."""

from __future__ import annotations

import torch
from torch import Tensor

from lib.errors import BookError


def check_audio(audio: Tensor) -> Tensor:
    """Return the audio unchanged if it is a finite, real, non-empty `[batch, time]` tensor.

    Raises:
        BookError: it is not; the message says how to make it so.

    >>> check_audio(torch.zeros(3))
    Traceback (most recent call last):
    lib.errors.BookError: Audio must be [batch, time], this is [3]. For one sound, use audio[None].
    """
    if not isinstance(audio, Tensor):
        found = type(audio).__name__
        raise BookError(f"Audio must be a torch tensor, this is {found}. Use torch.tensor(audio)[None].")
    if audio.ndim != 2:
        raise BookError(f"Audio must be [batch, time], this is {list(audio.shape)}. For one sound, use audio[None].")
    if audio.dtype not in (torch.float32, torch.float64):
        raise BookError(f"Audio must be float32 or float64, this is {audio.dtype}. Use audio.float() in [-1, 1].")
    if audio.numel() == 0:
        raise BookError(f"Audio of shape {list(audio.shape)} is empty: there is nothing to transform.")
    if not torch.isfinite(audio.detach().sum()):  # one pass, half the cost of testing each sample
        raise BookError("Audio holds NaN or infinity. Look at where it comes from; torch.nan_to_num(audio) hides it.")
    return audio


def check_length(available: int, length: int | None) -> int:
    """Choose how many samples to return: all of them, or the first `length`.

    Raises:
        BookError: more samples are wanted than were analysed.
    """
    if length is None:
        return available
    if not 0 < length <= available:
        raise BookError(f"These coefficients describe {available} samples; {length} cannot be made from them.")
    return length


def positive(**values: float) -> None:
    """Check that options are positive numbers.

    Raises:
        BookError: one is not; named in the message.
    """
    for name, value in values.items():
        if not value > 0:
            raise BookError(f"{name} must be positive, not {value!r}.")
