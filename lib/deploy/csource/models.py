"""Which layers a model has, in the order in which its C code runs them.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from lib.deploy.csource.weights import Weights
from lib.errors import BookError
from lib.models import mulaw
from lib.models.base import HOP, MODEL_RATE
from lib.models.ddsp import DDSP
from lib.models.wavenet import WaveNet
from lib.timbre.space import Space
from lib.timbre.vae import N_OCTAVES


@dataclass(frozen=True)
class Program:
    """What the templates need to know of one model.

    kind names the templates; `facts` fill the @words@ of the header; `constants` become an enum of the code;
    `macros` are numbers that are not whole; `parts` are the optional parts that are kept; `state_bytes` is the size
    of the state struct; `about` says in a sentence what this is.
    """

    kind: str
    facts: Mapping[str, int]
    about: str
    state_bytes: int
    constants: Mapping[str, int] = field(default_factory=dict)
    macros: Mapping[str, float] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()


def describe(model: DDSP | WaveNet | Space, weights: Weights) -> Program:
    """Write a model's numbers into `weights`, and say the rest.

    Raises:
        BookError: there is no C code for this kind of model.
    """
    with torch.no_grad():
        match model:
            case DDSP():
                return _ddsp(model, weights)
            case WaveNet():
                return _wavenet(model, weights)
            case Space():
                return _space(model, weights)
    raise BookError(f"There is no C code for a {type(model).__name__}; there is for DDSP, WaveNet and a timbre Space.")


def _ddsp(model: DDSP, weights: Weights) -> Program:
    config, w = model.config, model.widths
    n_taps = 2 * (config.n_bands - 1)
    if n_taps > 2 * HOP:
        raise BookError(f"The C synthesiser takes at most {HOP + 1} noise bands; this model has {config.n_bands}.")
    for name, block in (("PITCH", model.pitch), ("LOUDNESS", model.loudness), ("AFTER", model.after)):
        layers = [_hidden(f"{name}_{i + 1}", *pair, weights) for i, pair in enumerate(zip(block.linear, block.norm))]
        weights.define(f"hidden_layer {name}[3]", layers)
    gru = model.gru
    weights.define("dense_layer GRU_INPUT", weights.dense("GRU_INPUT", gru.weight_ih_l0, gru.bias_ih_l0))
    weights.define("dense_layer GRU_MEMORY", weights.dense("GRU_MEMORY", gru.weight_hh_l0, gru.bias_hh_l0))
    heads = (model.amplitude, model.partials, model.noise)
    head = weights.dense("HEAD", torch.cat([h.weight for h in heads]), torch.cat([h.bias for h in heads]))
    weights.define("dense_layer HEAD", head)
    weights.vector("COSINE", np.cos(2.0 * np.pi * np.arange(n_taps) / n_taps))
    n_room = 0
    if config.reverb_seconds:
        room = model.room_response().numpy()
        room = np.pad(room, (0, -len(room) % 8))  # whole panels, of four or eight lanes
        n_room = len(room)
        weights.vector("ROOM", room)
    state = {"phase": 8, "hidden": 4 * w["h"], "f0_hz": 4, "partials": 4 * config.n_partials,
             "pending": 4 * (HOP + n_taps // 2), "n_audible": 4, "started": 4}  # fmt: skip
    if n_room:
        state["room"] = 4 * (n_room - 1 + HOP)
    return Program(
        kind="ddsp",
        facts={
            "sample_rate": MODEL_RATE, "hop": HOP, "n_latent": config.latent_dims, "n_partials": config.n_partials,
            "n_bands": config.n_bands, "n_hidden": w["h"], "n_room": n_room,
        },
        about=f"{_count(weights)} of weights; {config.n_partials} partials, {config.n_bands} bands of noise.",
        state_bytes=-(-sum(state.values()) // 8) * 8,
        constants={"N_PITCH": w["f3"], "N_LOUDNESS": w["l3"]},
        parts=frozenset({"sigmoid", "hidden_layer"} | ({"layer_norm"} if config.layer_norm else set())
                        | ({"reverb"} if n_room else set())),
    )  # fmt: skip


def _wavenet(model: WaveNet, weights: Weights) -> Program:
    config, w = model.config, model.widths
    gates = [w[f"g{i}"] for i in range(1, model.n_layers + 1)]
    weights.define("lookup_table BEFORE", weights.lookup("BEFORE", model.first.weight[:, :, 0].T))
    weights.define("lookup_table NOW", weights.lookup("NOW", model.first.weight[:, :, 1].T))
    weights.vector("FIRST_BIAS", model.first.bias)
    layers = []
    for i, (dilation, n) in enumerate(zip(config.dilations, gates)):
        dilated, condition, name = model.dilated[i], model.conditioning[i], f"LAYER_{i + 1}"
        # Kernel position 0 sees the past, 1 the present: one matrix over both, side by side.
        both = torch.cat([dilated.weight[:, :, 0], dilated.weight[:, :, 1]], dim=1)
        parts = [
            weights.dense(f"{name}_DILATED", both, dilated.bias),
            weights.dense(f"{name}_CONDITION", condition.weight[:, :, 0], condition.bias),
            weights.dense(f"{name}_RESIDUAL", model.residual[i].weight[:, :, 0], model.residual[i].bias)
            if i < model.n_layers - 1
            else "{0}",
        ]
        layers.append(f"{{{dilation}, {n}, " + ", ".join(parts) + "}")
    weights.define("gated_layer LAYER[N_LAYERS]", layers)
    skips = torch.cat([s.weight[:, :, 0] for s in model.skip], dim=1)
    bias = torch.stack([s.bias for s in model.skip]).sum(dim=0)
    weights.define("dense_layer SKIP", weights.dense("SKIP", skips, bias))
    weights.define("dense_layer HIDDEN", weights.dense("HIDDEN", model.hidden.weight[:, :, 0], None))
    weights.define("dense_layer OUTPUT", weights.dense("OUTPUT", model.output.weight[:, :, 0], None))
    weights.vector("AMPLITUDE", mulaw.decode(torch.arange(config.n_classes), config.n_classes))
    past = sum(config.dilations)
    return Program(
        kind="wavenet",
        facts={
            "sample_rate": MODEL_RATE, "n_mels": config.n_mels, "mel_hop": config.mel_hop,
            "n_classes": config.n_classes, "n_stream": w["r"], "n_gated": sum(gates), "past": past,
        },
        about=f"{_count(weights)} of weights; {model.n_layers} layers, {past + 2} samples of past.",
        state_bytes=4 * (past * w["r"] + 2 * sum(gates) + 4),
        constants={"N_LAYERS": model.n_layers, "N_WIDEST_GATE": max(gates), "N_SKIP": w["s"], "N_HIDDEN": w["o"]},
        parts=frozenset({"sigmoid", "lookup"}),
    )  # fmt: skip


def _space(space: Space, weights: Weights) -> Program:
    if space.front.compression != "power" or not space.model.config.pitch_dims:
        raise BookError("C code is written for spaces with a power law and a pitch.")
    layers: list[str] = []
    stack = list(space.model.decoder)
    for i, layer in enumerate(stack[:-1]):
        if isinstance(layer, nn.Linear):
            follower = stack[i + 1] if isinstance(stack[i + 1], nn.LayerNorm) else nn.Identity()
            layers.append(_hidden(f"LAYER_{len(layers) + 1}", layer, follower, weights))
    weights.define("hidden_layer LAYER[N_LAYERS]", layers)
    weights.define("dense_layer OUTPUT", weights.dense("OUTPUT", stack[-1].weight, stack[-1].bias))
    n_bins = space.model.config.n_bins
    return Program(
        kind="space",
        facts={"n_dims": space.dims, "n_bins": n_bins},
        about=f"{_count(weights)} of weights; space {space.name}, {space.dims} dimensions, {n_bins} bands.",
        state_bytes=0,
        constants={"N_LAYERS": len(layers), "N_OCTAVES": N_OCTAVES},
        macros={
            "CENTRE": float(space.scale.centre), "SPREAD": float(space.scale.spread), "EXPONENT": space.front.exponent
        },
        parts=frozenset({"hidden_layer"} | ({"layer_norm"} if space.model.config.layer_norm else set())),
    )  # fmt: skip


def _hidden(name: str, linear: nn.Linear, norm: nn.Module, weights: Weights) -> str:
    layer = weights.dense(name, linear.weight, linear.bias)
    if not isinstance(norm, nn.LayerNorm):
        return f"{{{layer}}}"
    return f"{{{layer}, {weights.vector(f'{name}_GAIN', norm.weight)}, {weights.vector(f'{name}_OFFSET', norm.bias)}}}"


def _count(weights: Weights) -> str:
    return f"{weights.n_bytes:,} bytes"
