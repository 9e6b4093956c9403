"""Pictures of sound that can be turned back into sound: STFT, DCT and NSGT on three scales.

>>> import torch
>>> transform = make("nsgt-erb")
>>> audio = torch.randn(1, 22050)
>>> picture = transform.analyze(audio)
>>> picture.magnitude().grid.shape
torch.Size([1, 168, 384])
>>> bool((transform.synthesize(picture) - audio).norm() < 1e-6 * audio.norm())
True
"""

from __future__ import annotations

from typing import Any

from lib.errors import BookError
from lib.transforms.coefficients import Coefficients
from lib.transforms.dct import DCT
from lib.transforms.nsgt import NSGT
from lib.transforms.phase import Reconstruction, griffin_lim, spectral_convergence
from lib.transforms.protocol import Transform
from lib.transforms.scales import Scale
from lib.transforms.stft import STFT

__all__ = [
    "DCT",
    "NAMES",
    "NSGT",
    "STFT",
    "Coefficients",
    "Reconstruction",
    "Scale",
    "Transform",
    "griffin_lim",
    "make",
    "spectral_convergence",
]

#: Every name `make` knows.
NAMES = ("stft", "dct", "nsgt-cqt", "nsgt-cqt48", "nsgt-mel", "nsgt-erb")

_BINS_PER_OCTAVE = {"nsgt-cqt": 24, "nsgt-cqt48": 48}
_FRAMED_OPTIONS = ("window_s", "hop_s")
_NSGT_OPTIONS = ("minimum_hz", "maximum_hz", "grid", "minimum_points")


def make(name: str, sample_rate: int = 22050, **options: Any) -> Transform:
    """Make a transform by name.

    Args:
        name: `stft`, `dct` (Hamming window of 40 ms, hop 10 ms); `nsgt-cqt`, `nsgt-cqt48` (constant Q with 24 or
            48 bins per octave), `nsgt-mel`, `nsgt-erb` (168 bins), all from 64 to 8000 Hz.
        sample_rate: in hertz.
        options: `window_s`, `hop_s` for stft and dct; for the others `minimum_hz`, `maximum_hz`,
            `bins_per_octave` (cqt) or `n_bins` (mel, erb), `grid` ("regular" or "octave"), `minimum_points`.

    Raises:
        BookError: no such name, no such option, or an option out of range.

    Chapters: *STFT and DCT*, *The NSGT and its scales*.

    >>> make("nsgt-cqt").n_bins, make("nsgt-cqt48").n_bins, make("stft").n_bins
    (168, 335, 442)
    """
    if name not in NAMES:
        raise BookError(f"There is no transform {name!r}: use {', '.join(NAMES)}.")
    framed = name in ("stft", "dct")
    count = "bins_per_octave" if name in _BINS_PER_OCTAVE else "n_bins"
    known = _FRAMED_OPTIONS if framed else (*_NSGT_OPTIONS, count)
    unknown = [option for option in options if option not in known]
    if unknown:
        raise BookError(f"{name} has no option {', '.join(unknown)}: it knows {', '.join(known)}.")
    if framed:
        return (STFT if name == "stft" else DCT)(name, sample_rate, **options)
    span = {key: options.pop(key) for key in ("minimum_hz", "maximum_hz") if key in options}
    if name in _BINS_PER_OCTAVE:
        scale = Scale.per_octave(options.pop(count, _BINS_PER_OCTAVE[name]), **span)
    else:
        scale = Scale.spread("mel" if name == "nsgt-mel" else "erb", options.pop(count, 168), **span)
    return NSGT(name, scale, sample_rate, **options)
