"""WaveNet's sampler in NumPy: the arithmetic of `WaveNet.generate`, without asking torch for every small product.

One step of the book's WaveNet is some fifty products of small matrices. Torch needs longer to start each than to
compute it; here the two taps of a layer, its two gates, and its two outputs are joined, and few calls are left.

Chapter: *What a model costs*.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.errors import BookError
from lib.models import mulaw
from lib.models.wavenet import WaveNet

Array = NDArray[np.float32]


class Sampler:
    """A WaveNet laid out for drawing sample after sample, all clips of a batch at once.

    Chapter: *What a model costs*.
    """

    def __init__(self, model: WaveNet) -> None:
        self.config, self.width = model.config, model.widths["r"]
        self.before, self.now = (model.first.weight[:, :, tap].detach().T.numpy() for tap in (0, 1))
        self.now = self.now + model.first.bias.detach().numpy()
        self.mixes, self.conditioning, self.outs = [], [], []
        with torch.no_grad():
            for i, (dilated, skip) in enumerate(zip(model.dilated, model.skip)):
                # sigmoid(x) = (1 + tanh(x / 2)) / 2: halve the switches, and one tanh serves both halves.
                half = torch.ones(2 * skip.in_channels)
                half[skip.in_channels :] = 0.5
                taps = torch.cat([dilated.weight[:, :, 0], dilated.weight[:, :, 1]], dim=1)
                extra = model.conditioning[i]
                self.mixes.append((taps * half[:, None]).T.contiguous().numpy())
                self.conditioning.append(
                    ((extra.weight[:, :, 0] * half[:, None]).numpy(), (half * (extra.bias + dilated.bias)).numpy())
                )
                layers = [skip] + ([model.residual[i]] if i < model.n_layers - 1 else [])
                weight, bias = (torch.cat([getattr(layer, name) for layer in layers]) for name in ("weight", "bias"))
                self.outs.append((0.5 * weight[:, :, 0].T.contiguous().numpy(), bias.numpy()))
            self.hidden, self.output = (
                layer.weight[:, :, 0].T.contiguous().numpy() for layer in (model.hidden, model.output)
            )

    def run(self, mel: Tensor, n_samples: int, seed: int = 0, sharpness: float = 1.0) -> tuple[Array, Array]:
        """Draw samples.

        Args:
            mel: [batch, n_mels, frames], as `WaveNet.controls` gives it; the last frame holds.
            n_samples: how many to draw.
            sharpness: multiplies the logits; 1 draws from the model, more prefers what is likely, infinity takes it.

        Returns:
            audio [batch, n_samples] and the logits each sample was drawn from, [batch, n_samples, n_classes].

        Raises:
            BookError: the sharpness is not above 0.
        """
        if not sharpness > 0:
            raise BookError(f"A sharpness of {sharpness} draws nothing: take a number above 0.")
        config, rng = self.config, np.random.default_rng(seed)
        batch, past, n_skip = len(mel), config.receptive_field, len(self.hidden)
        frames = mel.numpy().transpose(2, 0, 1)
        given = [frames @ weight.T + bias for weight, bias in self.conditioning]
        rings = [np.zeros((d, batch, self.width), np.float32) for d in config.dilations]
        drawn = np.full((past + n_samples, batch), config.n_classes // 2)
        logits = np.empty((n_samples, batch, config.n_classes), np.float32)
        for t in range(1 - past, n_samples):  # the silence before the clip fills the rings
            frame = min(max(t - 1, 0) // config.mel_hop, len(frames) - 1)
            x = np.tanh(self.before[drawn[t + past - 2]] + self.now[drawn[t + past - 1]])
            total = 0.0
            for ring, mix, extra, (out, bias) in zip(rings, self.mixes, given, self.outs):
                slot = t % len(ring)
                bent = np.tanh(np.concatenate([ring[slot], x], axis=1) @ mix + extra[frame])
                ring[slot] = x
                n = bent.shape[1] // 2
                both = bent[:, :n] * (1.0 + bent[:, n:]) @ out + bias  # the half is in `out`
                total = total + both[:, :n_skip]
                if both.shape[1] > n_skip:
                    x = x + both[:, n_skip:]
            if t >= 0:
                scores = np.maximum(np.maximum(total, 0.0) @ self.hidden, 0.0) @ self.output
                logits[t] = scores
                drawn[t + past] = _choose(scores, rng.random(batch), sharpness)
        audio = mulaw.decode(torch.from_numpy(drawn[past:].T.copy()), config.n_classes)
        return audio.numpy(), logits.transpose(1, 0, 2)


def _choose(logits: Array, lot: NDArray[np.float64], sharpness: float) -> NDArray[np.int64]:
    # A lot in [0, 1) falls on a class with that class's chance.
    if np.isinf(sharpness):
        return logits.argmax(axis=1)
    chance = np.exp(sharpness * (logits - logits.max(axis=1, keepdims=True))).cumsum(axis=1)
    return (chance < (lot * chance[:, -1])[:, None]).sum(axis=1).clip(max=logits.shape[1] - 1)
