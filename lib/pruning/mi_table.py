"""Put the estimators of mutual information to the test where the answer is known.

    python -m lib.pruning.information     # writes assets/results/diet/mi.json

Chapter: *Which units matter? Criteria and mutual information*.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import trapezoid

from lib.pruning.information import ESTIMATORS, Array
from lib.results import provenance, write_result

REPEATS = 4
#: Standard deviation of the noise in the non-linear cases.
NOISE = 0.3


@dataclass(frozen=True)
class Case:
    """A pair of variables whose mutual information is known, in bits."""

    name: str
    bits: float
    draw: Callable[[int, np.random.Generator], tuple[Array, Array]]


def gaussian(dims_x: int, dims_y: int, rho: float) -> Case:
    """Pairs of coordinates correlate by rho; the others are alone. Information: -log2(1 - rho²) / 2 a pair.

    >>> round(gaussian(1, 4, 0.8).bits, 3)
    0.737
    """
    pairs = min(dims_x, dims_y)

    def draw(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        x, y = rng.standard_normal((n, dims_x)), rng.standard_normal((n, dims_y))
        y[:, :pairs] = rho * x[:, :pairs] + np.sqrt(1.0 - rho**2) * y[:, :pairs]
        return x, y

    return Case(f"{dims_x}-{dims_y} Gaussian, rho {rho:g}", float(-0.5 * pairs * np.log2(1.0 - rho**2) + 0.0), draw)


def bent(name: str, function: Callable[[Array], Array]) -> Case:
    """y = f(x) + noise with x normal; the truth by quadrature, h(y) - h(noise)."""

    def draw(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        x = rng.standard_normal((n, 1))
        return x, function(x) + NOISE * rng.standard_normal((n, 1))

    return Case(name, _bits_of(function), draw)


def _bits_of(function: Callable[[Array], Array]) -> float:
    x = np.linspace(-6.0, 6.0, 3001)
    weight = np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi) * (x[1] - x[0])
    centres = function(x)
    # Points where the density can change: fine around every centre, so that long tails are followed too.
    y = np.unique(np.concatenate([centres + NOISE * offset for offset in np.linspace(-5, 5, 21)]).round(3))
    y = y[:: max(1, len(y) // 4000)]
    density = np.zeros(len(y))
    for block in np.array_split(np.arange(len(x)), 30):
        gap = (y[:, None] - centres[block]) / NOISE
        density += (np.exp(-0.5 * gap**2) / (NOISE * np.sqrt(2.0 * np.pi))) @ weight[block]
    surprise = np.where(density > 0.0, -density * np.log2(np.maximum(density, 1e-300)), 0.0)
    return float(trapezoid(surprise, y) - 0.5 * np.log2(2.0 * np.pi * np.e * NOISE**2))


def cases() -> list[Case]:
    """The table's rows: independent, correlated, and bent."""
    shapes = [
        (1, 1, 0.0),
        (1, 1, 0.5),
        (1, 1, 0.95),
        (1, 4, 0.0),
        (1, 4, 0.8),
        (1, 4, 0.95),
        (1, 8, 0.0),
        (4, 4, 0.0),
        (4, 4, 0.8),
        (8, 8, 0.0),
    ]
    return [
        *(gaussian(*shape) for shape in shapes),
        bent("x squared + noise", np.square),
        bent("rectified x + noise", lambda x: np.maximum(x, 0.0)),
        bent("exp(2x) + noise", lambda x: np.exp(2.0 * x)),
        Case("constant unit", 0.0, lambda n, rng: (np.ones((n, 1)), rng.standard_normal((n, 2)))),
    ]


def table(sample_sizes: tuple[int, ...] = (500, 2000), repeats: int = REPEATS) -> list[dict]:
    """Estimate every case by every estimator: mean and standard deviation over repeats, in bits, and CPU time."""
    rows = []
    for case in cases():
        for n in sample_sizes:
            row: dict = {"case": case.name, "n": n, "true_bits": round(case.bits, 4)}
            for name, estimate in ESTIMATORS.items():
                started = time.process_time()
                bits = [estimate(*case.draw(n, np.random.default_rng(seed))) for seed in range(repeats)]
                row[name] = {
                    "mean": round(float(np.mean(bits)), 4),
                    "sd": round(float(np.std(bits, ddof=1)), 4),
                    "cpu_ms": round(1e3 * (time.process_time() - started) / repeats, 2),
                }
            rows.append(row)
    return rows


def main() -> None:
    """Write the table."""
    rows = table()
    write_result(
        "diet/mi.json",
        rows,
        provenance=provenance(
            command="python -m lib.pruning.information",
            config={"repeats": REPEATS, "noise": NOISE},
            seeds=list(range(REPEATS)),
        ),
    )
    print(f"{'case':26} {'n':>5} {'true':>6}  " + " ".join(f"{name:>8}" for name in ESTIMATORS))
    for row in rows:
        values = " ".join(f"{row[name]['mean']:8.2f}" for name in ESTIMATORS)
        print(f"{row['case']:26} {row['n']:5} {row['true_bits']:6.2f}  {values}")
