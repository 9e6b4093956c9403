"""A code of the whole note that carries the ratings: a small classifier in front of fixed anchors.

Multidimensional scaling turns the ratings into one point per instrument, its *anchor*. A linear
discriminant turns the features of a note into probabilities of the instruments, and the note's code is the
mean anchor under these probabilities: `u = softmax(logits / temperature) @ anchors`. Nothing is trained by
descent; the whole head is one matrix.

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
    """How a head is fitted: anchors' dimensions and size, softness, and shrinkage of the covariance."""

    dims: int = 8
    scale: float = 6.0
    temperature: float = 1.5
    shrinkage: float = 0.05


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
    config: HeadConfig | None = None,
) -> Head:
    """Fit a linear discriminant in which every instrument, and every recording of it, weighs the same.

    Without that balance a recording that covers ten keys counts ten times, though it is one player on one
    day; recordings, not keys, are what a new sound differs in.

    Args:
        features: [n_notes, n_features] whole-note features.
        instruments: the rated instrument of each note; recordings: its root recording.
        target: ratings; only instruments that occur in `instruments` get an anchor.

    Raises:
        BookError: fewer than two instruments, or one that nobody rated.
    """
    config = config or HeadConfig()
    target.rows(instruments)
    labels = np.asarray(instruments)
    names = tuple(name for name in target.names if (labels == name).any())
    if len(names) < 2:
        raise BookError("A head needs at least two rated instruments.")
    weight = recording_weights(labels, np.asarray(recordings))
    centre = weight @ features
    spread = np.sqrt(weight @ np.square(features - centre)) + 1e-6
    x = np.clip((features - centre) / spread, -CLIP, CLIP)
    means = np.stack([np.average(x[labels == name], axis=0, weights=weight[labels == name]) for name in names])
    rest = x - means[[names.index(label) for label in labels.tolist()]]
    scatter = (rest * weight[:, None]).T @ rest
    # Some 100 recordings cannot tell all correlations of 80 features; pull them toward none.
    isotropic = np.eye(len(scatter)) * np.trace(scatter) / len(scatter)
    scatter = (1.0 - config.shrinkage) * scatter + config.shrinkage * isotropic
    weights = np.linalg.solve(scatter, means.T).T
    rows = [target.names.index(name) for name in names]
    seen = Target.of(names, target.mean.numpy()[np.ix_(rows, rows)])
    bias = -0.5 * (weights * means).sum(axis=1)
    return Head(names, centre, spread, weights, bias, anchors(seen, config), config.temperature)


def recording_weights(labels: np.ndarray, recordings: np.ndarray) -> np.ndarray:
    """Weights of notes that make instruments equal, and recordings equal within an instrument; they sum to one.

    >>> recording_weights(np.array(["a", "a", "a", "b"]), np.array(["1", "1", "2", "3"])).tolist()
    [0.125, 0.125, 0.25, 0.5]
    """
    weight = np.zeros(len(labels))
    for name in np.unique(labels):
        own = np.flatnonzero(labels == name)
        _, group, size = np.unique(recordings[own], return_inverse=True, return_counts=True)
        weight[own] = 1.0 / (size[group] * len(size))
    return weight / weight.sum()
