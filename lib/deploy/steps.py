"""The models one block at a time: everything they remember goes in, and comes out again.

Each step is a torch module whose inputs and outputs are plain tensors, so that it can be exported, and whose weights
are those of a model of the book. A stream of steps makes what the model makes of a whole clip at once, up to rounding.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.errors import BookError
from lib.models import DDSP, SING, AudioModel, WaveNet
from lib.models.base import HOP
from lib.models.sing import STRIDE, WINDOW
from lib.models.wavenet import gate

Feed = dict[str, Tensor]


@dataclass(frozen=True)
class Plan:
    """How a step is fed.

    Attributes:
        inputs: example tensors by name, batch size 1.
        outputs: names, in order.
        states: a state going in -> the output that is its next value; states start at zero unless `initial` says else.
        block_samples: sound made by one step; none if a step makes no fixed amount.
        example: an input that is no state -> the number it rests at, or "uniform": drawn anew in [0, 1) every step.
        units: an input that is no state -> what its numbers mean, and how they are scaled inside.
        details: facts a player needs.
    """

    inputs: Feed
    outputs: tuple[str, ...]
    states: dict[str, str]
    block_samples: int | None
    example: dict[str, float | str]
    units: dict[str, str]
    initial: dict[str, float] = field(default_factory=dict)
    details: dict[str, object] = field(default_factory=dict)


class DDSPStep(nn.Module):
    """The decoder for `block` frames: controls and GRU state in, partials, noise gains and GRU state out."""

    def __init__(self, model: DDSP, block: int = 1) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).eval()
        self.model.gru = _ByHand(model.gru, block)
        config = model.config
        self.plan = Plan(
            inputs={
                "f0_hz": torch.full((1, block), 440.0),
                "loudness_db": torch.full((1, block), -20.0),
                "z": torch.zeros(1, block, config.latent_dims),
                "state": torch.zeros(1, 1, model.widths["h"]),
            },
            outputs=("partials", "noise", "next_state"),
            states={"state": "next_state"},
            block_samples=HOP * block,
            example={"f0_hz": 440.0, "loudness_db": -20.0, "z": 0.0},
            units={
                "f0_hz": "hertz; 12 log2(f0 / 440) / 48 inside",
                "loudness_db": "RMS in decibels relative to full scale; loudness / 40 + 1 inside",
                "z": "latent code; the prior's mean is 0, its standard deviation 1",
            },
            details={
                "hop_length": HOP,
                "n_partials": config.n_partials,
                "n_bands": config.n_bands,
                "reverb_seconds": config.reverb_seconds,
            },
        )

    def forward(self, f0_hz: Tensor, loudness_db: Tensor, z: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        """Shapes [batch, frames], the same, [batch, frames, dims], [1, batch, h]."""
        return self.model.network(f0_hz, loudness_db, z, state)


class SINGStep(nn.Module):
    """The decoder for `block` new codes: they and the last few in, `block * 256` samples out.

    The transposed convolution is written as one product, which draws a window a code, and the sum of the windows that
    overlap; what reaches beyond the block is remembered.
    """

    def __init__(self, model: SING, block: int = 1) -> None:
        super().__init__()
        config, last = model.config, model.decoder[3]
        self.layers = copy.deepcopy(model.decoder[:3]).eval()
        self.register_buffer("kernel", (last.weight * model.window)[:, 0].detach().clone())  # [d3, WINDOW]
        self.bias = last.bias.item()
        self.block = block
        self.plan = Plan(
            inputs={
                "z": torch.zeros(1, config.latent_dims, block),
                "codes": torch.zeros(1, config.latent_dims, config.kernel - 1),
                "overlap": torch.zeros(1, WINDOW - STRIDE),
            },
            outputs=("audio", "next_codes", "next_overlap"),
            states={"codes": "next_codes", "overlap": "next_overlap"},
            block_samples=STRIDE * block,
            example={"z": 0.0},
            units={"z": "latent code of one window of 1024 samples, as the encoder writes it"},
            details={"window": WINDOW, "stride": STRIDE},
        )

    def forward(self, z: Tensor, codes: Tensor, overlap: Tensor) -> tuple[Tensor, ...]:
        """Shapes [batch, dims, block], [batch, dims, kernel - 1], [batch, 768]."""
        codes = torch.cat([codes, z], dim=2)
        x = codes
        for layer in self.layers:
            x = layer(x).relu()
        windows = x.transpose(1, 2) @ self.kernel  # [batch, block, WINDOW]
        parts = windows.reshape(-1, self.block, WINDOW // STRIDE, STRIDE)
        total = F.pad(overlap, (0, STRIDE * self.block))
        for i in range(WINDOW // STRIDE):
            before, after = STRIDE * i, WINDOW - STRIDE * (i + 1)
            total = total + F.pad(parts[:, :, i].flatten(1), (before, after))
        made = STRIDE * self.block
        return total[:, :made] + self.bias, codes[:, :, self.block :], total[:, made:]


class WaveNetStep(nn.Module):
    """One sample: the last two, the conditioning and one remembered vector a layer in; logits and new vectors out.

    `past[:, i]` is what layer i computed `dilation` samples ago; `present[:, i]` is what it will need so many samples
    from now. Whoever calls keeps the rings (`lib.deploy.rings` puts rings and drawing into the exported graph).
    """

    def __init__(self, model: WaveNet) -> None:
        super().__init__()
        self.n_layers = model.n_layers
        self.gates = [model.widths[f"g{i}"] for i in range(1, model.n_layers + 1)]
        with torch.no_grad():
            before, now = model.first.weight[:, :, 0].T.clone(), model.first.weight[:, :, 1].T.clone()
            self.before, self.now = nn.Parameter(before), nn.Parameter(now + model.first.bias)
            self.dilated = nn.ModuleList(_linear(layer.weight.permute(0, 2, 1), layer.bias) for layer in model.dilated)
            self.residual = nn.ModuleList(_linear(layer.weight, layer.bias) for layer in model.residual)
            # The skip outputs of all layers are one product with all gates side by side.
            skip = torch.cat([layer.weight[:, :, 0] for layer in model.skip], dim=1)
            self.skip = _linear(skip, torch.stack([layer.bias for layer in model.skip]).sum(dim=0))
            self.hidden, self.output = _linear(model.hidden.weight), _linear(model.output.weight)
        width, layers = model.widths["r"], model.n_layers
        silence = torch.full((1,), model.config.n_classes // 2)
        self.plan = Plan(
            inputs={
                "previous": silence,
                "current": silence.clone(),
                "conditioning": torch.zeros(1, 2 * sum(self.gates)),
                "past": torch.zeros(1, layers, width),
            },
            outputs=("logits", "present"),
            states={},
            block_samples=1,
            example={},
            units={},
        )

    def forward(self, previous: Tensor, current: Tensor, conditioning: Tensor, past: Tensor) -> tuple[Tensor, ...]:
        """Shapes int64 [batch], the same, [batch, 2 * all gates], [batch, layers, r]."""
        x = (F.embedding(previous, self.before) + F.embedding(current, self.now)).tanh()
        given = conditioning.split([2 * g for g in self.gates], dim=1)
        kept, gated = [], []
        for i, dilated in enumerate(self.dilated):
            kept.append(x)
            gated.append(gate(dilated(torch.cat([past[:, i], x], dim=1)) + given[i]))
            if i < self.n_layers - 1:
                x = x + self.residual[i](gated[-1])
        total = self.skip(torch.cat(gated, dim=1))
        return self.output(self.hidden(total.relu()).relu()), torch.stack(kept, dim=1)


class Conditioning(nn.Module):
    """All layers' conditioning of some mel frames: [frames, n_mels] -> [frames, 2 * all gates]."""

    def __init__(self, model: WaveNet) -> None:
        super().__init__()
        with torch.no_grad():
            weight = torch.cat([layer.weight[:, :, 0] for layer in model.conditioning])
            self.all = _linear(weight, torch.cat([layer.bias for layer in model.conditioning]))

    def forward(self, mel: Tensor) -> Tensor:
        """One product for all layers."""
        return self.all(mel)


