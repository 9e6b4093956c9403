"""Train a model: seeded, the best state on validation kept, stoppable at a snapshot.

Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import cos, pi

import torch
from torch import Tensor

from lib.errors import BookError
from lib.models import make
from lib.models.base import AudioModel, Batch
from lib.models.data import clips
from lib.pruning import masking

State = dict[str, Tensor]


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. The learning rate falls along a cosine to a twentieth of its start."""

    steps: int = 600
    batch_size: int = 8
    crop_frames: int = 32
    learning_rate: float = 2e-3
    clip_gradient: float = 1.0
    evaluations: int = 4


#: What the `book` presets are trained with; the learning rates are the best of the few that were tried.
RECIPES: dict[str, TrainConfig] = {
    "ddsp": TrainConfig(),
    "sing": TrainConfig(crop_frames=50, learning_rate=1e-3),
    "wavenet": TrainConfig(crop_frames=100, learning_rate=5e-3),
}


@dataclass
class Trained:
    """What training gives back: the best state on validation, its error, the curve, and the snapshot."""

    state: State
    valid: float
    curve: list[tuple[int, float]] = field(default_factory=list)
    snapshot: State | None = None
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class AudioTask:
    """A model to train, the clips to train and judge it on, and how.

    This is all the lottery knows about sound.
    """

    model: str
    preset: str
    train_clips: Batch
    valid_clips: Batch
    test_clips: Batch
    recipe: TrainConfig

    def build(self, seed: int) -> AudioModel:
        """Make a fresh model; the same seed gives the same weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return make(self.model, self.preset)

    def valid_batches(self) -> list[Batch]:
        """What criteria look at."""
        return chunks(self.valid_clips, 32)

    def train(
        self,
        model: AudioModel,
        *,
        seed: int,
        start_step: int = 0,
        snapshot_at: int | None = None,
        masks: Mapping[str, Tensor] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Trained:
        """Train a model in place from `start_step` of the schedule to its end; see `train`."""
        return train(
            model,
            self.train_clips,
            self.valid_clips,
            self.recipe,
            seed=seed,
            start_step=start_step,
            snapshot_at=snapshot_at,
            masks=masks,
            progress=progress,
        )

    def error(self, model: AudioModel, side: str) -> float:
        """Measure the error on the "valid" or the "test" recordings."""
        return error(model, {"valid": self.valid_clips, "test": self.test_clips}[side])


def task(
    model: str, preset: str = "book", *, seconds: float = 1.0, n_clips: int | None = None, **recipe: float
) -> AudioTask:
    """Set up training of a model on the corpus.

    Args:
        n_clips: take only so many clips of each side, evenly spread, to try things out.
        recipe: fields of `TrainConfig` to change.
    """
    sides = [clips(split, seconds) for split in ("train", "valid", "test")]
    if n_clips is not None:
        sides = [side.take(torch.linspace(0, len(side) - 1, min(n_clips, len(side))).long()) for side in sides]
    return AudioTask(model, preset, *sides, replace(RECIPES[model], **recipe))


def train(
    model: AudioModel,
    train_clips: Batch,
    valid_clips: Batch,
    config: TrainConfig,
    *,
    seed: int = 0,
    start_step: int = 0,
    snapshot_at: int | None = None,
    masks: Mapping[str, Tensor] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Trained:
    """Train a model in place, and leave it in its best state on validation.

    Every step draws from its own seed, so a run repeats exactly, whatever happened before it.

    Args:
        start_step: where on the schedule to begin; a rewound model begins at its snapshot.
        snapshot_at: keep the state before this step.
        masks: weights to hold at zero, as made by `lib.pruning.masking`.
        progress: called with (step, steps).

    Raises:
        BookError: the loss is not a finite number any more.
    """
    started = time.process_time()
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    every = max(1, (config.steps - start_step) // config.evaluations)
    result = Trained(state={}, valid=float("inf"))
    if masks is not None:
        masking.apply(model, masks)
    for step in range(start_step, config.steps):
        if step == snapshot_at:
            result.snapshot = copy_state(model)
        _one_step(model.train(), optimiser, train_clips, config, seed, step, masks)
        done = step + 1 - start_step
        if done % every == 0 or step + 1 == config.steps:
            valid = error(model, valid_clips)
            result.curve.append((step + 1, valid))
            if valid < result.valid:
                result.valid, result.state = valid, copy_state(model)
        if progress is not None:
            progress(step + 1, config.steps)
    if not result.state:
        raise BookError("Training never gave a finite validation error; lower the learning rate.")
    model.load_state_dict(result.state)
    result.cpu_seconds = time.process_time() - started
    return result


@torch.no_grad()
def error(model: AudioModel, batch: Batch, chunk: int = 32) -> float:
    """Mean error over clips, in evaluation mode and without anything random."""
    was_training = model.training
    model.eval()
    total = sum(float(model.loss(part)) * len(part) for part in chunks(batch, chunk))
    model.train(was_training)
    return total / len(batch)


def chunks(batch: Batch, size: int) -> list[Batch]:
    """Cut a batch into parts of at most `size` clips."""
    return [batch.take(slice(start, start + size)) for start in range(0, len(batch), size)]


def copy_state(model: AudioModel) -> State:
    """Copy all tensors of a model."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _one_step(
    model: AudioModel,
    optimiser: torch.optim.Optimizer,
    data: Batch,
    config: TrainConfig,
    seed: int,
    step: int,
    masks: Mapping[str, Tensor] | None,
) -> None:
    drawn = torch.Generator().manual_seed(1_000_003 * (seed + 1) + step)
    picked = data.take(torch.randint(len(data), (config.batch_size,), generator=drawn))
    latest = picked.f0_hz.shape[1] - config.crop_frames
    start = torch.randint(max(0, latest) + 1, (config.batch_size,), generator=drawn)
    if latest > 0:
        picked = picked.crop(start, config.crop_frames)
    for group in optimiser.param_groups:
        group["lr"] = config.learning_rate * (0.05 + 0.95 * 0.5 * (1.0 + cos(pi * step / config.steps)))
    optimiser.zero_grad()
    loss = model.loss(picked, drawn)
    if not torch.isfinite(loss):
        raise BookError(f"Training diverged at step {step}: the loss is {loss.item()}. Lower the learning rate.")
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_gradient)
    if masks is not None:
        masking.mask_gradients(model, masks)
    optimiser.step()
