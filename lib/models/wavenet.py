"""WaveNet: one sample after the other, each a choice among 256 amplitudes.

A stack of dilated causal convolutions reads the past, a gate in every layer decides what passes, and the sum of all
layers' skip outputs becomes a distribution over the next sample. `loss` needs one pass (the past is known);
`generate` needs one pass a sample, and is cheap only because every layer remembers what it has already computed.

Source: van den Oord et al. 2016; conditioning and sizes of Esling et al. 2020. Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.models import mulaw
from lib.models.base import MODEL_RATE, AudioModel, Batch, Controls, resolve_widths
from lib.models.target import mel_bands
from lib.pruning.groups import Axis, Layout, fixed, into, out


@dataclass(frozen=True)
class WaveNetConfig:
    """The shape of a WaveNet.

    Dilations are 1, 2, 4 ... `2 ** (cycle - 1)`, `n_cycles` times over; `crop` is how many samples a clip adds to one
    training step, `measured` how many to the error.
    """

    residual: int = 24
    gate: int = 24
    skip: int = 48
    cycle: int = 8
    n_cycles: int = 1
    n_mels: int = 20
    mel_fft: int = 1024
    mel_window: int = 1024
    mel_hop: int = 256
    n_classes: int = 256
    crop: int = 1024
    measured: int = 2048

    @property
    def dilations(self) -> tuple[int, ...]:
        """One dilation a layer."""
        return tuple(2**i for i in range(self.cycle)) * self.n_cycles

    @property
    def receptive_field(self) -> int:
        """How many samples one prediction looks at: two in the first kernel, one dilation more a layer."""
        return 2 + sum(self.dilations)


class WaveNet(AudioModel):
    """Past samples and a mel spectrogram in, a distribution over the next sample out.

    Groups: r (the residual stream: one set of channels through the whole stack), g1, g2, ... (the gate of a layer:
    its filter half and its switch half, of the dilated and of the conditioning convolution), s (the skip sum), o (the
    layer before the softmax).

    Chapter: *WaveNet, SING, DDSP*.
    """

    PRESETS: Mapping[str, WaveNetConfig] = {
        # Two stacks of twenty layers; the text gives no dilations, so cycles of ten as in the code.
        "text": WaveNetConfig(128, 128, 256, 10, 4, 80, 2048, 512, 512, crop=4096),
        "code": WaveNetConfig(128, 128, 256, 10, 2, 80, 2048, 512, 512, crop=4096),
        "book": WaveNetConfig(),
        "wide": WaveNetConfig(64, 64, 128),
        "toy": WaveNetConfig(4, 5, 6, 3, 2, 4, 256, 256, 64, 16, crop=32, measured=64),
    }

    def __init__(self, config: WaveNetConfig, widths: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.config = config
        self.n_layers = len(config.dilations)
        gates = {f"g{i}": config.gate for i in range(1, self.n_layers + 1)}
        self.widths = resolve_widths({"r": config.residual} | gates | {"s": config.skip, "o": config.skip}, widths)
        w = self.widths
        width = [w[f"g{i}"] for i in range(1, self.n_layers + 1)]
        self.first = nn.Conv1d(config.n_classes, w["r"], 2)
        self.dilated = nn.ModuleList(nn.Conv1d(w["r"], 2 * g, 2, dilation=d) for g, d in zip(width, config.dilations))
        self.conditioning = nn.ModuleList(nn.Conv1d(config.n_mels, 2 * g, 1) for g in width)
        self.residual = nn.ModuleList(nn.Conv1d(g, w["r"], 1) for g in width[:-1])  # nobody hears the last one
        self.skip = nn.ModuleList(nn.Conv1d(g, w["s"], 1) for g in width)
        self.hidden = nn.Conv1d(w["s"], w["o"], 1, bias=False)
        self.output = nn.Conv1d(w["o"], config.n_classes, 1, bias=False)

    def layout(self) -> Layout:
        """Say which units every number belongs to."""
        config, k1, k2 = self.config, (fixed(1),), (fixed(2),)
        layout: dict[str, tuple[Axis, ...]] = {
            "first.weight": ((out("r"),), (fixed(config.n_classes),), k2),
            "first.bias": ((out("r"),),),
            "hidden.weight": ((out("o"),), (into("s"),), k1),
            "output.weight": ((fixed(config.n_classes),), (into("o"),), k1),
        }
        for i in range(self.n_layers):
            group = f"g{i + 1}"
            halves: Axis = (out(group), out(group))  # filter, then switch
            layout[f"dilated.{i}.weight"] = (halves, (into("r"),), k2)
            layout[f"conditioning.{i}.weight"] = (halves, (fixed(config.n_mels),), k1)
            layout[f"skip.{i}.weight"] = ((out("s"),), (into(group),), k1)
            layout[f"dilated.{i}.bias"] = layout[f"conditioning.{i}.bias"] = (halves,)
            layout[f"skip.{i}.bias"] = ((out("s"),),)
            if i < self.n_layers - 1:
                layout[f"residual.{i}.weight"] = ((out("r"),), (into(group),), k1)
                layout[f"residual.{i}.bias"] = ((out("r"),),)
        return layout

    def forward(self, classes: Tensor, mel: Tensor, frame: Tensor) -> Tensor:
        """Predict what follows every sample whose whole past is there.

        Args:
            classes: int64 [batch, time]; mel: [batch, n_mels, frames]; frame: int64 [batch, time], the mel frame that
                belongs to each sample.

        Returns:
            logits [batch, n_classes, time - receptive_field + 1].
        """
        before, now = self._tables()
        # A convolution over one-hot vectors is a look-up.
        x = F.embedding(classes[:, :-1], before) + F.embedding(classes[:, 1:], now) + self.first.bias
        x = x.tanh().transpose(1, 2)
        n_out = classes.shape[1] - self.config.receptive_field + 1
        total: Tensor | float = 0.0
        for i, dilated in enumerate(self.dilated):
            if i == self.n_layers - 1:
                self.watch("r", x[..., -n_out:])
            summed = dilated(x)
            n = summed.shape[2]
            # The mel frame is known for many samples at once, so its convolution runs a frame at a time.
            summed = summed + _pick_frames(self.conditioning[i](mel), frame[:, -n:])
            gated = gate(summed)
            self.watch(f"g{i + 1}", gated[..., -n_out:])
            total = total + self.skip[i](gated[..., -n_out:])
            if i < self.n_layers - 1:
                x = x[..., -n:] + self.residual[i](gated)
        hidden = self.hidden(self.watch("s", total.relu())).relu()
        return self.output(self.watch("o", hidden))

    def loss(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Cross-entropy of the next sample in bits.

        In training, `crop` samples from a random place of each clip; otherwise the first `measured` ones.
        """
        classes = mulaw.encode(batch.audio, self.config.n_classes)
        past = self.config.receptive_field
        n = min(self.config.measured if generator is None else self.config.crop, batch.audio.shape[1])
        start = torch.zeros(len(batch), dtype=torch.long)
        if generator is not None:
            start = torch.randint(batch.audio.shape[1] - n + 1, (len(batch),), generator=generator)
        # Silence before the clip, so that its first sample has a past as well.
        padded = F.pad(classes, (past, 0), value=self.config.n_classes // 2)
        place = start[:, None] + torch.arange(past + n - 1)
        logits = self(padded.gather(1, place), self.mel(batch.audio), self._frame(place - past))
        answer = classes.gather(1, start[:, None] + torch.arange(n))
        return F.cross_entropy(logits, answer) / torch.log(torch.tensor(2.0))

    def information_target(self, batch: Batch) -> Tensor:
        """The sample to predict, bent by mu-law, and its size: [batch, 2, measured]."""
        n = min(self.config.measured, batch.audio.shape[1])
        value = mulaw.compress(batch.audio[:, :n], self.config.n_classes)
        return torch.stack([value, value.abs()], dim=1)

    def mel(self, audio: Tensor) -> Tensor:
        """Log mel spectrogram, about 0 to 1: [batch, time] -> [batch, n_mels, frames]."""
        c = self.config
        spectrum = torch.stft(
            audio, c.mel_fft, c.mel_hop, c.mel_window, torch.hann_window(c.mel_window), return_complex=True
        )
        return ((mel_bands(c.n_mels, c.mel_fft) @ spectrum.abs()).clamp(min=1e-5).log10() + 5.0) / 5.0

    def controls(self, batch: Batch) -> dict[str, Tensor]:
        """The mel spectrogram, [batch, n_mels, frames]."""
        with torch.no_grad():
            return {"mel": self.mel(batch.audio)}

    @torch.no_grad()
    def generate(self, controls: Controls, seed: int = 0, n_samples: int | None = None) -> Tensor:
        """Draw sample after sample, remembering in every layer what later samples will need.

        Args:
            controls: `mel` [batch, n_mels, frames]; `mel_hop` samples a frame unless `n_samples` is given.

        Returns:
            audio [batch, time]; the same as `generate_naively` up to rounding.
        """
        mel = controls["mel"]
        n_samples = self.config.mel_hop * (mel.shape[2] - 1) if n_samples is None else n_samples
        conditioning = [layer(mel) for layer in self.conditioning]
        draw = torch.Generator().manual_seed(seed)
        batch, past = mel.shape[0], self.config.receptive_field
        silence = torch.full((batch,), self.config.n_classes // 2)
        buffers = [mel.new_zeros(d, batch, self.widths["r"]) for d in self.config.dilations]
        drawn = [silence] * past
        before, now = self._tables()
        for t in range(-past + 1, n_samples):  # the silence before the clip fills the buffers
            previous, current = drawn[t + past - 2], drawn[t + past - 1]
            frame = min(max(t - 1, 0) // self.config.mel_hop, mel.shape[2] - 1)
            x = (before[previous] + now[current] + self.first.bias).tanh()  # [batch, r]
            total: Tensor | float = 0.0
            for i, (dilated, buffer) in enumerate(zip(self.dilated, buffers)):
                slot = t % len(buffer)
                old, buffer[slot] = buffer[slot].clone(), x
                summed = old @ dilated.weight[:, :, 0].T + x @ dilated.weight[:, :, 1].T + dilated.bias
                gated = gate(summed + conditioning[i][:, :, frame])
                total = total + gated @ self.skip[i].weight[:, :, 0].T + self.skip[i].bias
                if i < self.n_layers - 1:
                    x = x + gated @ self.residual[i].weight[:, :, 0].T + self.residual[i].bias
            if t >= 0:
                hidden = (total.relu() @ self.hidden.weight[:, :, 0].T).relu()
                chances = (hidden @ self.output.weight[:, :, 0].T).softmax(dim=1)
                drawn.append(torch.multinomial(chances, 1, generator=draw)[:, 0])
        return mulaw.decode(torch.stack(drawn[past:], dim=1), self.config.n_classes)

    @torch.no_grad()
    def generate_naively(self, controls: Controls, seed: int, n_samples: int) -> Tensor:
        """Draw the same samples by running the whole stack over the whole past for each: to compare, not to use."""
        mel, past = controls["mel"], self.config.receptive_field
        draw = torch.Generator().manual_seed(seed)
        drawn = torch.full((mel.shape[0], past), self.config.n_classes // 2)
        for t in range(n_samples):
            frame = self._frame(torch.arange(t - past, t)).expand(mel.shape[0], -1).clamp(max=mel.shape[2] - 1)
            chances = self(drawn[:, -past:], mel, frame)[:, :, -1].softmax(dim=1)
            drawn = torch.cat([drawn, torch.multinomial(chances, 1, generator=draw)], dim=1)
        return mulaw.decode(drawn[:, past:], self.config.n_classes)

    def rehearsal(self, seconds: float = 1.0) -> dict[str, Tensor]:
        """Silence and an empty spectrogram."""
        n = round(seconds * MODEL_RATE) + self.config.receptive_field - 1
        return {
            "classes": torch.full((1, n), self.config.n_classes // 2),
            "mel": torch.zeros(1, self.config.n_mels, n // self.config.mel_hop + 1),
            "frame": torch.arange(n)[None] // self.config.mel_hop,
        }

    def network(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The whole stack over known samples: (classes, mel, frame) -> (logits,)."""
        return (self(*inputs),)

    def macs_per_second(self) -> dict[str, float]:
        """Count one step of the sampler, sample by sample; the first layer is a look-up and costs no product."""
        w, gates = self.widths, [self.widths[f"g{i}"] for i in range(1, self.n_layers + 1)]
        return {
            "dilated": MODEL_RATE * sum(2.0 * w["r"] * 2 * g for g in gates),
            "conditioning": MODEL_RATE / self.config.mel_hop * sum(2.0 * g * self.config.n_mels for g in gates),
            "residual": MODEL_RATE * float(w["r"] * sum(gates[:-1])),
            "skip": MODEL_RATE * float(w["s"] * sum(gates)),
            "outputs": MODEL_RATE * float(w["s"] * w["o"] + w["o"] * self.config.n_classes),
        }

    def streaming_state(self) -> dict[str, int]:
        """One ring buffer a layer, and the last two samples."""
        return {"rings": self.widths["r"] * sum(self.config.dilations), "samples": 2}

    def _tables(self) -> tuple[Tensor, Tensor]:
        return self.first.weight[:, :, 0].T, self.first.weight[:, :, 1].T

    def _frame(self, sample: Tensor) -> Tensor:
        return sample.clamp(min=0) // self.config.mel_hop


def gate(x: Tensor) -> Tensor:
    """Let the second half of the channels (axis 1) switch the first: tanh(a) * sigmoid(b)."""
    a, b = x.chunk(2, dim=1)
    return a.tanh() * b.sigmoid()


def _pick_frames(frames: Tensor, index: Tensor) -> Tensor:
    # [batch, channels, frames], [batch, time] -> [batch, channels, time]
    return frames.gather(2, index[:, None].expand(-1, frames.shape[1], -1))
