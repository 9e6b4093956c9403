"""The JavaScript that computes, against Python: FFT, transforms, Griffin-Lim, loudness, spectrogram."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lib.transforms import griffin_lim, make
from lib.widgets.loudness import loudness_lufs

SAMPLE_RATE = 22050


def test_fft_agrees_with_numpy_at_every_kind_of_length(node) -> None:
    rng = np.random.default_rng(0)
    # Powers of two, mixed radices, odd, prime (Bluestein), and lengths the transforms use.
    lengths = [1, 2, 3, 4, 5, 7, 8, 16, 30, 49, 64, 77, 97, 143, 169, 256, 441, 882, 997, 1024, 1155, 2 * 509, 4500]
    signals = [rng.standard_normal(n).tolist() for n in lengths]
    results = node(
        "fft",
        "return input.map((x) => { const s = m.rfft(x); return [s.re, s.im, m.irfft(s.re, s.im, x.length)]; });",
        signals,
    )
    for x, (re, im, back) in zip(signals, results):
        reference = np.fft.rfft(x)
        # Rounding of double precision grows with log n; 1e-12 of the largest bin is far above it.
        tolerance = 1e-12 * np.abs(reference).max()
        assert np.allclose(np.array(re) + 1j * np.array(im), reference, rtol=0, atol=tolerance), len(x)
        assert np.allclose(back, x, rtol=0, atol=1e-12), len(x)


def test_complex_fft_agrees_with_numpy(node) -> None:
    rng = np.random.default_rng(1)
    for n in (6, 45, 96, 101, 1000):
        re, im = rng.standard_normal((2, n))
        body = "const [re, im] = input.map((x) => Float64Array.from(x)); m.plan(re.length).inverse(re, im);"
        got = node("fft", body + " return [re, im];", [re.tolist(), im.tolist()])
        assert np.allclose(np.array(got[0]) + 1j * np.array(got[1]), np.fft.ifft(re + 1j * im), rtol=0, atol=1e-13)


_ANALYSE = """
const [name, options, x] = input;
const t = m.make(name, 22050, x.length, options);
const c = t.analyze(Float64Array.from(x));
const rows = [];
for (let bin = 0; bin < t.bins; bin++) {
  const at = Array.from({ length: t.framesOf(bin) }, (_, frame) => t.at(bin, frame));
  rows.push([at.map((i) => c.re[i]), at.map((i) => (c.im.length ? c.im[i] : 0))]);
}
const hz = [100, 440, 1000, 6000];
return { rows, back: t.synthesize(c), widths: hz.map(t.bandwidthHz), windows: hz.map(t.windowS),
         low: t.frequency(0), high: t.frequency(t.bins - 1) };
