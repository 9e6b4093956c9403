"""Models in a file that other programs run, and that says what it is.

A file holds one step of a model (`lib.deploy.steps`): a fixed block of sound, all state explicit. Its metadata name
the format, the model, its rate, block, inputs with units, states, widths and the run it comes from; `open_model` reads
and checks them first.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import io
import json
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from lib.deploy import rings
from lib.deploy.steps import Conditioning, Plan, WaveNetStep, step_of
from lib.errors import BookError
from lib.models import AudioModel, WaveNet
from lib.models.base import MODEL_RATE

#: Raised when the meaning of a file changes; other formats are then refused.
FORMAT = 1
#: The name of the metadata entry; its value is JSON.
KEY = "timbre"
OPSET = 17
#: Samples a step of WaveNet makes unless another block is asked for: 4 ms.
WAVENET_BLOCK = 64


@dataclass(frozen=True)
class Opened:
    """An exported model ready to run: `about` is its metadata, `session` onnxruntime's, on one thread."""

    path: Path
    about: dict[str, Any]
    session: onnxruntime.InferenceSession

    def start(self) -> dict[str, np.ndarray]:
        """Give all inputs: controls at rest, states at their beginning."""
        made = {}
        for name, entry in self.about["inputs"].items():
            rest = entry["initial"] if name in self.about["states"] else entry["example"]
            made[name] = np.full(entry["shape"], 0.5 if rest == "uniform" else rest, dtype=entry["dtype"])
        return made

    def run(self, feed: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Run one step: all outputs by name, and the states to feed next."""
        found = dict(zip(self.about["outputs"], self.session.run(self.about["outputs"], dict(feed))))
        return found, {state: found[output] for state, output in self.about["states"].items()}


def export(
    model: AudioModel,
    path: str | Path,
    *,
    run: str = "",
    block: int | None = None,
    part: str = "step",
    step: onnx.ModelProto | None = None,
    conditioning: onnx.ModelProto | None = None,
    precision: str = "float32",
) -> Path:
    """Write a model of the book as an ONNX file.

    Args:
        run: what the weights come from, such as "long-ddsp-trim-local-information-rewind-s0, round 8".
        block: frames of 160 samples (DDSP, 1 by default), codes of 256 (SING, 1), samples (WaveNet, 64).
        part: "step", or "network": `model.network` on one second at once, which is how costs are compared.
        step, conditioning, precision: an already exported step, which `lib.deploy.quantise` has rounded.

    Returns:
        the path; the file appears whole or not at all.

    Raises:
        BookError: the part is unknown or the block impossible.

    Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
    """
    if part not in ("step", "network"):
        raise BookError(f"No part {part!r} of a model: choose step or network.")
    if part == "network":
        proto, plan = _whole(model)
    elif isinstance(model, WaveNet):
        block = WAVENET_BLOCK if block is None else block
        if block < 1:
            raise BookError(f"A block of {block} makes no sound; ask for 1 or more.")
        step, conditioning = step or step_proto(model), conditioning or conditioning_proto(model)
        proto, plan = rings.in_a_loop(step, conditioning, model, block), rings.block_plan(model, block)
    else:
        proto, plan = step or step_proto(model, block), step_of(model, block).plan
    about = {
        "format": FORMAT,
        "model": type(model).__name__.lower(),
        "part": part,
        "precision": precision,
        "sample_rate": MODEL_RATE,
        "block_samples": plan.block_samples,
        "run": run,
        "widths": dict(model.widths),
        "config": asdict(model.config),
        "parameters": model.n_parameters(),
        "macs_per_second": model.macs_per_second(),
        **_plan_entries(plan),
    }
    return save(proto, about, path)


def export_space(path: str | Path, name: str = "nsgt-erb") -> Path:
    """Write the decoder of a timbre space (`lib.timbre.export` traces it) with this module's metadata."""
    from lib.corpus import SAMPLE_RATE
    from lib.timbre.export import export_onnx
    from lib.timbre.space import load_space

    space = load_space(name)
    with tempfile.TemporaryDirectory() as folder:
        proto = onnx.load(export_onnx(space, folder)["decoder"])
    config = space.model.config
    plan = Plan(
        inputs={"z": torch.zeros(1, config.space_dims), "pitch": torch.zeros(1, config.pitch_dims)},
        outputs=("magnitudes",),
        states={},
        block_samples=None,
        example={"z": 0.0, "pitch": 0.0},
        units={"z": "a point of the space", "pitch": "lib.timbre.vae.pitch_code of a MIDI note"},
        details={"n_bins": config.n_bins, "front": asdict(space.front)},
    )
    weights = sum(p.numel() for p in space.model.decoder.parameters())
    about = {
        "format": FORMAT,
        "model": "timbre-space",
        "part": "step",
        "precision": "float32",
        "sample_rate": SAMPLE_RATE,
        "block_samples": None,
        "run": name,
        "widths": {},
        "config": asdict(config),
        "parameters": weights,
        "macs_per_second": {},
        **_plan_entries(plan),
    }
    return save(proto, about, path)


def save(proto: onnx.ModelProto, about: Mapping[str, Any], path: str | Path) -> Path:
    """Write a graph with its metadata, whole or not at all."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    del proto.metadata_props[:]
    proto.metadata_props.add(key=KEY, value=json.dumps(dict(about), sort_keys=True))
    scratch = target.with_suffix(".onnx.tmp")
    scratch.write_bytes(proto.SerializeToString())
    scratch.replace(target)
    return target


def open_model(path: str | Path) -> Opened:
    """Open an exported model, after a look at what it says of itself.

    Raises:
        BookError: there is no such file, it is cut short, it is no model of this book, or it has another format.
    """
    target = Path(path)
    about = read_about(target)
    try:
        opened = session(str(target))
    except Exception as error:
        raise BookError(f"onnxruntime cannot run {target.name} ({type(error).__name__}); export it again.") from error
    if {i.name for i in opened.get_inputs()} != set(about["inputs"]):
        raise BookError(f"{target.name} describes other inputs than it has; export it again.")
    return Opened(target, about, opened)


def session(model: str | bytes | onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Open a file or a graph in onnxruntime, on one thread of the processor."""
    if isinstance(model, onnx.ModelProto):
        model = model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def read_about(path: str | Path) -> dict[str, Any]:
    """Read the metadata of an exported model without running it.

    Raises:
        BookError: as `open_model`.
    """
    target = Path(path)
    if not target.is_file():
        raise BookError(f"There is no file {target}.")
    try:
        proto = onnx.load(str(target), load_external_data=False)
        onnx.checker.check_model(proto)
    except Exception as error:
        raise BookError(f"{target.name} is no ONNX file, or is cut short; export or copy it again.") from error
    kept = {entry.key: entry.value for entry in proto.metadata_props}
    if KEY not in kept:
        raise BookError(
            f"{target.name} is an ONNX file, but none of this book's: it does not say rate, block and state."
        )
    try:
        about = json.loads(kept[KEY])
        version = about["format"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise BookError(f"{target.name} has damaged metadata; export it again.") from error
    if version != FORMAT:
        raise BookError(f"{target.name} has format {version}; this program reads {FORMAT}. Export it again.")
    return about


def step_proto(model: AudioModel, block: int | None = None) -> onnx.ModelProto:
    """Export the step of a model with a free batch size and no metadata: what `lib.deploy.quantise` rounds."""
    step = step_of(model, block)
    batch = {name: {0: "batch"} for name in (*step.plan.inputs, *step.plan.outputs)}
    if not isinstance(step, WaveNetStep):
        batch |= {name: {1: "batch"} for name in ("state", "next_state") if name in batch}  # a GRU's [1, batch, h]
    return onnx.load_from_string(trace(step, step.plan.inputs, step.plan.outputs, batch))


def conditioning_proto(model: WaveNet) -> onnx.ModelProto:
    """Export WaveNet's conditioning with a free number of frames."""
    names = {"mel": {0: "frames"}, "conditioning": {0: "frames"}}
    mel = {"mel": torch.zeros(2, model.config.n_mels)}
    return onnx.load_from_string(trace(Conditioning(model).eval(), mel, ("conditioning",), names))


def trace(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: tuple[str, ...] | None = None,
    free: Mapping[str, Mapping[int, str]] | None = None,
) -> bytes:
    """Export any module by tracing it.

    Args:
        inputs: example tensors by name, in order. Inputs that are never used are dropped.
        outputs: names, in order.
        free: name -> {axis: name of its free size}.
    """
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its own retirement
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            file,
            input_names=list(inputs),
            output_names=list(outputs) if outputs else None,
            dynamic_axes={name: dict(axes) for name, axes in (free or {}).items()},
            opset_version=OPSET,
            dynamo=False,
        )
    return file.getvalue()


class Network(nn.Module):
    """`model.network` as a module, for `trace`."""

    def __init__(self, model: AudioModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Whatever `model.network` gives."""
        return self.model.network(*inputs)


def _whole(model: AudioModel) -> tuple[onnx.ModelProto, Plan]:
    inputs = model.eval().rehearsal(1.0)
    proto = onnx.load_from_string(trace(Network(model), inputs))
    kept = [i.name for i in proto.graph.input]
    plan = Plan(
        inputs={name: inputs[name] for name in kept},
        outputs=tuple(o.name for o in proto.graph.output),
        states={},
        block_samples=MODEL_RATE,
        example={name: float(inputs[name].flatten()[0]) for name in kept},
        units={},
    )
    return proto, plan


def _plan_entries(plan: Plan) -> dict[str, Any]:
    inputs = {}
    for name, tensor in plan.inputs.items():
        entry: dict[str, Any] = {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}
        if name in plan.states:
            entry["initial"] = plan.initial.get(name, 0.0)
        else:
            entry |= {"example": plan.example[name], "unit": plan.units.get(name, "")}
        inputs[name] = entry
    return {"inputs": inputs, "outputs": list(plan.outputs), "states": plan.states, "details": plan.details}
