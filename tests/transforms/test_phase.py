"""Griffin-Lim: seeded, converging, and faster with momentum."""

from __future__ import annotations

import pytest
import torch
from transform_helpers import noise, relative_error, sinusoid

from lib.errors import BookError
from lib.transforms import DCT, NSGT, STFT, Scale, Transform, griffin_lim, spectral_convergence

TRANSFORMS = {
    "stft": STFT(sample_rate=4000),
    "dct": DCT(sample_rate=4000),
    "nsgt regular": NSGT("nsgt", Scale.spread("erb", 40, 80.0, 1800.0), 4000),
    "nsgt octave": NSGT("nsgt", Scale.per_octave(12, 80.0, 1800.0), 4000, "octave"),
}


def sound(length: int = 3000) -> torch.Tensor:
    """Two steady tones and a decaying one, `[1, time]`."""
    decay = torch.exp(-torch.arange(length) / 500.0)
    tones = sinusoid(220, length, 4000) + 0.5 * sinusoid(440, length, 4000) + decay * sinusoid(1234.5, length, 4000)
    return 0.3 * tones * torch.hann_window(length, dtype=torch.float64)


@pytest.fixture(params=TRANSFORMS)
def transform(request: pytest.FixtureRequest) -> Transform:
    return TRANSFORMS[request.param]


def test_curve_falls_and_is_of_the_sound_returned(transform: Transform) -> None:
    wanted = transform.analyze(sound()).magnitude()
    result = griffin_lim(transform, wanted, iterations=60, momentum=0.0)
    assert result.convergence.shape == (61, 1)
    assert result.convergence[-1] < 0.75 * result.convergence[0]  # a DCT has only signs to choose
    again = spectral_convergence(transform.analyze(result.audio), wanted)
    torch.testing.assert_close(result.convergence[-1], again)


def test_error_of_1984_never_grows() -> None:
    for name in ("nsgt regular", "nsgt octave"):
        transform = TRANSFORMS[name]
        length = transform.plan(3000).fft_length  # not padded, so analysis after synthesis is a projection
        wanted = transform.analyze(noise(2, length)).magnitude()
        curve = griffin_lim(transform, wanted, iterations=40, momentum=0.0).convergence
        assert (curve.diff(dim=0) <= 1e-12).all()


def test_momentum_gets_further() -> None:
    transform = TRANSFORMS["nsgt regular"]
    wanted = transform.analyze(sound()).magnitude()
    plain, fast = (griffin_lim(transform, wanted, 60, momentum=m).convergence[-1] for m in (0.0, 0.99))
    assert fast < plain


def test_right_phases_are_a_fixed_point(transform: Transform) -> None:
    coefficients = transform.analyze(sound())
    result = griffin_lim(transform, coefficients.magnitude(), iterations=5, initial=coefficients)
    assert relative_error(result.audio, sound()) < 1e-10


def test_seed_decides(transform: Transform) -> None:
    wanted = transform.analyze(sound()).magnitude()
    first, again, other = (griffin_lim(transform, wanted, 2, seed=seed).audio for seed in (1, 1, 2))
    torch.testing.assert_close(first, again, atol=0, rtol=0)
    assert relative_error(other, first) > 0.1


def test_batch_has_its_own_curves() -> None:
    transform = TRANSFORMS["stft"]
    audio = torch.cat([sound(), noise(1, 3000)])
    curve = griffin_lim(transform, transform.analyze(audio).magnitude(), 20).convergence
    assert curve.shape == (21, 2) and curve[-1, 0] != curve[-1, 1]


def test_silence_stays_silent(transform: Transform) -> None:
    wanted = transform.analyze(torch.zeros(1, 500)).magnitude()
    result = griffin_lim(transform, wanted, 3)
    assert result.audio.abs().max() == 0 and result.convergence.max() == 0


def test_progress_bar_is_optional(capsys: pytest.CaptureFixture[str]) -> None:
    transform = TRANSFORMS["stft"]
    wanted = transform.analyze(sound()).magnitude()
    griffin_lim(transform, wanted, 2)
    assert capsys.readouterr().err == ""
    griffin_lim(transform, wanted, 2, progress=True)
    assert "Griffin-Lim" in capsys.readouterr().err


@pytest.mark.parametrize("options", [{"iterations": -1}, {"momentum": 1.0}, {"momentum": -0.1}])
def test_wrong_options_are_explained(options: dict[str, float]) -> None:
    transform = TRANSFORMS["stft"]
    with pytest.raises(BookError, match="momentum"):
        griffin_lim(transform, transform.analyze(sound()).magnitude(), **options)
