"""A training run that can be watched: started, stopped, resumed, and drawn frame by frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from lib import corpus
from lib.errors import BookError
from lib.ratings.table import Pooled
from lib.timbre import agreement
from lib.timbre.fit import Fit, SpaceConfig
from lib.timbre.head import HeadConfig, anchors
from lib.timbre.regularizers import Target
from lib.timbre.table import FeatureTable, corpus_split, feature_table
from lib.timbre.train import STRENGTHS, Progress, RegularizerName, TrainConfig

#: Dimensions of the free code that the ratings pull on, and that the map shows.
RATED_DIMS = 8
#: Notes of each instrument on the map.
SHOWN = 18
#: Steps between two frames.
EVERY = 10


@dataclass(frozen=True)
class Frame:
    """The map at one step: positions [n, 2], terms of the loss, Pearson agreement with the ratings (training notes)."""

    step: int
    positions: np.ndarray
    reconstruction: float
    regularizer: float
    agreement: float
    seconds: float


def target_of(ratings: str | Path | Pooled | Target) -> Target:
    """Make a target: "published", a class's or one's own CSV from the rating widget, or one made before.

    Raises:
        BookError: the file cannot be read, or fewer than three instruments in it are complete.
    """
    if isinstance(ratings, Target):
        return ratings
    if ratings == "published":
        return Target.pooled()
    if not isinstance(ratings, Pooled):
        from lib.widgets.rate import merge

        ratings = merge([ratings])
    return Target.of(ratings.mean.names, ratings.mean.matrix, ratings.std)


class Session:
    """One run. `start` trains in a thread of its own and calls `show(frame)` every few steps; `stop` waits for it.

    Raises:
        BookError: no such regulariser, or nothing of the corpus is rated.
    """

    def __init__(
        self,
        target: Target,
        *,
        regularizer: RegularizerName = "l2",
        strength: float | None = None,
        steps: int = 600,
        seed: int = 0,
        table: FeatureTable | None = None,
        show: Callable[[Frame], None] = lambda frame: None,
    ) -> None:
        if regularizer not in STRENGTHS:
            raise BookError(f"No regulariser {regularizer!r}: choose {', '.join(STRENGTHS)}.")
        table = feature_table() if table is None else table
        table = table.take(table.where(instrument=[name for name in target.names if name in corpus.INSTRUMENTS]))
        rows = corpus_split(table).train
        train = TrainConfig(
            steps=steps,
            regularizer=regularizer,
            strength=STRENGTHS[regularizer] if strength is None else strength,
            regularized_dims=RATED_DIMS,
            seed=seed,
        )
        self.target, self.show = target, show
        self.fit = Fit(table, rows, SpaceConfig(train=train, note_input=True), target)
        notes = table.take(rows)
        names = dict.fromkeys(notes.instrument.tolist())
        self.notes = notes.take(np.concatenate([_evenly(np.flatnonzero(notes.instrument == name)) for name in names]))
        self.frames: list[Frame] = []
        self.seconds = 0.0
        self._thread: threading.Thread | None = None
        self.error: Exception | None = None
        self._add({"nll": float("nan"), "regularizer": 0.0}, step=0)

    @property
    def instruments(self) -> list[str]:
        """Name of the instrument of each note on the map."""
        return self.notes.instrument.tolist()

    @property
    def running(self) -> bool:
        """Whether it trains at this moment."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.fit.trainer.step >= self.fit.trainer.config.steps

    def set_strength(self, strength: float) -> None:
        """Pull harder or softer from the next step on, also while it trains."""
        trainer = self.fit.trainer
        trainer.config = replace(trainer.config, strength=strength)

    def start(self) -> None:
        """Start, or resume where it was stopped."""
        if self.running or self.finished:
            return
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present step."""
        self.fit.trainer.stop()
        self.wait()

    def wait(self) -> None:
        """Wait until it has stopped or finished."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def targets(self) -> np.ndarray:
        """Where the ratings alone would put the instruments of the map's last frame: [n_instruments, 2]."""
        names, means = self._means(self.frames[-1].positions)
        spots = dict(zip(self.target.names, anchors(self.target, HeadConfig(dims=2, scale=1.0))))
        ideal = np.stack([spots[name] for name in names])
        return _aligned(ideal, means, scale=True)

    def _run(self) -> None:
        began = time.monotonic() - self.seconds
        try:
            # In chunks: a stop that comes between two of them is not lost.
            self.fit.trainer.run(callback=lambda progress: self._progress(progress, began), every=EVERY)
        except Exception as error:  # shown by the widget, raised by whoever waits
            self.error = error

    def _progress(self, progress: Progress, began: float) -> None:
        self.seconds = time.monotonic() - began
        self._add(progress.terms, step=progress.step)
        self.show(self.frames[-1])

    @torch.no_grad()
    def _add(self, terms: dict[str, float] | object, *, step: int) -> None:
        found = dict(terms)  # type: ignore[call-overload]
        space = self.fit.space()
        v, _ = space.free_code(self.notes.spectra[:, ::3], self.notes.midi, self.notes.note)
        points = v.mean(axis=1)[:, :RATED_DIMS]
        measured = agreement.agreement(points, self.instruments, self.target)
        positions = self._flat(points)
        self.frames.append(
            Frame(step, positions, found["nll"], found["regularizer"], float(measured["pearson"]), self.seconds)
        )

    def _flat(self, points: np.ndarray) -> np.ndarray:
        """The plane in which the instruments' means spread most, turned to look like the frame before."""
        _, means = self._means(points)
        centred = points - means.mean(axis=0)
        axes = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)[2][:2]
        flat = centred @ axes.T
        return flat if not self.frames else _aligned(flat, self.frames[-1].positions)

    def _means(self, points: np.ndarray) -> tuple[list[str], np.ndarray]:
        names = list(dict.fromkeys(self.instruments))
        return names, agreement.centroids(points, self.instruments, names)


def _evenly(rows: np.ndarray) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).round().astype(int)]


def _aligned(points: np.ndarray, like: np.ndarray, *, scale: bool = False) -> np.ndarray:
    """Turn and mirror points [n, 2] to lie as near as they can to others; with `scale`, stretch and shift them too."""
    a, b = points - points.mean(axis=0), like - like.mean(axis=0)
    u, sizes, vt = np.linalg.svd(a.T @ b)
    turned = a @ (u @ vt)
    if not scale:
        return turned + points.mean(axis=0) @ (u @ vt)
    return turned * (sizes.sum() / max(float(np.square(a).sum()), 1e-12)) + like.mean(axis=0)
