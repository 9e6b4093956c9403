"""Put the CSV files of a class together."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.errors import BookError
from lib.ratings import INSTRUMENTS, Dissimilarities, Pooled

#: The columns of an exported file; see `read`.
COLUMNS = ("listener", "trial", "sitting", "first", "second", "rating", "repeat", "seconds")


@dataclass(frozen=True)
class Rating:
    """One answer: how different two instruments sounded to one listener, 0 (same) to 1 (very different)."""

    listener: str
    first: str
    second: str
    rating: float
    repeat: bool


def read(path: str | Path) -> list[Rating]:
    """Read one exported file.

    It is a CSV file in UTF-8 with a header and one answer a row, in the order in which they were given: `listener` (a
    random name, the same in all files of one browser), `trial` (from 1), `sitting` (from 1), `first` and `second`
    (instruments, as heard), `rating` (0 same to 1 very different), `repeat` (1 if the pair was asked again to
    measure consistency, else 0), `seconds` (from the first hearing to the answer).

    Raises:
        BookError: the file is missing, has other columns, or a row that cannot be; names the file and the line.

    Chapter: *Rating timbre and timbre spaces*.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            rows, columns = list(reader), reader.fieldnames or ()
    except FileNotFoundError:
        raise BookError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BookError(f"{path.name} is no CSV text ({error}). Was it opened and saved by a spreadsheet?") from error
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise BookError(f"{path.name} has no column {', '.join(missing)}. Export it from the widget again.")
    if not rows:
        raise BookError(f"{path.name} holds no answers.")
    return [_rating(row, f"{path.name}, line {number}") for number, row in enumerate(rows, start=2)]


def _rating(row: dict[str, str], where: str) -> Rating:
    for column in ("first", "second"):
        if row[column] not in INSTRUMENTS:
            raise BookError(f"{where}: {row[column]!r} is none of the twelve instruments.")
    if row["first"] == row["second"]:
        raise BookError(f"{where}: {row['first']} is paired with itself.")
    try:
        value = float(row["rating"])
    except (TypeError, ValueError):
        raise BookError(f"{where}: the rating {row['rating']!r} is no number (is a decimal comma in it?).") from None
    if not 0 <= value <= 1:
        raise BookError(f"{where}: the rating {value:g} is not between 0 and 1.")
    if not row["listener"]:
        raise BookError(f"{where}: there is no listener.")
    return Rating(row["listener"], row["first"], row["second"], value, row["repeat"] == "1")


def merge(files: Iterable[str | Path]) -> Pooled:
    """Merge the files of many listeners into mean, standard deviation and number of ratings of each pair.

    A listener's answers to one pair count once, as their mean. A file handed in twice counts once. Instruments
    are those that were rated against all the others by somebody: those with the most gaps are left out.

    Returns what `lib.ratings.pooled` returns for the published ratings, so everything that works on those works
    on a class. `std` is over listeners (n - 1), 0 where there is one.

    Raises:
        BookError: there is no file, one cannot be read (see `read`), or fewer than three instruments are complete.

    Chapter: *Rating timbre and timbre spaces*.
    """
    answers: dict[tuple[str, frozenset[str]], dict[tuple[str, str, float, bool], None]] = {}
    files = list(files)
    if not files:
        raise BookError("There are no files to merge.")
    for path in files:
        for one in read(path):
            key = (one.listener, frozenset((one.first, one.second)))
            answers.setdefault(key, {})[(one.first, one.second, one.rating, one.repeat)] = None
    of_pair: dict[frozenset[str], list[float]] = {}
    for (_, pair), given in answers.items():
        of_pair.setdefault(pair, []).append(float(np.mean([rating for _, _, rating, _ in given])))
    names = _complete([name for name in INSTRUMENTS if any(name in pair for pair in of_pair)], of_pair)
    size = len(names)
    mean, std, n = np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size), dtype=np.int64)
    for i, j in zip(*np.triu_indices(size, 1)):
        given = of_pair[frozenset((names[i], names[j]))]
        mean[i, j] = mean[j, i] = np.mean(given)
        std[i, j] = std[j, i] = np.std(given, ddof=1) if len(given) > 1 else 0.0
        n[i, j] = n[j, i] = len(given)
    return Pooled(mean=Dissimilarities(tuple(names), mean), std=std, n=n)


def _complete(names: list[str], of_pair: dict[frozenset[str], list[float]]) -> list[str]:
    while len(names) >= 3:
        gaps = {a: sum(frozenset((a, b)) not in of_pair for b in names if b != a) for a in names}
        worst = max(names, key=lambda name: gaps[name])
        if not gaps[worst]:
            return names
        names = [name for name in names if name != worst]
    raise BookError("No three instruments have been rated against each other; did the listeners finish a sitting?")
