"""The exported ONNX file of a model, fed with held-out clips block by block: here, and on an emulated processor.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.deploy import onnx as exporting
from lib.deploy.emulate import aarch64
from lib.deploy.emulate.aarch64 import OnnxCalls
from lib.deploy.onnx import WAVENET_BLOCK
from lib.deploy.quantise import exact, quantise, some
from lib.models import DDSP, AudioModel, Batch, WaveNet, mulaw
from lib.models.data import clips

Feed = dict[str, np.ndarray]


@dataclass(frozen=True)
class Exported:
    """An ONNX file, what goes into every call, and what this machine's ONNX Runtime answers: name -> [calls, ...]."""

    path: Path
    about: dict
    feeds: list[Feed]
    here: dict[str, np.ndarray]


def export(model: AudioModel, path: Path, precision: str, feeds: Sequence[Feed], run: str = "") -> Exported:
    """Write a model's step, and run calls through it on this machine.

    Args:
        precision: "float32" or "int8" (rounded with the ranges of some validation clips).
        feeds: controls of every call; states begin as the file says, unless the first call has them.
    """
    made = exact(model) if precision == "float32" else quantise(model)
    made.save(path, run=run)
    opened = exporting.open_model(path)
    whole = [{**opened.start(), **feed} for feed in feeds]
    answers, states = [], {}
    for feed in whole:
        found, states = opened.run({**feed, **states})
        answers.append(found)
    here = {name: np.stack([answer[name] for answer in answers]) for name in opened.about["outputs"]}
    return Exported(path, opened.about, whole, here)


def call(exported: Sequence[Exported], processor: str) -> list[OnnxCalls]:
    """Call files of one model on an emulated processor, all in one process, with state carried from call to call."""
    carry = {output: state for one in exported for state, output in one.about["states"].items()}
    return aarch64.call_onnx([(one.path, one.feeds) for one in exported], processor, carry=carry)


def difference(exported: Exported, called: OnnxCalls) -> float:
    """Largest absolute difference of any output from this machine's."""
    return max(float(np.abs(called.outputs[name] - value).max()) for name, value in exported.here.items())


def excerpt(model: AudioModel, n_calls: int) -> list[Feed]:
    """Controls of so many calls from the beginning of a held-out note."""
    clip = some(clips("test"), 3).take(slice(1, 2))
    if isinstance(model, WaveNet):
        return known_samples(model, clip, classes(model, clip)[: n_calls * WAVENET_BLOCK])
    return frames(model, clip)[:n_calls]


def frames(model: AudioModel, batch: Batch) -> list[Feed]:
    """Controls of every frame (DDSP) or code (SING) of some clips."""
    controls = model.controls(batch)
    # DDSP: [batch, frames] and [batch, frames, dims]; SING: [batch, dims, codes].
    axis = {"f0_hz": 1, "loudness_db": 1, "z": 1} if isinstance(model, DDSP) else {"z": 2}
    n_calls = controls["z"].shape[axis["z"]]
    return [
        {name: np.ascontiguousarray(controls[name].narrow(place, t, 1).numpy()) for name, place in axis.items()}
        for t in range(n_calls)
    ]


def classes(model: WaveNet, clip: Batch) -> np.ndarray:
    """The samples of the first clip, as classes."""
    return mulaw.encode(clip.audio[:1], model.config.n_classes)[0].numpy()


def known_samples(model: WaveNet, clip: Batch, known: np.ndarray, start: int = 0) -> list[Feed]:
    """Whole blocks of samples that a WaveNet must take, with the mel frames of the first clip that belong to them.

    Args:
        known: classes; start: place of the first one, negative for a silence before the clip.
    """
    mel, hop = model.controls(clip)["mel"][0].T.numpy(), model.config.mel_hop
    mel = np.concatenate([mel, mel[-1:]])
    made = []
    for first in range(0, len(known) - WAVENET_BLOCK + 1, WAVENET_BLOCK):
        # Sample t is drawn with the frame of the sample before it.
        place = np.maximum(np.arange(WAVENET_BLOCK) + start + first - 1, 0) // hop
        block = known[first : first + WAVENET_BLOCK]
        made.append({
            "mel": np.ascontiguousarray(mel[place[0] : place[0] + 2]),
            "frame": (place - place[0]).astype(np.int64),
            "forced": block.astype(np.int64),
        })  # fmt: skip
    return made
