"""Everything `bench.transforms` measures, each behind the same three functions."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import librosa
import numpy as np
import torch
from numpy.typing import NDArray

from lib.transforms import make
from lib.transforms.nsgt_package import NumpyWithOldClip, load_nsgt
from lib.transforms.scales import Scale

SAMPLE_RATE = 22050
CONSTANT_Q = Scale.per_octave(24)
Audio = NDArray[np.float64]


@dataclass(frozen=True)
class Contender:
    """One way to transform notes and, if it can, to turn them back.

    Attributes:
        name, mode: the implementation and its setting, as printed.
        precision: `float32` or `float64`.
        batch: notes handed over at once.
        prepare: from notes `[batch, time]` to what `forward` takes; not timed.
        forward: the analysis; timed.
        inverse: the synthesis; timed. None where the implementation has none.
        to_audio: from what `inverse` gives to `[batch, time]`; not timed.
        stored: real numbers stored for one note.
        remark: what a reader must know to compare fairly.
    """

    name: str
    mode: str
    precision: str
    batch: int
    prepare: Callable[[Audio], Any]
    forward: Callable[[Any], Any]
    inverse: Callable[[Any], Any] | None
    to_audio: Callable[[Any], Audio]
    stored: Callable[[Any], float]
    remark: str = ""


def ours(length: int) -> Iterator[Contender]:
    """The transforms of the book."""
    settings = [
        (name, {"grid": grid}) for name in ("nsgt-cqt", "nsgt-mel", "nsgt-erb") for grid in ("octave", "regular")
    ]
    for name, options in [*settings, ("stft", {}), ("dct", {})]:
        transform = make(name, SAMPLE_RATE, **options)
        for precision in ("float32", "float64"):
            for batch in (1, 16):
                yield Contender(
                    f"ours, {name}",
                    options.get("grid", "frames"),
                    precision,
                    batch,
                    prepare=lambda notes, precision=precision: torch.from_numpy(notes.astype(precision)),
                    forward=transform.analyze,
                    inverse=transform.synthesize,
                    to_audio=lambda audio: audio.double().numpy(),
                    stored=lambda c: sum(p.numel() * (2 if p.is_complex() else 1) / p.shape[0] for p in c.parts),
                )


def nsgt_package(length: int) -> Iterator[Contender]:
    """The `nsgt` package on its own scale of 24 bands to the octave from 64 to 8000 Hz.

    Not on our centres: the length of its matrix form follows from the highest one, and is 12,100 here, a size of
    small prime factors; on ours it meets a size that costs its FFT several times as much.
    """
    package = load_nsgt()
    scale = package.fscale.OctScale(64.0, 8000.0, 24)
    for mode, matrixform in (("ragged", False), ("matrixform", True)):
        transform = package.NSGT(scale, SAMPLE_RATE, length, real=True, matrixform=matrixform)
        yield Contender(
            "nsgt 0.19",
            mode,
            "float64",
            1,
            prepare=lambda notes: notes[0],
            forward=transform.forward,
            inverse=transform.backward,
            to_audio=lambda audio: audio[None],
            stored=lambda c: 2.0 * sum(len(band) for band in c),
        )


def librosa_package(length: int) -> Iterator[Contender]:
    """librosa's approximately invertible constant-Q transform, and its STFT as a yardstick."""
    single = {"prepare": lambda notes: notes[0].astype(np.float32), "to_audio": lambda audio: audio[None]}
    for hop in (512, 128):
        span = {"sr": SAMPLE_RATE, "hop_length": hop, "fmin": 64.0, "bins_per_octave": 24}
        yield Contender(
            "librosa 0.11 cqt",
            f"hop {hop}",
            "float32",
            1,
            forward=lambda audio, span=span: librosa.cqt(audio, n_bins=CONSTANT_Q.n_bins, **span),
            inverse=lambda c, span=span: librosa.icqt(c, length=length, **span),
            stored=lambda c: 2.0 * c.size,
            remark="approximate inverse by design; has no residual bands",
            **single,
        )
    yield Contender(
        "librosa 0.11 stft",
        "2048 / 512",
        "float32",
        1,
        forward=lambda audio: librosa.stft(audio, n_fft=2048, hop_length=512),
        inverse=lambda c: librosa.istft(c, hop_length=512, n_fft=2048, length=length),
        stored=lambda c: 2.0 * c.size,
        remark="another transform: a yardstick for fast",
        **single,
    )


