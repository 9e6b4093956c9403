"""Weights and activations in eight bits: how it is done, what it changes, and what it costs in quality.

The ranges of activations are read off while the step plays validation clips; then every product is done in whole
numbers (onnxruntime's static quantisation, one scale a column of weights). Weights keep 7 of the 8 bits: on an x86
processor without VNNI the eighth saturates inside the instruction that adds two products into 16 bits, and the error
measured there would not be the Raspberry Pi's. With 7 bits, x86 and Arm agree bit for bit.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import copy
import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from torch import Tensor

from lib.deploy.onnx import conditioning_proto, export, session, step_proto
from lib.errors import BookError
from lib.models import DDSP, SING, AudioModel, Batch, WaveNet
from lib.models.data import clips
from lib.models.training import chunks

Feed = dict[str, np.ndarray]
#: How many clips of the validation side the ranges are read from, evenly spread.
CALIBRATION_CLIPS = 16
#: Samples of each clip that WaveNet's ranges are read from.
WAVENET_SAMPLES = 512


@dataclass(frozen=True)
class Rounded:
    """The steps of one model in float32 and in int8, not yet in files."""

    model: AudioModel
    precision: str
    step: onnx.ModelProto
    conditioning: onnx.ModelProto | None = None

    def save(self, path: str | Path, *, run: str = "", block: int | None = None) -> Path:
        """Write it as `lib.deploy.onnx.export` does. Rounded steps have the block they were rounded with: 1."""
        if not isinstance(self.model, WaveNet) and block not in (None, 1):
            raise BookError("A rounded step has a block of 1.")
        return export(
            self.model, path, run=run, block=block, step=self.step, conditioning=self.conditioning,
            precision=self.precision,
        )  # fmt: skip


def exact(model: AudioModel) -> Rounded:
    """Export a model's step as it is, to compare with."""
    return Rounded(model, "float32", step_proto(model), _conditioning(model))


def quantise(model: AudioModel, batch: Batch | None = None) -> Rounded:
    """Round a model's step to 8 bits.

    Args:
        batch: clips to read the ranges of activations from; some of the validation side by default.

    Products with a single row or column (a pitch into a layer) stay in float32: there is nothing to gain.
    """
    batch = some(clips("valid"), CALIBRATION_CLIPS) if batch is None else batch
    plain = exact(model)
    step = _static(plain.step, list(feeds(model, plain.step, batch)))
    conditioning = plain.conditioning
    if conditioning is not None:
        mel = model.controls(batch)["mel"].transpose(1, 2).flatten(0, 1).numpy()
        conditioning = _static(conditioning, [{"mel": mel}])
        step = _tables(step)
    return Rounded(model, "int8", step, conditioning)


