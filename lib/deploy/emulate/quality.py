"""What rounding to int8 costs, heard where the arithmetic is the target's: on an emulated Cortex-A.

The model's own error is computed from what the emulated ONNX Runtime answers, and beside it from what this machine's
answers. On an x86 without VNNI the two may differ for 8-bit weights; the book's have 7 bits, and this is the proof.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from lib.deploy.emulate import onnx_calls, tools
from lib.deploy.emulate.onnx_calls import Feed
from lib.deploy.emulate.rows import Point, digest
from lib.models import DDSP, SING, AudioModel, Batch, WaveNet
from lib.models.data import clips
from lib.models.sing import STRIDE, WINDOW

#: Clips of the test side judged at once (WaveNet: one, and so many samples of it, after a silent start).
N_CLIPS, WAVENET_SAMPLES, SILENT_CALLS = 4, 512, 5


@dataclass(frozen=True)
class Quality:
    """A model's own error on held-out clips, from one exported file.

    Attributes:
        here: by this machine's ONNX Runtime; emulated: by that of the emulated processor;
        difference: largest between the two, of any output; clips: how many were judged; digest: of the exported file.
    """

    model: str
    run: str
    round: int
    precision: str
    processor: str
    here: float
    emulated: float
    difference: float
    clips: int
    digest: str
    evidence: str = tools.EVIDENCE

    @property
    def key(self) -> tuple:
        """What tells them apart."""
        return (self.run, self.round, self.precision, self.processor)

    @property
    def sentence(self) -> str:
        """Say it in a line."""
        return (
            f"{self.model} round {self.round} {self.precision}: error {self.emulated:.4f} on {self.processor}, "
            f"{self.here:.4f} here; outputs differ by {self.difference:.1e}"
        )

    def as_dict(self) -> dict[str, Any]:
        """For a results file."""
        return asdict(self)


def judge(
    made: Sequence[tuple[Point, str]],
    processor: str,
    folder: Path,
    is_there: Callable[[tuple, str], bool] = lambda key, told: False,
) -> list[Quality]:
    """Measure the error of models on an emulated processor, all in one process.

    Args:
        made: (model and where it comes from, precision), all of one kind; processor: one of `counting.CORTEX_A`;
            folder: for the exported files; is_there: says whether this (key, digest) is known already.
    """
    batch, wanted = judged(made[0][0].model), []
    for point, precision in made:
        path = folder / f"quality-{point.round}-{precision}.onnx"
        exported = onnx_calls.export(point.model, path, precision, feeds(point.model, batch), point.run)
        if not is_there((*point.key, precision, processor), digest(path)):
            wanted.append((point, precision, exported))
    called = onnx_calls.call([exported for _, _, exported in wanted], processor) if wanted else []
    return [
        Quality(
            point.name,
            point.run,
            point.round,
            precision,
            processor,
            error(point.model, batch, one.here),
            error(point.model, batch, calls.outputs),
            onnx_calls.difference(one, calls),
            len(batch),
            digest(one.path),
        )
        for (point, precision, one), calls in zip(wanted, called)
    ]


def judged(model: AudioModel) -> Batch:
    """Choose held-out clips: evenly spread over the test side."""
    return onnx_calls.some(clips("test"), 1 if isinstance(model, WaveNet) else N_CLIPS)


def feeds(model: AudioModel, batch: Batch) -> list[Feed]:
    """Everything that goes into every call, so that the calls together make the whole clips."""
    n = len(batch)
    if isinstance(model, WaveNet):
        silence = np.full(SILENT_CALLS * onnx_calls.WAVENET_BLOCK, model.config.n_classes // 2)
        classes = onnx_calls.classes(model, batch)[:WAVENET_SAMPLES]
        return onnx_calls.known_samples(model, batch, np.concatenate([silence, classes]), start=-len(silence))
    states: Feed = {}
    if isinstance(model, DDSP):
        states = {"state": np.zeros((1, n, model.widths["h"]), np.float32)}
    elif isinstance(model, SING):
        states = {
            "codes": np.zeros((n, model.config.latent_dims, model.config.kernel - 1), np.float32),
            "overlap": np.zeros((n, WINDOW - STRIDE), np.float32),
        }
    every = onnx_calls.frames(model, batch)
    return [{**every[0], **states}, *every[1:]]


@torch.no_grad()
def error(model: AudioModel, batch: Batch, answers: Feed) -> float:
    """Let the model's own loss judge what an exported file answered.

    Args:
        answers: output -> [calls, ...], for the calls of `feeds`.
    """
    if isinstance(model, WaveNet):
        known = torch.from_numpy(onnx_calls.classes(model, batch)[:WAVENET_SAMPLES]).long()
        logits = torch.from_numpy(answers["logits"][SILENT_CALLS:]).flatten(0, 1)
        return float(functional.cross_entropy(logits, known)) / log(2.0)
    stand_in = copy.copy(model)
    if isinstance(model, DDSP):
        heard = {name: torch.from_numpy(answers[name][:, :, 0]).transpose(0, 1) for name in ("partials", "noise")}
        stand_in.__dict__["decode"] = lambda *controls: heard
    elif isinstance(model, SING):
        audio = torch.from_numpy(answers["audio"]).transpose(0, 1).flatten(1)
        tail = torch.from_numpy(answers["next_overlap"][-1]) + model.decoder[3].bias
        # Codes before the first are zero here and absent there: the windows they add are dropped.
        drawn = torch.cat([audio, tail], dim=1)[:, STRIDE * (model.config.kernel - 1) :]
        stand_in.__dict__["draw"] = lambda z: drawn
    return float(stand_in.loss(batch))
