"""From a feature table and a split to a trained space, in one call.

Chapter: *Regularising with perception*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from lib.timbre import features
from lib.timbre.head import Head, HeadConfig, anchors
from lib.timbre.head import fit as fit_head
from lib.timbre.note_features import NOTE_DIMS
from lib.timbre.regularizers import Target
from lib.timbre.space import Forecast, Space, Standard
from lib.timbre.table import FeatureTable
from lib.timbre.train import Progress, TrainConfig, Trainer, TrainingSet
from lib.timbre.vae import VAEConfig


@dataclass(frozen=True)
class SpaceConfig:
    """All choices of one space.

    `use_head` gives the recipe: ratings come in through the whole-note head. Without it, whole-note
    features can enter the encoder (`note_input`), so that distances forced on the latent space by the
    paper's regularisers may use the same information.
    """

    vae: VAEConfig = field(default_factory=VAEConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    use_head: bool = False
    note_input: bool = False


class Fit:
    """A space in the making: `trainer` can be run, watched, stopped and resumed; `space()` is its present state."""

    def __init__(
        self, table: FeatureTable, rows: np.ndarray, config: SpaceConfig, target: Target, *, name: str = "live"
    ) -> None:
        self._notes = notes = table.take(rows)
        instruments, recordings = notes.instrument.tolist(), notes.recording.tolist()
        compressed = features.compress(notes.spectra, notes.front)
        self.name, self.front, self.config = name, notes.front, config
        self.scale = Standard(compressed.mean(), compressed.std())
        self.head: Head | None = None
        self.short_head: Head | None = None
        self.note_scale: Standard | None = None
        code = note = None
        if config.use_head:
            self.head = fit_head(notes.note, instruments, recordings, target, config=config.head)
            self.short_head = fit_head(notes.short, instruments, recordings, target, config=config.head)
            code = torch.from_numpy(self.head.code(notes.note))
        if config.note_input:
            self.note_scale = Standard(notes.note.mean(axis=0), notes.note.std(axis=0) + 1e-6)
            note = torch.from_numpy(self.note_scale.apply(notes.note))
        shape = replace(
            config.vae,
            n_bins=notes.spectra.shape[2],
            head_dims=config.head.dims if config.use_head else 0,
            note_dims=NOTE_DIMS if config.note_input else 0,
        )
        data = TrainingSet(
            x=torch.from_numpy(self.scale.apply(compressed)),
            midi=torch.as_tensor(notes.midi, dtype=torch.float32),
            instruments=tuple(instruments),
            weight=torch.as_tensor(instrument_weights(notes.instrument), dtype=torch.float32),
            note=note,
            code=code,
        )
        spots = dict(zip(target.names, anchors(target, config.head)))
        self.trainer = Trainer(shape, config.train, data, target=target, anchors=spots)

    def space(self) -> Space:
        """The space as it is now, with what the rated code foretells taken out of the free code."""
        space = Space(
            self.name, self.front, self.trainer.model.eval(), self.scale, self.head, self.short_head, self.note_scale
        )
        if not self.config.use_head:
            return space
        notes = self._notes
        v, _ = space.free_code(notes.spectra, notes.midi, notes.note)
        u = space.rated_code(notes.note)
        forecast = Forecast.fit(u, v.mean(axis=1), instrument_weights(notes.instrument))
        return replace(space, model=forecast.folded(space.model), forecast=forecast)


def instrument_weights(instrument: np.ndarray) -> np.ndarray:
    """Draw every instrument equally often, however many notes it has: [n]."""
    _, group, count = np.unique(instrument, return_inverse=True, return_counts=True)
    return 1.0 / count[group]


def fit_space(
    table: FeatureTable,
    rows: np.ndarray,
    config: SpaceConfig | None = None,
    target: Target | None = None,
    *,
    name: str = "live",
    callback: Callable[[Progress], None] | None = None,
    every: int = 50,
) -> Space:
    """Train a space on some rows of a feature table.

    Args:
        target: ratings between instruments; the pooled ratings by default, or a reader's own.
        callback: told of the progress every `every` steps.

    Raises:
        BookError: an instrument is not rated, or training diverged.
    """
    fit = Fit(table, rows, config or SpaceConfig(), target or Target.pooled(), name=name)
    fit.trainer.run(callback=callback, every=every)
    return fit.space()
