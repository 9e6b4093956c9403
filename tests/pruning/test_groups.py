"""One law: removing units is zeroing them.

In float64 the two agree to rounding (tolerance 1e-10 of the largest output, where the law's own tolerance is 1e-6): in
float32 sums of other lengths may differ by a few roundings more than that, whatever the units.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lib.errors import BookError
from lib.models import MODELS, Batch, make
from lib.models.base import HOP
from lib.pruning.groups import (
    Layout,
    build_like,
    check_layout,
    count,
    fixed,
    into,
    out,
    parameter_names,
    trim,
    zero,
)

TOLERANCE = 1e-10
VARIANTS = {
    "wavenet": {},
    "sing": {},
    "ddsp": {"layer_norm": False},
    "sing-weight-norm": {"weight_norm": True},
    "ddsp-layer-norm": {},
}


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def build(variant: str, preset: str):
    """A model with unmistakable numbers everywhere: no parameter left at zero or one."""
    name = variant.split("-")[0]
    model = make(name, preset, **VARIANTS[variant])
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor += 0.1 * torch.rand(tensor.shape)
    return model.eval()


def batch(n_frames: int = 8) -> Batch:
    f0_hz = torch.tensor([[220.0], [330.0]]).expand(2, n_frames)
    return Batch(0.1 * torch.randn(2, n_frames * HOP), f0_hz, torch.full((2, n_frames), -20.0))


@torch.no_grad()
def outputs(model, example: Batch) -> list[torch.Tensor]:
    """The network's own answer, before any choice or sound is made of it."""
    if hasattr(model, "gru"):
        mean, logvar = model.encode(example.audio)
        heard = model.decode(example.f0_hz, example.loudness_db, mean)
        return [mean, logvar, heard["partials"], heard["noise"], heard["state"].sum()]
    if hasattr(model, "dilated"):
        classes = torch.arange(2 * 600).view(2, 600) * 37 % model.config.n_classes
        frame = torch.arange(600).expand(2, 600) // model.config.mel_hop
        return [model(classes, model.mel(example.audio), frame)]
    return [model.decode(model.encode(example.audio), example.audio.shape[1])]


def worst(model, keep, example: Batch) -> float:
    pairs = zip(outputs(trim(model, keep), example), outputs(zero(model, keep), example))
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-3)) for a, b in pairs)


