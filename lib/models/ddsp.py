"""DDSP: a small network that plays an additive synthesiser.

The encoder listens to the clip and writes a latent code z, frame by frame. The decoder reads pitch, loudness and z and
answers with a loudness, a distribution over partials and a noise spectrum; fixed formulas (`synth`) make the sound.

Source: Engel et al. 2020; the auto-encoder of Esling et al. 2020 (released code). Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn

from lib.models import synth
from lib.models.base import HOP, MODEL_RATE, AudioModel, Batch, Controls, resolve_widths
from lib.models.losses import multi_scale_spectral
from lib.models.target import log_spectrum_frames
from lib.pruning.groups import Axis, Layout, fixed, gamma, into, norm, out

#: Strides of the encoder's four convolutions: together one frame of `HOP` samples.
STRIDES = (4, 2, 4, 5)


@dataclass(frozen=True)
class DDSPConfig:
    """The shape of a DDSP auto-encoder.

    `hidden` is the width of the three dense blocks, `recurrent` of the GRU, `channels` of the encoder; `reverb_seconds`
    of 0 leaves the room out; `layer_norm` off makes a network in which every group obeys the law of `groups`.
    """

    hidden: int = 64
    recurrent: int = 64
    channels: int = 16
    n_partials: int = 40
    n_bands: int = 33
    latent_dims: int = 8
    reverb_seconds: float = 0.0
    layer_norm: bool = True
    n_ffts: tuple[int, ...] = (1024, 256, 64)
    kl_weight: float = 1e-4


class DDSP(AudioModel):
    """Pitch, loudness and a latent code in, sound out.

    Groups: c1-c3 (encoder channels), f1-f3 and l1-l3 (dense blocks on pitch and loudness), h (GRU), o1-o3 (dense
    block after it). The latent code and what the synthesiser is told are fixed.

    Chapter: *WaveNet, SING, DDSP*.
    """

    PRESETS: Mapping[str, DDSPConfig] = {
        # "latent size 128" for the GRU is read as its width; the text gives no encoder, so the code's is taken.
        "text": DDSPConfig(512, 128, 128, 100, 81, 16, 1.0, n_ffts=(32, 64, 128, 256, 512, 1024)),
        "code": DDSPConfig(512, 512, 128, 100, 81, 16, 1.0, n_ffts=(64, 128, 256, 512, 1024, 2048)),
        "book": DDSPConfig(),
        "wide": DDSPConfig(128, 128, 32),
        "toy": DDSPConfig(6, 5, 4, 6, 9, 2, 0.01, n_ffts=(64,)),
    }

    def __init__(self, config: DDSPConfig, widths: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.config = config
        dense = {f"{block}{i}": config.hidden for block in "flo" for i in (1, 2, 3)}
        self.widths = resolve_widths(
            {f"c{i}": config.channels for i in (1, 2, 3)} | {"h": config.recurrent} | dense, widths
        )
        if config.layer_norm:
            self.layer_normed = frozenset(dense)
        w = self.widths
        sizes = (1, w["c1"], w["c2"], w["c3"], 2 * config.latent_dims)
        # Padding 6 = 2 * (7 - 1) / 2 makes each convolution shorten by its stride exactly.
        self.encoder = nn.ModuleList(
            nn.Conv1d(n_in, n_out, 7, stride=stride, dilation=2, padding=6)
            for n_in, n_out, stride in zip(sizes, sizes[1:], STRIDES)
        )
        self.encoder_norm = nn.ModuleList(nn.BatchNorm1d(n) for n in sizes[1:4])
        self.pitch = _Dense(1, [w[f"f{i}"] for i in (1, 2, 3)], config.layer_norm)
        self.loudness = _Dense(1, [w[f"l{i}"] for i in (1, 2, 3)], config.layer_norm)
        self.gru = nn.GRU(w["f3"] + w["l3"] + config.latent_dims, w["h"], batch_first=True)
        self.after = _Dense(w["h"], [w[f"o{i}"] for i in (1, 2, 3)], config.layer_norm)
        self.amplitude = nn.Linear(w["o3"], 1)
        self.partials = nn.Linear(w["o3"], config.n_partials)
        self.noise = nn.Linear(w["o3"], config.n_bands)
        if config.reverb_seconds:
            self.room = nn.Parameter(torch.tensor([-3.0, 1.0]))  # log10 wet gain, log10 decay in 1/s

    def layout(self) -> Layout:
        """Say which units every number belongs to."""
        groups: dict[str, tuple[Axis, ...]] = {}
        ins: tuple[Axis, ...] = ((fixed(1),), (into("c1"),), (into("c2"),), (into("c3"),))
        outs: tuple[Axis, ...] = ((out("c1"),), (out("c2"),), (out("c3"),), (fixed(2 * self.config.latent_dims),))
        for i in range(4):
            groups[f"encoder.{i}.weight"] = (outs[i], ins[i], (fixed(7),))
            groups[f"encoder.{i}.bias"] = (outs[i],)
        for i in range(3):
            groups[f"encoder_norm.{i}.weight"] = ((gamma(f"c{i + 1}"),),)
            groups[f"encoder_norm.{i}.num_batches_tracked"] = ()
            for name in ("bias", "running_mean", "running_var"):
                groups[f"encoder_norm.{i}.{name}"] = ((norm(f"c{i + 1}"),),)
        groups |= self.pitch.layout("pitch", (fixed(1),), ("f1", "f2", "f3"))
        groups |= self.loudness.layout("loudness", (fixed(1),), ("l1", "l2", "l3"))
        gates: Axis = (out("h"), out("h"), out("h"))  # reset, update, new: three blocks over the same units
        groups["gru.weight_ih_l0"] = (gates, (into("f3"), into("l3"), fixed(self.config.latent_dims)))
        groups["gru.weight_hh_l0"] = (gates, (into("h"),))
        groups["gru.bias_ih_l0"] = groups["gru.bias_hh_l0"] = (gates,)
        groups |= self.after.layout("after", (into("h"),), ("o1", "o2", "o3"))
        for name, size in (("amplitude", 1), ("partials", self.config.n_partials), ("noise", self.config.n_bands)):
            groups[f"{name}.weight"] = ((fixed(size),), (into("o3"),))
            groups[f"{name}.bias"] = ((fixed(size),),)
        if self.config.reverb_seconds:
            groups["room"] = ((fixed(2),),)
        return groups

    def encode(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Give the posterior of z: mean and logvar, each [batch, frames, latent_dims]."""
        x = audio[:, None]
        for i, (conv, normalise) in enumerate(zip(self.encoder[:3], self.encoder_norm), start=1):
            x = self.watch(f"c{i}", normalise(conv(x)).relu())
        mean, logvar = self.encoder[3](x).transpose(1, 2).chunk(2, dim=-1)
        return mean, logvar.clamp(-10.0, 5.0)

    def decode(self, f0_hz: Tensor, loudness_db: Tensor, z: Tensor, state: Tensor | None = None) -> dict[str, Tensor]:
        """Tell the synthesiser what to play.

        Args:
            f0_hz, loudness_db: [batch, frames]; z: [batch, frames, latent_dims]; state: of the GRU, [1, batch, h].

        Returns:
            partials [batch, frames, n_partials] amplitudes, noise [batch, frames, n_bands] gains, state.
        """
        pitch = (12.0 * (f0_hz / 440.0).log2() / 48.0)[..., None]  # four octaves around A4 make -1 to 1
        loudness = (loudness_db / 40.0 + 1.0)[..., None]
        f = self.pitch(pitch, self.watch, ("f1", "f2", "f3"))
        l = self.loudness(loudness, self.watch, ("l1", "l2", "l3"))  # noqa: E741
        h, state = self.gru(torch.cat([f, l, z], dim=-1), state)
        self.watch("h", h.transpose(1, 2))
        o = self.after(h, self.watch, ("o1", "o2", "o3"))
        weights = positive(self.partials(o)) * synth.below_nyquist(f0_hz, self.config.n_partials, MODEL_RATE)
        share = weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-7)
        # Both start near silence (the bias of -5): sound is learnt, not hiss unlearnt.
        return {
            "partials": positive(self.amplitude(o)) * share,
            "noise": positive(self.noise(o) - 5.0),
            "state": state,
        }

    def render(self, f0_hz: Tensor, heard: Mapping[str, Tensor], noise: Tensor) -> Tensor:
        """Play: audio [batch, frames * HOP]; noise [batch or 1, frames, HOP] in [-1, 1]."""
        audio = synth.harmonic_bank(f0_hz, heard["partials"], HOP, MODEL_RATE)
        audio = audio + synth.filtered_noise(heard["noise"], noise)
        return audio if not self.config.reverb_seconds else synth.reverb(audio, self.room_response())

    def room_response(self) -> Tensor:
        """Give the impulse response of the room: the direct sound, then noise that dies away."""
        n_taps = round(self.config.reverb_seconds * MODEL_RATE)
        tail = 2.0 * torch.rand(n_taps, generator=torch.Generator().manual_seed(0)) - 1.0
        wet, decay = 10.0 ** self.room[0], 10.0 ** self.room[1]
        response = wet * tail * (-decay * torch.arange(n_taps) / MODEL_RATE).exp()
        return torch.cat([torch.ones(1), response[1:]])

    def loss(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Multi-scale spectral distance; in training also the KL of the latent code."""
        mean, logvar = self.encode(batch.audio)
        z = mean
        if generator is not None:
            z = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=generator)
        heard = self.decode(batch.f0_hz, batch.loudness_db, z)
        n_frames = batch.f0_hz.shape[1]
        noise = _noise(len(batch), n_frames, generator) if generator is not None else _noise(1, n_frames)
        error = multi_scale_spectral(self.render(batch.f0_hz, heard, noise), batch.audio, self.config.n_ffts)
        if generator is None:
            return error
        kl = 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar).sum(dim=-1).mean()
        return error + self.config.kl_weight * kl

    def information_target(self, batch: Batch) -> Tensor:
        """The log spectrum of every frame in 24 bands: [batch, 24, frames]."""
        return log_spectrum_frames(batch.audio, HOP)

    def controls(self, batch: Batch) -> dict[str, Tensor]:
        """Pitch and loudness [batch, frames], and the latent code z [batch, frames, latent_dims]."""
        with torch.no_grad():
            return {"f0_hz": batch.f0_hz, "loudness_db": batch.loudness_db, "z": self.encode(batch.audio)[0]}

    @torch.no_grad()
    def generate(self, controls: Controls, seed: int = 0) -> Tensor:
        """Play `f0_hz` and `loudness_db` [batch, frames]; without `z` the code is zero, its prior mean."""
        f0_hz, loudness_db = controls["f0_hz"], controls["loudness_db"]
        z = controls.get("z")
        z = f0_hz.new_zeros(*f0_hz.shape, self.config.latent_dims) if z is None else z
        noise = _noise(1, f0_hz.shape[1], torch.Generator().manual_seed(seed))
        return self.render(f0_hz, self.decode(f0_hz, loudness_db, z), noise)

    def rehearsal(self, seconds: float = 1.0) -> dict[str, Tensor]:
        """An A4 of -20 dB with a latent code of zero."""
        frames = round(seconds * MODEL_RATE / HOP)
        return {
            "f0_hz": torch.full((1, frames), 440.0),
            "loudness_db": torch.full((1, frames), -20.0),
            "z": torch.zeros(1, frames, self.config.latent_dims),
            "state": torch.zeros(1, 1, self.widths["h"]),
        }

    def network(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The decoder: (f0_hz, loudness_db, z, state) -> (partials, noise, state)."""
        heard = self.decode(*inputs)
        return heard["partials"], heard["noise"], heard["state"]

    def macs_per_second(self) -> dict[str, float]:
        """Count the decoder frame by frame, the synthesiser sample by sample; the encoder is not needed to play."""
        w, frames = self.widths, MODEL_RATE / HOP
        dense = w["f1"] + w["f1"] * w["f2"] + w["f2"] * w["f3"] + w["l1"] + w["l1"] * w["l2"] + w["l2"] * w["l3"]
        dense += w["h"] * w["o1"] + w["o1"] * w["o2"] + w["o2"] * w["o3"]
        n_in, n_out = w["f3"] + w["l3"] + self.config.latent_dims, 1 + self.config.n_partials + self.config.n_bands
        n_taps = 2 * (self.config.n_bands - 1)
        return {
            "dense": frames * dense,
            "recurrent": frames * 3 * w["h"] * (n_in + w["h"]),
            "outputs": frames * w["o3"] * n_out,
            # A sine by recurrence is one multiply-add, its amplitude another (and one for the line between frames).
            "sines": MODEL_RATE * 3.0 * self.config.n_partials,
            "noise": MODEL_RATE * float(n_taps) + frames * n_taps * self.config.n_bands,
            "reverb": MODEL_RATE * float(round(self.config.reverb_seconds * MODEL_RATE)),
        }

    def streaming_state(self) -> dict[str, int]:
        """The GRU, the phase with the last amplitudes, the tail of the noise, the past of the room."""
        return {
            "recurrent": self.widths["h"],
            "sines": 1 + self.config.n_partials,
            "noise": 2 * (self.config.n_bands - 1),
            "reverb": round(self.config.reverb_seconds * MODEL_RATE),
        }


class _Dense(nn.Module):
    """Three dense layers, each Linear - LayerNorm - ReLU, over [batch, frames, features]."""

    def __init__(self, n_in: int, sizes: list[int], layer_norm: bool) -> None:
        super().__init__()
        self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in zip([n_in, *sizes], sizes))
        self.norm = nn.ModuleList(nn.LayerNorm(size) if layer_norm else nn.Identity() for size in sizes)

    def forward(self, x: Tensor, watch, groups: tuple[str, ...]) -> Tensor:
        for group, linear, normalise in zip(groups, self.linear, self.norm):
            x = normalise(linear(x)).relu()
            watch(group, x.transpose(1, 2))
        return x

    def layout(self, prefix: str, source: Axis, groups: tuple[str, ...]) -> dict[str, tuple[Axis, ...]]:
        layout: dict[str, tuple[Axis, ...]] = {}
        for i, group in enumerate(groups):
            layout[f"{prefix}.linear.{i}.weight"] = ((out(group),), source)
            layout[f"{prefix}.linear.{i}.bias"] = ((out(group),),)
            if isinstance(self.norm[i], nn.LayerNorm):
                layout[f"{prefix}.norm.{i}.weight"] = ((gamma(group),),)
                layout[f"{prefix}.norm.{i}.bias"] = ((norm(group),),)
            source = (into(group),)
        return layout


def positive(x: Tensor) -> Tensor:
    """Squash to 1e-7 .. 2, steep near zero: 2 sigmoid(x)^ln(10) + 1e-7 (Engel et al. 2020, equation 5)."""
    return 2.0 * x.sigmoid() ** log(10.0) + 1e-7


def _noise(batch: int, n_frames: int, generator: torch.Generator | None = None) -> Tensor:
    # Without a generator always the same noise, the same for every clip: then an error is a number, not a draw.
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    return 2.0 * torch.rand(batch, n_frames, HOP, generator=generator) - 1.0
