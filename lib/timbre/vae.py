"""A variational auto-encoder for single spectra, told the pitch.

The encoder sees one compressed, level-normalised spectrum `x` [batch, n_bins] and the pitch; it answers
with a diagonal Gaussian over the free code `v` [batch, latent_dims]. The decoder sees the latent point
`z = [u, v]` and the pitch, and draws the spectrum again. `u` [batch, head_dims] is a code of the whole
note that is *given*, not learned here (`lib.timbre.head` makes it from the ratings); with `head_dims=0`
this is the usual VAE.

Source: Esling et al. 2018 (DAFx), section 3. Chapter: *The VAE*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.errors import BookError

#: Octaves the pitch code tells apart: C0 (MIDI 12) up to C8 (MIDI 108).
N_OCTAVES = 9
#: Twelve pitch classes and nine octaves.
PITCH_DIMS = 12 + N_OCTAVES


@dataclass(frozen=True)
class VAEConfig:
    """The shape of a VAE; see `PRESETS` for the two used in the book."""

    n_bins: int = 168
    encoder_widths: tuple[int, ...] = (256, 256, 256)
    decoder_widths: tuple[int, ...] = (192, 192, 192)
    latent_dims: int = 16
    head_dims: int = 0
    note_dims: int = 0
    pitch_dims: int = PITCH_DIMS
    layer_norm: bool = True

    @property
    def space_dims(self) -> int:
        """Dimensions of a whole latent point `z = [u, v]`."""
        return self.head_dims + self.latent_dims


#: `paper`: three layers of 2000 units and 64 dimensions, as the text has it. `book`: what the chapters train.
PRESETS: dict[str, VAEConfig] = {
    "paper": VAEConfig(encoder_widths=(2000,) * 3, decoder_widths=(2000,) * 3, latent_dims=64, layer_norm=False),
    "book": VAEConfig(),
}


def preset(name: str, **changes: object) -> VAEConfig:
    """Look up a preset and change some of its fields.

    >>> preset("book", latent_dims=3).latent_dims
    3
    >>> preset("paper").decoder_widths
    (2000, 2000, 2000)

    Raises:
        BookError: there is no such preset.
    """
    if name not in PRESETS:
        raise BookError(f"No preset {name!r}: choose one of {', '.join(PRESETS)}.")
    return replace(PRESETS[name], **changes)  # type: ignore[arg-type]


def pitch_code(midi: Tensor) -> Tensor:
    """Write a pitch as a pitch class and an octave, both linearly interpolated.

    Args:
        midi: [...] MIDI note numbers, fractions allowed; clamped to 12..119.

    Returns:
        [..., 21]: twelve pitch-class weights and nine octave weights, each summing to one.

    >>> pitch_code(torch.tensor([69.0]))[0, :12].argmax().item()
    9
    """
    midi = midi.to(torch.get_default_dtype()).clamp(12.0, 12.0 * N_OCTAVES + 11.0)
    classes = torch.arange(12, dtype=midi.dtype, device=midi.device)
    gap = (midi[..., None] - classes) % 12.0
    pitch_class = (1.0 - torch.minimum(gap, 12.0 - gap)).clamp(min=0.0)
    octave = ((midi - 18.0) / 12.0).clamp(0.0, N_OCTAVES - 1.0)  # centred on the octave's F sharp
    levels = torch.arange(N_OCTAVES, dtype=midi.dtype, device=midi.device)
    octaves = (1.0 - (octave[..., None] - levels).abs()).clamp(min=0.0)
    return torch.cat([pitch_class, octaves], dim=-1)


def mlp(sizes: Sequence[int], *, layer_norm: bool) -> nn.Sequential:
    """Stack dense layers with ReLU between them; the last is linear."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes[:-1]):
        layers.append(nn.Linear(n_in, n_out))
        if layer_norm:
            layers.append(nn.LayerNorm(n_out))
        layers.append(nn.ReLU())
    layers.append(nn.Linear(sizes[-2], sizes[-1]))
    return nn.Sequential(*layers)


class VAE(nn.Module):
    """Encode spectra to Gaussians, decode latent points to spectra, with a learned output scale.

    Chapter: *The VAE*.
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        n_in = config.n_bins + config.note_dims + config.pitch_dims
        self.encoder = mlp((n_in, *config.encoder_widths, 2 * config.latent_dims), layer_norm=config.layer_norm)
        n_code = config.space_dims + config.pitch_dims
        self.decoder = mlp((n_code, *config.decoder_widths, config.n_bins), layer_norm=config.layer_norm)
        # One scale for all bins: how far a decoded bin may be off. Learning it sets the balance between
        # reconstruction and KL from the data instead of by hand.
        self.log_scale = nn.Parameter(torch.zeros(()))

    def encode(self, x: Tensor, pitch: Tensor, note: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Give the posterior of the free code.

        Args:
            x: [batch, n_bins] standardised compressed spectra.
            pitch: [batch, pitch_dims] from `pitch_code` (ignored when the configuration has no pitch).
            note: [batch, note_dims] whole-note features, only if the configuration has them.

        Returns:
            mean and logvar, each [batch, latent_dims].
        """
        parts = [x]
        if self.config.note_dims:
            if note is None:
                raise BookError("This encoder was built to see whole-note features (note_dims > 0); pass note=.")
            parts.append(note)
        if self.config.pitch_dims:
            parts.append(pitch)
        mean, logvar = self.encoder(torch.cat(parts, dim=-1)).chunk(2, dim=-1)
        return mean, logvar.clamp(-10.0, 5.0)

    def decode(self, z: Tensor, pitch: Tensor) -> Tensor:
        """Draw the spectra of latent points: z [batch, space_dims] -> [batch, n_bins] standardised."""
        code = torch.cat([z, pitch], dim=-1) if self.config.pitch_dims else z
        return self.decoder(code)


def sample(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """Move the randomness out of the way of the gradient: mean + std * noise, all [batch, dims].

    Source: Kingma & Welling 2014, the reparameterisation trick.
    """
    return mean + (0.5 * logvar).exp() * noise


def reconstruction_nll(x: Tensor, decoded: Tensor, log_scale: Tensor) -> Tensor:
    """Negative log-likelihood in nats of each spectrum under a Gaussian around its reconstruction: [batch].

    >>> import math
    >>> nll = reconstruction_nll(torch.zeros(1, 3), torch.zeros(1, 3), torch.zeros(()))
    >>> math.isclose(nll.item(), 1.5 * math.log(2 * math.pi), rel_tol=1e-6)
    True
    """
    nll = F.gaussian_nll_loss(decoded, x, (2.0 * log_scale).exp().expand_as(x), full=True, reduction="none", eps=1e-12)
    return nll.sum(dim=-1)


def kl_to_standard(mean: Tensor, logvar: Tensor) -> Tensor:
    """Kullback-Leibler divergence in nats from N(mean, exp(logvar)) to N(0, 1): [batch].

    >>> kl_to_standard(torch.zeros(1, 2), torch.zeros(1, 2)).item()
    0.0
    """
    return 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar).sum(dim=-1)


def warm_up(step: int, n_warm: int) -> float:
    """Ramp linearly from 0 to 1 over the first `n_warm` steps.

    >>> [warm_up(s, 4) for s in (0, 2, 4, 9)]
    [0.0, 0.5, 1.0, 1.0]
    """
    return 1.0 if n_warm <= 0 else min(1.0, step / n_warm)


def count_parameters(model: nn.Module) -> int:
    """Count what training can change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