def feeds(model: AudioModel, step: onnx.ModelProto, batch: Batch) -> Iterator[Feed]:
    """Play clips through a step and yield everything that goes in, states included."""
    seen: list[Feed] = []
    with torch.no_grad():
        stand_in(Rounded(model, "float32", step, _conditioning(model)), seen.append, WAVENET_SAMPLES).loss(batch)
    every = max(1, len(seen) // 128)
    yield from seen[::every]


def error(rounded: Rounded, batch: Batch) -> float:
    """Measure a model's own error with this step in place of its decoder, by onnxruntime on this machine."""
    player = stand_in(rounded)
    with torch.no_grad():
        return sum(float(player.loss(part)) * len(part) for part in chunks(batch, 32)) / len(batch)


def difference(rounded: Rounded, batch: Batch) -> float:
    """Say how far a rounded step's outputs are from the exact ones' on the same inputs: RMS over RMS, worst output."""
    plain = exact(rounded.model)
    first, second = session(plain.step), session(rounded.step)
    squares: dict[str, np.ndarray] = {}
    names = [o.name for o in first.get_outputs()]
    for feed in feeds(rounded.model, plain.step, batch):
        for name, a, b in zip(names, first.run(names, feed), second.run(names, feed)):
            pair = np.array([np.square(a - b).sum(dtype=np.float64), np.square(a).sum(dtype=np.float64)])
            squares[name] = squares.get(name, 0.0) + pair
    return max(float(np.sqrt(wrong / max(right, 1e-30))) for wrong, right in squares.values())


def report(model: AudioModel, batch: Batch, calibration: Batch | None = None) -> dict[str, Any]:
    """Compare float32 and int8 of one model: bytes, error, quality loss, and where the arithmetic was done."""
    plain, rounded = exact(model), quantise(model, calibration)
    before, after = error(plain, batch), error(rounded, batch)
    return {
        "error_float32": before,
        "error_int8": after,
        "ratio": after / before,
        "difference": difference(rounded, some(batch, CALIBRATION_CLIPS)),
        "weight_bits": 7,
        "arithmetic": "onnxruntime on this machine; 7-bit weights do not saturate on any x86, so Arm gives the same",
    }


def stand_in(rounded: Rounded, see=None, samples: int | None = None) -> AudioModel:
    """Copy a model and let onnxruntime run its decoder step by step, so that its own `loss` judges the step.

    Args:
        see: called with all inputs of every step.
        samples: measure WaveNet on so many samples of each clip.
    """
    model = copy.copy(rounded.model).eval()
    runner = session(rounded.step)
    names = [o.name for o in runner.get_outputs()]

    def run(feed: Feed) -> list[np.ndarray]:
        if see is not None:
            see(dict(feed))
        return runner.run(names, feed)

    if isinstance(model, DDSP):
        model.__dict__["decode"] = MethodType(_ddsp_decode(run), model)
    elif isinstance(model, SING):
        model.__dict__["draw"] = MethodType(_sing_draw(run), model)
    elif isinstance(model, WaveNet):
        condition = session(rounded.conditioning)
        if samples is not None:
            model.config = copy.copy(model.config)
            object.__setattr__(model.config, "measured", samples)
        model.__dict__["forward"] = MethodType(_wavenet_forward(run, condition), model)
    else:
        raise BookError(f"There is no step for a {type(model).__name__}.")
    return model


def some(batch: Batch, count: int) -> Batch:
    """Take so many clips, evenly spread."""
    return batch.take(torch.linspace(0, len(batch) - 1, min(count, len(batch))).long())


def _conditioning(model: AudioModel) -> onnx.ModelProto | None:
    return conditioning_proto(model) if isinstance(model, WaveNet) else None


def _ddsp_decode(run):
    def decode(model: DDSP, f0_hz: Tensor, loudness_db: Tensor, z: Tensor, state: Tensor | None = None):
        h = np.zeros((1, len(f0_hz), model.widths["h"]), np.float32)
        partials, noise = [], []
        for t in range(f0_hz.shape[1]):
            now = slice(t, t + 1)
            controls = {"f0_hz": f0_hz[:, now], "loudness_db": loudness_db[:, now], "z": z[:, now]}
            made = run({name: np.ascontiguousarray(value) for name, value in controls.items()} | {"state": h})
            partials.append(made[0])
            noise.append(made[1])
            h = made[2]
        joined = (torch.from_numpy(np.concatenate(parts, axis=1)) for parts in (partials, noise))
        return dict(zip(("partials", "noise"), joined)) | {"state": torch.from_numpy(h)}

    return decode


def _sing_draw(run):
    def draw(model: SING, z: Tensor) -> Tensor:
        codes = np.zeros((len(z), model.config.latent_dims, model.config.kernel - 1), np.float32)
        overlap, audio = np.zeros((len(z), 768), np.float32), []
        for t in range(z.shape[2]):
            made, codes, overlap = run(
                {"z": np.ascontiguousarray(z[:, :, t : t + 1]), "codes": codes, "overlap": overlap}
            )
            audio.append(made)
        # Codes before the first are zero here and absent there: the windows they add are dropped.
        early = 256 * (model.config.kernel - 1)
        tail = overlap + model.decoder[3].bias.item()
        return torch.from_numpy(np.concatenate([*audio, tail], axis=1)[:, early:])

    return draw


def _wavenet_forward(run, condition: onnxruntime.InferenceSession):
    def forward(model: WaveNet, classes: Tensor, mel: Tensor, frame: Tensor) -> Tensor:
        batch, _, frames = mel.shape
        given = condition.run(None, {"mel": mel.transpose(1, 2).flatten(0, 1).numpy()})[0].reshape(batch, frames, -1)
        rings = [np.zeros((d, batch, model.widths["r"]), np.float32) for d in model.config.dilations]
        known, places, logits = classes.numpy(), frame.numpy(), []
        for t in range(1, classes.shape[1]):
            past = np.stack([ring[t % len(ring)] for ring in rings], axis=1)
            made, present = run(
                {
                    "previous": np.ascontiguousarray(known[:, t - 1]),
                    "current": np.ascontiguousarray(known[:, t]),
                    "conditioning": given[np.arange(batch), places[:, t]],
                    "past": past,
                }
            )
            for i, ring in enumerate(rings):
                ring[t % len(ring)] = present[:, i]
            logits.append(made)
        whole = model.config.receptive_field - 2
        return torch.from_numpy(np.stack(logits[whole:], axis=2))

    return forward


class _Reader(CalibrationDataReader):
    def __init__(self, feeds: Sequence[Feed]) -> None:
        self.feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self.feeds, None)


