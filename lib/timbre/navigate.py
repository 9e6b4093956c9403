"""Find one's way in a space: a flat view of it, paths between sounds, maps of descriptors.

Chapter: *Navigating and paths* and *The topology of descriptors*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lib import descriptors as formulas
from lib.errors import BookError
from lib.timbre.space import Space
from lib.timbre.vae import pitch_code

#: Descriptors one can ask for, in the order of columns everywhere; Hz, Hz, no unit, dB.
DESCRIPTORS = ("centroid", "bandwidth", "flatness", "loudness")
#: How much of a sound's own movement an expressive path keeps, as in the released code.
EXPRESSION = 0.7


@dataclass(frozen=True)
class View:
    """A flat view that keeps distances best: principal axes [n_axes, dims] around a centre [dims].

    `explained` [n_axes] is the share of the spread each axis shows, `spread` [n_axes] the standard deviation.
    """

    centre: np.ndarray
    axes: np.ndarray
    explained: np.ndarray
    spread: np.ndarray

    def project(self, z: np.ndarray) -> np.ndarray:
        """Points [..., dims] -> view coordinates [..., n_axes]."""
        return (np.asarray(z) - self.centre) @ self.axes.T

    def lift(self, xy: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
        """View coordinates [..., n_axes] -> points [..., dims].

        Off the plane the point keeps what `near` [dims] has there; without it, it lies in the plane.
        """
        flat = np.asarray(xy) @ self.axes + self.centre
        if near is None:
            return flat.astype(np.float32)
        return (flat + near - self.lift(self.project(near))).astype(np.float32)


def view(points: np.ndarray, n_axes: int = 3, *, labels: Sequence[str] | None = None) -> View:
    """Principal axes of points [n, dims]; with labels every class weighs the same.

    Signs are fixed by the largest entry of each axis, so that the same space always looks the same.

    >>> v = view(np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 0.1]]), 1)
    >>> np.round(v.axes, 3).tolist()
    [[1.0, 0.0]]
    """
    points = np.asarray(points, dtype=np.float64)
    if len(points) < 2:
        raise BookError("A view needs at least two points.")
    weight = np.full(len(points), 1.0 / len(points))
    if labels is not None:
        _, group, count = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
        weight = 1.0 / (count[group] * len(count))
    centre = weight @ points
    _, sizes, axes = np.linalg.svd((points - centre) * np.sqrt(weight)[:, None], full_matrices=False)
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    axes, variance = axes * signs[:, None], np.square(sizes)
    return View(centre, axes[:n_axes], variance[:n_axes] / variance.sum(), sizes[:n_axes])


def linear(a: np.ndarray, b: np.ndarray, n: int = 8) -> np.ndarray:
    """The straight way from a to b [dims]: [n, dims].

    >>> linear(np.zeros(1), np.ones(1), 3)[:, 0].tolist()
    [0.0, 0.5, 1.0]
    """
    t = np.linspace(0.0, 1.0, n)[:, None]
    return (1.0 - t) * np.asarray(a) + t * np.asarray(b)


def spherical(a: np.ndarray, b: np.ndarray, n: int = 8) -> np.ndarray:
    """The way along a great circle around the origin, its radius changing evenly: [n, dims].

    A Gaussian in many dimensions has its mass on a shell; a straight line cuts through the empty middle.
    Opposite points have no single great circle; the straight way is taken there.

    Source: Esling et al. 2018, section 5.3; White 2016.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    size_a, size_b = np.linalg.norm(a), np.linalg.norm(b)
    if min(size_a, size_b) < 1e-9:
        return linear(a, b, n)
    cosine = float(np.clip(a @ b / (size_a * size_b), -1.0, 1.0))
    angle = np.arccos(cosine)
    if angle < 1e-6 or np.pi - angle < 1e-6:
        return linear(a, b, n)
    t = np.linspace(0.0, 1.0, n)[:, None]
    direction = (np.sin((1 - t) * angle) * a / size_a + np.sin(t * angle) * b / size_b) / np.sin(angle)
    return ((1 - t) * size_a + t * size_b) * direction


def expressive(path_a: np.ndarray, path_b: np.ndarray, n: int = 12, *, amount: float = EXPRESSION) -> np.ndarray:
    """From one sound to another while both keep moving as they did: trajectories [frames, dims] -> [n, dims].

    At each moment the great circle runs between the two means, each displaced by `amount` of what its own
    sound does at that moment.

    Source: the released code of Esling et al. 2018 ("expressive").
    """
    moments = np.linspace(0.0, 1.0, n)

    def at(path: np.ndarray) -> np.ndarray:
        own = np.linspace(0.0, 1.0, len(path))
        moving = np.stack([np.interp(moments, own, column) for column in np.asarray(path).T], axis=1)
        mean = np.asarray(path).mean(axis=0)
        return mean + amount * (moving - mean)

    return np.stack([spherical(x, y, n)[i] for i, (x, y) in enumerate(zip(at(path_a), at(path_b)))])


