"""From decoded spectra to sound: harmonics read off the envelope plus shaped noise, or the paper's Griffin-Lim.

The additive way keeps apart what the space does not model: pitch, vibrato, loudness and attack are curves
of their own, so that a decoded timbre can be played with the performance of any sound.

Chapter: *Navigating and paths*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lib.errors import BookError
from lib.timbre.features import transform_for
from lib.timbre.note_features import SAMPLE_RATE, level_curve
from lib.timbre.space import Space, hz_to_midi
from lib.transforms import griffin_lim

#: Samples between two values of a pitch or level curve: 10 ms.
HOP = 220
#: Highest frequency the spectra know.
TOP_HZ = 8000.0
MAX_HARMONICS = 80
#: Multiplicative updates that share each band's power among the harmonics in it.
UPDATES = 12
#: Frame of the noise filter.
NOISE_FRAME = 512
FADE_S = 0.008


@dataclass(frozen=True)
class Performance:
    """How a note is played: pitch [n] in Hz and level [n] (linear RMS), one value every `HOP` samples."""

    f0_hz: np.ndarray
    level: np.ndarray

    @property
    def n_samples(self) -> int:
        """Length of the sound in samples."""
        return (len(self.level) - 1) * HOP


def of_sound(audio: np.ndarray, f0_hz: float) -> Performance:
    """Take the pitch and level curves of a sound, its vibrato and attack with them."""
    level = level_curve(audio, HOP)
    return Performance(pitch_curve(audio, f0_hz, len(level)), level)


def plain(
    f0_hz: float,
    duration_s: float = 1.0,
    *,
    level: float = 0.1,
    attack_s: float = 0.04,
    release_s: float = 0.08,
    vibrato_cents: float = 0.0,
    vibrato_hz: float = 5.5,
) -> Performance:
    """A note without a model: straight attack and release, vibrato that sets in after a quarter of a second.

    Raises:
        BookError: pitch outside 20..5000 Hz, or no positive duration.
    """
    if not 20.0 <= f0_hz <= 5000.0 or not 0.0 < duration_s <= 60.0:
        raise BookError(f"{f0_hz} Hz for {duration_s} s cannot be played: 20 to 5000 Hz, up to 60 s.")
    t = np.arange(round(duration_s * SAMPLE_RATE / HOP) + 1) * HOP / SAMPLE_RATE
    rise = np.clip(t / max(attack_s, 1e-3), 0.0, 1.0)
    fall = np.clip((t[-1] - t) / max(release_s, 1e-3), 0.0, 1.0)
    depth = vibrato_cents * np.clip((t - 0.25) / 0.25, 0.0, 1.0)
    cents = depth * np.sin(2 * np.pi * vibrato_hz * t)
    return Performance(f0_hz * 2.0 ** (cents / 1200.0), level * np.sin(0.5 * np.pi * np.minimum(rise, fall)))


def pitch_curve(audio: np.ndarray, f0_hz: float, n: int) -> np.ndarray:
    """Instantaneous pitch in Hz every `HOP` samples, from the phases of the first four harmonics: [n].

    Each harmonic is shifted to 0 Hz and smoothed over three periods; the speed of its phase is its detuning.
    Louder harmonics count more. Kept within a semitone of `f0_hz`.
    """
    width = max(int(3 * SAMPLE_RATE / f0_hz), 441)
    window = np.hanning(width) / np.hanning(width).sum()
    t = np.arange(len(audio)) / SAMPLE_RATE
    steps = np.minimum(np.arange(n) * HOP, len(audio) - 1)
    total, weight = np.zeros(n), np.full(n, 1e-12)
    for k in range(1, 5):
        if k * f0_hz > 5000.0:
            break
        base = np.convolve(audio * np.exp(-2j * np.pi * k * f0_hz * t), window, mode="same")[steps]
        turn = np.angle(base[1:] * base[:-1].conj()) * SAMPLE_RATE / HOP / (2 * np.pi * k)
        power = np.abs(base[1:]) * np.abs(base[:-1])
        # A turn beyond half a circle per hop is ambiguous; so high a harmonic could not be followed.
        good = np.abs(turn) < 0.06 * f0_hz
        total[1:] += np.where(good, power * turn, 0.0)
        weight[1:] += np.where(good, power, 0.0)
    detune = total / weight
    detune[0] = detune[1] if n > 1 else 0.0
    smooth = np.convolve(np.pad(detune, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    return f0_hz * np.clip(1.0 + smooth / f0_hz, 2 ** (-1 / 12), 2 ** (1 / 12))


def harmonic_shares(frequencies_hz: np.ndarray, f0_hz: float, widths_hz: np.ndarray) -> np.ndarray:
    """Power that a sinusoid of amplitude 1 at each harmonic leaves in each bin: [bins, harmonics].

    Windows of the NSGT are squared cosines between neighbouring centres.
    """
    n = max(1, min(MAX_HARMONICS, int(TOP_HZ / f0_hz)))
    gap = np.abs(f0_hz * np.arange(1, n + 1)[None] - frequencies_hz[:, None]) / widths_hz[:, None]
    return np.where(gap < 1.0, np.cos(0.5 * np.pi * np.minimum(gap, 1.0)) ** 4, 0.0)


def split_harmonics(spectra: np.ndarray, frequencies_hz: np.ndarray, f0_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Explain each spectrum by harmonics of f0 and a noise floor.

    Args:
        spectra: [frames, bins] magnitudes.

    Returns:
        amplitudes [frames, harmonics] and noise magnitudes per bin [frames, bins].

    Source: multiplicative updates for the Kullback-Leibler divergence, Lee & Seung 2001.
    """
    widths = np.gradient(frequencies_hz)
    shares = harmonic_shares(frequencies_hz, f0_hz, widths)
    power = np.square(spectra, dtype=np.float64) + 1e-12
    amplitude2 = np.ones((len(power), shares.shape[1])) * power.mean()
    total = shares.sum(axis=0) + 1e-12
    for _ in range(UPDATES):
        amplitude2 *= (power / (amplitude2 @ shares.T + 1e-12)) @ shares / total
    # Bins that no harmonic reaches show the noise; between them its density is interpolated.
    quiet = shares.max(axis=1) < 0.02
    quiet &= frequencies_hz > 0.5 * f0_hz
    if quiet.sum() < 2:
        return np.sqrt(amplitude2), np.zeros_like(power)
    density = np.log(power[:, quiet] / widths[quiet])
    last = np.flatnonzero(quiet)[-1]
    log_noise = np.stack([np.interp(frequencies_hz, frequencies_hz[quiet], row) for row in density])
    # Above the last bin that shows noise, it keeps its distance to the envelope.
    envelope = np.log(power)
    log_noise[:, last + 1 :] += (envelope[:, last + 1 :] - envelope[:, last : last + 1]).clip(max=0.0)
    noise = np.exp(log_noise) * widths
    return np.sqrt(amplitude2), np.sqrt(np.minimum(noise, power))


