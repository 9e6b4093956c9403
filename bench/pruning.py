"""What can be trimmed, by declared groups here and by the graph tracing of Torch-Pruning.

    python -m bench.pruning

writes `assets/results/bench/pruning.json`: per model, 30 % of the units of every group are asked to go. Ours
reports the difference between removing and zeroing; Torch-Pruning (1.6.1, left out and named if it is not
installed) reports what it removed, or the error it raised. It is given each model in the form it can follow best.
"""

from __future__ import annotations

import copy
import warnings
from importlib import metadata
from typing import Any

import torch
from torch import Tensor, nn

from lib.models import make
from lib.models.base import AudioModel
from lib.pruning.criteria import random
from lib.pruning.groups import trim, zero
from lib.pruning.scope import select
from lib.results import provenance, write_result

ASKED = 0.3
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "WaveNet": ("wavenet", {}),
    "SING": ("sing", {}),
    "SING, weight norm": ("sing", {"weight_norm": True}),
    "DDSP, no layer norm": ("ddsp", {"layer_norm": False}),
    "DDSP": ("ddsp", {}),
}


def ours(model: AudioModel) -> dict[str, Any]:
    """Trim by declared groups, and compare with the same units zeroed."""
    chosen = select(model, random(model), ASKED, by="units")
    smaller, silent = trim(model, chosen.keep), zero(model, chosen.keep)
    with torch.no_grad():
        pairs = list(zip(*(one.network(*one.rehearsal(0.1).values()) for one in (smaller, silent))))
    # A recurrent state shrinks with its group; the outputs are what must agree.
    difference = max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs if a.shape == b.shape)
    return {
        "units_removed": chosen.obtained,
        "weights_removed": 1.0 - smaller.n_parameters() / model.n_parameters(),
        "difference_from_zeroing": difference,
    }


class TraceableSING(nn.Module):
    """SING without the windows on its long kernels, which hide the layers from a graph."""

    def __init__(self, model: AudioModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """Audio [batch, 1, time] to audio."""
        for conv in list(self.model.encoder)[:-1]:
            x = conv(x).relu()
        x = self.model.encoder[-1](x)
        for conv in list(self.model.decoder)[:-1]:
            x = conv(x).relu()
        return self.model.decoder[-1](x)


class TraceableWaveNet(nn.Module):
    """WaveNet as a graph can follow it: the look-up as the convolution it is, padding instead of cutting time."""

    def __init__(self, model: AudioModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, hot: Tensor, mel: Tensor) -> Tensor:
        """One-hot samples [batch, n_classes, time] and a mel spectrum per sample to logits."""
        m = self.model
        x, total = m.first(nn.functional.pad(hot, (1, 0))).tanh(), 0.0
        for i, dilated in enumerate(m.dilated):
            summed = dilated(nn.functional.pad(x, (dilated.dilation[0], 0))) + m.conditioning[i](mel)
            a, b = summed.chunk(2, dim=1)
            gated = a.tanh() * b.sigmoid()
            total = total + m.skip[i](gated)
            if i < m.n_layers - 1:
                x = x + m.residual[i](gated)
        return m.output(m.hidden(total.relu()).relu())


class TraceableDDSP(nn.Module):
    """The decoder of DDSP, starting from an empty state."""

    def __init__(self, model: AudioModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, f0_hz: Tensor, loudness_db: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Controls to amplitudes and noise gains."""
        heard = self.model.decode(f0_hz, loudness_db, z)
        return heard["partials"], heard["noise"]


def traceable(model: AudioModel) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Wrap a model for tracing, with example inputs."""
    config = model.config
    match type(model).__name__:
        case "SING":
            return TraceableSING(model), (torch.randn(1, 1, 4096),)
        case "WaveNet":
            return TraceableWaveNet(model), (torch.randn(1, config.n_classes, 64), torch.randn(1, config.n_mels, 64))
        case _:
            return TraceableDDSP(model), tuple(model.rehearsal(0.1).values())[:3]


def torch_pruning(model: AudioModel) -> dict[str, Any]:
    """Trim by tracing the playing network, with the same share asked of every layer."""
    import torch_pruning as tp

    wrapped, inputs = traceable(model)
    before = sum(p.numel() for p in wrapped.parameters())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pruner = tp.pruner.MagnitudePruner(
                wrapped,
                inputs,
                tp.importance.MagnitudeImportance(p=1),
                pruning_ratio=ASKED,
                ignored_layers=_last_layers(model),
            )
            pruner.step()
            with torch.no_grad():
                wrapped(*inputs)
    except Exception as error:  # whatever it raises is the finding
        return {"error": f"{type(error).__name__}: {error}"[:160]}
    found = {"weights_removed": 1.0 - sum(p.numel() for p in wrapped.parameters()) / before}
    if hasattr(model, "dilated"):
        found["gate_units_removed"] = 1.0 - model.skip[0].in_channels / model.widths["g1"]
    return found


def _last_layers(model: AudioModel) -> list[nn.Module]:
    names = {"WaveNet": ["output"], "SING": ["encoder.3", "decoder.3"], "DDSP": ["amplitude", "partials", "noise"]}
    return [model.get_submodule(name) for name in names[type(model).__name__]]


def measure() -> list[dict[str, Any]]:
    """Try every case with everyone."""
    try:
        version = metadata.version("torch-pruning")
    except metadata.PackageNotFoundError:
        version = None
    rows = []
    for case, (name, changes) in CASES.items():
        torch.manual_seed(0)
        model = make(name, "book", **changes).eval()
        theirs = torch_pruning(copy.deepcopy(model)) if version else {"error": "not installed"}
        rows.append(
            {
                "case": case,
                "asked_units": ASKED,
                "ours": ours(model),
                "torch_pruning": theirs,
                "torch_pruning_version": version,
            }
        )
    return rows


def main() -> None:
    """Measure, write and print."""
    rows = measure()
    write_result(
        "bench/pruning.json",
        rows,
        provenance=provenance(config={"asked_units": ASKED}, seeds=[0], command="python -m bench.pruning"),
    )
    for row in rows:
        print(f"{row['case']:22} ours {row['ours']}\n{'':22} Torch-Pruning {row['torch_pruning']}")


if __name__ == "__main__":
    main()
