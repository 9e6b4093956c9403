"""A code of the whole note that carries the ratings: a small classifier in front of fixed anchors.

Multidimensional scaling turns the ratings into one point per instrument, its *anchor*. A linear
discriminant turns 41 features of a note into probabilities of the instruments, and the note's code is the
mean anchor under these probabilities: `u = softmax(logits / temperature) @ anchors`. Nothing is trained by
descent; the whole head is a matrix of 12 x 41 numbers.

This generalises to recordings never heard far better than distances forced on a latent space batch by
batch, and it is honest about what it is: a soft code for *names*. The chapter measures how far that goes.

Chapter: *Regularising with perception*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.errors import BookError
from lib.ratings.mds import smacof
from lib.ratings.table import Dissimilarities
from lib.timbre.regularizers import Target

#: Features further than this many standard deviations out say "unlike anything", no more.
CLIP = 4.0


@dataclass(frozen=True)
class HeadConfig:
    """How a head is fitted: anchors' dimensions and size, softness, and draws per instrument."""

    dims: int = 4
    scale: float = 6.0
    temperature: float = 1.5
    draws: int = 150


@dataclass(frozen=True)
class Head:
    """A fitted head: `features` [n, n_features] -> `code` [n, dims]."""

    names: tuple[str, ...]
    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    anchors: np.ndarray
    temperature: float

    def standardise(self, features: np.ndarray) -> np.ndarray:
        """Subtract the training mean, divide by the training spread, clip: [n, n_features]."""
        return np.clip((features - self.centre) / self.spread, -CLIP, CLIP)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """How much each note is like each instrument, softened by the temperature: [n, n_names]."""
        logits = (self.standardise(features) @ self.weights.T + self.bias) / self.temperature
        logits -= logits.max(axis=1, keepdims=True)
        likeness = np.exp(logits)
        return likeness / likeness.sum(axis=1, keepdims=True)

    def code(self, features: np.ndarray) -> np.ndarray:
        """The rated part of a note's latent point: [n, dims]."""
        return (self.probabilities(features) @ self.anchors).astype(np.float32)


def anchors(target: Target, config: HeadConfig | None = None) -> np.ndarray:
    """Place each rated instrument so that distances follow the ratings: [n_names, dims], centred.

    Metric multidimensional scaling; a rating of 1 is a distance of `scale`.

    >>> target = Target.of(("a", "b", "c"), np.array([[0, .3, .4], [.3, 0, .5], [.4, .5, 0]]))
    >>> spots = anchors(target, HeadConfig(dims=2, scale=1.0))
    >>> [round(float(np.linalg.norm(spots[i] - spots[j])), 3) for i, j in ((0, 1), (0, 2), (1, 2))]
    [0.3, 0.4, 0.5]
    """
    config = config or HeadConfig()
    dims = min(config.dims, len(target.names) - 1)
    points = smacof(Dissimilarities(target.names, target.mean.numpy()), dims, starts=4).points
    points = np.pad(points - points.mean(axis=0), ((0, 0), (0, config.dims - dims)))
    return config.scale * points


def fit(
    features: np.ndarray,
    instruments: Sequence[str],
    recordings: Sequence[str],
    target: Target,
    *,
    seed: int,
    config: HeadConfig | None = None,
) -> Head:
    """Fit the discriminant on notes drawn with equal weight per instrument and per recording.

    Without that balance a recording that covers ten keys counts ten times, though it is one player on one
    day; recordings, not keys, are what a new sound differs in.

    Args:
        features: [n_notes, n_features] whole-note features.
        instruments: the rated instrument of each note; recordings: its root recording.
        target: ratings; only instruments that occur in `instruments` get an anchor.

    Raises:
        BookError: fewer than two instruments, or one that nobody rated.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    config = config or HeadConfig()
    labels = np.asarray(instruments)
    names = tuple(name for name in target.names if name in set(instruments))
    target.rows(instruments)
    if len(names) < 2:
        raise BookError("A head needs at least two rated instruments.")
    drawn = balanced_draw(labels, np.asarray(recordings), names, config.draws, seed)
    centre, spread = features[drawn].mean(axis=0), features[drawn].std(axis=0) + 1e-6
    standard = np.clip((features[drawn] - centre) / spread, -CLIP, CLIP)
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=np.full(len(names), 1.0 / len(names)))
    lda.fit(standard, labels[drawn])
    order = [list(lda.classes_).index(name) for name in names]
    weights, bias = lda.coef_, lda.intercept_
    if len(names) == 2:
        weights, bias = np.stack([-weights[0], weights[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
    rows = [target.names.index(name) for name in names]
    seen = Target.of(names, target.mean.numpy()[np.ix_(rows, rows)])
    return Head(names, centre, spread, weights[order], bias[order], anchors(seen, config), config.temperature)


def balanced_draw(
    labels: np.ndarray, recordings: np.ndarray, names: Sequence[str], n_each: int, seed: int
) -> np.ndarray:
    """Draw `n_each` notes of each instrument, its recordings equally likely: indices [len(names) * n_each]."""
    rng = np.random.default_rng(seed)
    drawn = []
    for name in names:
        own = np.flatnonzero(labels == name)
        _, group, size = np.unique(recordings[own], return_inverse=True, return_counts=True)
        weight = 1.0 / size[group]
        drawn.append(rng.choice(own, size=n_each, p=weight / weight.sum()))
    return np.concatenate(drawn)
