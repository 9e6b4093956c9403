"""Sounds to numbers: pitch, levels, invariances, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lib.errors import BookError
from lib.timbre import features, note_features
from lib.timbre.features import FrontEnd, analyse
from lib.timbre.pitch import estimate_f0


@settings(deadline=None, max_examples=20)
@given(st.floats(60, 1500), st.floats(0.5, 2.0))
@example(938.0, 0.5)  # half a sample off the grid of lags, with all partials strong
def test_pitch_of_harmonic_tones(tone, f0_hz: float, tilt: float) -> None:
    found, clarity = estimate_f0(tone(f0_hz, tilt=tilt))
    # Five cents: a tenth of what a musician hears as out of tune.
    assert abs(1200 * np.log2(found / f0_hz)) < 5
    assert clarity > 0.9


@settings(deadline=None, max_examples=5)
@given(st.floats(0.01, 3.0))
def test_level_does_not_matter(tone, gain: float) -> None:
    one, two = analyse(tone(), FrontEnd()), analyse(gain * tone(), FrontEnd())
    assert np.allclose(one.spectra, two.spectra, atol=1e-4)
    assert np.allclose(two.level, gain * one.level, rtol=1e-3)
    # Feature units are dB and log10; .05 is far below the spread between notes.
    assert np.allclose(one.note, two.note, atol=0.05)


def test_silence_around_a_note_does_not_matter_much(tone) -> None:
    note = tone()
    late = np.concatenate([np.zeros(2205, np.float32), note, np.zeros(4410, np.float32)])
    one, two = analyse(note, FrontEnd()), analyse(late, FrontEnd())
    assert two.times_s[0] == pytest.approx(one.times_s[0] + 0.1, abs=0.011)
    gap = note_features.decibels(one.spectra[2:-2]) - note_features.decibels(two.spectra[2:-2])
    assert np.sqrt(np.square(gap).mean()) < 1.0  # dB


@pytest.mark.parametrize("compression", ["power", "decibel"])
def test_compression_can_be_undone(compression: str) -> None:
    front = FrontEnd(compression=compression)  # type: ignore[arg-type]
    spectra = np.random.default_rng(0).uniform(0, 1, (5, 7)).astype(np.float32)
    assert np.allclose(features.expand(features.compress(spectra, front), front), spectra, atol=1e-5)


def test_feature_names_fit_and_mean_what_they_say(tone) -> None:
    clean, noisy = analyse(tone(), FrontEnd()).note, analyse(tone(noise=0.3), FrontEnd()).note
    bright, dull = analyse(tone(tilt=0.5), FrontEnd()).note, analyse(tone(tilt=2.0), FrontEnd()).note
    assert len(clean) == note_features.NOTE_DIMS == len(set(note_features.NAMES))
    at = note_features.NAMES.index
    assert clean[at("harmonics over noise")] > noisy[at("harmonics over noise")] + 6
    # H1 - H2 of harmonics falling as 1 / k^tilt is tilt * 6.02 dB.
    assert dull[at("H1 - H2")] == pytest.approx(12.04, abs=0.5)
    assert bright[at("H1 - H2")] == pytest.approx(3.01, abs=0.5)


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (np.zeros(22050), "silent"),
        (np.zeros((2, 22050)), "channel"),
        (np.ones(3), "short"),
        (np.full(22050, np.nan), "NaN"),
        (np.ones(40 * 22050), "single note"),
    ],
)
def test_unusable_sounds_are_refused_with_the_reason(sound: np.ndarray, reason: str) -> None:
    with pytest.raises(BookError, match=reason):
        analyse(sound, FrontEnd())


def test_other_transforms_take_the_same_road(tone) -> None:
    for name in features.TRANSFORMS:
        found = analyse(tone(), FrontEnd(transform=name))
        assert found.spectra.shape[0] == 12
        assert np.allclose(np.square(found.spectra).sum(axis=1), 1.0, atol=1e-4)
        assert np.isfinite(found.note).all()
    with pytest.raises(BookError, match="transform"):
        analyse(tone(), FrontEnd(transform="wavelet"))