def additive(
    spectra: np.ndarray,
    performance: Performance,
    frequencies_hz: np.ndarray,
    *,
    times_s: np.ndarray | None = None,
    with_noise: bool = True,
    seed: int = 0,
) -> np.ndarray:
    """Play spectra: harmonics of the pitch curve plus shaped noise, at the given level: float32 [time].

    Args:
        spectra: [frames, bins] level-normalised magnitudes; one frame is a steady timbre.
        times_s: when each frame sounds; spread evenly by default.
        seed: of the harmonics' phases and the noise.

    Raises:
        BookError: spectra and frequencies do not fit.
    """
    spectra = np.atleast_2d(spectra)
    if spectra.shape[1] != len(frequencies_hz):
        raise BookError(f"{spectra.shape[1]} magnitudes cannot lie at {len(frequencies_hz)} frequencies.")
    n = performance.n_samples
    f0_hz = float(np.median(performance.f0_hz))
    amplitudes, noise = split_harmonics(spectra, np.asarray(frequencies_hz), f0_hz)
    if times_s is None:
        times_s = np.linspace(0.0, n / SAMPLE_RATE, len(spectra))
    rng = np.random.default_rng(seed)
    sound = _harmonics(amplitudes, times_s, performance, rng)
    if with_noise:
        sound += _noise(noise, times_s, np.asarray(frequencies_hz), n, rng)
    return _with_level(sound, performance)


def _harmonics(amplitudes: np.ndarray, times_s: np.ndarray, how: Performance, rng: np.random.Generator) -> np.ndarray:
    n = how.n_samples
    grid = np.arange(0, n + HOP, HOP)[: len(how.level)] / SAMPLE_RATE
    pitch = np.interp(np.arange(n), np.arange(len(how.f0_hz)) * HOP, how.f0_hz)
    turn = np.exp(2j * np.pi * np.cumsum(pitch) / SAMPLE_RATE).astype(np.complex64)
    n_harmonics = min(amplitudes.shape[1], int(TOP_HZ / how.f0_hz.max()) or 1)
    starts = np.exp(2j * np.pi * rng.random(n_harmonics)).astype(np.complex64)
    # One multiplication per sample and harmonic instead of one sine: the k-th power of the fundamental's turn.
    at_steps = np.stack([np.interp(grid, times_s, amplitudes[:, k]) for k in range(n_harmonics)]).astype(np.float32)
    ramp = (np.arange(HOP, dtype=np.float32) / HOP)[None]
    power = np.ones(n, dtype=np.complex64)
    sound = np.zeros(n, dtype=np.float32)
    blocks = n // HOP
    for k in range(n_harmonics):
        power *= turn
        a = at_steps[k]
        gain = (a[:blocks, None] + (a[1 : blocks + 1] - a[:blocks])[:, None] * ramp).ravel()
        sound += gain * (power.real * starts[k].real - power.imag * starts[k].imag)
    return sound