def step_of(model: AudioModel, block: int | None = None) -> DDSPStep | SINGStep | WaveNetStep:
    """Give the step of a model; `block` is in frames (DDSP, 10 ms) or codes (SING, 16 ms) and 1 by default.

    Raises:
        BookError: there is no step for this kind of model, or the block is not positive.

    >>> from lib.models import make
    >>> step_of(make("ddsp", "toy"), block=4).plan.block_samples
    640
    """
    block = 1 if block is None else block
    if block < 1:
        raise BookError(f"A block of {block} makes no sound; ask for 1 or more.")
    if isinstance(model, DDSP):
        return DDSPStep(model, block).eval()
    if isinstance(model, SING):
        return SINGStep(model, block).eval()
    if isinstance(model, WaveNet):
        return WaveNetStep(model).eval()
    raise BookError(f"There is no step for a {type(model).__name__}; DDSP, SING and WaveNet have one.")


class _ByHand(nn.Module):
    """A GRU written out as two products and its gates, so that its weights can be rounded like all others."""

    def __init__(self, cell: nn.GRU, block: int) -> None:
        super().__init__()
        self.block = block
        self.given = _linear(cell.weight_ih_l0, cell.bias_ih_l0)
        self.kept = _linear(cell.weight_hh_l0, cell.bias_hh_l0)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes [batch, frames, features], [1, batch, h]; as torch's GRU with `batch_first`."""
        h, made = state[0], []
        for t in range(self.block):
            reset_in, update_in, new_in = self.given(x[:, t]).chunk(3, dim=1)
            reset_h, update_h, new_h = self.kept(h).chunk(3, dim=1)
            update = (update_in + update_h).sigmoid()
            new = (new_in + (reset_in + reset_h).sigmoid() * new_h).tanh()
            h = new + update * (h - new)
            made.append(h)
        return torch.stack(made, dim=1), h[None]


def _linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    """A dense layer with these numbers; whatever follows the rows is laid side by side."""
    layer = nn.Linear(weight[0].numel(), len(weight), bias=bias is not None)
    with torch.no_grad():
        layer.weight.copy_(weight.flatten(1))
        if bias is not None:
            layer.bias.copy_(bias)
    return layer
