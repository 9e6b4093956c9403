"""From dissimilarities to a map: classical MDS, SMACOF with weights, stress, Procrustes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lib.errors import BookError
from lib.ratings.table import Dissimilarities


@dataclass(frozen=True, eq=False)
class Map:
    """A timbre space: one point `[n, dims]` for each name, and how badly its distances fit (stress-1)."""

    names: tuple[str, ...]
    points: np.ndarray
    stress: float

    def __getitem__(self, name: str) -> np.ndarray:
        """Look up the point of one name."""
        if name not in self.names:
            raise BookError(f"No {name!r} on this map; there are {', '.join(self.names)}.")
        return self.points[self.names.index(name)]

    def distances(self) -> Dissimilarities:
        """Measure the distances on the map."""
        return Dissimilarities.from_points(self.names, self.points)


def stress_1(d: Dissimilarities, points: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Kruskal's stress-1: the root of squared misfit over squared distances on the map; 0 is a perfect map.

    `sqrt(sum w (delta - d)^2 / sum w d^2)` over all pairs, `delta` the dissimilarity, `d` the map's distance.

    Source: @kruskal1964. Chapter: *Rating timbre and timbre spaces*.
    """
    w = _weights(weights, len(d))
    on_map = _distances(np.asarray(points, dtype=np.float64))
    scale = (w * on_map**2).sum()
    return float(np.sqrt((w * (d.matrix - on_map) ** 2).sum() / scale)) if scale > 0 else 1.0


def classical_mds(d: Dissimilarities, dims: int = 2) -> Map:
    """Solve MDS in one step, as if the dissimilarities were Euclidean distances (Torgerson's method).

    Source: @borg2005, chapter 12. Chapter: *Rating timbre and timbre spaces*.

    >>> corners = Dissimilarities.from_points("abcd", [[0, 0], [3, 0], [3, 4], [0, 4]])
    >>> round(classical_mds(corners).stress, 9)
    0.0
    """
    _check_dims(d, dims)
    n = len(d)
    centring = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ d.matrix**2 @ centring)
    order = np.argsort(values)[::-1][:dims]
    points = vectors[:, order] * np.sqrt(np.maximum(values[order], 0.0))
    points = _fixed_signs(points)
    return Map(d.names, points, stress_1(d, points))


def smacof(
    d: Dissimilarities,
    dims: int = 2,
    *,
    weights: np.ndarray | None = None,
    starts: int = 16,
    seed: int = 0,
    initial: np.ndarray | None = None,
    max_iterations: int = 1000,
    tolerance: float = 1e-9,
) -> Map:
    """Find the map with the least weighted squared misfit by majorisation (SMACOF).

    It starts from the classical solution and from `starts - 1` random ones and keeps the best, since
    each start only finds the nearest valley. `weights` is a symmetric `[n, n]` matrix of trust (for
    instance the number of ratings); `initial` replaces all starts by one of your own.
    The map is turned to its principal axes, so that equal maps look equal.

    Raises:
        BookError: weights of a wrong shape, negative, or leaving the points in unconnected groups; too many dims.

    Source: @deleeuw1977; the weighted form in @borg2005, chapter 8. Chapter: *Rating timbre and timbre spaces*.
    """
    _check_dims(d, dims)
    n = len(d)
    w = _weights(weights, n)
    v = np.diag(w.sum(1)) - w
    if np.linalg.matrix_rank(v, tol=1e-10 * max(w.max(initial=0), 1e-300)) < n - 1:
        raise BookError("The weights leave instruments that are tied to no other; give each at least one path.")
    v_inverse = np.linalg.pinv(v)
    if initial is not None:
        candidates = [np.array(initial, dtype=np.float64)]
        if candidates[0].shape != (n, dims):
            raise BookError(f"A start needs shape {(n, dims)}, got {candidates[0].shape}.")
    else:
        random = np.random.default_rng(seed)
        spread = d.values().mean()
        candidates = [classical_mds(d, dims).points + 1e-6 * spread * random.standard_normal((n, dims))]
        candidates += [spread * random.standard_normal((n, dims)) for _ in range(max(starts, 1) - 1)]
    solutions = [_majorise(d.matrix, w, v_inverse, x, max_iterations, tolerance) for x in candidates]
    points = principal_axes(min(solutions, key=lambda x: stress_1(d, x, w)))
    return Map(d.names, points, stress_1(d, points, w))


