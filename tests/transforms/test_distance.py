"""The log-spectral distance, against what can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from lib.errors import BookError
from lib.transforms.distance import log_spectral_distance

NOISE = torch.randn(3, 9000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_equal_sounds_are_at_distance_zero():
    assert torch.equal(log_spectral_distance(NOISE, NOISE), torch.zeros(3, dtype=torch.float64))


@pytest.mark.parametrize("gain_db", [-6.0, 3.0])
def test_a_gain_is_its_own_distance(gain_db):
    # with a floor far below the noise, every point moves by the gain
    louder = NOISE * 10 ** (gain_db / 20)
    distance = log_spectral_distance(louder, NOISE, floor_db=-200.0)
    assert torch.allclose(distance, torch.full((3,), abs(gain_db), dtype=torch.float64), rtol=1e-9)


def test_silence_is_as_far_as_the_floor_lets_it_be():
    near, far = (log_spectral_distance(torch.zeros_like(NOISE), NOISE, floor_db=floor) for floor in (-60.0, -90.0))
    assert bool((near < 60).all()) and bool((near > 30).all()) and bool((far > near + 25).all())


def test_each_sound_of_a_batch_stands_alone():
    other = NOISE.flip(0)
    together = log_spectral_distance(other, NOISE)
    alone = torch.cat([log_spectral_distance(other[i : i + 1], NOISE[i : i + 1]) for i in range(3)])
    assert torch.allclose(together, alone, rtol=1e-9)


def test_what_lies_outside_the_range_does_not_count():
    time_s = torch.arange(22050, dtype=torch.float64) / 22050
    hidden = torch.sin(2 * math.pi * 10000 * time_s) * torch.hann_window(22050, dtype=torch.float64)
    low = torch.sin(2 * math.pi * 440 * time_s)[None]
    # leakage from a smooth tone at 10 kHz into the range below 8 kHz stays under 0.1 dB
    assert float(log_spectral_distance(low + 0.1 * hidden, low)) < 0.1
    assert float(log_spectral_distance(low + 0.1 * hidden, low, range_hz=(64.0, 11025.0))) > 1.0


def test_bad_input_is_named():
    with pytest.raises(BookError, match="cut them alike"):
        log_spectral_distance(NOISE, NOISE[:, :-1])
    with pytest.raises(BookError, match="floor"):
        log_spectral_distance(NOISE, NOISE, floor_db=0.0)
    with pytest.raises(BookError, match="between 8000"):
        log_spectral_distance(NOISE, NOISE, range_hz=(8000.0, 64.0))
