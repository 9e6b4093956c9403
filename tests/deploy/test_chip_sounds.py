"""What the emulated chip plays can be heard, does not clip, and says what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lib import results
from lib.deploy import chip_sounds
from lib.errors import BookError

AUDIO = results.RESULTS / "deploy" / "audio"


@pytest.mark.parametrize("fact", chip_sounds.facts(), ids=chip_sounds.title)
def test_a_sound_is_neither_silent_nor_clipped(fact: dict) -> None:
    samples, rate = soundfile.read(AUDIO / fact["file"], dtype="float32")
    assert rate == 16_000
    assert samples.ndim == 1 and len(samples) > rate  # longer than a second
    assert np.isfinite(samples).all()
    assert np.sqrt(np.mean(samples**2)) > 0.01  # -40 dB of full scale
    assert np.abs(samples).max() < 0.999


def test_titles_say_share_and_precision() -> None:
    assert chip_sounds.title({"round": 0, "removed": 0.0, "precision": "float32"}) == "whole model, float32"
    assert chip_sounds.title({"round": 5, "removed": 0.83, "precision": "int8"}) == "83 % removed, int8"


def test_sounds_come_thickest_first_and_carry_their_titles() -> None:
    found = chip_sounds.sounds()
    assert set(found) == {chip_sounds.title(fact) for fact in chip_sounds.facts()}
    assert next(iter(found)).startswith("whole model")
    assert all(one.label == name for name, one in found.items())


def test_the_blind_test_sets_the_whole_model_against_a_thin_one() -> None:
    widget = chip_sounds.listening_test(trials=6)
    assert widget.get_state()["trials"] == 6


def test_without_sounds_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BookError):
        chip_sounds.facts(tmp_path)
