"""Splits: nothing leaks, nothing is lost, seeds repeat."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import BookError
from lib.timbre.splits import split_by_recording


def make_notes(seed: int) -> tuple[list[str], list[str], list[int]]:
    rng = np.random.default_rng(seed)
    instruments, recordings, midi = [], [], []
    for name in ("Oboe", "Flute", "Piano"):
        for root in range(rng.integers(2, 9)):
            for key in range(rng.integers(1, 6)):
                for _velocity in range(rng.integers(1, 4)):
                    instruments.append(name)
                    recordings.append(f"{name} {root}")
                    midi.append(40 + 6 * root + key)
    return instruments, recordings, midi


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_no_recording_and_no_key_is_on_two_sides(seed: int) -> None:
    instruments, recordings, midi = make_notes(seed)
    split = split_by_recording(instruments, recordings, midi, seed=seed)
    sides = split.sides()
    everything = np.concatenate(list(sides.values()))
    assert sorted(everything.tolist()) == list(range(len(midi)))
    roots = {name: {recordings[i] for i in rows} for name, rows in sides.items()}
    assert not roots["recordings"] & (roots["train"] | roots["keys"])
    assert roots["keys"] <= roots["train"]
    keys = {name: {(recordings[i], midi[i]) for i in rows} for name, rows in sides.items()}
    assert not keys["train"] & keys["keys"]
    for name in ("Oboe", "Flute", "Piano"):
        assert any(instruments[i] == name for i in sides["train"])
        assert any(instruments[i] == name for i in sides["recordings"])


def test_seeds_repeat_and_differ() -> None:
    notes = make_notes(3)
    one, again, other = (split_by_recording(*notes, seed=s).train.tolist() for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_one_recording_cannot_be_split() -> None:
    with pytest.raises(BookError, match="Oboe"):
        split_by_recording(["Oboe", "Oboe"], ["a", "a"], [60, 61], seed=0)
