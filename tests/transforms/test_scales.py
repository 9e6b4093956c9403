"""The scales, against librosa, against published values, and against themselves."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import BookError
from lib.transforms.scales import CONVERSIONS, Scale, hz_to_erb, hz_to_mel

frequencies = st.floats(1.0, 20000.0)


@pytest.mark.parametrize("kind", CONVERSIONS)
@given(f_hz=frequencies)
@settings(deadline=None)
def test_conversions_are_inverse(kind: str, f_hz: float) -> None:
    to_units, to_hz = CONVERSIONS[kind]
    assert to_hz(to_units(f_hz)) == pytest.approx(f_hz, rel=1e-10)


def test_mel_is_the_htk_formula() -> None:
    f_hz = np.geomspace(20, 11025, 50)
    np.testing.assert_allclose(hz_to_mel(f_hz), librosa.hz_to_mel(f_hz, htk=True), rtol=1e-12)


def test_erb_rate_has_the_bandwidth_of_glasberg_and_moore() -> None:
    # ERB-rate counts bandwidths, so its slope is 1 / ERB with ERB = 24.7 (4.37 f / 1000 + 1) Hz (their equation 3);
    # the published constants agree to 0.4 % only, as they are rounded
    f_hz = np.geomspace(50, 10000, 40)
    slope = (hz_to_erb(f_hz * 1.0001) - hz_to_erb(f_hz * 0.9999)) / (f_hz * 0.0002)
    np.testing.assert_allclose(1 / slope, 24.7 * (4.37 * f_hz / 1000 + 1), rtol=4e-3)


def test_constant_q_has_equal_ratios() -> None:
    centres = Scale.per_octave(24).frequencies_hz
    np.testing.assert_allclose(centres[24:] / centres[:-24], 2.0, rtol=1e-12)
    assert centres[0] == pytest.approx(64) and 8000 / 2 ** (1 / 24) < centres[-1] <= 8000


def test_whole_octaves_include_the_top() -> None:
    assert Scale.per_octave(12, 55.0, 7040.0).frequencies_hz[-1] == pytest.approx(7040)


@pytest.mark.parametrize("kind", ["mel", "erb"])
def test_spread_reaches_both_ends_in_equal_steps(kind: str) -> None:
    scale = Scale.spread(kind, 168)
    centres = scale.frequencies_hz
    assert (len(centres), centres[0], centres[-1]) == (168, pytest.approx(64), pytest.approx(8000))
    np.testing.assert_allclose(np.diff(CONVERSIONS[kind][0](centres)), scale.step, rtol=1e-9)


@given(position=st.floats(-0.9, 200.0))
@settings(deadline=None)
def test_position_and_frequency_are_inverse(position: float) -> None:
    scale = Scale.spread("erb", 168)
    assert scale.position(scale.frequency(position)) == pytest.approx(position, abs=1e-9)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Scale.per_octave(24, 8000, 64), "range"),
        (lambda: Scale.per_octave(0), "bins_per_octave"),
        (lambda: Scale.per_octave(24, 0.0, 100.0), "range"),
        (lambda: Scale.spread("bark", 20), "octave, mel, erb"),
        (lambda: Scale.spread("mel", 1), "two bands"),
        (lambda: Scale("mel", 0.0, 1.0, 3), "above 0 Hz"),
        (lambda: Scale("mel", 60.0, float("nan"), 3), "positive step"),
        (lambda: Scale("bark", 60.0, 1.0, 3), "octave, mel, erb"),
    ],
)
def test_wrong_scales_are_explained(make: object, says: str) -> None:
    with pytest.raises(BookError, match=says):
        make()
