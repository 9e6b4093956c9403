"""Our NSGT against the `nsgt` package, on the package's own windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transform_helpers import noise, relative_error, sinusoid

from lib.errors import BookError
from lib.transforms import NSGT, Scale
from lib.transforms.nsgt import analyze_spectrum, synthesize_spectrum
from lib.transforms.nsgt_package import load_nsgt, package_transform, plan_from_package
from lib.transforms.tables import build_tables

SCALES = (Scale.per_octave(24), Scale.spread("erb", 168), Scale.spread("mel", 60, 100.0, 6000.0))


@pytest.mark.parametrize("length", [44100, 22051])
@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.kind)
def test_same_coefficients_on_the_same_windows(scale: Scale, length: int) -> None:
    """Every complex coefficient agrees to 1e-12, but for scaling, phase origin and the two outermost bands.

    The package scales by 1 / frames and counts phases from each band's centre; its outermost bands keep
    both sides of 0 and of half the sample rate, ours one side.
    """
    package = package_transform(scale, length)
    described = plan_from_package(package, 22050)
    tables = build_tables(described.plan, torch.float64, torch.device("cpu"))
    audio = noise(1, length)
    parts = analyze_spectrum(torch.fft.rfft(audio), tables)
    ours = [row.numpy() for part in parts for row in part[0]]
    theirs = package.forward(audio[0].numpy())
    assert sum(described.whole) == len(theirs) - 2 == scale.n_bins
    for mine, other, origin, whole in zip(ours, theirs, described.origins, described.whole):
        n, frames = np.arange(len(other)), len(other)
        turned = other * (2 * frames / length) * np.exp(2j * np.pi * (origin * n % frames) / frames)
        if whole:
            np.testing.assert_allclose(mine, turned, atol=1e-12 * np.abs(turned).max())
    restored = torch.fft.irfft(synthesize_spectrum(tuple(parts), tables), n=length)
    assert relative_error(restored, audio) < 1e-12


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.kind)
def test_same_bands_light_up_on_our_own_windows(scale: Scale) -> None:
    """Windows differ (ours are Hann on the scale's axis, theirs on the linear one), centres do not."""
    # 45,000 samples are not padded, and a whole number of periods makes the sinusoid a single line
    transform, package = NSGT("ours", scale, grid="octave"), package_transform(scale, 45000)
    for k in range(20, scale.n_bins, 40):
        audio = sinusoid(round(scale.frequencies_hz[k] * 45000 / 22050) * 22050 / 45000, 45000)
        ours = transform.analyze(audio)
        mine = [float(ours.band(i).abs().square().mean()) for i in range(scale.n_bins)]
        theirs = [np.mean(np.abs(c * len(c) * 2 / 45000) ** 2) for c in package.forward(audio[0].numpy())[1:-1]]
        assert np.argmax(mine) == np.argmax(theirs) == k
        assert mine[k] == pytest.approx(1.0, abs=0.03) and theirs[k] == pytest.approx(1.0, abs=1e-9)


def test_numpy_itself_stays_as_it_is() -> None:
    load_nsgt()
    with pytest.raises(TypeError):
        np.clip(np.arange(3), 1, np.inf, out=np.arange(3))


def test_stretched_transforms_are_refused() -> None:
    class Stretched:
        Ls, nn = 100, 128

    with pytest.raises(BookError, match="longer signal"):
        plan_from_package(Stretched(), 22050)
