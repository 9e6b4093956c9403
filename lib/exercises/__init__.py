"""Exercises that recognise a mistake and say which one it is.

An exercise knows its solution and at least three typical wrong answers, each with a hint that
names the mistake. `check(key, answer)` in a chapter compares; the test suite proves that every
solution passes and every wrong answer gets its own hint. The exercises of a chapter stand in
the module of this package that bears its name, as a tuple `EXERCISES`.
"""

from __future__ import annotations

import difflib
import html
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lib.errors import BookError


@dataclass(frozen=True)
class Mistake:
    """One typical wrong answer: how to make it, how to recognise it, what to say."""

    hint: str
    example: Callable[[], Any]
    matches: Callable[[Any], bool]


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is right, one solution, and the mistakes it can name."""

    key: str
    is_right: Callable[[Any], bool]
    solution: Callable[[], Any]
    mistakes: tuple[Mistake, ...]
    praise: str = "Right."
    otherwise: str = "Not yet, and not one of the usual slips. Compare your steps with the text above."


@dataclass(frozen=True)
class Verdict:
    """What the check says: right or not, and why."""

    right: bool
    message: str

    def __str__(self) -> str:
        return ("Right. " if self.right and not self.message.startswith("Right") else "") + self.message

    __repr__ = __str__

    def _repr_html_(self) -> str:
        mark, kind = ("✓", "tip") if self.right else ("→", "note")
        text = f"<p><strong>{mark}</strong> {html.escape(str(self))}</p>"
        return f'<div class="admonition {kind}" role="status">{text}</div>'


def check(key: str, answer: Any) -> Verdict:
    """Look at an answer and say whether it is right, or which mistake it looks like.

    Args:
        key: the exercise, as printed in the chapter.
        answer: whatever the exercise asks for; `None` means "not tried yet".

    Raises:
        BookError: there is no such exercise.
    """
    exercise = find(key)
    if answer is None:
        return Verdict(False, "No answer yet: replace None with yours and run the cell again.")
    try:
        if exercise.is_right(answer):
            return Verdict(True, exercise.praise)
        for mistake in exercise.mistakes:
            if _matches(mistake, answer):
                return Verdict(False, mistake.hint)
    except (TypeError, ValueError, IndexError, AttributeError, RuntimeError, ArithmeticError) as error:
        return Verdict(False, f"Your answer could not be used: {type(error).__name__}: {error}")
    return Verdict(False, exercise.otherwise)


def find(key: str) -> Exercise:
    """Find an exercise by its key.

    Raises:
        BookError: there is none of that name; the nearest is suggested.
    """
    exercises = registry()
    if key not in exercises:
        near = difflib.get_close_matches(key, exercises, n=1)
        raise BookError(f"No exercise {key!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    return exercises[key]


@cache
def registry() -> dict[str, Exercise]:
    """Gather the exercises of all chapters: key -> exercise.

    Raises:
        BookError: two exercises have the same key.
    """
    found: dict[str, Exercise] = {}
    for module in pkgutil.iter_modules(__path__):
        for exercise in importlib.import_module(f"{__name__}.{module.name}").EXERCISES:
            if exercise.key in found:
                raise BookError(f"Two exercises are called {exercise.key!r}.")
            found[exercise.key] = exercise
    return found


def numeric(
    key: str,
    value: float,
    slips: Sequence[tuple[float, str]],
    *,
    rtol: float = 0.01,
    praise: str = "Right.",
    otherwise: str | None = None,
) -> Exercise:
    """Make an exercise whose answer is one number.

    Args:
        value: the right answer.
        slips: wrong numbers with the hint that names each mistake.
        rtol: how near an answer must be, relative to the number.

    >>> e = numeric("hop", 220.5, [(441, "that is the window"), (10, "in samples, please"), (0.01, "seconds")])
    >>> e.is_right(220), e.is_right(441)
    (True, False)
    """

    def near(target: float) -> Callable[[Any], bool]:
        return lambda answer: bool(np.isclose(float(answer), target, rtol=rtol, atol=1e-12))

    mistakes = tuple(Mistake(hint, lambda wrong=wrong: wrong, near(wrong)) for wrong, hint in slips)
    extra = {} if otherwise is None else {"otherwise": otherwise}
    return Exercise(key, near(value), lambda: value, mistakes, praise, **extra)


def choice(key: str, right: str, wrong: dict[str, str], *, praise: str = "Right.") -> Exercise:
    """Make an exercise with one right option; every wrong one has its own explanation.

    >>> e = choice("which", "b", {"a": "no: …", "c": "no: …", "d": "no: …"})
    >>> e.is_right("B"), e.is_right("(b)"), e.is_right("d")
    (True, True, False)
    """

    def says(option: str) -> Callable[[Any], bool]:
        return lambda answer: str(answer).strip(" ().'\"\n").lower() == option.lower()  # "(c)" means c

    mistakes = tuple(Mistake(hint, lambda option=option: option, says(option)) for option, hint in wrong.items())
    return Exercise(key, says(right), lambda: right, mistakes, praise)


def array(
    key: str,
    solution: Callable[[], Any],
    slips: Sequence[tuple[Callable[[], Any], str]],
    *,
    rtol: float = 1e-4,
    praise: str = "Right.",
) -> Exercise:
    """Make an exercise whose answer is an array (or a list, or a tensor).

    Args:
        solution: makes the right array.
        slips: functions that make typical wrong arrays, each with its hint.
        rtol: largest relative error, as the norm of the difference over the norm of the solution.
    """

    def near(make: Callable[[], Any]) -> Callable[[Any], bool]:
        return lambda answer: _close(answer, make(), rtol)

    mistakes = tuple(Mistake(hint, make, near(make)) for make, hint in slips)
    return Exercise(key, near(solution), solution, mistakes, praise)


def function(
    key: str,
    solution: Callable[..., Any],
    inputs: Sequence[tuple[Any, ...]],
    slips: Sequence[tuple[Callable[..., Any], str]],
    *,
    rtol: float = 1e-4,
    praise: str = "Right.",
) -> Exercise:
    """Make an exercise whose answer is a function, compared on given inputs.

    Args:
        inputs: argument tuples to call the answer with.
        slips: typical wrong functions, each with its hint.
    """

    def agrees(other: Callable[..., Any]) -> Callable[[Any], bool]:
        return lambda answer: all(_close(answer(*given), other(*given), rtol) for given in inputs)

    def is_right(answer: Any) -> bool:
        if not callable(answer):
            raise TypeError("a function is asked for, not its result")
        return agrees(solution)(answer)

    mistakes = tuple(Mistake(hint, lambda wrong=wrong: wrong, agrees(wrong)) for wrong, hint in slips)
    return Exercise(key, is_right, lambda: solution, mistakes, praise)


def _close(answer: Any, expected: Any, rtol: float) -> bool:
    ours, theirs = _as_array(answer), _as_array(expected)
    if ours.shape != theirs.shape:
        return False
    scale = float(np.linalg.norm(theirs)) or 1.0
    return bool(np.linalg.norm(ours - theirs) <= rtol * scale)


def _as_array(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def _matches(mistake: Mistake, answer: Any) -> bool:
    try:
        return mistake.matches(answer)
    except (TypeError, ValueError, IndexError, AttributeError, RuntimeError, ArithmeticError):
        return False