def cqt_nsgt_pytorch(length: int) -> Iterator[Contender]:
    """`cqt-nsgt-pytorch`, whose range is tied to half the sample rate: 7 octaves down from it."""
    import cqt_nsgt_pytorch.nsgfwin as windows
    from cqt_nsgt_pytorch import CQT_nsgt

    windows.np = NumpyWithOldClip()
    for mode in ("critical", "matrix_slow"):
        with contextlib.redirect_stdout(io.StringIO()):
            transform = CQT_nsgt(7, 24, mode=mode, fs=SAMPLE_RATE, audio_len=length, device="cpu", dtype=torch.float32)
        for batch in (1, 16):
            yield Contender(
                "cqt-nsgt-pytorch",
                mode,
                "float32",
                batch,
                prepare=lambda notes: torch.from_numpy(notes).float()[:, None],
                forward=transform.fwd,
                inverse=transform.bwd,
                to_audio=lambda audio: audio[:, 0].double().numpy(),
                stored=lambda c: 2.0 * sum(p[0].numel() for p in (c if isinstance(c, (list, tuple)) else [c])),
                remark="86-11,025 Hz, 7 octaves: its range cannot be chosen",
            )


def essentia(length: int) -> Iterator[Contender]:
    """Essentia's NSGConstantQ, in C++."""
    import essentia as package
    import essentia.standard as standard

    package.log.infoActive = False
    package.log.warningActive = False
    for mode in ("none", "full"):
        options = {"inputSize": length, "sampleRate": SAMPLE_RATE, "minFrequency": 64.0, "maxFrequency": 8000.0}
        options |= {"binsPerOctave": 24, "rasterize": mode, "normalize": "none"}
        forward, inverse = standard.NSGConstantQ(**options), standard.NSGIConstantQ(**options)
        yield Contender(
            "essentia 2.1b6",
            f"rasterize {mode}",
            "float32",
            1,
            prepare=lambda notes: notes[0].astype(np.float32),
            forward=forward,
            inverse=lambda c, inverse=inverse: inverse(*c),
            to_audio=lambda audio: np.asarray(audio, dtype=np.float64)[None, :length],
            stored=lambda c: 2.0 * (sum(len(band) for band in c[0]) + len(c[1]) + len(c[2])),
        )


def nnaudio(length: int) -> Iterator[Contender]:
    """nnAudio's constant-Q transform, forward only."""
    with contextlib.redirect_stdout(io.StringIO()):
        from nnAudio.features import CQT1992v2

        layer = CQT1992v2(sr=SAMPLE_RATE, hop_length=512, fmin=64.0, n_bins=168, bins_per_octave=24, verbose=False)
    for batch in (1, 16):
        yield Contender(
            "nnAudio 0.3.4 CQT1992v2",
            "hop 512",
            "float32",
            batch,
            prepare=lambda notes: torch.from_numpy(notes).float(),
            forward=lambda audio: layer(audio, output_format="Complex"),
            inverse=None,
            to_audio=lambda audio: audio,
            stored=lambda c: c[0].numel(),
            remark="no inverse",
        )


def contenders(length: int) -> tuple[list[Contender], dict[str, str]]:
    """Everything that can be imported here, and for the rest why not."""
    found: list[Contender] = []
    absent: dict[str, str] = {}
    for family in (ours, nsgt_package, librosa_package, cqt_nsgt_pytorch, essentia, nnaudio):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found += list(family(length))
        except ImportError as error:
            absent[family.__name__] = f"not installed ({error})"
    return found, absent
