"""DDSP on a page: the weights of one decoder are one model, stored once, that any number of widgets point to.

The encoder stays behind: playing needs pitch, loudness and a latent code, and the code comes as `instrument_codes`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

import ipywidgets
import numpy as np
import torch
from torch import Tensor
from traitlets import Bytes, Dict, List

from lib import corpus
from lib.descriptors import k_weighting
from lib.errors import BookError
from lib.models import DDSP, data
from lib.models.base import HOP, MODEL_RATE
from lib.pruning.cost import int8_bytes
from lib.widgets.sound import TARGET_LUFS

Bits = Literal[8, 16, 32]
#: Loudness of the notes by which the networks are made equally loud, in dB, and their pitches in octaves from A4.
REFERENCE_DB = -20.0
GAIN_OCTAVES = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0)
#: No network is made louder or softer by more than this, in dB.
MOST_GAIN_DB = 9.0


class DecoderData(ipywidgets.Widget):
    """The numbers of a decoder, as a model without a view; `shared/ddsp.js` opens it."""

    data = Bytes().tag(sync=True)
    layout_of_data = List(Dict()).tag(sync=True)
    about = Dict().tag(sync=True)

    _made: ClassVar[dict[str, DecoderData]] = {}


def decoder_state(model: DDSP) -> dict[str, Tensor]:
    """The tensors that playing needs: all but the encoder's."""
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("encoder")}


def checked_ddsp(model: Any) -> DDSP:
    """Return a DDSP that the page can play, or say why it cannot.

    Raises:
        BookError: it is another model, or has a room.
    """
    if not isinstance(model, DDSP):
        raise BookError(f"The page plays DDSP models, not {type(model).__name__}; make one with make('ddsp', 'book').")
    if model.config.reverb_seconds:
        raise BookError("The page has no room for this model's reverberation; use one with reverb_seconds=0.")
    return model


def decoder_data(model: DDSP, bits: Bits = 8, **about: Any) -> DecoderData:
    """Store the decoder of a model for the page, at most once per kernel.

    Args:
        bits: 8 stores matrices as whole numbers with a scale per row, the rest as 32-bit floats (as `cost.int8_bytes`
            counts); 16 and 32 store everything as floats of that size.
        about: plain facts that the page shows.

    Raises:
        BookError: the model cannot be played in the page, or there is no such number of bits.
    """
    if bits not in (8, 16, 32):
        raise BookError(f"Weights are stored in 8, 16 or 32 bits, not {bits}.")
    packed, layout = pack(decoder_state(checked_ddsp(model)), bits)
    config = {name: getattr(model.config, name) for name in ("n_partials", "n_bands", "latent_dims", "layer_norm")}
    facts = {
        "config": config,
        "widths": dict(model.widths),
        "bits": bits,
        "bytes": len(packed),
        "parameters": decoder_parameters(model),
        "macs": model.macs_per_second(),
        **about,
    }
    digest = hashlib.sha256(packed + repr(facts).encode()).hexdigest()
    made = DecoderData._made.get(digest)
    if made is None or made.comm is None:
        made = DecoderData._made[digest] = DecoderData(data=packed, layout_of_data=layout, about=facts)
    return made


def decoder_parameters(model: DDSP) -> int:
    """Count the trained numbers of the decoder."""
    return sum(p.numel() for name, p in model.named_parameters() if not name.startswith("encoder"))


def pack(tensors: dict[str, Tensor], bits: Bits) -> tuple[bytes, list[dict[str, Any]]]:
    """Write tensors one after the other; return the bytes and where each begins.

    >>> packed, layout = pack({"w": torch.tensor([[1.0, -0.5]])}, 8)
    >>> len(packed), layout[0]["kind"]
    (6, 'int8')
    """
    parts: list[bytes] = []
    layout = []
    offset = 0
    for name, tensor in tensors.items():
        kind = "float16" if bits == 16 else "int8" if bits == 8 and tensor.ndim > 1 else "float32"
        part = _bytes_of(tensor, kind)
        layout.append({"name": name, "shape": list(tensor.shape), "kind": kind, "offset": offset})
        parts.append(part)
        offset += len(part)
    return b"".join(parts), layout


def _bytes_of(tensor: Tensor, kind: str) -> bytes:
    array = tensor.detach().float().numpy()
    if kind == "float16":
        return array.astype("<f2").tobytes()
    if kind == "float32":
        return array.astype("<f4").tobytes()
    scale = np.abs(array.reshape(len(array), -1)).max(axis=1).clip(min=1e-12) / 127.0
    whole = np.round(array / scale.reshape(-1, *[1] * (array.ndim - 1))).astype(np.int8)
    assert 4 * len(scale) + whole.size == int8_bytes(tensor)
    return scale.astype("<f4").tobytes() + whole.tobytes()


