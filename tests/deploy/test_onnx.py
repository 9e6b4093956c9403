"""Exported steps against the models of the book in torch: stream after stream of random inputs, at several ratios."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from lib.deploy import onnx as exchange
from lib.errors import BookError
from lib.models import AudioModel, make, mulaw
from lib.pruning.criteria import random
from lib.pruning.groups import trim
from lib.pruning.scope import select

RATIOS = (0.0, 0.5, 0.9)
#: Of the largest value expected: sums of a few hundred float32 products, and states that carry rounding along, stay
#: well inside.
RELATIVE = 1e-5
#: Outputs that are smaller throughout are judged by this instead: -60 dB of full scale. (The noise of an untrained
#: DDSP is near -85 dB, in the flat tail of a sigmoid, where runtimes differ in the fifth digit and nobody hears it.)
FLOOR = 1e-3


@lru_cache(maxsize=16)
def model_at(name: str, ratio: float) -> AudioModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        whole = make(name, "book").eval()
    keep = select(whole, random(whole), ratio, floor=2, or_less=True).keep
    return trim(whole, keep).eval()


def assert_close(found: np.ndarray, expected: torch.Tensor) -> None:
    expected = expected.detach().numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= RELATIVE * max(np.abs(expected).max(), FLOOR)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("block", [1, 4])
def test_ddsp_streams_what_it_decodes_at_once(tmp_path: Path, ratio: float, block: int) -> None:
    model = model_at("ddsp", ratio)
    opened = exchange.open_model(exchange.export(model, tmp_path / "m.onnx", block=block))
    drawn = np.random.default_rng(0)
    n = 24
    f0_hz = drawn.uniform(60.0, 2000.0, (1, n)).astype(np.float32)
    loudness_db = drawn.uniform(-80.0, 0.0, (1, n)).astype(np.float32)
    z = drawn.normal(size=(1, n, model.config.latent_dims)).astype(np.float32)
    with torch.no_grad():
        expected = model.decode(*map(torch.from_numpy, (f0_hz, loudness_db, z)))
    feed, partials, noise = opened.start(), [], []
    for t in range(0, n, block):
        now = slice(t, t + block)
        found, states = opened.run({**feed, "f0_hz": f0_hz[:, now], "loudness_db": loudness_db[:, now], "z": z[:, now]})
        feed |= states
        partials.append(found["partials"])
        noise.append(found["noise"])
    assert_close(np.concatenate(partials, axis=1), expected["partials"])
    assert_close(np.concatenate(noise, axis=1), expected["noise"])
    assert_close(feed["state"], expected["state"])


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("block", [1, 3])
def test_sing_streams_what_it_draws_at_once(tmp_path: Path, ratio: float, block: int) -> None:
    model = model_at("sing", ratio)
    opened = exchange.open_model(exchange.export(model, tmp_path / "m.onnx", block=block))
    n, before = 12, model.config.kernel - 1
    z = np.random.default_rng(0).normal(size=(1, model.config.latent_dims, before + n)).astype(np.float32)
    with torch.no_grad():
        expected = model.draw(torch.from_numpy(z))
    feed = opened.start() | {"codes": z[:, :, :before]}
    audio = []
    for t in range(before, before + n, block):
        found, states = opened.run({**feed, "z": z[:, :, t : t + block]})
        feed |= states
        audio.append(found["audio"])
    made = np.concatenate(audio, axis=1)
    assert_close(made, expected[:, : made.shape[1]])


@pytest.mark.parametrize("ratio", RATIOS)
def test_wavenet_streams_what_the_whole_stack_predicts(tmp_path: Path, ratio: float) -> None:
    """Forced to known samples, every step's logits are those of one pass over all of them."""
    model = model_at("wavenet", ratio)
    config, block = model.config, 32
    opened = exchange.open_model(exchange.export(model, tmp_path / "m.onnx", block=block))
    drawn = np.random.default_rng(0)
    n = 640  # crosses two borders of mel frames
    classes = drawn.integers(0, config.n_classes, n)
    mel = drawn.uniform(0.0, 1.0, (config.n_mels, 4)).astype(np.float32)
    past = config.receptive_field
    known = torch.from_numpy(np.concatenate([np.full(past, config.n_classes // 2), classes]))[None]
    place = torch.arange(-past, n).clamp(min=0) // config.mel_hop
    with torch.no_grad():
        expected = model(known, torch.from_numpy(mel)[None], place[None])[0, :, :n].T
    found = logits_of(opened, classes, mel)
    assert_close(found, expected)


def logits_of(opened: exchange.Opened, classes: np.ndarray, mel: np.ndarray) -> np.ndarray:
    details, block = opened.about["details"], opened.about["block_samples"]
    warm = -(-details["receptive_field"] // block) * block
    feed = opened.start() | {"clock": np.array([-warm])}
    forced = np.concatenate([np.full(warm, details["n_classes"] // 2), classes])
    logits = []
    for start in range(-warm, len(classes), block):
        # The frame of a sample is that of the sample before it, as in the sampler of the book.
        frame = np.maximum(np.arange(start, start + block) - 1, 0) // details["mel_hop"]
        pair = mel[:, [frame[0], frame[-1]]].T
        feed |= {"mel": pair, "frame": frame - frame[0], "forced": forced[start + warm : start + warm + block]}
        found, states = opened.run(feed)
        feed |= states
        logits.append(found["logits"])
    return np.concatenate(logits)[warm:]


def test_wavenet_draws_from_its_own_chances(tmp_path: Path) -> None:
    opened = exchange.open_model(exchange.export(model_at("wavenet", 0.5), tmp_path / "m.onnx", block=64))
    uniform = np.random.default_rng(3).uniform(size=64).astype(np.float32)
    found, _ = opened.run(opened.start() | {"uniform": uniform})
    chances = np.exp(found["logits"].astype(np.float64))
    summed = (chances / chances.sum(axis=1, keepdims=True)).cumsum(axis=1)
    low = np.take_along_axis(np.pad(summed, ((0, 0), (1, 0))), found["classes"][:, None], axis=1)[:, 0]
    high = np.take_along_axis(summed, found["classes"][:, None], axis=1)[:, 0]
    # Chances are summed in float32 inside, so a draw on the very edge may fall either way.
    assert (low <= uniform + 1e-5).all() and (uniform < high + 1e-5).all()
    assert len(set(found["classes"].tolist())) > 10
    np.testing.assert_array_equal(found["audio"], mulaw.decode(torch.from_numpy(found["classes"])).numpy())


@pytest.mark.parametrize("name", ["ddsp", "sing", "wavenet"])
def test_the_whole_network_agrees(tmp_path: Path, name: str) -> None:
    model = model_at(name, 0.5)
    opened = exchange.open_model(exchange.export(model, tmp_path / "m.onnx", part="network"))
    drawn = torch.Generator().manual_seed(0)
    inputs = {
        key: value if value.dtype == torch.long else value + 0.3 * torch.rand(value.shape, generator=drawn)
        for key, value in model.rehearsal(1.0).items()
    }
    with torch.no_grad():
        expected = model.network(*inputs.values())
    found = opened.session.run(None, {key: inputs[key].numpy() for key in opened.about["inputs"]})
    for one, other in zip(found, expected):
        assert_close(one, other)


def test_the_decoder_of_the_timbre_space(tmp_path: Path) -> None:
    from lib.timbre.space import load_space
    from lib.timbre.vae import pitch_code

    opened = exchange.open_model(exchange.export_space(tmp_path / "space.onnx"))
    space = load_space("nsgt-erb")
    z = torch.randn(5, space.model.config.space_dims, generator=torch.Generator().manual_seed(0))
    pitch = pitch_code(torch.tensor([50.0, 60.0, 69.0, 72.0, 80.0]))
    with torch.no_grad():
        expected = space.to_magnitudes(space.model.decode(z, pitch))
    found, _ = opened.run({"z": z.numpy(), "pitch": pitch.numpy()})
    assert_close(found["magnitudes"], expected)
    assert opened.about["sample_rate"] == 22_050


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    model = model_at("ddsp", 0.9)
    about = exchange.read_about(exchange.export(model, tmp_path / "m.onnx", run="some run, round 7", block=2))
    assert (about["format"], about["model"], about["precision"]) == (1, "ddsp", "float32")
    assert (about["sample_rate"], about["block_samples"], about["run"]) == (16_000, 320, "some run, round 7")
    assert about["widths"] == model.widths and about["parameters"] == model.n_parameters()
    assert about["states"] == {"state": "next_state"}
    assert "hertz" in about["inputs"]["f0_hz"]["unit"]


def test_strange_files_are_refused(tmp_path: Path) -> None:
    good = exchange.export(make("ddsp", "toy"), tmp_path / "good.onnx")
    with pytest.raises(BookError, match="no file"):
        exchange.open_model(tmp_path / "none.onnx")

    cut = tmp_path / "cut.onnx"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    with pytest.raises(BookError, match="cut short"):
        exchange.open_model(cut)

    text = tmp_path / "text.onnx"
    text.write_text("this is no model")
    with pytest.raises(BookError, match="no ONNX file"):
        exchange.open_model(text)

    proto = onnx.load(str(good))
    del proto.metadata_props[:]
    onnx.save(proto, str(tmp_path / "foreign.onnx"))
    with pytest.raises(BookError, match="none of this book's"):
        exchange.open_model(tmp_path / "foreign.onnx")

    about = exchange.read_about(good)
    for change, words in (({"format": 99}, "format 99"), ({"inputs": {"x": {}}}, "other inputs")):
        del proto.metadata_props[:]
        proto.metadata_props.add(key=exchange.KEY, value=json.dumps(about | change))
        onnx.save(proto, str(tmp_path / "changed.onnx"))
        with pytest.raises(BookError, match=words):
            exchange.open_model(tmp_path / "changed.onnx")
    with pytest.raises(BookError, match="No part"):
        exchange.export(make("ddsp", "toy"), tmp_path / "m.onnx", part="half")
    with pytest.raises(BookError, match="block of 0"):
        exchange.export(make("wavenet", "toy"), tmp_path / "m.onnx", block=0)
