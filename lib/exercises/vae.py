"""Exercises of *The VAE*."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.exercises import choice, function, numeric

Array = NDArray[np.float64]

MEAN, STD = 0.5, 0.5


def kl_between(mean_a: Array, logvar_a: Array, mean_b: Array, logvar_b: Array) -> Array:
    """KL divergence in nats between diagonal Gaussians a and b, summed over the last axis.

    Chapter: *The VAE*.
    """
    gap = (np.square(mean_a - mean_b) + np.exp(logvar_a)) / np.exp(logvar_b)
    return 0.5 * (gap - 1 + logvar_b - logvar_a).sum(axis=-1)


def draw(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """Draw from N(mean, exp(logvar)) with the noise handed in. Chapter: *The VAE*."""
    return mean + torch.exp(0.5 * logvar) * noise


def active_dimensions(mean: Array, logvar: Array, threshold: float) -> int:
    """Count the latent dimensions that carry more than `threshold` nats on average, [n, dims] each.

    Chapter: *The VAE*.
    """
    nats = 0.5 * (np.square(mean) + np.exp(logvar) - 1 - logvar)
    return int((nats.mean(axis=0) > threshold).sum())


def _kl_of(std: float) -> float:
    return 0.5 * (MEAN**2 + std**2 - 1 - 2 * math.log(std))


_rng = np.random.default_rng(0)
_a, _b = _rng.normal(size=(5, 3)), _rng.normal(size=(5, 3))
_pairs = [(_a, 0.3 * _b, _b, 0.5 * _a), (_b, _a - 1, 0 * _a, 0 * _a)]
_tensors = [tuple(torch.from_numpy(x) for x in (_a, _b, _b[::-1].copy()))]
_posterior = np.array([[2.0, 0.01, 1.0, 0.0], [-2.0, 0.02, 0.0, 0.0]]), np.array([[-3, 0, 0, -0.1], [-3, 0, 0, 0.1]])

EXERCISES = (
    numeric(
        "vae-nats",
        math.log(587),
        [
            (math.log2(587), "That is in bits. The losses of this chapter are in nats: take the natural logarithm."),
            (math.log10(587), "That is a logarithm to base ten. A nat is the natural one."),
            (math.log(587) / 16, "That shares the nats out over 16 dimensions. The question is about all together."),
            (587.0, "That is how many notes there are. How many nats does it take to say which?"),
        ],
        praise="Right. A code of less than that many nats cannot even name the note it came from.",
    ),
    numeric(
        "vae-kl",
        _kl_of(STD),
        [
            (
                0.5 * (MEAN**2 + STD - 1 - math.log(STD)),
                "You took the standard deviation for the variance: the very slip of this chapter. Square it.",
            ),
            (2 * _kl_of(STD), "Nearly: a factor of one half stands before the bracket."),
            (
                0.5 * (MEAN**2 + STD**2 - 1 + 2 * math.log(STD)),
                "The sign of the logarithm is wrong: a narrow cloud must cost more, not less.",
            ),
            (_kl_of(STD) - 0.5 * MEAN**2, "You left the mean out. A cloud far from the middle costs more."),
        ],
        praise="Right, in nats.",
    ),
    choice(
        "vae-logvar",
        "c",
        {
            "a": "That uses the log-variance itself as the spread. It can be negative.",
            "b": "exp(logvar) is the variance. A draw is spread by its root.",
            "d": "That squares the variance. The spread is the root of it.",
        },
        praise="Right: half of a log-variance is a log-standard-deviation.",
    ),
    function(
        "vae-kl-between",
        kl_between,
        _pairs,
        [
            (
                lambda ma, la, mb, lb: kl_between(mb, lb, ma, la),
                "That is KL(b, a). The KL is not symmetric: a is what you draw from.",
            ),
            (
                lambda ma, la, mb, lb: kl_between(ma, la, 0 * ma, 0 * la),
                "That is the KL to N(0, 1). The second Gaussian has its own mean and variance.",
            ),
            (
                lambda ma, la, mb, lb: 0.5 * (np.square(ma - mb) + np.exp(la) / np.exp(lb) - 1 + lb - la).sum(axis=-1),
                "Divide the squared distance of the means by the variance of b as well.",
            ),
            (
                lambda ma, la, mb, lb: kl_between(ma, la, mb, lb) / ma.shape[-1],
                "You averaged over the dimensions. Independent dimensions add up.",
            ),
        ],
        praise="Right. With b = N(0, 1) it is the formula of the chapter.",
    ),
    function(
        "vae-draw",
        draw,
        _tensors,
        [
            (lambda m, v, e: m + torch.exp(v) * e, "exp(logvar) is the variance: the spread is its root."),
            (lambda m, v, e: m + v * e, "logvar is a logarithm: exponentiate it first, and take the root."),
            (lambda m, v, e: torch.exp(0.5 * v) * (m + e), "The mean was scaled too. Scale the noise, then move it."),
            (lambda m, v, e: m + torch.exp(0.5 * v), "The noise is missing: every draw would be the same point."),
        ],
        praise="Right: all randomness comes in by the third argument, and gradients pass through the first two.",
    ),
    function(
        "vae-active",
        active_dimensions,
        [(*_posterior, 0.05), (*_posterior, 0.4), (_a, 0.2 * _b, 0.3)],
        [
            (
                lambda m, v, t: int((0.5 * (m**2 + np.exp(v) - 1 - v) > t).sum()),
                "You counted numbers, not dimensions: average over the spectra before you compare.",
            ),
            (
                lambda m, v, t: int((np.exp(v).mean(axis=0) > t).sum()),
                "A wide cloud is an idle dimension, and a far mean makes one busy: use the KL, not the variance.",
            ),
            (
                lambda m, v, t: int((0.5 * (m**2 + np.exp(v) - 1 - v).mean(axis=0) <= t).sum()),
                "Those are the idle ones. Count the others.",
            ),
        ],
        praise="Right. Posterior collapse is this number going to 0.",
    ),
)
