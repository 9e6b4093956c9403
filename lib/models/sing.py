"""SING: a convolutional auto-encoder that writes sound 1024 samples at a time.

The auto-encoder half of SING, without the LSTM, as both published versions of the diet paper use it: a strided
convolution hears windows of 1024 samples every 256, dense layers turn each into a short code, and a transposed
convolution overlaps the windows it draws.

Source: Défossez et al. 2018, section 3; Esling et al. 2020. Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from lib.models.base import MODEL_RATE, AudioModel, Batch, Controls, resolve_widths
from lib.models.losses import log_power
from lib.models.target import log_spectrum_frames
from lib.pruning.groups import Axis, Layout, fixed, into, out

WINDOW, STRIDE = 1024, 256
#: Silence put before and after a clip, in samples, so that its ends are covered by as many windows as its middle.
PADDING = 2304


@dataclass(frozen=True)
class SINGConfig:
    """The shape of the auto-encoder: width, length of the code, kernel of the decoder's first layer.

    `log_gain` is the gain of `losses.log_power`; `weight_norm` writes every kernel as length times direction.
    """

    channels: int = 128
    latent_dims: int = 16
    kernel: int = 6
    log_gain: float = 100.0
    weight_norm: bool = False


class SING(AudioModel):
    """Sound in, a code every 16 ms, sound out.

    Groups: e1-e3 (encoder) and d1-d3 (decoder) channels. The code between them is fixed.

    Chapter: *WaveNet, SING, DDSP*.
    """

    PRESETS: Mapping[str, SINGConfig] = {
        # "9 conv1d layers, 4096 channels, latent 128": a kernel of 9 gives the 80.8 M weights of that size.
        "text": SINGConfig(4096, 128, 9, 1.0),
        "code": SINGConfig(2048, 16, 6, 1.0),
        "book": SINGConfig(),
        "wide": SINGConfig(512),
        "toy": SINGConfig(6, 3, 6),
    }

    def __init__(self, config: SINGConfig, widths: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.config = config
        self.widths = resolve_widths(dict.fromkeys(("e1", "e2", "e3", "d1", "d2", "d3"), config.channels), widths)
        w = self.widths
        self.encoder = nn.ModuleList(
            [
                nn.Conv1d(1, w["e1"], WINDOW, stride=STRIDE),
                nn.Conv1d(w["e1"], w["e2"], 1),
                nn.Conv1d(w["e2"], w["e3"], 1),
                nn.Conv1d(w["e3"], config.latent_dims, 1),
            ]
        )
        self.decoder = nn.ModuleList(
            [
                nn.Conv1d(config.latent_dims, w["d1"], config.kernel),
                nn.Conv1d(w["d1"], w["d2"], 1),
                nn.Conv1d(w["d2"], w["d3"], 1),
                nn.ConvTranspose1d(w["d3"], 1, WINDOW, stride=STRIDE),
            ]
        )
        if config.weight_norm:
            for layer in (*self.encoder, *self.decoder):
                weight_norm(layer)
        # Both long kernels fade in and out, so that windows meet without clicks.
        self.register_buffer("window", torch.hann_window(WINDOW).square(), persistent=False)

    def layout(self) -> Layout:
        """Say which units every number belongs to."""
        source: dict[str, tuple[Axis, ...]] = {
            "encoder.0": ((out("e1"),), (fixed(1),), (fixed(WINDOW),)),
            "encoder.1": ((out("e2"),), (into("e1"),), (fixed(1),)),
            "encoder.2": ((out("e3"),), (into("e2"),), (fixed(1),)),
            "encoder.3": ((fixed(self.config.latent_dims),), (into("e3"),), (fixed(1),)),
            "decoder.0": ((out("d1"),), (fixed(self.config.latent_dims),), (fixed(self.config.kernel),)),
            "decoder.1": ((out("d2"),), (into("d1"),), (fixed(1),)),
            "decoder.2": ((out("d3"),), (into("d2"),), (fixed(1),)),
            # A transposed convolution has its inputs on axis 0.
            "decoder.3": ((into("d3"),), (fixed(1),), (fixed(WINDOW),)),
        }
        layout: dict[str, tuple[Axis, ...]] = {}
        for name, axes in source.items():
            layout[f"{name}.bias"] = ((fixed(1),),) if name == "decoder.3" else (axes[0],)
            if self.config.weight_norm:
                layout[f"{name}.parametrizations.weight.original0"] = (axes[0], (fixed(1),), (fixed(1),))
                layout[f"{name}.parametrizations.weight.original1"] = axes
            else:
                layout[f"{name}.weight"] = axes
        return layout

    def encode(self, audio: Tensor) -> Tensor:
        """Code each window of 1024 samples: [batch, time] -> [batch, latent_dims, windows]."""
        first, second, third, last = self.encoder
        x = F.pad(audio[:, None], (PADDING, PADDING + -audio.shape[1] % STRIDE))
        x = self.watch("e1", F.conv1d(x, first.weight * self.window, first.bias, stride=STRIDE).relu())
        x = self.watch("e2", second(x).relu())
        return last(self.watch("e3", third(x).relu()))

    def draw(self, z: Tensor) -> Tensor:
        """Draw and overlap the windows of a code [batch, latent_dims, windows]: audio [batch, time], ends included."""
        first, second, third, last = self.decoder
        x = self.watch("d1", first(z).relu())
        x = self.watch("d2", second(x).relu())
        x = self.watch("d3", third(x).relu())
        return F.conv_transpose1d(x, last.weight * self.window, last.bias, stride=STRIDE)[:, 0]

    def decode(self, z: Tensor, length: int | None = None) -> Tensor:
        """Draw a code that `encode` made, without the padding, and cut it to `length` samples if that is given."""
        audio = self.draw(z)
        # The decoder's first kernel uses up kernel - 1 windows, half of them on each side.
        early = PADDING - STRIDE * (self.config.kernel - 1) // 2
        return audio[:, early : audio.shape[1] - early] if length is None else audio[:, early : early + length]

    def loss(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Squared difference of log power spectra; nothing in it is random."""
        heard = self.decode(self.encode(batch.audio), batch.audio.shape[1])
        return log_power(heard, batch.audio, WINDOW, STRIDE, self.config.log_gain)

    def information_target(self, batch: Batch) -> Tensor:
        """The log spectrum of every window in 24 bands: [batch, 24, windows]."""
        padded = F.pad(batch.audio, (PADDING, PADDING))
        return log_spectrum_frames(padded, STRIDE)

    def controls(self, batch: Batch) -> dict[str, Tensor]:
        """The code z [batch, latent_dims, windows] and the length of the clip in samples."""
        with torch.no_grad():
            return {"z": self.encode(batch.audio), "length": torch.tensor(batch.audio.shape[1])}

    @torch.no_grad()
    def generate(self, controls: Controls, seed: int = 0) -> Tensor:
        """Decode `z`; cut to `length` samples if that is given. Nothing is random, so `seed` changes nothing."""
        length = controls.get("length")
        return self.decode(controls["z"], None if length is None else int(length))

    def rehearsal(self, seconds: float = 1.0) -> dict[str, Tensor]:
        """A code of noise."""
        windows = round(seconds * MODEL_RATE / STRIDE) + self.config.kernel - 1
        return {"z": torch.randn(1, self.config.latent_dims, windows, generator=torch.Generator().manual_seed(0))}

    def network(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The decoder: (z,) -> (audio,)."""
        return (self.draw(*inputs),)

    def macs_per_second(self) -> dict[str, float]:
        """Count the decoder, window by window."""
        w, windows = self.widths, MODEL_RATE / STRIDE
        return {
            "convolution": windows * self.config.latent_dims * self.config.kernel * w["d1"],
            "pointwise": windows * (w["d1"] * w["d2"] + w["d2"] * w["d3"]),
            "transposed": windows * w["d3"] * WINDOW,
        }

    def streaming_state(self) -> dict[str, int]:
        """The codes the first kernel still needs, and the tail of the overlapped windows."""
        return {
            "convolution": self.config.latent_dims * (self.config.kernel - 1),
            "overlap": WINDOW - STRIDE,
        }
