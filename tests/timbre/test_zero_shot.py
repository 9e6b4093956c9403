"""Distances that are compared with outside listeners: what they ignore, what they see, and how they are chosen."""

from __future__ import annotations

import numpy as np
import pytest

from lib.timbre import agreement, zero_shot


def test_modulations_ignore_when_and_where_but_not_how_fast() -> None:
    t = np.arange(zero_shot.MODULATION_STEPS)[:, None]
    bands = np.arange(zero_shot.BANDS)[None]
    slow = 1.0 + np.cos(2 * np.pi * (2 * t / 50 + 3 * bands / 42))
    moved = np.roll(slow, (7, 5), axis=(0, 1))
    fast = 1.0 + np.cos(2 * np.pi * (9 * t / 50 + 3 * bands / 42))
    gap = agreement.pairwise(zero_shot.modulation(np.stack([slow, moved, fast])))
    # Rolling is exact for the Fourier transform; what is left is rounding under a square root.
    assert gap[0, 1] < 1e-4 * gap[0, 2]


def test_the_onset_does_not_hear_what_comes_later() -> None:
    loudness = np.random.default_rng(0).random((2, 100, zero_shot.BANDS))
    later = loudness.copy()
    later[:, zero_shot.ONSET_STEPS :] = 0
    assert np.array_equal(zero_shot.onset(loudness), zero_shot.onset(later))


def test_blocks_are_chosen_without_the_study_they_are_tested_on() -> None:
    rng = np.random.default_rng(1)
    truth = {name: rng.normal(size=(8, 2)) for name in "abc"}
    rated = {name: agreement.upper(agreement.pairwise(x)) for name, x in truth.items()}
    # "odd" is right in study c alone and noise elsewhere, "good" the other way round.
    noise = {name: rng.normal(size=(8, 2)) for name in "abc"}
    blocks = {
        name: {"good": noise[name] if name == "c" else truth[name], "odd": truth[name] if name == "c" else noise[name]}
        for name in "abc"
    }
    found = zero_shot.chosen_on_the_others(blocks, rated)
    wrong = agreement.pearson(agreement.upper(agreement.pairwise(noise["c"])), rated["c"])
    assert found["c"] == pytest.approx(wrong)  # chosen on a and b, so "good", which is noise here
