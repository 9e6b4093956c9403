"""The exported ONNX file of a model, fed with held-out clips block by block: here, and on an emulated processor.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lib.deploy import onnx as exporting
from lib.deploy.emulate import aarch64
from lib.deploy.emulate.aarch64 import OnnxCalls
from lib.deploy.quantise import exact, quantise, some
from lib.models import AudioModel, WaveNet, mulaw
from lib.models.data import clips

Feed = dict[str, np.ndarray]


@dataclass(frozen=True)
class Exported:
    """An ONNX file, what goes into every call, and what this machine's ONNX Runtime answers: name -> [calls, ...]."""

    path: Path
    about: dict
    feeds: list[Feed]
    here: dict[str, np.ndarray]


def export(model: AudioModel, path: Path, precision: str, n_calls: int, run: str = "") -> Exported:
    """Write a model's step, and play the beginning of a held-out note through it.

    Args:
        precision: "float32" or "int8" (rounded with the ranges of some validation clips).
        n_calls: blocks; the first one only warms up.
    """
    made = exact(model) if precision == "float32" else quantise(model)
    made.save(path, run=run)
    opened = exporting.open_model(path)
    feeds = [{**opened.start(), **feed} for feed in _controls(model, opened.about, n_calls)]
    answers, states = [], {}
    for feed in feeds:
        found, states = opened.run({**feed, **states})
        answers.append(found)
    here = {name: np.stack([answer[name] for answer in answers]) for name in opened.about["outputs"]}
    return Exported(path, opened.about, feeds, here)


def call(exported: Sequence[Exported], processor: str) -> list[OnnxCalls]:
    """Call files of one model on an emulated processor, all in one process, with state carried from call to call."""
    carry = {output: state for one in exported for state, output in one.about["states"].items()}
    return aarch64.call_onnx([(one.path, one.feeds) for one in exported], processor, carry=carry)


def difference(exported: Exported, called: OnnxCalls) -> float:
    """Largest absolute difference of any output from this machine's."""
    return max(float(np.abs(called.outputs[name] - value).max()) for name, value in exported.here.items())


def _controls(model: AudioModel, about: dict, n_calls: int) -> list[Feed]:
    clip = some(clips("test"), 3).take(slice(1, 2))
    controls = model.controls(clip)
    if isinstance(model, WaveNet):
        return _known(model, controls["mel"], mulaw.encode(clip.audio, model.config.n_classes), about, n_calls)
    # DDSP: [batch, frames] and [batch, frames, dims]; SING: [batch, dims, codes].
    axis = {"f0_hz": 1, "loudness_db": 1, "z": 1 if "f0_hz" in controls else 2}
    names = [name for name in axis if name in controls]
    return [
        {name: np.ascontiguousarray(controls[name].narrow(axis[name], t, 1).numpy()) for name in names}
        for t in range(n_calls)
    ]


def _known(model: WaveNet, mel: torch.Tensor, classes: torch.Tensor, about: dict, n_calls: int) -> list[Feed]:
    # The note's own samples are forced, so that two machines stay on the same path.
    block, hop = about["block_samples"], model.config.mel_hop
    feeds = []
    for call in range(n_calls):
        start = call * block
        first = start // hop
        rows = mel[0, :, first : first + 2].T
        feeds.append({
            "mel": np.ascontiguousarray(rows.numpy()),
            "frame": ((np.arange(start, start + block) // hop) - first).astype(np.int64),
            "forced": classes[0, start : start + block].numpy().astype(np.int64),
        })  # fmt: skip
    return feeds
