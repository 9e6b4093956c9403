"""Train a timbre space: seeded, in one or two stages, watched as it goes, stopped and resumed at will.

Chapter: *Regularising with perception* (the live map) and *The VAE*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from math import cos, pi
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from lib.errors import BookError
from lib.timbre import regularizers
from lib.timbre.regularizers import Target
from lib.timbre.vae import VAE, VAEConfig, kl_to_standard, pitch_code, reconstruction_nll, sample, warm_up

RegularizerName = Literal["none", "prior", "l2", "gaussian", "student_text", "student_code"]


@dataclass(frozen=True)
class TrainConfig:
    """How a space is trained. `regularized_dims=None` means every latent dimension."""

    steps: int = 1000
    batch_size: int = 96
    learning_rate: float = 1e-3
    beta: float = 0.1
    warm_up: float = 0.3
    regularizer: RegularizerName = "none"
    strength: float = 1.0
    regularized_dims: int | None = 8
    #: Share of the steps after which the regulariser joins; 0 is training in one stage.
    stage_two: float = 0.0
    #: Noise on the given code `u`, so that the decoder does not memorise notes by it.
    head_noise: float = 0.3
    seed: int = 0


#: Strengths at which each regulariser brings training recordings near the ratings (see the results files).
STRENGTHS: dict[str, float] = {
    "none": 0.0, "prior": 3.0, "l2": 10.0, "gaussian": 10.0, "student_text": 1000.0, "student_code": 300.0,
}  # fmt: skip


@dataclass(frozen=True)
class TrainingSet:
    """What training needs of the notes.

    x [n_notes, n_frames, n_bins] standardised; midi [n_notes]; instruments: n_notes names; weight [n_notes]:
    how often a note is drawn; note [n_notes, note_dims] and code [n_notes, head_dims], where the model has them.
    """

    x: Tensor
    midi: Tensor
    instruments: tuple[str, ...]
    weight: Tensor
    note: Tensor | None = None
    code: Tensor | None = None


@dataclass(frozen=True)
class Progress:
    """What a callback is told: step, the terms of the loss at this step, and the model itself."""

    step: int
    steps: int
    terms: Mapping[str, float]
    model: VAE


class Trainer:
    """A training run that can be stopped anywhere and resumed to the same numbers.

    Every step draws from a generator seeded by (seed, step), so a resumed run repeats the uninterrupted one
    exactly.

    Args:
        target: ratings, needed by every regulariser but "none"; anchors: name -> point, needed by "prior".

    Raises:
        BookError: a regulariser misses what it needs, or an instrument is not rated.
    """

    def __init__(
        self,
        model: VAEConfig,
        config: TrainConfig,
        data: TrainingSet,
        *,
        target: Target | None = None,
        anchors: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        if config.regularizer != "none":
            if target is None:
                raise BookError(f"Regulariser {config.regularizer!r} needs ratings; pass target=.")
            target.rows(data.instruments)
        if config.regularizer == "prior" and anchors is None:
            raise BookError("The class prior needs anchors; make them with lib.timbre.head.anchors.")
        if (model.head_dims > 0) != (data.code is not None):
            raise BookError("head_dims of the model and code of the data must come together.")
        torch.manual_seed(config.seed)
        self.model = VAE(model)
        self.config, self.data, self.target = config, data, target
        self.anchors = {k: torch.as_tensor(v, dtype=torch.float32) for k, v in (anchors or {}).items()}
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=config.learning_rate)
        self.step = 0
        self._stopping = False
        self._pitch = pitch_code(data.midi)

    def run(
        self, steps: int | None = None, *, callback: Callable[[Progress], None] | None = None, every: int = 50
    ) -> VAE:
        """Train up to the configured step, or `steps` further ones; call back every `every` steps.

        Raises:
            BookError: the loss stopped being a finite number.
        """
        end = self.config.steps if steps is None else min(self.config.steps, self.step + steps)
        self._stopping = False
        while self.step < end and not self._stopping:
            terms = self._one_step()
            self.step += 1
            if callback is not None and (self.step % every == 0 or self.step == end):
                callback(Progress(self.step, self.config.steps, terms, self.model))
        return self.model

    def stop(self) -> None:
        """Ask a running `run` to return after the current step; `run` again resumes."""
        self._stopping = True

    def state(self) -> dict[str, Any]:
        """Everything needed to resume, made of tensors and plain numbers."""
        return {
            "step": self.step,
            "config": asdict(self.config),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a run where `state` left it.

        Raises:
            BookError: the state is from another configuration.
        """
        if dict(state["config"]) != asdict(self.config):
            raise BookError("This state belongs to a run with another configuration; start a new one.")
        self.step = int(state["step"])
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])

    def _one_step(self) -> dict[str, float]:
        config, data = self.config, self.data
        generator = torch.Generator().manual_seed(1_000_003 * (config.seed + 1) + self.step)
        picked = torch.multinomial(data.weight, config.batch_size, replacement=True, generator=generator)
        frame = torch.randint(data.x.shape[1], (config.batch_size,), generator=generator)
        x, pitch = data.x[picked, frame], self._pitch[picked]
        note = None if data.note is None else data.note[picked]
        mean, logvar = self.model.encode(x, pitch, note)
        v = sample(mean, logvar, torch.randn(mean.shape, generator=generator))
        z = v
        if data.code is not None:
            u = data.code[picked]
            z = torch.cat([u + config.head_noise * torch.randn(u.shape, generator=generator), v], dim=1)
        nll = reconstruction_nll(x, self.model.decode(z, pitch), self.model.log_scale).mean()
        kl = kl_to_standard(mean, logvar).mean()
        beta = config.beta * warm_up(self.step, round(config.warm_up * config.steps))
        loss, extra = nll + beta * kl, torch.zeros(())
        if config.regularizer != "none" and self.step >= config.stage_two * config.steps:
            names = [data.instruments[i] for i in picked.tolist()]
            extra = self._regularize(v, mean, logvar, names, generator)
            loss = loss + config.strength * extra
        if not torch.isfinite(loss):
            raise BookError(f"Training diverged at step {self.step}: lower the learning rate or the strength.")
        for group in self.optimiser.param_groups:
            group["lr"] = 0.5 * config.learning_rate * (1.0 + cos(pi * self.step / config.steps))
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"nll": nll.item(), "kl": kl.item(), "regularizer": extra.item(), "loss": loss.item()}

    def _regularize(
        self, v: Tensor, mean: Tensor, logvar: Tensor, names: list[str], generator: torch.Generator
    ) -> Tensor:
        kept = slice(0, self.config.regularized_dims)
        target = self.target
        assert target is not None
        match self.config.regularizer:
            case "prior":
                dims = v[:, kept].shape[1]
                # Anchors have few dimensions; the rest of the regularised ones aim at zero.
                wide = {k: torch.nn.functional.pad(a, (0, dims - len(a))) for k, a in self.anchors.items()}
                return regularizers.class_prior(mean[:, kept], logvar[:, kept], names, wide)
            case "l2":
                return regularizers.l2(v[:, kept], names, target)
            case "gaussian":
                noise = torch.randn(len(names), len(names), generator=generator)
                return regularizers.gaussian(v[:, kept], names, target, noise)
            case "student_text":
                return regularizers.student_text(v[:, kept], names, target)
            case "student_code":
                return regularizers.student_code(v[:, kept], names, target)
        raise BookError(f"No regulariser {self.config.regularizer!r}: choose {', '.join(STRENGTHS)}.")


def with_strength(config: TrainConfig, name: RegularizerName) -> TrainConfig:
    """Switch a configuration to a regulariser at the strength that suits it.

    >>> with_strength(TrainConfig(), "student_code").strength
    300.0
    """
    return replace(config, regularizer=name, strength=STRENGTHS[name])