def _static(proto: onnx.ModelProto, feeds: Sequence[Feed]) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(proto, str(before))
        silenced = logging.root.manager.disable
        logging.disable(logging.WARNING)  # it advises a preparation that these graphs do not need
        try:
            _ort_quantise(before, after, feeds, proto)
        finally:
            logging.disable(silenced)
        return onnx.load(str(after))


def _ort_quantise(before: Path, after: Path, feeds: Sequence[Feed], proto: onnx.ModelProto) -> None:
    quantize_static(
        str(before),
        str(after),
        _Reader(feeds),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["MatMul", "Gemm", "Conv"],
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        nodes_to_exclude=_thin(proto),
    )


def _thin(proto: onnx.ModelProto) -> list[str]:
    """Name the products whose weights are a single row or column."""
    thin = {tensor.name for tensor in proto.graph.initializer if len(tensor.dims) == 2 and 1 in tensor.dims}
    return [node.name for node in proto.graph.node if node.op_type in ("MatMul", "Gemm") and node.input[1] in thin]


def _tables(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Round look-up tables to 8 bits with one scale each: only the row that is looked up is scaled back."""
    made = onnx.ModelProto()
    made.CopyFrom(proto)
    weights = {tensor.name: tensor for tensor in made.graph.initializer}
    nodes = []
    for node in made.graph.node:
        table = weights.get(node.input[0]) if node.op_type == "Gather" else None
        if table is None or table.data_type != TensorProto.FLOAT or len(table.dims) != 2:
            nodes.append(node)
            continue
        values = numpy_helper.to_array(table)
        scale = np.float32(np.abs(values).max() / 127.0)
        output = node.output[0]
        made.graph.initializer.append(
            numpy_helper.from_array(np.round(values / scale).astype(np.int8), f"{table.name}/int8")
        )
        made.graph.initializer.append(numpy_helper.from_array(scale, f"{table.name}/scale"))
        made.graph.initializer.remove(table)
        picked = helper.make_node("Gather", [f"{table.name}/int8", node.input[1]], [f"{output}/int8"], name=node.name)
        nodes += [
            picked,
            helper.make_node("Cast", [f"{output}/int8"], [f"{output}/float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{output}/float", f"{table.name}/scale"], [output]),
        ]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return made
