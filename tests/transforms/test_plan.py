"""The plan of the NSGT: fast sizes, frame bounds, export, errors."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import BookError
from lib.transforms.plan import Band, Plan, fast_size, plan
from lib.transforms.scales import Scale

CONSTANT_Q = Scale.per_octave(24)


@given(minimum=st.integers(1, 5000), multiple=st.sampled_from([1, 2, 16]))
@settings(deadline=None)
def test_fast_size_is_the_smallest_smooth_one(minimum: int, multiple: int) -> None:
    def smooth(n: int) -> bool:
        for factor in (2, 3, 5):
            while n % factor == 0:
                n //= factor
        return n == 1

    size = minimum + -minimum % multiple
    while not smooth(size // multiple):
        size += multiple
    assert fast_size(minimum, multiple) == size


@given(
    kind=st.sampled_from(["octave", "mel", "erb"]),
    n_bins=st.integers(2, 200),
    length=st.integers(1, 20000),
    grid=st.sampled_from(["regular", "octave"]),
)
@settings(deadline=None)
def test_windows_are_painless_and_bounded(kind: str, n_bins: int, length: int, grid: str) -> None:
    layout = plan(Scale.spread(kind, n_bins), length, 22050, grid)
    assert all(band.frames >= len(band.window) for band in layout.bands)
    assert layout.frame_operator.min() >= 0.5 - 1e-12 and layout.frame_operator.max() <= 1 + 1e-12
    assert layout.fft_length >= length and layout.fft_length % 2 == 0
    assert all(len(band.window) >= 3 for band in layout.bands[1:-1])  # 4 FFT bins, less an open end


def test_grids_are_what_they_say() -> None:
    regular, octave = (plan(CONSTANT_Q, 44100, 22050, grid) for grid in ("regular", "octave"))
    assert len({band.frames for band in regular.bands[1:-1]}) == 1
    assert all(band.frames & (band.frames - 1) == 0 for band in octave.bands)
    assert octave.coefficients_per_sample < 2.6 < regular.coefficients_per_sample


def test_duals_undo_the_windows() -> None:
    layout = plan(CONSTANT_Q, 5000)
    total = np.zeros(layout.n_frequencies)
    for band in layout.bands:
        total[band.start : band.start + len(band.window)] += band.window * layout.dual(band)
    np.testing.assert_allclose(total, 1.0, atol=1e-14)


def test_export_is_json_and_enough_to_rebuild_the_plan() -> None:
    layout = plan(CONSTANT_Q, 3000)
    told = json.loads(json.dumps(layout.export(windows=True)))
    bands = [Band(b["name"], b["centre_hz"], b["start"], np.array(b["window"]), b["frames"]) for b in told["bands"]]
    rebuilt = Plan(told["sample_rate"], told["length"], told["fft_length"], tuple(bands))
    np.testing.assert_array_equal(rebuilt.frame_operator, layout.frame_operator)
    assert [b["size"] for b in layout.export()["bands"]] == [len(b.window) for b in layout.bands]
    assert "window" not in layout.export()["bands"][0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: plan(CONSTANT_Q, 0), "at least one sample"),
        (lambda: plan(CONSTANT_Q, 100, 8000), "half the sample rate"),
        (lambda: plan(CONSTANT_Q, 100, 22050, "square"), "regular"),
        (lambda: plan(Scale.per_octave(20000), 100), "too long"),
        (lambda: Band("3", 100.0, 0, np.ones(5), 4), "cannot hold"),
        (lambda: Plan(8, 8, 8, (Band("0", 1.0, 0, np.ones(3), 4),)).frame_operator, "covers 3.0 Hz"),
    ],
)
def test_wrong_plans_are_explained(make: object, says: str) -> None:
    with pytest.raises(BookError, match=says):
        make()