def _majorise(
    delta: np.ndarray, w: np.ndarray, v_inverse: np.ndarray, x: np.ndarray, max_iterations: int, tolerance: float
) -> np.ndarray:
    """Repeat the Guttman transform until the misfit stops falling."""
    total = (w * delta**2).sum()
    before = np.inf
    for _ in range(max_iterations):
        on_map = _distances(x)
        misfit = (w * (delta - on_map) ** 2).sum()
        if before - misfit <= tolerance * total:
            break
        before = misfit
        b = -w * np.divide(delta, on_map, out=np.zeros_like(delta), where=on_map > 0)
        np.fill_diagonal(b, b.diagonal() - b.sum(1))
        x = v_inverse @ b @ x
    return x


def stress_curve(
    d: Dissimilarities,
    dims: Iterable[int] = range(1, 9),
    *,
    weights: np.ndarray | None = None,
    starts: int = 16,
    seed: int = 0,
) -> dict[int, float]:
    """Tell the stress-1 of the best map for each number of dimensions: look for the elbow."""
    return {k: smacof(d, k, weights=weights, starts=starts, seed=seed).stress for k in dims}


@dataclass(frozen=True, eq=False)
class Procrustes:
    """How one map is laid over another: `points = scale * (moving - its mean) @ rotation + target mean`.

    `points` is the moved map `[n, dims]`; `disparity` the share of the target's squared spread left
    unexplained, 0 (same shape) to 1 (no relation).
    """

    points: np.ndarray
    rotation: np.ndarray
    scale: float
    disparity: float


def procrustes(target: np.ndarray, moving: np.ndarray) -> Procrustes:
    """Turn, mirror, shift and scale one `[n, dims]` map to lie as closely as possible over another.

    Source: @borg2005, chapter 20. Chapter: *Rating timbre and timbre spaces*.

    >>> square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    >>> round(procrustes(square, 3 * square[:, ::-1] + 7).disparity, 12)
    0.0
    """
    a, b = np.asarray(target, dtype=np.float64), np.asarray(moving, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2:
        raise BookError(f"Two maps of the same names and dimensions are needed, got {a.shape} and {b.shape}.")
    centre = a.mean(0)
    a, b = a - centre, b - b.mean(0)
    if not (a.any() and b.any()):
        raise BookError("A map whose points all coincide cannot be aligned.")
    u, singular, vt = np.linalg.svd(b.T @ a)
    scale = singular.sum() / (b**2).sum()
    rotation = u @ vt
    disparity = max(0.0, 1.0 - singular.sum() ** 2 / ((a**2).sum() * (b**2).sum()))
    return Procrustes(scale * b @ rotation + centre, rotation, float(scale), float(disparity))


def principal_axes(points: np.ndarray) -> np.ndarray:
    """Centre a map and turn it so that the first axis spreads most; signs are fixed by the largest point."""
    centred = points - points.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return _fixed_signs(centred @ axes.T)


def _fixed_signs(points: np.ndarray) -> np.ndarray:
    largest = points[np.abs(points).argmax(0), np.arange(points.shape[1])]
    return points * np.where(largest < 0, -1.0, 1.0)


def _distances(points: np.ndarray) -> np.ndarray:
    difference = points[:, None] - points[None]
    return np.sqrt((difference**2).sum(-1))


def _weights(weights: np.ndarray | None, n: int) -> np.ndarray:
    w = np.ones((n, n)) if weights is None else np.array(weights, dtype=np.float64)
    if w.shape != (n, n):
        raise BookError(f"Weights need shape {(n, n)}, got {w.shape}.")
    if not np.isfinite(w).all() or (w < 0).any() or not np.allclose(w, w.T):
        raise BookError("Weights must be symmetric, finite and not negative.")
    np.fill_diagonal(w, 0.0)
    return w


def _check_dims(d: Dissimilarities, dims: int) -> None:
    if not 1 <= dims <= len(d) - 1:
        raise BookError(f"{len(d)} instruments span at most {len(d) - 1} dimensions; asked for {dims}.")
    if not d.matrix.any():
        raise BookError("All dissimilarities are zero: there is no map to draw.")
