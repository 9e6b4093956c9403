"""DDSP in the page against DDSP in torch: the same numbers in, the same sound out."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch

from lib.models import make
from lib.models.base import HOP
from lib.pruning.criteria import random
from lib.pruning.groups import trim
from lib.pruning.scope import select
from lib.widgets import ddsp

RENDER = """
const bytes = Uint8Array.from(Buffer.from(input.data, "base64"));
const tensors = m.unpack(new DataView(bytes.buffer), input.layout);
const { config, f0, loudness, z, noise } = input;
const decoder = new m.core.Decoder(tensors, config);
const partials = [], gains = [];
for (let t = 0; t < f0.length; t++) {
  decoder.step(f0[t], loudness[t], z[t]);
  partials.push([...decoder.partials]);
  gains.push([...decoder.noise]);
}
const audio = m.core.render(new m.core.Decoder(tensors, config), new m.core.Synth(config.n_bands), {
  f0, loudness, z: (t) => z[t], noise: Float32Array.from(noise),
});
return { partials, gains, audio };
"""


def ddsp_model(removed: float, **changes):
    """A network that has not learnt anything, but that makes sound."""
    torch.manual_seed(3)
    model = make("ddsp", "book", **changes).eval()
    if removed:
        model = trim(model, select(model, random(model), removed, by="weights", floor=2, or_less=True).keep)
    with torch.no_grad():  # louder than untrained, with a spectrum that moves
        for head in (model.amplitude, model.partials, model.noise):
            head.weight *= 4.0
            head.bias += 0.5
        model.amplitude.bias += 2.0
    return model.eval()


def controls(model, frames: int = 40) -> dict[str, torch.Tensor]:
    t = torch.linspace(0.0, 1.0, frames)[None]
    drawn = torch.Generator().manual_seed(1)
    return {
        "f0_hz": 220.0 * 2.0 ** (3.0 * t),  # up to where partials reach Nyquist
        "loudness_db": -60.0 + 50.0 * t,
        "z": torch.randn(1, frames, model.config.latent_dims, generator=drawn),
    }


def in_page(node, model, given, noise, bits=32):
    made = ddsp.decoder_data(model, bits)
    return node(
        "ddsp",
        RENDER,
        {
            "data": base64.b64encode(made.data).decode(),
            "layout": made.layout_of_data,
            "config": made.about["config"],
            "f0": given["f0_hz"][0].tolist(),
            "loudness": given["loudness_db"][0].tolist(),
            "z": given["z"][0].tolist(),
            "noise": noise.flatten().tolist(),
        },
    )


@pytest.mark.parametrize("removed", [0.0, 0.8, 0.97])
@pytest.mark.parametrize("layer_norm", [True, False])
def test_the_page_decodes_and_plays_as_torch_does(node, removed: float, layer_norm: bool) -> None:
    model = ddsp_model(removed, layer_norm=layer_norm)
    given = controls(model)
    noise = 2.0 * torch.rand(1, 40, HOP, generator=torch.Generator().manual_seed(2)) - 1.0
    with torch.no_grad():
        heard = model.decode(**given)
        audio = model.render(given["f0_hz"], heard, noise)[0]
    got = in_page(node, model, given, noise)
    # Amplitudes go up to 2. Torch computes in single precision, the page sums in double; 1e-4 is 80 dB below
    # full scale.
    assert np.abs(np.array(got["partials"]) - heard["partials"][0].numpy()).max() < 1e-5
    assert np.abs(np.array(got["gains"]) - heard["noise"][0].numpy()).max() < 1e-5
    assert audio.abs().max() > 0.05
    assert np.abs(np.array(got["audio"]) - audio.numpy()).max() < 1e-4


@pytest.mark.parametrize("bits", [8, 16])
def test_fewer_bits_are_a_rounding_of_the_weights(node, bits: int) -> None:
    model = ddsp_model(0.8)
    got = node(
        "ddsp",
        'const bytes = Uint8Array.from(Buffer.from(input.data, "base64"));'
        "const tensors = m.unpack(new DataView(bytes.buffer), input.layout);"
        "return Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));",
        (lambda made: {"data": base64.b64encode(made.data).decode(), "layout": made.layout_of_data})(
            ddsp.decoder_data(model, bits)
        ),
    )
    for name, tensor in ddsp.decoder_state(model).items():
        rows = tensor.reshape(len(tensor), -1) if tensor.ndim > 1 else tensor[:, None]
        if bits == 8:  # half a step of 1/127 of the row's largest; vectors keep all their digits
            allowed = rows.abs().amax(1, keepdim=True) / 254 * 1.001 if tensor.ndim > 1 else torch.zeros(1)
        else:
            allowed = rows.abs() * 2.0**-11 + 2.0**-25
        assert ((torch.tensor(got[name]).reshape(rows.shape) - rows).abs() <= allowed + 1e-7).all(), name


NOTES = """
const bytes = Uint8Array.from(Buffer.from(input.data, "base64"));
const tensors = m.unpack(new DataView(bytes.buffer), input.layout);
const line = { at: Array(8).fill(0.3), per: Array(8).fill(0.1), low: -1, high: 1 };
const network = { tensors, line: { A: line, B: line }, gainDb: { A: [0, 0], B: [0, 0] } };
const curve = { dB: [-20, -8, -2, 0], slope: 0 };
const curves = { A: curve, B: curve };
const player = new m.core.Player({ config: input.config, networks: [network, { ...network }], curves });
const out = [];
const source = new m.core.Resampler(input.rate, (block) => player.frame(block));
const part = new Float32Array(128);
for (const event of input.events) {
  player.receive(event);
  for (let n = 0; n < event.wait * input.rate; n += 128) { source.pull(part); out.push(...part); }
}
return { audio: out, voices: player.voices.length };
"""


def play(node, model, events, rate=48000):
    made = ddsp.decoder_data(model, 32)
    data = {"data": base64.b64encode(made.data).decode(), "layout": made.layout_of_data, "config": made.about["config"]}
    return node("ddsp", NOTES, data | {"events": events, "rate": rate})


@pytest.mark.parametrize("rate", [44100, 48000])
def test_the_instrument_plays_in_tune_and_falls_silent(node, rate: int) -> None:
    got = play(node, ddsp_model(0.8), [{"on": "a", "f0": 330.0, "wait": 1.0}, {"off": "a", "wait": 0.6}], rate)
    audio = np.array(got["audio"])
    held = audio[rate // 2 : rate // 2 + 8192] * np.hanning(8192)
    spectrum = np.abs(np.fft.rfft(held, 1 << 17))
    place = np.fft.rfftfreq(1 << 17, 1 / rate)
    window = (place > 300) & (place < 360)
    # An eighth of a bin of the padded transform; 1 Hz of 330 is 5 cents.
    assert place[window][spectrum[window].argmax()] == pytest.approx(330.0, abs=1.0)
    assert got["voices"] == 0 and np.abs(audio[-rate // 10 :]).max() < 1e-5
    assert 0.01 < np.abs(audio).max() < 1
    # What the models cannot make (they end at 8 kHz) is not there, within 50 dB.
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    place = np.fft.rfftfreq(len(audio), 1 / rate)
    assert spectrum[place > 8800].sum() < 1e-5 * spectrum.sum()


def test_changing_to_an_equal_network_is_heard_by_nobody(node) -> None:
    events = [{"on": "a", "f0": 262.0, "wait": 0.8}, {"wait": 0.8}]
    plain, switched = (
        np.array(play(node, ddsp_model(0.5), [events[0], {**events[1], **extra}])["audio"])
        for extra in ({}, {"model": 1})
    )
    # A GRU that begins to listen in the middle of a note has settled after its 120 ms.
    assert np.abs(plain - switched).max() < 0.02 * np.abs(plain).max()
