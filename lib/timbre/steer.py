"""Synthesis by descriptor: move a point so that its sound takes wanted values, and stay the instrument it is.

Two ways: Algorithm 1 of the paper, a search among neighbours in three principal dimensions by increments,
and a projection that takes the smallest change of the free code, measured by how the instrument itself
varies, to absolute targets.

Chapter: *Synthesis by descriptor*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from lib.errors import BookError
from lib.timbre.navigate import DESCRIPTORS, View, describe, described
from lib.timbre.space import Space

#: Newton steps for each target, and the error (in ranges) at which a target counts as reached.
ITERATIONS, GOOD_ENOUGH = 20, 1e-3
#: Damping of the steps tried, from Newton's own to nearly straight down: where several descriptors pull against
#: each other, an undamped step overshoots in all of them.
DAMPINGS = (1e-6, 1e-2, 0.3)
#: Lengths tried for each step, all in one pass of the decoder.
HALVINGS = 0.5 ** np.arange(7)


@dataclass(frozen=True)
class Reach:
    """What one instrument does near one pitch: 10 and 90 % points of the descriptors [4], spread of `v` [d, d]."""

    low: np.ndarray
    high: np.ndarray
    covariance: np.ndarray
    n_notes: int

    @property
    def range(self) -> np.ndarray:
        """Widths of the ranges [4]."""
        return np.maximum(self.high - self.low, 1e-9)


def column(name: str) -> int:
    """The column of a descriptor.

    Raises:
        BookError: there is none of that name.
    """
    if name not in DESCRIPTORS:
        raise BookError(f"No descriptor {name!r} to steer by: choose {', '.join(DESCRIPTORS)}.")
    return DESCRIPTORS.index(name)


def reach(space: Space, points: np.ndarray, midi: np.ndarray, around: float, *, semitones: float = 7.0) -> Reach:
    """Measure what an instrument can do around a pitch, from its notes' points [n, dims] at pitches [n].

    If fewer than eight notes lie within `semitones`, the nearest eight are taken.
    """
    gap = np.abs(np.asarray(midi) - around)
    near = np.flatnonzero(gap <= max(semitones, np.sort(gap)[min(7, len(gap) - 1)]))
    values = described(space, points[near], around)
    low, high = np.percentile(values, [10, 90], axis=0)
    v = points[near][:, space.head_dims :]
    covariance = np.atleast_2d(np.cov(v.T)) if len(near) > 1 else np.eye(v.shape[1])
    shrunk = 0.7 * covariance + 0.3 * np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
    return Reach(low, high, shrunk, len(near))


def follow(
    space: Space,
    origin: np.ndarray,
    midi: float,
    targets: np.ndarray,
    names: Sequence[str],
    limits: Reach,
    *,
    iterations: int = ITERATIONS,
) -> np.ndarray:
    """For every row of targets find the point nearest to the origin that sounds like it: [n, dims].

    Distance is Mahalanobis under the instrument's own covariance, and the rated code `u` does not move: of
    all changes that brighten an oboe, the ones oboes make come first.

    Args:
        origin: [dims]; targets: [n, len(names)] absolute values in the descriptors' units.

    Raises:
        BookError: an unknown descriptor, or targets that do not fit the names.
    """
    targets = np.asarray(targets, dtype=np.float64)
    chosen = [column(name) for name in names]
    if targets.ndim != 2 or targets.shape[1] != len(chosen) or not np.isfinite(targets).all():
        raise BookError(f"Targets must be finite numbers [n, {len(chosen)}], one column for each descriptor asked.")
    spread = np.zeros((space.dims, space.dims))
    spread[space.head_dims :, space.head_dims :] = limits.covariance
    problem = _Problem(space, midi, chosen, limits.range[chosen], spread, np.asarray(origin, dtype=np.float64))
    path, z = [], problem.origin
    for target in targets:
        z = _reach_target(problem, z, target, iterations)
        path.append(z)
    return np.stack(path).astype(np.float32)


@dataclass(frozen=True)
class _Problem:
    """One steering task: descriptors in units of the instrument's own ranges."""

    space: Space
    midi: float
    chosen: Sequence[int]
    scale: np.ndarray
    spread: np.ndarray
    origin: np.ndarray

    def linearise(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values [k] and gradients [k, dims] at one point, from one batched pass."""
        rows = torch.from_numpy(z.astype(np.float32)).expand(len(self.chosen), -1).clone().requires_grad_()
        found = describe(self.space, rows, self.midi)
        picked = found[torch.arange(len(self.chosen)), torch.tensor(self.chosen)]
        (slope,) = torch.autograd.grad(picked.sum(), rows)
        return picked.detach().numpy() / self.scale, slope.numpy().astype(np.float64) / self.scale[:, None]

    def values(self, z: np.ndarray) -> np.ndarray:
        """Values [n, k] of points [n, dims]."""
        return described(self.space, z, self.midi)[:, list(self.chosen)] / self.scale


def _reach_target(problem: _Problem, z: np.ndarray, target: np.ndarray, iterations: int) -> np.ndarray:
    """Newton steps to one target, each the shortest in the instrument's own metric, damped or halved until it helps.

    The first step starts from the nearest solution to the origin, so that a path does not drift away.
    """
    wanted = target / problem.scale
    for round_ in range(iterations):
        value, slope = problem.linearise(z)
        gap = wanted - value
        if np.abs(gap).max() < GOOD_ENOUGH:
            break
        # Anywhere on the solution set will do; the first step heads for its point nearest to the origin.
        homeward = [problem.origin - z, np.zeros_like(z)] if round_ == 0 else [np.zeros_like(z)]
        steps = [_step(problem.spread, slope, gap, back, damping) for back in homeward for damping in DAMPINGS]
        tried = np.concatenate([z + HALVINGS[:, None] * step for step in steps])
        errors = np.square(problem.values(tried) - wanted).sum(axis=1)
        error = np.square(gap).sum()
        best = 0 if errors[0] < error else int(errors.argmin())
        if errors[best] >= error:
            break
        z = tried[best]
    return z


def _step(spread: np.ndarray, slope: np.ndarray, gap: np.ndarray, back: np.ndarray, damping: float) -> np.ndarray:
    """The shortest step that closes a gap [k] along slopes [k, dims], seen from `back` of the present point: [dims]."""
    inner = slope @ spread @ slope.T
    inner += damping * (np.trace(inner) / len(inner) + 1e-12) * np.eye(len(inner))
    return back + spread @ slope.T @ np.linalg.solve(inner, gap - slope @ back)


def algorithm_1(
    space: Space,
    flat: View,
    origin: np.ndarray,
    midi: float,
    targets: np.ndarray,
    name: str,
    *,
    step: float = 0.3,
    absolute: bool = False,
) -> np.ndarray:
    """The paper's Algorithm 1: at each step the best of 26 neighbours (or staying) in three principal dimensions.

    As printed it compares *increments*, so its errors add up; `absolute=True` compares values instead.

    Args:
        flat: a view with three axes; targets: [n] values; step: in standard deviations of each axis.

    Returns:
        [n, dims].

    Source: Esling et al. 2018, Algorithm 1.
    """
    if len(flat.axes) < 3:
        raise BookError("Algorithm 1 moves in three principal dimensions; make the view with n_axes=3.")
    which = column(name)
    offsets = np.array(list(product((-1, 0, 1), repeat=3))) * step * flat.spread[:3]
    place = flat.project(origin)[:3]
    value = float(described(space, np.asarray(origin)[None], midi)[0, which])
    before, path = value, []
    for target in np.asarray(targets, dtype=np.float64):
        around = place + offsets
        points = np.stack([flat.lift(np.append(p, np.zeros(len(flat.axes) - 3)), near=origin) for p in around])
        found = described(space, points, midi)[:, which]
        gap = found - target if absolute else (found - value) - (target - before)
        best = int(np.square(gap).argmin())
        place, value, before = around[best], float(found[best]), float(target)
        path.append(points[best])
    return np.stack(path)


def shape(kind: str, start: float, end: float, n: int = 20) -> np.ndarray:
    """A target curve from start to end: "linear", "exp" (slow, then fast) or "log" (fast, then slow).

    >>> shape("linear", 0.0, 1.0, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    t = np.linspace(0.0, 1.0, n)
    curves = {"linear": t, "exp": np.expm1(3 * t) / np.expm1(3), "log": np.log1p(19 * t) / np.log(20)}
    if kind not in curves:
        raise BookError(f"No target curve {kind!r}: choose {', '.join(curves)}.")
    return start + (end - start) * curves[kind]