"""


@pytest.mark.parametrize("grid", ["regular", "octave"])
@pytest.mark.parametrize("name", ["stft", "dct", "nsgt-cqt", "nsgt-mel", "nsgt-erb"])
def test_transforms_in_the_page_are_those_of_the_library(node, name: str, grid: str) -> None:
    nsgt = name.startswith("nsgt")
    if grid == "octave" and not nsgt:
        pytest.skip("only an NSGT has grids")
    options = {"grid": grid} if nsgt else {}
    x = np.random.default_rng(2).standard_normal(13007)
    transform = make(name, **options)
    got = node("transforms", _ANALYSE, [name, options, x.tolist()])
    coefficients = transform.analyze(torch.from_numpy(x)[None])
    wanted = [row for part in coefficients.bands for row in part[0].numpy()] if nsgt else coefficients.grid[0].numpy()
    assert len(got["rows"]) == len(wanted) == transform.n_bins
    scale = max(np.abs(row).max() for row in wanted)
    for (re, im), row in zip(got["rows"], wanted):
        # Both compute in double precision; 1e-10 of the largest coefficient leaves room only for rounding.
        assert np.allclose(np.array(re) + 1j * np.array(im), row, rtol=0, atol=1e-10 * scale)
    error = np.linalg.norm(np.array(got["back"]) - x) / np.linalg.norm(x)
    assert error < 1e-12
    for hz, width, window in zip((100, 440, 1000, 6000), got["widths"], got["windows"]):
        # numpy interpolates between bins: a straight line where the scale bends.
        assert width == pytest.approx(np.interp(hz, transform.frequencies_hz, transform.bandwidths_hz), rel=1e-3)
        assert window == pytest.approx(np.interp(hz, transform.frequencies_hz, transform.window_lengths_s), rel=1e-3)
    assert (got["low"], got["high"]) == pytest.approx((transform.frequencies_hz[0], transform.frequencies_hz[-1]))


@pytest.mark.parametrize("name", ["stft", "dct", "nsgt-cqt", "nsgt-erb"])
def test_griffin_lim_from_the_same_phases_takes_the_same_road(node, tone, name: str) -> None:
    x = tone(440, seconds=0.4, level=0.5).astype(np.float64)
    noise = np.random.default_rng(3).standard_normal(len(x))
    transform = make(name)
    picture, other = (transform.analyze(torch.from_numpy(signal)[None]) for signal in (x, noise))
    wanted = griffin_lim(transform, picture.magnitude(), iterations=12, initial=other)
    got = node(
        "phase",
        """
        const { make } = await import("./transforms.mjs");
        const [x, noise] = [input.x, input.noise].map((signal) => Float64Array.from(signal));
        const t = make(input.name, 22050, x.length);
        const wanted = m.magnitudes(t.analyze(x));
        const result = await m.griffinLim(t, wanted, { iterations: 12, initial: t.analyze(noise) });
        const stopped = await m.griffinLim(t, wanted, { iterations: 5, onprogress: (done) => done < 2 });
        const random = await m.griffinLim(t, wanted, { iterations: 12 });
        return { curve: result.convergence, audio: result.audio, stopped, random: random.convergence };
        """,
        {"name": name, "x": x.tolist(), "noise": noise.tolist()},
        also=["transforms"],
    )
    # Twelve steps of double-precision rounding; phases of nearly empty coefficients are the most sensitive.
    assert got["curve"] == pytest.approx(wanted.convergence[:, 0].tolist(), rel=1e-4)
    error = np.linalg.norm(np.array(got["audio"]) - wanted.audio[0].numpy()) / np.linalg.norm(wanted.audio[0].numpy())
    assert error < 1e-3
    assert got["stopped"] is None
    assert len(got["random"]) == 13 and got["random"][-1] < 0.8 * got["random"][0]


def test_loudness_in_the_page_is_that_of_the_library(node, tone) -> None:
    sounds = [tone(110), tone(2000, level=0.02), tone(330, seconds=0.1), tone(440, decay=5.0, seconds=2.0)]
    got = node("loudness", "return input.map((x) => m.lufs(x, 22050));", [s.tolist() for s in sounds])
    assert got == pytest.approx([loudness_lufs(s, SAMPLE_RATE) for s in sounds], abs=1e-6)
    gains = node("loudness", "return m.matchedGainsDb(input, 22050);", [s.tolist() for s in sounds])
    played = [loudness_lufs(s * 10 ** (g / 20), SAMPLE_RATE) for s, g in zip(sounds, gains)]
    assert np.ptp(played) < 0.05
    assert node("loudness", "return m.lufs(new Float64Array(5000), 22050) === -Infinity;") is True


def test_the_spectrogram_peaks_at_the_pitch(node) -> None:
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    for hz in (100.0, 440.0, 5000.0):
        picture = node(
            "stft",
            "return m.logSpectrogram(input, 22050, { columns: 9, rows: 200, fMin: 50, fMax: 10000 });",
            np.sin(2 * np.pi * hz * t).tolist(),
        )
        db = np.array(picture["db"]).reshape(200, 9)
        assert db.max() == pytest.approx(0, abs=1e-4)
        row = db[:, 4].argmax()
        # A row is a 38th of an octave here; a bin of the padded FFT is 5.4 Hz.
        assert 50 * 200 ** (row / 199) == pytest.approx(hz, rel=0.015, abs=6)
