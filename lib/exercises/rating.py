"""Exercises of *Rating timbre and timbre spaces*."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.exercises import Exercise, array, choice, function, numeric
from lib.ratings import pooled

Array = NDArray[np.float64]


def double_centred(d: Array) -> Array:
    """Turn distances `[n, n]` into scalar products of centred points: -1/2 J D^2 J."""
    squared = d**2
    rows = squared.mean(axis=1, keepdims=True)
    columns = squared.mean(axis=0, keepdims=True)
    return -0.5 * (squared - rows - columns + squared.mean())


def stress(delta: Array, x: Array) -> float:
    """Kruskal's stress-1 of points `[n, dims]` for dissimilarities `[n, n]`."""
    d = _distances(x)
    return float(np.sqrt(((delta - d) ** 2).sum() / (d**2).sum()))


def p_value(observed: float, permuted: Array) -> float:
    """Tell how often chance does as well; what was observed counts as one of the permutations."""
    return float((1 + np.sum(np.asarray(permuted) >= observed)) / (1 + len(permuted)))


def guttman(delta: Array, w: Array, x: Array) -> Array:
    """One step of SMACOF with weights: the pseudo-inverse of V times T times x."""
    return np.linalg.pinv(_laplacian(w)) @ _pull(delta, w, x) @ x


def _distances(x: Array) -> Array:
    return np.sqrt(((x[:, None] - x[None]) ** 2).sum(axis=-1))


def _laplacian(w: Array) -> Array:
    return np.diag(w.sum(axis=1)) - w


def _pull(delta: Array, w: Array, x: Array) -> Array:
    d = _distances(x)
    ratio = w * np.divide(delta, d, out=np.zeros_like(delta), where=d > 0)
    return _laplacian(ratio)


def _case(n: int, seed: int) -> tuple[Array, Array, Array]:
    """Dissimilarities, weights and points of n things, drawn at random; points are centred."""
    rng = np.random.default_rng(seed)
    delta, w = (np.triu(rng.uniform(0.1, 1.0, (n, n)), 1) for _ in range(2))
    x = rng.standard_normal((n, 2))
    return delta + delta.T, w + w.T, x - x.mean(axis=0)


def third_point(d12: float, d13: float, d23: float) -> Array:
    """Place three points at given distances: the first at 0, the second to the right, the third above."""
    x = (d12**2 + d13**2 - d23**2) / (2 * d12)
    return np.array([[0.0, 0.0], [d12, 0.0], [x, np.sqrt(d13**2 - x**2)]])


def _sides() -> tuple[float, float, float]:
    d = pooled().mean
    return d["Oboe", "English-Horn"], d["Oboe", "Trumpet-C"], d["English-Horn", "Trumpet-C"]


def _third(mistake: str) -> Array:
    d12, d13, d23 = _sides()
    points = third_point(d12, d13, d23)
    x, y = points[2]
    points[2] = {
        "not halved": ((d12**2 + d13**2 - d23**2) / d12, y),
        "no root": (x, d13**2 - x**2),
        "swapped": third_point(d12, d23, d13)[2],
    }[mistake]
    return points


def _error() -> tuple[float, int]:
    ratings = pooled()
    i, j = ratings.names.index("Oboe"), ratings.names.index("Piano")
    return float(ratings.std[i, j]), int(ratings.n[i, j])


def _standard_error() -> Exercise:
    std, n = _error()
    return numeric(
        "rating-standard-error",
        std / np.sqrt(n),
        [
            (std, "That is how much single ratings scatter. Their mean is surer, by the square root of their number."),
            (std / n, "Divided by n. Independent errors partly cancel: it is the square root of n that counts."),
            (1.96 * std / np.sqrt(n), "That is half the 95 % interval. The standard error comes before the 1.96."),
        ],
        rtol=0.01,
        praise="Right. It is a lower bound, since one listener's ratings are not independent.",
    )


_D4, _W4, _X4 = _case(4, seed=1)
_D6, _W6, _X6 = _case(6, seed=2)
_PERMUTED = np.array([-0.2, 0.1, 0.3, 0.55, -0.6, 0.0, 0.2, 0.3, -0.1])