@pytest.mark.parametrize("preset", ["toy", "book"])
@pytest.mark.parametrize("variant", [v for v in VARIANTS if v != "ddsp-layer-norm"])
def test_removing_is_zeroing_in_every_group(variant: str, preset: str) -> None:
    model, example = build(variant, preset), batch()
    for group, width in model.widths.items():
        keep = {group: torch.randperm(width)[: max(1, width // 3)].sort().values}
        assert worst(model, keep, example) <= TOLERANCE, group


@settings(deadline=None, max_examples=25)
@given(data=st.data(), variant=st.sampled_from(["wavenet", "sing", "ddsp", "sing-weight-norm"]))
def test_removing_is_zeroing_for_any_units_of_all_groups_together(data: st.DataObject, variant: str) -> None:
    torch.manual_seed(data.draw(st.integers(0, 99)))
    model = build(variant, "toy")
    keep = {
        group: torch.tensor(sorted(data.draw(st.sets(st.integers(0, width - 1), min_size=1))))
        for group, width in model.widths.items()
    }
    assert worst(model, keep, batch()) <= TOLERANCE


def test_groups_inside_a_layer_normalisation_break_the_law() -> None:
    model, example = build("ddsp-layer-norm", "book"), batch()
    for group, width in model.widths.items():
        difference = worst(model, {group: torch.arange(width // 2)}, example)
        assert (difference > 1e-4) == (group in model.layer_normed), group


@dataclass(frozen=True)
class TinyConfig:
    hidden: int = 6


class Recurrent(nn.Module):
    """Convolution, LSTM, flatten, Linear: what the three models lack."""

    layer_normed: frozenset[str] = frozenset()

    def __init__(self, config: TinyConfig, widths=None) -> None:
        super().__init__()
        self.config, self.widths = config, dict(widths or {"c": 4, "h": config.hidden, "k": 5})
        self.conv = nn.Conv1d(2, self.widths["c"], 3, padding=1)
        self.lstm = nn.LSTM(self.widths["c"], self.widths["h"], batch_first=True)
        self.dense = nn.Linear(self.widths["h"] * 7, self.widths["k"])
        self.last = nn.Linear(self.widths["k"], 3)

    def layout(self) -> Layout:
        gates = (out("h"),) * 4
        return {
            "conv.weight": ((out("c"),), (fixed(2),), (fixed(3),)),
            "conv.bias": ((out("c"),),),
            "lstm.weight_ih_l0": (gates, (into("c"),)),
            "lstm.weight_hh_l0": (gates, (into("h"),)),
            "lstm.bias_ih_l0": (gates,),
            "lstm.bias_hh_l0": (gates,),
            "dense.weight": ((out("k"),), (into("h", 7),)),
            "dense.bias": ((out("k"),),),
            "last.weight": ((fixed(3),), (into("k"),)),
            "last.bias": ((fixed(3),),),
        }

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, _ = self.lstm(self.conv(x).relu().transpose(1, 2))
        return self.last(self.dense(h.transpose(1, 2).flatten(1)).relu())


@pytest.mark.parametrize("group", ["c", "h", "k"])
def test_the_law_holds_through_lstm_gates_and_flattening(group: str) -> None:
    model, x = Recurrent(TinyConfig()), torch.randn(2, 2, 7)
    check_layout(model)
    keep = {group: torch.tensor([0, 2, 3])}
    assert torch.allclose(trim(model, keep)(x), zero(model, keep)(x), atol=1e-6)


def test_interleaved_gates_would_break_the_law() -> None:
    """The law can fail: declare the gate blocks wrongly, and it does."""

    class Wrong(Recurrent):
        def layout(self) -> Layout:
            rows = (out("h", 4),)
            return {
                **super().layout(),
                "lstm.weight_ih_l0": (rows, (into("c"),)),
                "lstm.weight_hh_l0": (rows, (into("h"),)),
                "lstm.bias_ih_l0": (rows,),
                "lstm.bias_hh_l0": (rows,),
            }

    model, x, keep = Wrong(TinyConfig()), torch.randn(2, 2, 7), {"h": torch.tensor([0, 2, 3])}
    check_layout(model)
    assert not torch.allclose(trim(model, keep)(x), zero(model, keep)(x), atol=1e-3)


def test_weight_norm_keeps_the_kernels_of_the_units_that_stay() -> None:
    model = build("sing-weight-norm", "toy")
    smaller = trim(model, {"e1": torch.tensor([1, 4])})
    assert torch.allclose(smaller.encoder[1].weight, model.encoder[1].weight[:, [1, 4]], atol=1e-6)


def test_trimming_twice_is_trimming_once() -> None:
    model, example = build("wavenet", "toy"), batch()
    once = trim(model, {"g2": torch.tensor([1, 4]), "r": torch.tensor([0, 3])})
    twice = trim(trim(model, {"g2": torch.tensor([1, 2, 4])}), {"g2": torch.tensor([0, 2]), "r": torch.tensor([0, 3])})
    assert torch.equal(outputs(once, example)[0], outputs(twice, example)[0])


@pytest.mark.parametrize("name", MODELS)
def test_counting_by_layout_is_counting_the_tensors(name: str) -> None:
    model = make(name, "toy")
    widths = {group: max(1, width // 2) for group, width in model.widths.items()}
    assert count(model.layout(), widths, parameter_names(model)) == build_like(model, widths).n_parameters()


def test_mistakes_are_named() -> None:
    model = make("sing", "toy")
    for keep, word in [
        ({"x9": [0]}, "No group"),
        ({"e1": []}, "every unit"),
        ({"e1": [6]}, "0 to 5"),
        ({"e1": [2, 1]}, "ascending"),
    ]:
        with pytest.raises(BookError, match=word):
            trim(model, {group: torch.tensor(units, dtype=torch.long) for group, units in keep.items()})


def test_check_layout_finds_forgotten_and_misshapen_tensors() -> None:
    class Forgetful(Recurrent):
        def layout(self) -> Layout:
            return {name: axes for name, axes in super().layout().items() if name != "dense.bias"}

    class Misshapen(Recurrent):
        def layout(self) -> Layout:
            return {**super().layout(), "conv.bias": ((out("k"),),)}

    class Unread(Recurrent):
        def layout(self) -> Layout:
            return {**super().layout(), "last.weight": ((fixed(3),), (fixed(5),))}

    for model, word in [(Forgetful, "dense.bias"), (Misshapen, "conv.bias"), (Unread, "reads the units of group 'k'")]:
        with pytest.raises(BookError, match=word):
            check_layout(model(TinyConfig()))
