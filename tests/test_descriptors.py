"""Descriptors against closed forms, librosa, each other on two axes, and numpy against torch."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import descriptors as D
from lib.errors import BookError

RATE = 22050
TORCH_KW = {"dtype": torch.float64}


def tone(
    f0: float, amplitudes: list[float], seconds: float = 1.0, stretch: float = 0.0, rate: int = RATE
) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    h = np.arange(1, len(amplitudes) + 1)
    frequencies = f0 * h * np.sqrt(1 + stretch * h**2)
    phases = 2.4 * h**2  # spread out, so that the sum does not peak like a click
    return sum(a * np.sin(2 * np.pi * f * t + p) for a, f, p in zip(amplitudes, frequencies, phases))


def noise(seed: int = 0, seconds: float = 4.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def random_spectrum(seed: int, frames: int = 5, bins: int = 40) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(0.01, 1, (frames, bins)), np.cumsum(random.uniform(5, 80, bins))


SPECTRAL = {
    "centroid": D.centroid, "bandwidth": D.bandwidth, "skewness": D.skewness, "kurtosis": D.kurtosis,
    "rolloff": D.rolloff, "flatness": D.flatness, "slope": D.slope, "loudness": D.loudness,
}  # fmt: skip


# --- librosa, where the definitions meet -------------------------------------------------------------------


@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("make", [lambda: noise(seconds=1), lambda: tone(220, [1 / h for h in range(1, 30)])])
def test_spectral_shape_meets_librosa(make, power: float) -> None:
    m, f = D.frames(make(), RATE)
    s = m.T**power
    assert D.centroid(m, f, power=power) == pytest.approx(librosa.feature.spectral_centroid(S=s, freq=f)[0], rel=1e-6)
    theirs = librosa.feature.spectral_bandwidth(S=s, freq=f)[0]
    assert D.bandwidth(m, f, power=power) == pytest.approx(theirs, rel=1e-6)
    rolled = librosa.feature.spectral_rolloff(S=s, freq=f, roll_percent=0.85)[0]
    # librosa gives the centre of the bin, ours the place inside it
    assert np.abs(D.rolloff(m, f, power=power) - rolled).max() <= 0.5 * f[1] * (1 + 1e-9)


def test_flatness_meets_librosa() -> None:
    m, f = D.frames(noise(), RATE)
    # the one difference is librosa's absolute floor of 1e-10, far below these powers
    assert D.flatness(m, f) == pytest.approx(librosa.feature.spectral_flatness(S=m.T, power=2.0)[0], rel=1e-6)


# --- closed forms ------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(f0=st.floats(100, 8000), level=st.floats(1e-3, 1))
def test_centroid_of_a_sine_is_its_frequency(f0: float, level: float) -> None:
    m, f = D.frames(tone(f0, [level], 0.3), RATE)
    # a Hann lobe is even about the sine; the other lobe at -f reaches over by less than 0.05 Hz
    assert D.centroid(m, f) == pytest.approx(f0, abs=0.1)


def test_moments_of_a_bell_and_of_two_lines() -> None:
    f = np.arange(0.0, 4000, 5)
    bell = np.exp(-((f - 2000) ** 2) / (4 * 300**2))  # its square has standard deviation 300
    assert D.centroid(bell, f) == pytest.approx(2000)
    assert D.bandwidth(bell, f) == pytest.approx(300, rel=1e-6)
    assert D.skewness(bell, f) == pytest.approx(0, abs=1e-6)
    assert D.kurtosis(bell, f) == pytest.approx(3, rel=1e-6)
    lines = np.zeros_like(f)
    lines[100] = np.sqrt(3.0)  # 500 Hz with three quarters of the power
    lines[300] = 1.0  # 1500 Hz with one quarter
    assert D.centroid(lines, f) == pytest.approx(750)
    assert D.bandwidth(lines, f) == pytest.approx(1000 * np.sqrt(0.25 * 0.75))
    assert D.skewness(lines, f) == pytest.approx((1 - 2 * 0.25) / np.sqrt(0.25 * 0.75))
    assert D.kurtosis(lines, f) == pytest.approx(1 / (0.25 * 0.75) - 3)


def test_rolloff_of_white_and_of_a_line() -> None:
    f = np.linspace(0, 10_000, 1001)
    assert D.rolloff(np.ones(1001), f) == pytest.approx(8500, abs=10)
    line = np.zeros(1001)
    line[400] = 1
    assert D.rolloff(line, f) == pytest.approx(4000, abs=5)
    assert D.rolloff(np.ones(1001), f, share=0.5) == pytest.approx(5000, abs=1)


def test_flatness_of_white_noise_is_exp_minus_gamma() -> None:
    x = noise(3, seconds=20)
    cut = x[: len(x) // 2048 * 2048].reshape(-1, 2048)
    m = np.abs(np.fft.rfft(cut))[:, 1:-1]  # 0 Hz and Nyquist scatter otherwise
    f = np.fft.rfftfreq(2048, 1 / RATE)[1:-1]
    # 215 frames of 1023 exponential bins: standard error about 0.02 / sqrt(215)
    assert D.flatness(m, f).mean() == pytest.approx(np.exp(-np.euler_gamma), abs=0.006)
    assert D.flatness(np.ones(50), np.arange(50.0)) == pytest.approx(1)
    assert D.flatness(np.eye(1, 50)[0], np.arange(50.0)) < 1e-8


@pytest.mark.parametrize("fall", [0.0, -3.0, -6.0, -12.0])
def test_slope_finds_a_power_law_on_any_axis(fall: float) -> None:
    for f in (np.arange(50.0, 3000, 10), np.geomspace(50, 3000, 120)):
        density = f ** (fall / (10 * np.log10(2)))
        m = np.sqrt(density * D.widths(f))
        assert D.slope(m, f, floor_db=-120) == pytest.approx(fall, abs=1e-9)


def test_slope_of_a_sawtooth_is_six_db_per_octave() -> None:
    h = np.arange(1, 41)
    assert D.slope(1 / h, 220.0 * h) == pytest.approx(-20 * np.log10(2), abs=1e-9)
    d = D.describe(tone(220, list(0.2 / h)), RATE, 220.0)
    assert d["slope_db_per_octave"] == pytest.approx(-6.02, abs=0.05)


def test_flux_of_still_and_of_alternating_frames() -> None:
    still = np.outer([1.0, 3.0, 0.2], [1.0, 2, 3])
    assert D.flux(still) == pytest.approx([0, 0], abs=1e-12)
    turning = np.array([[1.0, 0], [0, 1], [1, 1]])
    assert D.flux(turning) == pytest.approx([1, 1 - np.sqrt(0.5)])
    # a transform's [batch, bin, frame]
    assert D.flux(turning.T[None], axis=-2, frame_axis=-1)[0] == pytest.approx([1, 1 - np.sqrt(0.5)])


def test_odd_even_of_saw_square_and_measured_tone() -> None:
    h = np.arange(1, 41)
    saw = 1 / h
    expected = 10 * np.log10((saw[::2] ** 2).sum() / (saw[1::2] ** 2).sum())
    assert expected == pytest.approx(10 * np.log10(3), abs=0.1)  # pi^2/8 over pi^2/24 in the limit
    assert D.odd_even_ratio(saw) == pytest.approx(expected)
    assert D.odd_even_ratio(np.where(h % 2, saw, 0.0)) == pytest.approx(60, abs=1e-3)
    found = D.describe(tone(220, list(0.2 * saw)), RATE, 220.0)["odd_even_db"]
    assert found == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("stretch", [0.0, 1e-5, 1e-4, 4e-4, 2e-3])
@pytest.mark.parametrize("f0", [65.4, 220.0, 523.25])
def test_stretched_partials_give_their_coefficient(stretch: float, f0: float) -> None:
    count = min(25, int(0.8 * RATE / 2 / f0))
    x = tone(f0, [1 / h for h in range(1, count + 1)], 2.0, stretch)
    x = x * np.exp(-np.arange(len(x)) / RATE)
    # from a nominal fundamental 15 cents off, as some notes of the corpus are
    found = D.describe(x / 20, RATE, f0 * 2 ** (15 / 1200))["inharmonicity"]
    # lines are known to about 0.02 Hz, which is a stretch of some 1e-6 for the upper partials
    assert found == pytest.approx(stretch, abs=3e-6, rel=0.01)


def test_k_weighting_at_the_standards_points() -> None:
    gain = 10 * np.log10(D.k_weighting([997.0, 10_000.0, 20.0]))
    assert gain[0] == pytest.approx(0.691, abs=0.01)
    assert gain[1] == pytest.approx(4.0, abs=0.1)
    assert gain[2] < -10
    with pytest.raises(BookError, match="24 kHz"):
        D.k_weighting([24_000.0])


def test_loudness_of_a_full_scale_sine_and_of_six_db() -> None:
    found = D.describe(tone(997, [1.0], 2.0), RATE)["loudness_db"]
    assert found == pytest.approx(-3.01, abs=0.02)
    assert D.describe(tone(997, [0.5], 2.0), RATE)["loudness_db"] == pytest.approx(found - 6.02, abs=0.01)


def test_loudness_is_that_of_the_standards_filters_run_in_time() -> None:
    from scipy.signal import lfilter

    # the two filters of ITU-R BS.1770 at 48 kHz, as the standard prints them; the sound is steady, so no gate acts
    x = 0.1 * np.random.default_rng(5).standard_normal(4 * 48_000)
    y = lfilter([1.53512485958697, -2.69169618940638, 1.19839281085285], [1, -1.69065929318241, 0.73248077421585], x)
    y = lfilter([1, -2, 1], [1, -1.99004745483398, 0.99007225036621], y)
    expected = -0.691 + 10 * np.log10(np.mean(y**2))
    assert D.describe(x, 48_000)["loudness_db"] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("seconds", [0.02, 0.05, 0.2, 0.5])
def test_attack_of_a_ramp(seconds: float) -> None:
    t = np.arange(2 * RATE) / RATE
    x = np.sin(2 * np.pi * 1000 * t) * np.minimum(t / seconds, 1)
    found = 10 ** D.describe(x, RATE)["log_attack_time"]
    # one block of the envelope is 2.9 ms
    assert found == pytest.approx(0.8 * seconds, abs=0.003)


def test_a_swell_after_the_attack_is_no_attack() -> None:
    t = np.arange(0, 2, 0.003)
    level = np.minimum(t / 0.03, 1) * 0.75 + 0.25 * np.clip((t - 0.1) / 1.5, 0, 1)
    assert 10 ** D.log_attack_time(level, t) < 0.05
    assert 10 ** D.log_attack_time(np.minimum(t / 0.03, 1) * 0.75, t) == pytest.approx(0.024, abs=0.003)


def test_temporal_centroid_of_a_decay_and_a_block() -> None:
    t = np.arange(0, 20, 0.001)
    assert D.temporal_centroid(np.exp(-t / 0.4), t) == pytest.approx(0.4, abs=0.001)
    assert D.temporal_centroid(np.ones(1001), np.linspace(0, 2, 1001)) == pytest.approx(1.0)


def test_roughness_of_two_partials() -> None:
    # the pair's curve is highest where s d = ln(5.75 / 3.5) / (5.75 - 3.5)
    low = 440.0
    d = np.log(5.75 / 3.5) / 2.25 / (0.24 / (0.0207 * low + 18.96))
    worst = D.roughness([low, low + d], np.array([1.0, 1.0]))
    s_d = np.log(5.75 / 3.5) / 2.25
    assert worst == pytest.approx(0.5 * (np.exp(-3.5 * s_d) - np.exp(-5.75 * s_d)))
    for factor in (0.5, 2.0):
        assert D.roughness([low, low + factor * d], np.array([1.0, 1.0])) < worst
    assert D.roughness([low, 2 * low], np.array([1.0, 1.0])) < 0.02 * worst
    assert D.roughness([low, low], np.array([1.0, 1.0])) == pytest.approx(0)
    assert D.roughness([low, low + d], np.array([1.0, 0.0])) == 0


def test_roughness_adds_up_pairs_of_unequal_partials() -> None:
    # the published formula, one pair at a time: 0.5 X^0.1 Y^3.11 Z (Vassilakis 2001)
    random = np.random.default_rng(4)
    f, a = 300 + np.cumsum(random.uniform(10, 90, 7)), random.uniform(0.05, 1, 7)
    a = a / a.max()
    by_hand = 0.0
    for i in range(7):
        for j in range(i):
            weak, strong = sorted((a[i], a[j]))
            apart = 0.24 / (0.0207 * min(f[i], f[j]) + 18.96) * abs(f[i] - f[j])
            z = np.exp(-3.5 * apart) - np.exp(-5.75 * apart)
            by_hand += 0.5 * (weak * strong) ** 0.1 * (2 * weak / (weak + strong)) ** 3.11 * z
    assert D.roughness(f, 0.3 * a) == pytest.approx(by_hand)
    mixed = random.permutation(7)
    assert D.roughness(f[mixed], a[mixed]) == pytest.approx(by_hand)


def test_noisiness_of_tone_noise_and_mixtures() -> None:
    pure = tone(220, [1 / h for h in range(1, 20)], 2.0)
    hiss = np.random.default_rng(1).standard_normal(len(pure))
    assert D.describe(pure / 20, RATE, 220.0)["noisiness"] < 1e-4
    assert D.describe(hiss / 20, RATE, 220.0)["noisiness"] == pytest.approx(1, abs=0.05)
    for share in (0.02, 0.2):
        mixed = pure / pure.std() * np.sqrt(1 - share) + hiss / hiss.std() * np.sqrt(share)
        assert D.describe(mixed / 20, RATE, 220.0)["noisiness"] == pytest.approx(share, rel=0.1)


# --- bins of different width -------------------------------------------------------------------------------


def coloured(seed: int) -> np.ndarray:
    from scipy.signal import butter, sosfilt

    return sosfilt(butter(2, [300, 2500], "bandpass", fs=RATE, output="sos"), noise(seed))


@pytest.mark.parametrize("name", ["nsgt-erb", "nsgt-cqt"])
def test_one_noise_has_one_centroid_on_every_transform(name: str) -> None:
    """Power adds up, so linear, ERB and log axes agree; ignoring the frequencies of the bins does not."""
    from lib.transforms import make

    x = coloured(2)
    stft, f = D.frames(x, RATE)
    transform = make(name)
    # the coefficients' magnitudes at every band's own frame rate: power is the mean over frames
    power = _mean_power(transform, x)
    mean, axis = np.sqrt((stft**2).mean(0)), np.asarray(transform.frequencies_hz)
    # half a percent of statistical scatter, a few percent of band edges
    assert D.centroid(power**0.5, axis) == pytest.approx(D.centroid(mean, f), rel=0.05)
    assert D.bandwidth(power**0.5, axis) == pytest.approx(D.bandwidth(mean, f), rel=0.1)
    assert D.rolloff(power**0.5, axis) == pytest.approx(D.rolloff(mean, f), rel=0.05)
    # the published code took log bins for linear ones up to Nyquist
    wrong = D.centroid(power**0.5, np.linspace(0, RATE / 2, len(axis)))
    assert abs(wrong / D.centroid(mean, f) - 1) > 0.5


def _mean_power(transform, x: np.ndarray) -> np.ndarray:
    coefficients = transform.analyze(torch.as_tensor(x[None], dtype=torch.float32))
    bands = [coefficients.band(k) for k in range(transform.n_bins)]
    return np.array([float((band.abs() ** 2).mean()) for band in bands])


def test_centroid_of_noise_on_synthetic_axes() -> None:
    """Filters of gain 1 see density x width; the same density on three axes is one sound."""

    def density(f: np.ndarray) -> np.ndarray:
        return np.exp(-((np.log(f / 900)) ** 2))

    found = {}
    for name, f in (("linear", np.linspace(20, 9000, 4000)), ("log", np.geomspace(20, 9000, 500))):
        m = np.sqrt(density(f) * D.widths(f))
        found[name] = [
            float(measure(m, f, **kw))
            for measure, kw in (
                (D.centroid, {}), (D.centroid, {"power": 1.0}), (D.bandwidth, {}), (D.rolloff, {}), (D.flatness, {}),
            )
        ]  # fmt: skip
    assert found["log"] == pytest.approx(found["linear"], rel=0.01)


# --- numpy and torch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(SPECTRAL))
@pytest.mark.parametrize("seed", [0, 1])
def test_numpy_and_torch_give_the_same_number(name: str, seed: int) -> None:
    m, f = random_spectrum(seed)
    ours = SPECTRAL[name](m, f)
    theirs = SPECTRAL[name](torch.tensor(m, **TORCH_KW), torch.tensor(f, **TORCH_KW))
    assert isinstance(theirs, torch.Tensor)
    assert theirs.numpy() == pytest.approx(ours, rel=1e-9, abs=1e-12)


def test_numpy_and_torch_agree_on_the_rest() -> None:
    m, _ = random_spectrum(3)
    t = torch.tensor(m, **TORCH_KW)
    assert D.flux(t).numpy() == pytest.approx(D.flux(m), rel=1e-9)
    x = tone(220, [1, 0.5, 0.4, 0.3, 0.2]) * np.minimum(np.arange(RATE) / 3000, 1)
    level, times = D.envelope(x, RATE)
    level_t, _ = D.envelope(torch.tensor(x), RATE)
    assert level_t.numpy() == pytest.approx(level)
    assert float(D.log_attack_time(level_t, times)) == pytest.approx(float(D.log_attack_time(level, times)), rel=1e-9)
    assert float(D.temporal_centroid(level_t, times)) == pytest.approx(float(D.temporal_centroid(level, times)))
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x))))
    axis = np.fft.rfftfreq(len(x), 1 / RATE)
    ours, theirs = (D.find_partials(s, axis, 220.0) for s in (spectrum, torch.tensor(spectrum)))
    assert theirs[0].numpy() == pytest.approx(ours[0], rel=1e-9) and theirs[1].numpy() == pytest.approx(ours[1])
    assert float(D.inharmonicity(theirs[0])) == pytest.approx(float(D.inharmonicity(ours[0])), rel=1e-6, abs=1e-12)
    assert float(D.odd_even_ratio(theirs[1])) == pytest.approx(float(D.odd_even_ratio(ours[1])))
    assert float(D.roughness(theirs[0], theirs[1])) == pytest.approx(float(D.roughness(*ours[:2])))
    amplitudes, _ = D.harmonic_amplitudes(spectrum, axis, 220.0, count=5)
    amplitudes_t, _ = D.harmonic_amplitudes(torch.tensor(spectrum), axis, 220.0, count=5)
    assert amplitudes_t.numpy() == pytest.approx(amplitudes)
    assert amplitudes / amplitudes[0] == pytest.approx([1, 0.5, 0.4, 0.3, 0.2], rel=0.02)
    noisy = spectrum + 0.1
    ours, theirs = D.noisiness(noisy, axis, 220.0), D.noisiness(torch.tensor(noisy), axis, 220.0)
    assert float(theirs) == pytest.approx(float(ours), rel=1e-9)


@pytest.mark.parametrize("name", list(SPECTRAL))
def test_gradients_are_right(name: str) -> None:
    m, f = random_spectrum(5, frames=2, bins=9)
    assert torch.autograd.gradcheck(lambda x: SPECTRAL[name](x, f), torch.tensor(m, requires_grad=True, **TORCH_KW))


def test_gradients_of_the_rest_are_right() -> None:
    random = np.random.default_rng(0)

    def leaf(*shape: int) -> torch.Tensor:
        return torch.tensor(random.uniform(0.1, 1, shape), requires_grad=True, **TORCH_KW)

    check = torch.autograd.gradcheck
    assert check(D.flux, leaf(3, 6))
    assert check(D.odd_even_ratio, leaf(2, 7))
    assert check(lambda a: D.roughness([100.0, 130, 220, 300], a), leaf(4))
    h = torch.arange(1, 9, **TORCH_KW)
    assert check(D.inharmonicity, (200 * h + 0.1 * h**2).requires_grad_())
    times = np.arange(12) / 10
    rising = torch.tensor(np.linspace(0.01, 1, 12) ** 1.3, requires_grad=True, **TORCH_KW)
    assert check(lambda e: D.log_attack_time(e, times), rising)
    assert check(lambda e: D.temporal_centroid(e, times), leaf(12))
    f = np.arange(20.0) * 30
    assert check(lambda m: D.noisiness(m, f, 150.0), leaf(20))
    assert check(lambda m: D.harmonic_amplitudes(m, f, 150.0, count=3)[0], leaf(20))


@pytest.mark.parametrize("name", list(SPECTRAL))
def test_silence_has_a_number_and_no_gradient(name: str) -> None:
    m = torch.zeros(2, 9, requires_grad=True, **TORCH_KW)
    found = SPECTRAL[name](m, np.arange(1.0, 10) * 100)
    found.sum().backward()
    assert torch.isfinite(found).all() and torch.isfinite(m.grad).all()


# --- invariance and bad input ------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), gain=st.floats(1e-4, 1e4))
def test_level_changes_nothing_but_loudness(seed: int, gain: float) -> None:
    m, f = random_spectrum(seed)
    for name, measure in SPECTRAL.items():
        shift = 20 * np.log10(gain) if name == "loudness" else 0
        if name != "loudness" or measure(gain * m, f).min() > -119:
            assert measure(gain * m, f) == pytest.approx(measure(m, f) + shift, rel=1e-6, abs=1e-6)
    assert D.roughness(f[:6], gain * m[0, :6]) == pytest.approx(D.roughness(f[:6], m[0, :6]))
    assert D.odd_even_ratio(gain * m) == pytest.approx(D.odd_even_ratio(m))


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000))
def test_axis_does_not_matter(seed: int) -> None:
    m, f = random_spectrum(seed)
    for measure in SPECTRAL.values():
        assert measure(m.T[None], f, axis=1)[0] == pytest.approx(measure(m, f))


@pytest.mark.parametrize(
    ("magnitudes", "frequencies", "says"),
    [
        ([1.0, np.nan], [100, 200], "NaN"),
        ([1.0, -1.0], [100, 200], "negative"),
        ([1.0, 1j], [100, 200], "complex"),
        ([1.0, 1.0], [100, 200, 300], "axis"),
        ([1.0, 1.0], [200, 100], "rise"),
        ([], [], "at least one bin"),
    ],
)
def test_bad_spectra_are_refused(magnitudes: list, frequencies: list, says: str) -> None:
    with pytest.raises(BookError, match=says):
        D.centroid(np.array(magnitudes), np.array(frequencies))


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(BookError, match="frame axis"):
        D.flux(np.ones(4))
    with pytest.raises(BookError, match="three clear"):
        D.inharmonicity(np.array([100.0, 200.0]))
    with pytest.raises(BookError, match="positive frequency"):
        D.harmonic_amplitudes(np.ones(4), np.arange(4.0), 0.0)
    with pytest.raises(BookError, match="floating"):
        D.centroid(torch.ones(3, dtype=torch.int64), [1, 2, 3])
    with pytest.raises(BookError, match="between 0 and 1"):
        D.rolloff(np.ones(3), [1, 2, 3], share=85)