EXERCISES: tuple[Exercise, ...] = (
    _standard_error(),
    numeric(
        "rating-how-many",
        float((1.96 * 0.23 / 0.05) ** 2),
        [
            (float((0.23 / 0.05) ** 2), "That makes the standard error 0.05. The 95 % interval is 1.96 times as wide."),
            (1.96 * 0.23 / 0.05, "Square it: half the interval shrinks with the square root of the number."),
            (float((1.96 * 0.23 / 0.1) ** 2), "That is for 0.05 from end to end. Asked is 0.05 to either side."),
            (float((2 * 1.96 * 0.23 / 0.05) ** 2), "That is for 0.025 to either side. Asked is 0.05 to either side."),
        ],
        rtol=0.02,
        praise="Right: 82 ratings. Now count in the table how many pairs have as many.",
    ),
    array(
        "rating-third-point",
        lambda: third_point(*_sides()),
        [
            (lambda: _third("not halved"), "In x, divide by twice the first distance."),
            (lambda: _third("no root"), "That is the height squared. Take the root."),
            (
                lambda: _third("swapped"),
                "The trumpet's two distances are swapped: 0.424 is to the oboe, which sits at 0.",
            ),
        ],
        rtol=0.005,
        praise="Right. A triangle always fits the plane, unless one side is longer than the other two together.",
    ),
    function(
        "rating-double-centring",
        double_centred,
        [(_D4,), (_D6,)],
        [
            (
                lambda d: -0.5 * (d - d.mean(1, keepdims=True) - d.mean(0, keepdims=True) + d.mean()),
                "You centred the distances. Square them first: it is squares that turn into scalar products.",
            ),
            (lambda d: -2 * double_centred(d), "Minus one half is missing: the scalar product comes with −2."),
            (
                lambda d: -0.5 * (d**2 - (d**2).mean(1, keepdims=True)),
                "Only the rows are centred. Subtract column means too, and add the grand mean.",
            ),
            (
                lambda d: double_centred(d) + 0.5 * (d**2).mean(),
                "With rows and with columns the grand mean is subtracted twice. Add it back once.",
            ),
        ],
        praise="Right. Its rows and columns sum to zero: the points are centred.",
    ),
    function(
        "rating-stress",
        stress,
        [(_D4, _X4), (_D6, _X6)],
        [
            (
                lambda delta, x: stress(delta, x) ** 2,
                "Take the root: stress-1 is in the unit of distances, not squares.",
            ),
            (
                lambda delta, x: float(np.sqrt(((delta - _distances(x)) ** 2).sum() / (delta**2).sum())),
                "You divided by the dissimilarities. Kruskal divides by the squared distances on the map.",
            ),
            (
                lambda delta, x: float(np.sqrt(((delta - _distances(x)) ** 2).sum())),
                "Not divided by anything: a map twice as large would have twice the stress.",
            ),
        ],
        praise="Right.",
    ),
    choice(
        "rating-turns",
        "c",
        {
            "a": "Mirroring keeps every distance, so the stress stays.",
            "b": "Turning keeps every distance, so the stress stays.",
            "d": "Shifting all points alike keeps every distance, so the stress stays.",
        },
        praise="Right: it changes distances. All the others leave the map as good as it was, axes or no axes.",
    ),
    function(
        "rating-p-value",
        p_value,
        [(0.3, _PERMUTED), (0.9, _PERMUTED)],
        [
            (
                lambda observed, permuted: float(np.mean(np.asarray(permuted) >= observed)),
                "It can be 0, which no finite experiment can show. What you observed counts as one more permutation.",
            ),
            (
                lambda observed, permuted: float((1 + np.sum(np.asarray(permuted) > observed)) / (1 + len(permuted))),
                "A permutation that does exactly as well counts against you: use >=.",
            ),
            (
                lambda observed, permuted: 1 - p_value(observed, permuted),
                "That is how often chance does worse.",
            ),
        ],
        praise="Right. With 9 permutations p cannot be below 0.1; that is why we take thousands.",
    ),
    function(
        "rating-guttman",
        guttman,
        [(_D4, _W4, _X4), (_D6, _W6, _X6)],
        [
            (
                lambda delta, w, x: _pull(delta, np.ones_like(w) - np.eye(len(w)), x) @ x / len(x),
                "That is the step without weights.",
            ),
            (
                lambda delta, w, x: _pull(delta, w, x) @ x / len(x),
                "With weights, dividing by n no longer solves the parabola. Use the pseudo-inverse of V.",
            ),
            (
                lambda delta, w, x: (
                    np.linalg.pinv(_laplacian(w)) @ _pull(delta, np.ones_like(w) - np.eye(len(w)), x) @ x
                ),
                "V has the weights, T lacks them. Each ratio δ/d is weighted too.",
            ),
            (
                lambda delta, w, x: -guttman(delta, w, x),
                "The sign is off: T has minus the ratios off its diagonal and their sums on it.",
            ),
        ],
        praise="Right. Run it with w = the number of ratings, and with w = 0 for pairs you have not asked.",
    ),
)