@dataclass(frozen=True)
class Codes:
    """How a network hears the instruments of the corpus.

    line: instrument -> latent code at A4 (`at`), its change per octave (`per`), and the range of octaves from A4
    (`low`, `high`) that was heard; gain_db: instrument -> what makes its notes as loud as all
    others, at `GAIN_OCTAVES`.
    """

    line: dict[str, dict[str, Any]]
    gain_db: dict[str, list[float]]


@torch.no_grad()
def instrument_codes(model: DDSP, instruments: tuple[str, ...] = corpus.INSTRUMENTS) -> Codes:
    """Listen to the training notes of every instrument: a straight line of the latent code over pitch.

    The code of a clip is its mean over time, weighted by level; a line over pitch loses little against it.
    """
    notes = corpus.notes(split="train", velocity=80, instrument=instruments)
    batch = data.clips("train", instruments=instruments)
    mean, _ = model.encode(batch.audio)
    weight = (10.0 ** (batch.loudness_db / 20.0))[..., None]
    codes = (mean * weight).sum(1) / weight.sum(1)
    octaves = (batch.f0_hz[:, 0] / 440.0).log2()
    line, gain_db = {}, {}
    for name in instruments:
        chosen = torch.tensor([i for i, note in enumerate(notes) if note.instrument == name])
        design = torch.stack([torch.ones(len(chosen)), octaves[chosen]], dim=1)
        at, per = torch.linalg.lstsq(design, codes[chosen]).solution
        line[name] = {
            "at": _rounded(at),
            "per": _rounded(per),
            "low": float(octaves[chosen].min()),
            "high": float(octaves[chosen].max()),
        }
        places = torch.tensor(GAIN_OCTAVES)
        heard_at = places.clamp(octaves[chosen].min(), octaves[chosen].max())
        gains = TARGET_LUFS - _lufs(model, places, at + per * heard_at[:, None])
        gain_db[name] = [round(float(gain), 2) for gain in gains.clip(-MOST_GAIN_DB, MOST_GAIN_DB)]
    return Codes(line, gain_db)


def _rounded(values: Tensor) -> list[float]:
    return [round(float(value), 4) for value in values]


def _lufs(model: DDSP, octaves: Tensor, z: Tensor, n_frames: int = 60) -> np.ndarray:
    """Loudness of each held note, from what the synthesiser is told: no need to make the sound."""
    f0_hz = (440.0 * 2.0**octaves)[:, None].expand(-1, n_frames)
    heard = model.decode(f0_hz, torch.full_like(f0_hz, REFERENCE_DB), z[:, None].expand(-1, n_frames, -1))
    partials, noise = (heard[name][:, n_frames // 2 :].square().mean(1).numpy() for name in ("partials", "noise"))
    multiples = f0_hz[:, :1].numpy() * np.arange(1, partials.shape[1] + 1)
    power = (partials / 2.0 * k_weighting(multiples.clip(max=MODEL_RATE / 2))).sum(1)
    # Noise in [-1, 1] has a power of 1/3, spread evenly up to Nyquist.
    bands = np.linspace(0.0, MODEL_RATE / 2, noise.shape[1])
    power += (noise * k_weighting(bands)).mean(1) / 3.0
    return -0.691 + 10.0 * np.log10(power)


@lru_cache(maxsize=1)
def loudness_curves(frames: int = 50) -> dict[str, dict[str, Any]]:
    """How loud a note of each instrument is in its first half second, in dB below its loudest, and its fall after.

    The median over training notes, frame by frame; only a piano goes on falling.
    """
    notes = corpus.notes(split="train", velocity=80, instrument=corpus.INSTRUMENTS)
    loudness = data.clips("train").loudness_db
    below = loudness - loudness.max(dim=1, keepdim=True).values
    curves = {}
    for name in corpus.INSTRUMENTS:
        median = below[[i for i, note in enumerate(notes) if note.instrument == name]].median(dim=0).values
        fall = float(median[-20:].mean() - median[frames : frames + 20].mean())
        per_second = fall / (80 - frames) * MODEL_RATE / HOP
        curves[name] = {
            "dB": [round(float(x), 1) for x in median[:frames]],
            "slope": round(min(0.0, per_second), 1) if name == "Piano" else 0.0,
        }
    return curves
