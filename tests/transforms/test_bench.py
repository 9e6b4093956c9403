"""The benchmark measures what it says, on toy contenders."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from bench.transform_contenders import Contender, ours
from bench.transforms import measure, synthetic_notes


def doubling(batch: int) -> Contender:
    """Doubles on the way there, thirds on the way back: a relative error of exactly 1/3."""
    return Contender(
        "toy", "none", "float64", batch, lambda n: n, lambda n: 2 * n, lambda c: c / 3, lambda a: a, lambda c: c.size
    )


def test_errors_redundancy_and_counts() -> None:
    notes = synthetic_notes(4, length=1000)
    rows = measure([doubling(2), dataclasses.replace(doubling(4), inverse=None)], notes, rounds=2)
    assert rows[0]["relative_error"] == pytest.approx({"median": 1 / 3, "worst": 1 / 3})
    assert rows[0]["redundancy"] == 2.0  # the toy counts the whole batch of two
    assert rows[1]["inverse_ms"] is None and rows[1]["relative_error"] is None
    assert rows[0]["forward_ms"]["minimum"] <= rows[0]["forward_ms"]["median"] <= rows[0]["forward_ms"]["p90"]
    json.dumps(rows, allow_nan=False)


def test_our_contenders_are_exact_and_count_their_numbers() -> None:
    everyone = [one for one in ours(44100) if one.batch == 1 and one.precision == "float64" and one.mode != "regular"]
    rows = measure(everyone, synthetic_notes(1), rounds=1)
    assert len(rows) == 5 and all(row["relative_error"]["worst"] < 1e-12 for row in rows)
    assert all(2 < row["redundancy"] < 4.2 for row in rows)


def test_notes_are_seeded_and_differ() -> None:
    notes = synthetic_notes(3, length=2000)
    np.testing.assert_array_equal(notes, synthetic_notes(3, length=2000))
    assert np.abs(notes[0] - notes[1]).max() > 0.1 and np.abs(notes).max() < 0.6
