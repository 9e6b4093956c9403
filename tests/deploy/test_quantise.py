"""Rounded steps: smaller, nearly as good, and the same numbers wherever they run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto, numpy_helper

from lib.deploy import onnx as exchange
from lib.deploy import quantise
from lib.errors import BookError
from lib.models import AudioModel, Batch, checkpoint, make
from lib.models.data import clips

TRAINED = "ddsp-trim-local-information-rewind-s0/round-07.pt"


def few(split: str, n: int, seconds: float = 1.0) -> Batch:
    batch = quantise.some(clips(split), n)
    return batch.crop(torch.zeros(len(batch), dtype=torch.long), round(100 * seconds))


def untrained(name: str) -> AudioModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(name, "book").eval()


@pytest.mark.parametrize("name", ["ddsp", "sing", "wavenet"])
def test_a_stand_in_has_the_models_own_error(name: str) -> None:
    """The step inside the model's own loss gives the model's own error: only then does int8's mean anything."""
    model, batch = untrained(name), few("test", 2, seconds=0.4)
    player = quantise.stand_in(quantise.exact(model), samples=96)
    with torch.no_grad():
        found = float(player.loss(batch))
        model.config = player.config
        expected = float(model.loss(batch))
    # The loss of a spectrum takes logarithms: rounding of 1e-6 in sound is 1e-5 in it.
    assert found == pytest.approx(expected, rel=1e-4)


def test_eight_bits_cost_a_trained_decoder_next_to_nothing() -> None:
    model, _ = checkpoint.load(TRAINED)
    said = quantise.report(model, few("test", 8), few("valid", 8))
    assert said["error_float32"] == pytest.approx(float(model.loss(few("test", 8)).detach()), rel=1e-4)
    assert 0.98 < said["ratio"] < 1.02
    assert 1e-4 < said["difference"] < 0.1  # it does round
    assert said["weight_bits"] == 7


def test_no_product_can_saturate() -> None:
    """Two products of a 7-bit weight and an 8-bit activation, added, stay inside 16 bits."""
    rounded = quantise.quantise(untrained("ddsp"), few("valid", 4))
    whole = [t for t in rounded.step.graph.initializer if t.data_type == TensorProto.INT8 and len(t.dims) == 2]
    assert len(whole) >= 6
    for tensor in whole:
        assert 2 * 255 * int(np.abs(numpy_helper.to_array(tensor).astype(int)).max()) < 2**15


def test_a_rounded_file_is_smaller_and_says_so(tmp_path: Path) -> None:
    model = untrained("sing")
    rounded = quantise.quantise(model, few("valid", 4))
    path = rounded.save(tmp_path / "int8.onnx", run="a run")
    assert path.stat().st_size < 0.4 * exchange.export(model, tmp_path / "f32.onnx").stat().st_size
    opened = exchange.open_model(path)
    assert opened.about["precision"] == "int8"
    assert opened.run(opened.start())[0]["audio"].shape == (1, 256)
    with pytest.raises(BookError, match="block of 1"):
        rounded.save(tmp_path / "m.onnx", block=4)


def test_a_rounded_wavenet_in_its_loop_is_the_rounded_step(tmp_path: Path) -> None:
    model = untrained("wavenet")
    rounded = quantise.quantise(model, few("valid", 2, seconds=0.2))
    opened = exchange.open_model(rounded.save(tmp_path / "int8.onnx", block=64))
    assert opened.path.stat().st_size < 0.6 * exchange.export(model, tmp_path / "f32.onnx").stat().st_size
    drawn = np.random.default_rng(0)
    classes, past = drawn.integers(0, 256, 64), model.config.receptive_field
    warm = -(-past // 64) * 64
    mel = drawn.uniform(0.0, 1.0, (1, 20, 1)).astype(np.float32)
    feed = opened.start() | {"clock": np.array([-warm]), "mel": np.repeat(mel[0].T, 2, axis=0)}
    forced = np.concatenate([np.full(warm, 128), classes])
    for start in range(0, len(forced), 64):
        found, states = opened.run(feed | {"forced": forced[start : start + 64]})
        feed |= states
    player = quantise.stand_in(rounded)
    known = torch.from_numpy(forced[-64 - past :])[None]
    with torch.no_grad():
        expected = player(known, torch.from_numpy(mel), torch.zeros_like(known))[0, :, :64].T.numpy()
    # Whole-number products are exact; the gates between them are float32, and a last digit can tip a rounding.
    assert np.abs(found["logits"] - expected).max() < 0.02 * np.abs(expected).max()
    assert np.median(np.abs(found["logits"] - expected)) < 1e-3 * np.abs(expected).max()
