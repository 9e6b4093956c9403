"""Every exercise: its solution passes, at least three wrong answers each get the hint meant for them."""

from __future__ import annotations

import numpy as np
import pytest

from lib import exercises
from lib.errors import BookError

ALL = sorted(exercises.registry().values(), key=lambda exercise: exercise.key)


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.key)
def test_solution_passes(exercise):
    assert exercises.check(exercise.key, exercise.solution()).right


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.key)
def test_each_typical_mistake_gets_its_own_hint(exercise):
    assert len(exercise.mistakes) >= 3
    hints = [mistake.hint for mistake in exercise.mistakes]
    assert len(set(hints)) == len(hints)
    for mistake in exercise.mistakes:
        verdict = exercises.check(exercise.key, mistake.example())
        assert not verdict.right
        assert verdict.message == mistake.hint


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.key)
def test_unsolved_exercise_does_not_pass(exercise):
    verdict = exercises.check(exercise.key, None)
    assert not verdict.right and "No answer yet" in verdict.message


def test_array_of_wrong_shape_is_wrong_not_an_error():
    exercise = exercises.array("k", lambda: np.ones(3), [(lambda: np.zeros(3), "zeros")])
    assert not exercise.is_right(np.ones(4))
    assert exercise.is_right([1.0, 1.0, 1.0])


def test_function_exercise_asks_for_the_function_itself():
    exercise = exercises.function("k", np.cos, [(0.0,), (1.0,)], [(np.sin, "sine")])
    assert exercise.is_right(np.cos) and not exercise.is_right(np.sin)
    with pytest.raises(TypeError, match="function is asked for"):
        exercise.is_right(1.0)


def test_unknown_key_suggests_the_nearest(monkeypatch):
    one = exercises.numeric("stft-hop", 1.0, [(2.0, "a"), (3.0, "b"), (4.0, "c")])
    monkeypatch.setattr(exercises, "registry", lambda: {"stft-hop": one})
    with pytest.raises(BookError, match="Did you mean 'stft-hop'"):
        exercises.check("stft-hob", 1)


def test_an_answer_that_breaks_the_check_gets_a_sentence(monkeypatch):
    one = exercises.numeric("n", 1.0, [(2.0, "a"), (3.0, "b"), (4.0, "c")])
    monkeypatch.setattr(exercises, "registry", lambda: {"n": one})
    verdict = exercises.check("n", "many")
    assert not verdict.right and "could not be used" in verdict.message
