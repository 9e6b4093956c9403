"""WaveNet as one graph a block: rings, drawing and all, so that nobody has to call it sample by sample.

`lib.deploy.steps.WaveNetStep` is exported once and becomes the body of a loop (ONNX `Scan`); around it stand the
conditioning, which is computed once a mel frame, the rings, and the draw.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from lib.deploy.steps import Plan
from lib.models import WaveNet, mulaw

INT64, FLOAT = TensorProto.INT64, TensorProto.FLOAT


def block_plan(model: WaveNet, block: int) -> Plan:
    """Say how the block graph is fed; see `Plan`."""
    config = model.config
    rows, silence = sum(config.dilations), config.n_classes // 2
    return Plan(
        inputs={
            "mel": torch.zeros(2, config.n_mels),
            "frame": torch.zeros(block, dtype=torch.long),
            "forced": torch.full((block,), -1),
            "uniform": torch.full((block,), 0.5),
            "clock": torch.zeros(1, dtype=torch.long),
            "samples": torch.full((2,), silence),
            "rings": torch.zeros(rows, model.widths["r"]),
        },
        outputs=("audio", "classes", "logits", "next_clock", "next_samples", "next_rings"),
        states={"clock": "next_clock", "samples": "next_samples", "rings": "next_rings"},
        block_samples=block,
        example={"mel": 0.0, "frame": 0.0, "forced": -1.0, "uniform": "uniform"},
        units={
            "mel": "two rows of log mel spectrogram: (log10(magnitude, at least 1e-5) + 5) / 5",
            "frame": "which of the two rows belongs to each sample, 0 or 1",
            "forced": "the class a sample must have, or -1 to draw it",
            "uniform": "random numbers in [0, 1): sample t is the class at which the summed chances pass it",
        },
        initial={"samples": float(silence)},
        details={
            "mel_hop": config.mel_hop,
            "n_classes": config.n_classes,
            "receptive_field": config.receptive_field,
            "start": "force silence (the middle class) for at least one receptive field, with the clock ending at 0",
        },
    )


def in_a_loop(step: onnx.ModelProto, conditioning: onnx.ModelProto, model: WaveNet, block: int) -> onnx.ModelProto:
    """Put an exported step and conditioning into one graph that makes `block` samples.

    Args:
        step: export of `WaveNetStep`, rounded or not; its weights go into the loop's body as they are.
        conditioning: export of `Conditioning`.

    Returns:
        a model with the inputs and outputs of `block_plan`.
    """
    config, plan = model.config, block_plan(model, block)
    dilations = np.array(config.dilations, dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(dilations)[:-1]]).astype(np.int64)
    levels = mulaw.decode(torch.arange(config.n_classes), config.n_classes).numpy().astype(np.float32)
    constants = {
        "dilations": dilations,
        "offsets": offsets,
        "levels": levels,
        "steps": np.arange(block, dtype=np.int64)[:, None],
        "block": np.array([block], dtype=np.int64),
        "axis_last": np.array([1], dtype=np.int64),
        "axis_first": np.array([0], dtype=np.int64),
        "zero": np.array([0], dtype=np.int64),
        "one": np.array([1], dtype=np.int64),
        "last_class": np.array([config.n_classes - 1], dtype=np.int64),
    }
    outer = [
        *_renamed(conditioning.graph, {"mel": "mel", "conditioning": "all_conditioning"}, "cond/"),
        _node("Add", ["clock", "steps"], "times"),
        _node("Mod", ["times", "dilations"], "turns"),
        _node("Add", ["turns", "offsets"], "slots"),
        helper.make_node(
            "Scan",
            ["samples", "rings", "slots", "frame", "forced", "uniform"],
            ["next_samples", "next_rings", "classes_2d", "logits_3d"],
            num_scan_inputs=4,
            body=_body(step, model),
        ),
        _node("Squeeze", ["classes_2d", "axis_last"], "classes"),
        _node("Squeeze", ["logits_3d", "axis_last"], "logits"),
        _node("Gather", ["levels", "classes"], "audio"),
        _node("Add", ["clock", "block"], "next_clock"),
    ]
    shapes = {
        "audio": (FLOAT, [block]),
        "classes": (INT64, [block]),
        "logits": (FLOAT, [block, config.n_classes]),
        "next_clock": (INT64, [1]),
        "next_samples": (INT64, [2]),
        "next_rings": (FLOAT, list(plan.inputs["rings"].shape)),
    }
    graph = helper.make_graph(
        outer,
        "wavenet",
        [
            helper.make_tensor_value_info(name, INT64 if tensor.dtype == torch.long else FLOAT, list(tensor.shape))
            for name, tensor in plan.inputs.items()
        ],
        [helper.make_tensor_value_info(name, *shapes[name]) for name in plan.outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()]
        + _prefixed_weights(conditioning.graph, "cond/"),
    )
    made = helper.make_model(graph, opset_imports=step.opset_import)
    made.ir_version = step.ir_version
    onnx.checker.check_model(made)
    return made


def _body(step: onnx.ModelProto, model: WaveNet) -> onnx.GraphProto:
    """One turn of the loop: read the rings, run the step, write the rings, draw."""
    classes = model.config.n_classes
    rings = [sum(model.config.dilations), model.widths["r"]]
    nodes = [
        _node("Gather", ["in/rings", "in/slots"], "past_2d"),
        _node("Unsqueeze", ["past_2d", "axis_first"], "past"),
        _node("Gather", ["in/samples", "zero"], "previous"),
        _node("Gather", ["in/samples", "one"], "current"),
        _node("Unsqueeze", ["in/frame", "axis_first"], "frame_1d"),
        _node("Gather", ["all_conditioning", "frame_1d"], "conditioning"),
        *_renamed(
            step.graph,
            {
                "previous": "previous", "current": "current", "conditioning": "conditioning", "past": "past",
                "logits": "out/logits", "present": "present",
            },
            "step/",
        ),
        _node("Squeeze", ["present", "axis_first"], "present_2d"),
        _node("Unsqueeze", ["in/slots", "axis_last"], "slots_2d"),
        _node("ScatterND", ["in/rings", "slots_2d", "present_2d"], "out/rings"),
        helper.make_node("Softmax", ["out/logits"], ["chances"], axis=1),
        _node("CumSum", ["chances", "one_scalar"], "summed"),
        _node("LessOrEqual", ["summed", "in/uniform"], "passed"),
        helper.make_node("Cast", ["passed"], ["passed_int"], to=INT64),
        helper.make_node("ReduceSum", ["passed_int", "axis_last"], ["count"], keepdims=0),
        _node("Min", ["count", "last_class"], "drawn"),  # rounding may leave the sum just below one
        _node("Less", ["in/forced", "zero"], "free"),
        _node("Where", ["free", "drawn", "in/forced"], "out/class"),
        helper.make_node("Concat", ["current", "out/class"], ["out/samples"], axis=0),
    ]  # fmt: skip
    inputs = {
        "in/samples": (INT64, [2]),
        "in/rings": (FLOAT, rings),
        "in/slots": (INT64, [model.n_layers]),
        "in/frame": (INT64, []),
        "in/forced": (INT64, []),
        "in/uniform": (FLOAT, []),
    }
    outputs = {
        "out/samples": (INT64, [2]),
        "out/rings": (FLOAT, rings),
        "out/class": (INT64, [1]),
        "out/logits": (FLOAT, [1, classes]),
    }
    weights = [*_prefixed_weights(step.graph, "step/"), numpy_helper.from_array(np.array(1, np.int64), "one_scalar")]
    return helper.make_graph(
        nodes,
        "one sample",
        [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
        [helper.make_tensor_value_info(name, *kind) for name, kind in outputs.items()],
        weights,
    )


def _node(kind: str, inputs: list[str], output: str) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output])


def _renamed(graph: onnx.GraphProto, ends: dict[str, str], prefix: str) -> list[onnx.NodeProto]:
    """Copy the nodes of a graph; its inputs and outputs get the names in `ends`, everything inside a prefix."""

    def name(old: str) -> str:
        return old and ends.get(old, prefix + old)

    nodes = []
    for node in graph.node:
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        copied.name = node.name and prefix + node.name
        copied.input[:] = [name(i) for i in node.input]
        copied.output[:] = [name(o) for o in node.output]
        nodes.append(copied)
    return nodes


def _prefixed_weights(graph: onnx.GraphProto, prefix: str) -> list[onnx.TensorProto]:
    weights = []
    for tensor in graph.initializer:
        copied = onnx.TensorProto()
        copied.CopyFrom(tensor)
        copied.name = prefix + tensor.name
        weights.append(copied)
    return weights