def _noise(
    noise: np.ndarray, times_s: np.ndarray, frequencies_hz: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    hop = NOISE_FRAME // 2
    n_frames = n // hop + 2
    # A bin of width B with magnitude A holds noise of variance A^2 / 2, spread over B.
    density = np.square(noise) / 2.0 / np.gradient(frequencies_hz)
    bins = np.fft.rfftfreq(NOISE_FRAME, 1 / SAMPLE_RATE)
    per_frame = np.stack([np.interp(bins, frequencies_hz, row, left=0.0, right=0.0) for row in density])
    moments = np.arange(n_frames) * hop / SAMPLE_RATE
    position = np.interp(moments, times_s, np.arange(len(times_s)))
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, len(per_frame) - 1)
    part = (position - below)[:, None]
    gain = np.sqrt((1 - part) * per_frame[below] + part * per_frame[above]) * np.sqrt(SAMPLE_RATE / 2.0)
    white = rng.standard_normal((n_frames + 1) * hop).astype(np.float32)
    frames = np.stack([white[i * hop : i * hop + NOISE_FRAME] for i in range(n_frames)])
    window = np.sin(np.pi * (np.arange(NOISE_FRAME) + 0.5) / NOISE_FRAME).astype(np.float32)
    shaped = np.fft.irfft(np.fft.rfft(frames * window) * gain, NOISE_FRAME).astype(np.float32) * window
    sound = np.zeros((n_frames + 1) * hop, dtype=np.float32)
    sound[: n_frames * hop] += shaped[:, :hop].ravel()
    sound[hop:] += shaped[:, hop:].ravel()
    return sound[hop : hop + n]


def _with_level(sound: np.ndarray, how: Performance) -> np.ndarray:
    """Give a sound the wanted level curve and fade its ends."""
    n = how.n_samples
    own = level_curve(sound, HOP)[: len(how.level)]
    gain = how.level / np.maximum(own, 1e-3 * own.max() + 1e-9)
    sound = sound * np.interp(np.arange(n), np.arange(len(gain)) * HOP, gain).astype(np.float32)
    fade = min(int(FADE_S * SAMPLE_RATE), n // 2)
    if fade:
        ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
        sound[:fade] *= ramp
        sound[-fade:] *= ramp[::-1]
    return sound.astype(np.float32)


def play(space: Space, z: np.ndarray, performance: Performance, *, seed: int = 0) -> np.ndarray:
    """Hear a point [dims], or a path of points [n, dims] spread over the note: float32 [time].

    Chapter: *Navigating and paths*.
    """
    midi = float(hz_to_midi(float(np.median(performance.f0_hz))))
    return additive(space.decode(np.atleast_2d(z), midi), performance, space.frequencies_hz, seed=seed)


def resynthesise(space: Space, audio: np.ndarray, *, f0_hz: float | None = None, seed: int = 0) -> np.ndarray:
    """Send a sound through the space and play it back with its own pitch and level curves.

    Raises:
        BookError: the sound is silent, damaged, too short or too long.
    """
    found = space.place(audio, f0_hz=f0_hz)
    decoded = space.decode(found.trajectory, float(hz_to_midi(found.f0_hz)))
    how = of_sound(audio, found.f0_hz)
    return additive(decoded, how, space.frequencies_hz, times_s=found.times_s, seed=seed)


def copy(space: Space, audio: np.ndarray, *, f0_hz: float | None = None, seed: int = 0) -> np.ndarray:
    """The same synthesis from the sound's own spectra, no model between: the best the synthesis can do."""
    found = space.place(audio, f0_hz=f0_hz)
    how = of_sound(audio, found.f0_hz)
    return additive(found.features.spectra, how, space.frequencies_hz, times_s=found.times_s, seed=seed)


def through_griffin_lim(
    space: Space,
    spectra: np.ndarray,
    performance: Performance,
    *,
    times_s: np.ndarray | None = None,
    iterations: int = 60,
) -> np.ndarray:
    """The paper's way: decoded magnitudes on the transform's grid, phases by Griffin-Lim: float32 [time].

    Source: Esling et al. 2018, section 4; the released code runs 100 iterations from random phases.
    """
    transform = transform_for(space.front.transform)
    spectra, n = np.atleast_2d(spectra), performance.n_samples
    moments = np.asarray(transform.times_s(n))
    if times_s is None:
        times_s = np.linspace(0.0, n / SAMPLE_RATE, len(spectra))
    grid = np.stack([np.interp(moments, times_s, row) for row in spectra.T])
    level = np.interp(moments, np.arange(len(performance.level)) * HOP / SAMPLE_RATE, performance.level)
    wanted = transform.from_grid(torch.from_numpy((grid * level).astype(np.float32))[None], n)
    sound = griffin_lim(transform, wanted, iterations=iterations).audio[0].numpy()
    return _with_level(sound, performance)
