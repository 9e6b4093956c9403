"""Costs against counts by hand, and the models' own formulas against layers counted as they run."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lib.models import MODELS, make
from lib.pruning.cost import cost, int8_bytes, macs_of, onnx_latency, peak_activation_bytes, traced_macs
from lib.pruning.groups import build_like


def macs(layer: nn.Module, given: torch.Tensor) -> int:
    made = layer(given)
    return macs_of(layer, given, made[0] if isinstance(made, tuple) else made)


def test_layers_by_hand() -> None:
    assert macs(nn.Conv1d(3, 5, 4, stride=2), torch.zeros(1, 3, 20)) == 9 * 5 * 3 * 4
    assert macs(nn.Conv1d(4, 6, 3, groups=2), torch.zeros(1, 4, 10)) == 8 * 6 * 2 * 3
    assert macs(nn.ConvTranspose1d(3, 2, 8, stride=4), torch.zeros(2, 3, 10)) == 2 * 10 * 3 * 2 * 8
    assert macs(nn.GRU(5, 7, batch_first=True), torch.zeros(2, 11, 5)) == 2 * 11 * 3 * 7 * (5 + 7)
    assert macs(nn.LSTM(5, 7, batch_first=True), torch.zeros(2, 11, 5)) == 2 * 11 * 4 * 7 * (5 + 7)
    assert macs(nn.ReLU(), torch.zeros(9)) == 0


def test_ddsp_says_what_its_layers_do() -> None:
    model = make("ddsp", "book")
    said = model.macs_per_second()
    seen = traced_macs(model, lambda: model.network(*model.rehearsal(1.0).values()))
    assert said["dense"] + said["recurrent"] + said["outputs"] == seen
    assert said["recurrent"] == 100 * 3 * 64 * (64 + 64 + 8 + 64)
    assert said["sines"] == 16_000 * 3 * 40


def test_sing_says_what_its_layers_do() -> None:
    model = make("sing", "book")
    said = model.macs_per_second()
    windows = 16_000 / 256
    seen = traced_macs(model, lambda: model.network(*model.rehearsal(4.0).values())) / 4
    # The last layer is applied through its windowed kernel, which no hook sees.
    assert said["convolution"] + said["pointwise"] == pytest.approx(seen, rel=1e-6)
    assert said["transposed"] == windows * 128 * 1024


def test_wavenet_says_what_one_step_multiplies() -> None:
    model = make("wavenet", "book")
    said = model.macs_per_second()
    each_sample = [
        m
        for name, m in model.named_modules()
        if isinstance(m, nn.Conv1d) and not name.startswith(("first", "conditioning"))
    ]
    assert sum(v for k, v in said.items() if k != "conditioning") == 16_000 * sum(m.weight.numel() for m in each_sample)
    assert said["conditioning"] == 16_000 / 256 * sum(m.weight.numel() for m in model.conditioning)


def test_published_sizes_in_multiply_adds() -> None:
    """2.88 M products a sample without the look-up; conditioning once a sample, as the released code has it."""
    with torch.device("meta"):
        model = make("wavenet", "code")
    said = model.macs_per_second()
    per_sample = (sum(said.values()) - said["conditioning"]) / 16_000 + 20 * 2 * 128 * 80
    assert per_sample == pytest.approx(2.82e6, rel=0.01)


@pytest.mark.parametrize("name", MODELS)
def test_thinner_costs_less_of_everything(name: str) -> None:
    model = make(name, "book")
    thin = build_like(model, {group: width // 2 for group, width in model.widths.items()})
    whole, half = cost(model), cost(thin)
    for key in ("parameters", "bytes_f32", "bytes_int8", "activation_bytes", "total_macs_per_second"):
        assert getattr(half, key) <= getattr(whole, key), key
    assert half.total_macs_per_second < whole.total_macs_per_second
    assert whole.bytes_f32 == 4 * whole.parameters
    assert whole.bytes_int8 == sum(int8_bytes(p) for p in model.parameters()) < 0.5 * whole.bytes_f32


def test_memory_by_hand() -> None:
    model = make("sing", "book")
    windows = round(16_000 / 256) + 5
    # Two pointwise layers of 128 channels hold 128 numbers in and 128 out for each window the first kernel leaves.
    assert peak_activation_bytes(model) == 4 * 2 * 128 * (windows - 5)
    assert cost(model).state_bytes == 4 * (16 * 5 + 1024 - 256)
    assert cost(make("wavenet", "book")).state_bytes == 4 * (24 * 255 + 2)


@pytest.mark.parametrize("name", ["ddsp", "sing"])
def test_the_exported_network_is_the_network(name: str) -> None:
    torch.manual_seed(0)
    latency, size, difference = onnx_latency(make(name, "toy"), seconds=0.1, repeats=1)
    assert difference < 1e-5 and size > 1000 and latency.real_time_factor > 0
