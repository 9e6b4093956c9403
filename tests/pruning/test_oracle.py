"""Torch-Pruning finds the same units belong together, where it is right: SING and WaveNet.

It follows the graph of a forward pass and knows nothing of our layouts, so agreement is evidence. It cannot follow
a GRU, so DDSP has only the law. (`bench/pruning.py` shows what it supports.)
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench.pruning import TraceableSING, TraceableWaveNet
from lib.models import make
from lib.pruning.groups import segments, trim

tp = pytest.importorskip("torch_pruning", reason="Torch-Pruning is no requirement: pip install torch-pruning==1.6.1")


def ours(model: nn.Module, group: str, unit: int) -> set[tuple[str, int, int]]:
    """(tensor, axis, position) of everything that goes with a unit; weights only."""
    found = set()
    for name, axes in model.layout().items():
        for axis, segs in enumerate(axes[:2] if name.endswith("weight") else ()):
            for seg, start, _ in segments(segs, model.widths):
                if seg.group == group:
                    found |= {(name, axis, start + unit * seg.inner + k) for k in range(seg.inner)}
    return found


def theirs(model: nn.Module, graph, layer: nn.Module, unit: int) -> set[tuple[str, int, int]]:
    """The same from Torch-Pruning's dependency graph, starting at the output `unit` of a layer."""
    names = {id(module): name for name, module in model.named_modules()}
    found = set()
    for dependency, indices in graph.get_pruning_group(layer, tp.prune_conv_out_channels, idxs=[unit]):
        name = names.get(id(dependency.target.module))
        if name:
            makes = "out" in dependency.handler.__name__
            transposed = isinstance(dependency.target.module, nn.ConvTranspose1d)
            axis = (0 if makes else 1) if not transposed else (1 if makes else 0)
            found |= {(f"{name}.weight", axis, int(i)) for i in indices}
    return found


@pytest.mark.parametrize(
    ("group", "layer"),
    [
        ("e1", "encoder.1"),
        ("e2", "encoder.1"),
        ("e3", "encoder.2"),
        ("d1", "decoder.0"),
        ("d2", "decoder.1"),
        ("d3", "decoder.2"),
    ],
)
def test_sing(group: str, layer: str) -> None:
    model = make("sing", "toy").eval()
    graph = tp.DependencyGraph().build_dependency(TraceableSING(model), torch.zeros(1, 1, 4096))
    start = model.get_submodule("encoder.0" if group == "e1" else layer)
    assert theirs(model, graph, start, 2) == ours(model, group, 2)


@pytest.mark.parametrize(
    ("group", "layer"),
    [
        ("r", "first"),
        ("r", "residual.3"),
        ("g1", "dilated.0"),
        ("g6", "conditioning.5"),
        ("s", "skip.2"),
        ("o", "hidden"),
    ],
)
def test_wavenet(group: str, layer: str) -> None:
    model = make("wavenet", "toy").eval()
    inputs = (torch.zeros(1, 16, 20), torch.zeros(1, 4, 20))
    graph = tp.DependencyGraph().build_dependency(TraceableWaveNet(model), inputs)
    assert theirs(model, graph, model.get_submodule(layer), 3) == ours(model, group, 3)


def test_the_trimmed_sing_has_the_same_shapes() -> None:
    model = make("sing", "toy").eval()
    smaller = trim(model, {group: torch.tensor([0, 2, 5]) for group in model.widths})
    assert [tuple(p.shape) for p in smaller.encoder[1].parameters()] == [(3, 3, 1), (3,)]
