"""One way to make every transform, one set of promises all of them keep, one kind of error."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transform_helpers import noise, relative_error

from lib.errors import BookError
from lib.transforms import NAMES, Coefficients, Transform, make


@pytest.fixture(params=NAMES)
def transform(request: pytest.FixtureRequest) -> Transform:
    return make(request.param)


def test_keeps_the_protocol(transform: Transform) -> None:
    assert isinstance(transform, Transform)
    coefficients = transform.analyze(noise(2, 5000, torch.float32))
    assert coefficients.grid.shape == (2, transform.n_bins, len(transform.times_s(5000)))
    assert coefficients.grid.is_complex() == transform.is_complex
    for per_bin in (transform.frequencies_hz, transform.bandwidths_hz, transform.window_lengths_s):
        assert per_bin.shape == (transform.n_bins,) and np.isfinite(per_bin).all()
    assert (np.diff(transform.frequencies_hz) > 0).all() and transform.redundancy > 1


def test_magnitude_is_real_and_not_negative(transform: Transform) -> None:
    for part in transform.analyze(noise(1, 2000)).magnitude().parts:
        assert not part.is_complex() and (part >= 0).all()


def test_length_crops_and_never_invents(transform: Transform) -> None:
    audio = noise(1, 900)
    coefficients = transform.analyze(audio)
    assert relative_error(transform.synthesize(coefficients, 500), audio[:, :500]) < 1e-12
    with pytest.raises(BookError, match="900 samples"):
        transform.synthesize(coefficients, 901)


def test_float32_gradient_reaches_the_audio(transform: Transform) -> None:
    audio = noise(2, 1500, torch.float32).requires_grad_()
    transform.analyze(audio).energy().sum().backward()
    assert audio.grad is not None and audio.grad.abs().sum() > 0 and torch.isfinite(audio.grad).all()


@pytest.mark.parametrize(
    ("audio", "says"),
    [
        (np.zeros(10, dtype=np.float32), "torch.tensor"),
        (torch.zeros(10), r"audio\[None\]"),
        (torch.zeros(1, 1, 10), r"\[1, 1, 10\]"),
        (torch.zeros(1, 10, dtype=torch.int16), "int16"),
        (torch.zeros(1, 10, dtype=torch.float16), "float16"),
        (torch.zeros(1, 0), "empty"),
        (torch.zeros(0, 10), "empty"),
        (torch.tensor([[0.0, float("nan")]]), "NaN"),
        (torch.tensor([[float("inf"), float("-inf")]]), "NaN"),
    ],
)
def test_wrong_audio_is_explained(transform: Transform, audio: object, says: str) -> None:
    with pytest.raises(BookError, match=says):
        transform.analyze(audio)


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(BookError) as error:
        make("wavelet")
    assert all(name in str(error.value) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_unknown_options_are_explained(name: str) -> None:
    with pytest.raises(BookError, match="colour"):
        make(name, colour="red")


def test_sizes_of_the_papers() -> None:
    assert [make(name).n_bins for name in NAMES] == [442, 882, 168, 335, 168, 168]
    options = make("nsgt-cqt", bins_per_octave=12, minimum_hz=110.0, maximum_hz=7040.0)
    assert options.n_bins == 73


def test_coefficients_refuse_what_they_are_not() -> None:
    octave = make("nsgt-cqt", grid="octave").analyze(noise(1, 3000))
    with pytest.raises(BookError, match="no single grid"):
        _ = octave.grid
    with pytest.raises(BookError, match="no band 168"):
        octave.band(168)
    with pytest.raises(BookError, match="differ in shape"):
        octave.with_phase_of(make("nsgt-cqt").analyze(noise(1, 3000)))


def test_phase_of_zero_is_zero() -> None:
    magnitude = Coefficients((torch.full((1, 1, 2), 3.0),), 5)
    phases = Coefficients((torch.tensor([[[0.0, -2.0]]]),), 5)
    assert magnitude.with_phase_of(phases).grid.tolist() == [[[3.0, -3.0]]]
    turned = magnitude.with_phase_of(phases.map(lambda part: part * 1j))
    torch.testing.assert_close(turned.grid, torch.tensor([[[3.0 + 0j, -3.0j]]]))
