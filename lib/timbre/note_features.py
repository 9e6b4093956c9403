"""Numbers that describe a whole note: its envelope, how it begins, how it moves, what is between its harmonics.

Averaged spectra alone tell instruments apart poorly on recordings never heard (.70 of notes right);
how the note starts, how its bands come in one after another, how steady it is, and how its first
harmonics stand to each other bring that to .90. All of it is cheap enough for a page.

Chapter: *Regularising with perception*.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.fft import dct

SAMPLE_RATE = 22050
#: Level curve: one value per hop, RMS over two hops.
LEVEL_HOP = 220
#: Distance of the spectra that describe movement, and how much of a note they cover.
STEP_S, LONGEST_S = 0.02, 2.0
#: Window of the spectrum in which harmonics are measured: 186 ms, harmonics 21 Hz apart still separate.
LONG_WINDOW, LONG_HOP, LONG_FFT = 4096, 1024, 8192
#: Half width in Hz of the band that counts as one harmonic.
HARMONIC_HZ = 12.0
MAX_HARMONICS = 30
NOISE_EDGES_HZ = (0.0, 400.0, 800.0, 1600.0, 3200.0, 8000.0)
ATTACK_EDGES_HZ = (0.0, 400.0, 1200.0, 3200.0, 12000.0)

#: Names of the features in order.
NAMES: tuple[str, ...] = (
    *(f"cepstrum {k} mean" for k in range(1, 21)),
    *(f"cepstrum {k} spread" for k in range(1, 11)),
    *(f"cepstrum {k} {when}" for when in ("0-40 ms", "40-100 ms", "100-200 ms") for k in range(1, 9)),
    "log attack", "flux", "slope",
    "odd over even", "H1 - H2", "H1 - H3", "H2 - H3", "H3 - H4", "jaggedness", "harmonics over noise",
    *(f"harmonics over noise {low:.0f}-{high:.0f} Hz" for low, high in pairwise(NOISE_EDGES_HZ)),
    "level movement", "centroid movement", "vibrato share", "level jitter",
    *(f"band {k} comes in" for k in range(1, 5)), "level at 100 ms",
)  # fmt: skip
NOTE_DIMS = len(NAMES)


@dataclass(frozen=True)
class Picture:
    """Power [bins, frames] of one sound, where the frames are in time and the bins in frequency."""

    power: np.ndarray
    times_s: np.ndarray
    frequencies_hz: np.ndarray

    def at(self, centres_s: np.ndarray, width_s: float) -> np.ndarray:
        """Average power over `width_s` around each centre, at least one frame each: [centres, bins]."""
        total = np.pad(np.cumsum(self.power, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
        first = np.searchsorted(self.times_s, centres_s - width_s / 2)
        last = np.searchsorted(self.times_s, centres_s + width_s / 2, side="right")
        nearest = np.abs(self.times_s[None] - centres_s[:, None]).argmin(axis=1)
        first, last = np.where(last > first, first, nearest), np.where(last > first, last, nearest + 1)
        return ((total[:, last] - total[:, first]) / (last - first)).T


def describe_note(
    audio: np.ndarray, spectra: np.ndarray, picture: Picture, part: tuple[float, float], f0_hz: float
) -> np.ndarray:
    """Describe one note by `NOTE_DIMS` numbers, named in `NAMES`.

    Args:
        audio: [time]; spectra [n_frames, bins]: level-normalised magnitudes over the sounding part;
        part: first and last second of the sounding part; f0_hz: pitch.
    """
    end = min(part[1], part[0] + LONGEST_S)
    centres = np.arange(part[0] + STEP_S / 2, max(end, part[0] + STEP_S), STEP_S)
    steps = picture.at(centres, STEP_S)
    loud = _db(steps.sum(axis=1)) > _db(steps.sum(axis=1)).max() - 30.0
    coefficients = cepstra(spectra, 20)
    return np.concatenate(
        [
            coefficients.mean(axis=0),
            coefficients.std(axis=0)[:10],
            onset_shape(steps, loud),
            [log_attack(audio), flux(steps), slope(audio, part)],
            harmonic_features(audio[int(part[0] * SAMPLE_RATE) : int(end * SAMPLE_RATE)], f0_hz),
            movement(steps, loud),
            band_onsets(steps, loud, picture.frequencies_hz),
        ]
    ).astype(np.float32)


def decibels(spectra: np.ndarray, floor_db: float = -40.0) -> np.ndarray:
    """Level-normalised magnitudes in dB over a soft floor: the yardstick of every reconstruction error in dB.

    >>> [round(float(x), 1) for x in decibels(np.array([1.0, 0.0]))]
    [0.1, -40.0]
    """
    return (20.0 * np.log10(spectra + 10 ** (floor_db / 20))).astype(np.float32)


def cepstra(spectra: np.ndarray, n: int) -> np.ndarray:
    """Coefficients 1..n of the cosine transform of each spectrum in dB: [..., n_bins] -> [..., n].

    Coefficient 0 is left out: after normalising the level it says next to nothing.
    """
    return dct(decibels(spectra), type=2, norm="ortho", axis=-1)[..., 1 : n + 1]


def level_curve(audio: np.ndarray, hop: int = LEVEL_HOP) -> np.ndarray:
    """RMS of the sound around every `hop` samples, over a window of two hops: [1 + time // hop]."""
    padded = np.concatenate([np.zeros(hop), np.square(audio, dtype=np.float64), np.zeros(2 * hop)])
    total = np.concatenate([[0.0], np.cumsum(padded)])
    starts = np.arange(0, len(audio) + 1, hop)
    return np.sqrt((total[starts + 2 * hop] - total[starts]).clip(min=0.0) / (2 * hop))


def sounding_part(audio: np.ndarray, threshold_db: float = -30.0) -> tuple[float, float]:
    """Seconds from the first to the last moment within `threshold_db` of the loudest."""
    level = level_curve(audio)
    loud = np.flatnonzero(level > level.max() * 10 ** (threshold_db / 20))
    start, end = loud[0] * LEVEL_HOP / SAMPLE_RATE, (loud[-1] + 1) * LEVEL_HOP / SAMPLE_RATE
    return start, min(end, len(audio) / SAMPLE_RATE)


def onset_shape(steps: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """Eight cepstra at 0-40, 40-100 and 100-200 ms, each minus its mean over the note: [24]."""
    shape = np.sqrt(steps / steps.sum(axis=1, keepdims=True).clip(min=1e-20))
    coefficients = cepstra(shape, 8)
    mean = coefficients[loud].mean(axis=0)
    pieces = [coefficients[a:b] if len(coefficients) > a else coefficients[-1:] for a, b in ((0, 2), (2, 5), (5, 10))]
    return np.concatenate([piece.mean(axis=0) - mean for piece in pieces])


def log_attack(audio: np.ndarray) -> float:
    """log10 of the seconds from 20 dB below the loudest moment to 1 dB below it."""
    level = level_curve(audio, hop=64)
    top = int(np.argmax(level > level.max() * 10 ** (-1 / 20)))
    before = np.flatnonzero(level[: top + 1] <= level.max() * 10 ** (-20 / 20))
    start = before[-1] if len(before) else 0
    return float(np.log10(max(top - start, 1) * 64 / SAMPLE_RATE))


def flux(steps: np.ndarray) -> float:
    """log10 of how much the shape of the spectrum turns per 20 ms, on average (1 - cosine)."""
    if len(steps) < 2:
        return -4.0
    shape = np.sqrt(steps)
    shape /= np.linalg.norm(shape, axis=1, keepdims=True).clip(min=1e-12)
    return float(np.log10(np.mean(1.0 - (shape[1:] * shape[:-1]).sum(axis=1)).clip(min=0.0) + 1e-4))


def slope(audio: np.ndarray, part: tuple[float, float]) -> float:
    """Slope of the level from its loudest moment to the end of the sounding part, in dB per second, within +-100."""
    level = level_curve(audio)
    first, last = int(level.argmax()), round(part[1] * SAMPLE_RATE / LEVEL_HOP)
    if last - first < 3:
        return 0.0
    db = 20 * np.log10(level[first:last] + 1e-6)
    return float(np.clip(np.polyfit(np.arange(len(db)) * LEVEL_HOP / SAMPLE_RATE, db, 1)[0], -100.0, 100.0))


def long_spectrum(audio: np.ndarray) -> np.ndarray:
    """Power spectrum averaged over 186 ms Hann windows, each scaled to a sum of one: [LONG_FFT // 2 + 1]."""
    audio = np.pad(audio, (0, max(0, LONG_WINDOW - len(audio)))).astype(np.float64)
    starts = range(0, len(audio) - LONG_WINDOW + 1, LONG_HOP)
    frames = np.stack([audio[s : s + LONG_WINDOW] for s in starts]) * np.hanning(LONG_WINDOW)
    power = np.abs(np.fft.rfft(frames, LONG_FFT)) ** 2
    return (power / power.sum(axis=1, keepdims=True).clip(min=1e-20)).mean(axis=0)


def refine_f0(power: np.ndarray, f0_hz: float, cents: float = 40.0) -> float:
    """Move a pitch by up to `cents` to where its first eight harmonics are strongest in a `long_spectrum`."""
    frequencies = np.arange(len(power)) * SAMPLE_RATE / LONG_FFT
    candidates = f0_hz * 2.0 ** (np.arange(-cents, cents + 1, 5.0) / 1200.0)
    strength = [np.sqrt(np.interp(np.arange(1, 9) * f, frequencies, power)).sum() for f in candidates]
    return float(candidates[int(np.argmax(strength))])


def harmonic_powers(power: np.ndarray, f0_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Power of each harmonic up to 8 kHz (30 at most), and of the noise half-way to its lower neighbour."""
    width = SAMPLE_RATE / LONG_FFT
    n = max(1, int(min(MAX_HARMONICS, 8000.0 // f0_hz)))
    harmonics, noise = np.zeros(n), np.zeros(n)
    for k in range(n):
        low, high = ((k + 1) * f0_hz + side * HARMONIC_HZ for side in (-1, 1))
        harmonics[k] = power[int(np.ceil(low / width)) : int(high / width) + 1].sum()
        low, high = ((k + 0.5) * f0_hz + side * 0.2 * f0_hz for side in (-1, 1))
        between = power[int(np.ceil(low / width)) : int(high / width) + 1]
        noise[k] = 8.0 * np.median(between) if len(between) else 0.0
    return harmonics, noise


def harmonic_features(audio: np.ndarray, f0_hz: float) -> np.ndarray:
    """Balance of the first harmonics in dB, and harmonics over noise in all and in five bands: [12]."""
    power = long_spectrum(audio)
    f0_hz = refine_f0(power, f0_hz)
    harmonics, noise = harmonic_powers(power, f0_hz)
    db = np.full(4, -60.0)
    db[: min(4, len(harmonics))] = _db(harmonics[:4]).clip(-60.0, 0.0)
    even = harmonics[1::2].sum() if len(harmonics) > 1 else 1e-6
    jagged = np.abs(np.diff(_db(harmonics[:10]), 2)).mean() if len(harmonics) > 2 else 0.0
    odd_over_even = _db(harmonics[::2].sum()) - _db(even)
    balance = [odd_over_even, db[0] - db[1], db[0] - db[2], db[1] - db[2], db[2] - db[3], jagged]
    overall = _db(harmonics.sum()) - _db(noise.sum())
    centres = f0_hz * np.arange(1, len(harmonics) + 1)
    bands = []
    for low, high in pairwise(NOISE_EDGES_HZ):
        inside = (centres >= low) & (centres < high)
        # A band without a harmonic says nothing of its own; the whole note's ratio stands in.
        ratio = _db(harmonics[inside].sum() + 1e-7) - _db(noise[inside].sum() + 1e-7) if inside.any() else overall
        bands.append(ratio)
    return np.array([*balance, overall, *bands])


def movement(steps: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """How level and centroid move once half a second's trend is taken out, and how much of it at 4-8 Hz: [4]."""
    keep = loud & (np.arange(len(loud)) > 8)
    if keep.sum() < 4:
        return np.array([np.log(0.05), np.log(0.05), 0.0, np.log(0.02)])
    level = _without_trend(_db(steps.sum(axis=1))[keep])
    bins = np.arange(steps.shape[1]) * (168.0 / steps.shape[1])
    centroid = _without_trend(((steps @ bins) / steps.sum(axis=1).clip(min=1e-20))[keep])
    spectrum = np.abs(np.fft.rfft(level * np.hanning(len(level)), 128))
    rate_hz = np.fft.rfftfreq(128, STEP_S)
    vibrato = spectrum[(rate_hz > 4) & (rate_hz < 8)].sum() / (spectrum[rate_hz > 1].sum() + 1e-6)
    jitter = np.abs(np.diff(level)).mean()
    return np.array([np.log(level.std() + 0.05), np.log(centroid.std() + 0.05), vibrato, np.log(jitter + 0.02)])


def band_onsets(steps: np.ndarray, loud: np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
    """When each of four bands reaches .7 of its peak, in log10 s against their mean; level at 100 ms: [5]."""
    band = np.searchsorted(np.asarray(ATTACK_EDGES_HZ[1:]), frequencies_hz, side="right")
    times = []
    for k in range(4):
        level = np.sqrt(steps[:60, band == k].sum(axis=1))
        times.append(np.log10((np.argmax(level > 0.7 * level.max()) + 1) * STEP_S))
    level = _db(steps.sum(axis=1))
    at_100_ms = level[min(5, len(level) - 1)] - level[loud].mean()
    return np.array([*(np.array(times) - np.mean(times)), at_100_ms])


def _without_trend(curve: np.ndarray, half: int = 12) -> np.ndarray:
    padded = np.pad(curve, half, mode="edge")
    return curve - np.convolve(padded, np.ones(2 * half + 1) / (2 * half + 1), mode="valid")


def _db(power: np.ndarray | float) -> np.ndarray:
    return 10.0 * np.log10(np.asarray(power) + 1e-9)
