"""Dissimilarities addressed by instrument name, and the pooled ratings of five studies."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.errors import BookError

#: The shipped table: one row a pair, with mean, standard deviation and number of its ratings.
RATINGS_CSV = Path(__file__).resolve().parents[2] / "assets" / "ratings" / "ratings.csv"

#: The twelve instruments with pooled ratings, in the order of the table.
INSTRUMENTS = (
    "Clarinet-Bb", "Alto-Sax", "Trumpet-C", "Violoncello", "French-Horn", "Oboe",
    "Flute", "English-Horn", "Bassoon", "Tenor-Trombone", "Piano", "Violin",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Dissimilarities:
    """How different each pair of named things is: symmetric, zero on the diagonal, addressed by name.

    `names` has n distinct names, `matrix` the `[n, n]` values in the unit of whoever rated
    (0 = the same). The matrix cannot be written to.

    Raises:
        BookError: the matrix is not square, not symmetric, negative, not finite, has a non-zero
            diagonal, or does not fit the names.

    Chapter: *Rating timbre and timbre spaces*.

    >>> d = Dissimilarities.from_pairs({("Oboe", "Flute"): 0.6, ("Oboe", "Piano"): 0.7, ("Flute", "Piano"): 0.5})
    >>> d["Flute", "Oboe"]
    0.6
    >>> d.sub(["Piano", "Oboe"]).matrix.tolist()
    [[0.0, 0.7], [0.7, 0.0]]
    """

    names: tuple[str, ...]
    matrix: np.ndarray

    def __post_init__(self) -> None:
        names = tuple(self.names)
        matrix = np.array(self.matrix, dtype=np.float64)
        if len(set(names)) != len(names):
            raise BookError(f"Names must be distinct, got {names}.")
        if matrix.shape != (len(names), len(names)):
            raise BookError(f"{len(names)} names need a {len(names)} x {len(names)} matrix, got {matrix.shape}.")
        if not np.isfinite(matrix).all():
            raise BookError("A dissimilarity is missing or not finite; leave out what was not rated with .sub(names).")
        if (matrix < 0).any():
            raise BookError("A dissimilarity is negative; 0 means 'the same', larger means 'more different'.")
        if not np.allclose(matrix, matrix.T, rtol=0, atol=1e-9 * max(1.0, matrix.max(initial=0.0))):
            raise BookError("The matrix is not symmetric. If only one triangle is filled, hand in M + M.T.")
        if np.diagonal(matrix).any():
            raise BookError("The diagonal must be zero: a thing does not differ from itself.")
        matrix.flags.writeable = False
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def from_pairs(cls, values: Mapping[tuple[str, str], float]) -> Dissimilarities:
        """Build the matrix from `{(name, name): value}`; each pair once, in either order.

        Raises:
            BookError: a pair is missing, given twice, or pairs a name with itself.
        """
        names = tuple(dict.fromkeys(name for pair in values for name in pair))
        position = {name: i for i, name in enumerate(names)}
        matrix = np.full((len(names), len(names)), np.nan)
        np.fill_diagonal(matrix, 0.0)
        for (a, b), value in values.items():
            i, j = position[a], position[b]
            if a == b or not np.isnan(matrix[i, j]):
                raise BookError(f"The pair {a}, {b} is given twice or pairs a name with itself.")
            matrix[i, j] = matrix[j, i] = value
        missing = [(names[i], names[j]) for i, j in zip(*np.triu_indices(len(names), 1)) if np.isnan(matrix[i, j])]
        if missing:
            raise BookError(f"{len(missing)} pairs have no value, the first is {missing[0]}.")
        return cls(names, matrix)

    @classmethod
    def from_points(cls, names: Iterable[str], points: np.ndarray) -> Dissimilarities:
        """Measure the Euclidean distances between `[n, dims]` points."""
        points = np.asarray(points, dtype=np.float64)
        difference = points[:, None] - points[None]
        return cls(tuple(names), np.sqrt((difference**2).sum(-1)))

    def __getitem__(self, pair: tuple[str, str]) -> float:
        """Read the dissimilarity of two names."""
        a, b = pair
        return float(self.matrix[self._position(a), self._position(b)])

    def __len__(self) -> int:
        return len(self.names)

    def _position(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            raise BookError(f"No {name!r} here; there are {', '.join(self.names)}.") from None

    def sub(self, names: Iterable[str]) -> Dissimilarities:
        """Keep these names only, in this order."""
        names = tuple(names)
        rows = [self._position(name) for name in names]
        return Dissimilarities(names, self.matrix[np.ix_(rows, rows)])

    def pairs(self) -> Iterator[tuple[str, str, float]]:
        """Go through all pairs once: `(name, name, value)`."""
        for i, j in zip(*np.triu_indices(len(self.names), 1)):
            yield self.names[i], self.names[j], float(self.matrix[i, j])

    def values(self) -> np.ndarray:
        """List the values of all pairs `[n (n - 1) / 2]`, in the order of `pairs`."""
        return self.matrix[np.triu_indices(len(self.names), 1)]

    def shared(self, other: Dissimilarities) -> tuple[str, ...]:
        """Name what both matrices have, in this one's order."""
        return tuple(name for name in self.names if name in other.names)


@dataclass(frozen=True, eq=False)
class Pooled:
    """The pooled ratings of five studies: mean, standard deviation and number for each of the 66 pairs.

    `mean` holds `Dissimilarities` in 0 (same) to 1 (most different); `std` and `n` are symmetric
    `[12, 12]` matrices in the same order of names, zero on the diagonal.
    """

    mean: Dissimilarities
    std: np.ndarray
    n: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """The twelve instruments."""
        return self.mean.names

    @property
    def standard_error(self) -> np.ndarray:
        """The standard error of each pair's mean, `std / sqrt(n)`, `[12, 12]`.

        It treats ratings as independent. They are not quite (one listener gives many, and the studies
        used different sounds), so it is a lower bound of the doubt.
        """
        return np.divide(self.std, np.sqrt(self.n), out=np.zeros_like(self.std), where=self.n > 0)


def pooled(path: str | Path | None = None) -> Pooled:
    """Read the pooled ratings of the twelve instruments.

    Raises:
        BookError: the file is missing or a row cannot be read.

    Source: @grey1977, @krumhansl1989, @iverson1993, @mcadams1995, @lakatos2000, pooled as in @esling2018dafx.
    Chapter: *Rating timbre and timbre spaces*.

    >>> pooled().mean["Violin", "Violoncello"], int(pooled().n.max())
    (0.089, 405)
    """
    return _read(Path(path) if path is not None else RATINGS_CSV)


@functools.lru_cache(maxsize=8)
def _read(path: Path) -> Pooled:
    if not path.exists():
        raise BookError(f"No ratings table at {path}.")
    rows: dict[tuple[str, str], tuple[float, float, int]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                pair = (row["instrument_a"], row["instrument_b"])
                rows[pair] = (float(row["mean"]), float(row["std"]), int(row["n_ratings"]))
            except (KeyError, TypeError, ValueError) as error:
                raise BookError(f"{path.name}, line {number}: cannot read {row} ({error}).") from error
    mean, std, n = (Dissimilarities.from_pairs({pair: row[k] for pair, row in rows.items()}) for k in range(3))
    return Pooled(mean=mean, std=std.matrix, n=n.matrix.astype(np.int64))
