"""One switch for how long a chapter may think: `quick`, `class` or `paper`."""

from __future__ import annotations

import os
from typing import Literal, TypeVar

from lib.errors import BookError

Speed = Literal["quick", "class", "paper"]
T = TypeVar("T")

#: The environment variable that sets the speed of every chapter.
VARIABLE = "TIMBRE_SPEED"


def speed() -> Speed:
    """Say which speed the chapters run at.

    `quick` (the default: the book's own build), `class` (minutes, for a lesson) or `paper`
    (hours, the full computation behind the shipped results).

    Raises:
        BookError: the variable holds another word.
    """
    value = os.environ.get(VARIABLE, "quick")
    if value not in ("quick", "class", "paper"):
        raise BookError(f"{VARIABLE}={value!r} is no speed of this book: use quick, class or paper.")
    return value  # type: ignore[return-value]


def pick(*, quick: T, klass: T, paper: T) -> T:
    """Choose a setting by the current speed.

    >>> pick(quick=20, klass=200, paper=2000) in (20, 200, 2000)
    True
    """
    return {"quick": quick, "class": klass, "paper": paper}[speed()]


def running_time(chapter: str) -> str:
    """Say how long a chapter takes to run, as measured by `python -m lib.book.times`.

    Args:
        chapter: its path under `chapters/` without the ending, such as `part2/02_nsgt`.

    >>> running_time("no/such_chapter")
    'not measured yet'
    """
    from lib.results import RESULTS, read_result

    if not (RESULTS / "bench" / "chapters.json").exists():
        return "not measured yet"
    record = read_result("bench/chapters.json")
    seconds = record["results"].get(speed(), {}).get(chapter)
    if seconds is None:
        return "not measured yet"
    processor = record["provenance"]["machine"].split(",")[0]
    return f"{seconds:.0f} seconds at speed “{speed()}” (measured: {processor}, one thread)"