def between(a: np.ndarray, b: np.ndarray, n: int = 8, *, kind: str = "spherical") -> np.ndarray:
    """A path of one of the kinds a reader can choose.

    Raises:
        BookError: there is no such kind.
    """
    if kind not in ("linear", "spherical"):
        raise BookError(f"No path of kind {kind!r}: linear or spherical (expressive needs two trajectories).")
    return (linear if kind == "linear" else spherical)(a, b, n)


def describe(space: Space, z: Tensor, midi: Tensor | float) -> Tensor:
    """Descriptors of what points sound like, differentiable: z [n, dims] -> [n, 4] in the order of DESCRIPTORS.

    They are computed on the decoded magnitudes at their true frequencies. Loudness is that of a sound of
    RMS level -20 dB full scale: how loud this timbre is at equal power.
    """
    pitch = pitch_code(torch.as_tensor(midi, dtype=z.dtype).expand(len(z)))
    magnitudes = space.to_magnitudes(space.model.decode(z, pitch))
    magnitudes = 0.1 * magnitudes / (magnitudes.square().sum(dim=1, keepdim=True) + 1e-12).sqrt()
    frequencies = space.frequencies_hz
    columns = [
        formulas.centroid(magnitudes, frequencies),
        formulas.bandwidth(magnitudes, frequencies),
        formulas.flatness(magnitudes + 1e-6, frequencies),
        # A sine of RMS .1 has one bin of .1 here, so full scale (RMS 1) is 1.
        formulas.loudness(magnitudes, frequencies, full_scale=2**-0.5),
    ]
    return torch.stack(columns, dim=1)


def described(space: Space, z: np.ndarray, midi: np.ndarray | float) -> np.ndarray:
    """Descriptors of points [..., dims] as numbers: [..., 4]."""
    z = np.asarray(z, dtype=np.float32)
    pitch = np.broadcast_to(np.asarray(midi, dtype=np.float32), z.shape[:-1]).reshape(-1).copy()
    with torch.no_grad():
        found = describe(space, torch.from_numpy(z.reshape(-1, z.shape[-1]).copy()), torch.from_numpy(pitch))
    return found.numpy().reshape(*z.shape[:-1], len(DESCRIPTORS))


def plane(
    space: Space, flat: View, midi: float, *, n: int = 50, extent: float = 2.5, third: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors over a plane of the view: positions [n, n, 2] and descriptors [n, n, 4].

    `extent` is in standard deviations of each axis; `third` places the plane along a third axis.

    Chapter: *The topology of descriptors*.
    """
    steps = np.linspace(-extent, extent, n)
    x, y = np.meshgrid(steps * flat.spread[0], steps * flat.spread[1])
    coordinates = np.stack([x, y], axis=-1)
    if len(flat.axes) > 2:
        height = np.full((n, n, 1), third * flat.spread[2])
        rest = np.zeros((n, n, len(flat.axes) - 3))
        lifted = flat.lift(np.concatenate([coordinates, height, rest], axis=-1))
    else:
        lifted = flat.lift(coordinates)
    return coordinates, described(space, lifted, midi)


def smoothness(values: np.ndarray, positions: np.ndarray) -> dict[str, float]:
    """Is a descriptor smooth nearby, and linear over the whole plane? values [n, n], positions [n, n, 2].

    Returns:
        lipschitz_median, lipschitz_p95: local slopes, in descriptor ranges per plane width; linear_r2: share
        of the variance that one plane through all values explains; local_r2: the same, 3 x 3 neighbours.
    """
    span, width = np.ptp(values) + 1e-12, np.ptp(positions[..., 0])
    steps = (np.diff(positions[0, :2, 0])[0], np.diff(positions[:2, 0, 1])[0])
    dx, dy = np.gradient(values, steps[0], axis=1), np.gradient(values, steps[1], axis=0)
    slope = np.hypot(dx, dy) * width / span
    design = np.concatenate([positions.reshape(-1, 2), np.ones((values.size, 1))], axis=1)
    flat = values.reshape(-1)
    fitted = design @ np.linalg.lstsq(design, flat, rcond=None)[0]
    patches = np.lib.stride_tricks.sliding_window_view(values, (3, 3)).reshape(-1, 9)
    small = np.stack([np.tile([-1, 0, 1], 3), np.repeat([-1, 0, 1], 3), np.ones(9)], axis=1).astype(float)
    rest = patches - patches @ (small @ np.linalg.pinv(small))
    return {
        "lipschitz_median": float(np.median(slope)),
        "lipschitz_p95": float(np.percentile(slope, 95)),
        "linear_r2": float(1.0 - np.square(flat - fitted).sum() / (np.square(flat - flat.mean()).sum() + 1e-12)),
        "local_r2": float(1.0 - np.square(rest).mean() / (np.square(flat - flat.mean()).mean() + 1e-12)),
    }
