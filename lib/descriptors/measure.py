"""All descriptors of one sound, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lib.descriptors.level import SILENCE_DB, loudness
from lib.descriptors.partials import find_partials, inharmonicity, noisiness, odd_even_ratio, roughness
from lib.descriptors.pitch import estimate_f0
from lib.descriptors.spectral import bandwidth, centroid, flatness, flux, kurtosis, rolloff, skewness, slope
from lib.descriptors.temporal import envelope, log_attack_time, temporal_centroid
from lib.errors import BookError

#: The frames that spectral descriptors are measured on: 93 ms every 23 ms at 22,050 Hz.
FRAME_S, HOP_S = 2048 / 22050, 512 / 22050

#: Frames this far below the loudest are not counted.
QUIET_DB = -30.0

#: Below this level in dB re full scale a sound is silence.
SILENT_DB = -100.0

_PARTIALS = 40


def describe(audio: Any, sample_rate: float, f0_hz: float | None = None) -> dict[str, float | None]:
    """Measure all descriptors of a sound; see `DESCRIPTORS` for what each means.

    Spectral descriptors are medians over the frames (93 ms, Hann, every 23 ms) within 30 dB of the loudest;
    those of partials come from one spectrum of the whole sounding part. The sounding part begins where
    the envelope first passes -60 dB of its peak, and times count from there. What a sound does not have (the
    pitch of a noise, anything of silence) is None.

    Args:
        audio: `[time]`, full scale 1, array or tensor.
        f0_hz: the fundamental if known; estimated when left out.

    Raises:
        BookError: audio is empty, not one-dimensional, or holds NaN or infinity.

    Chapter: *Audio descriptors*.

    >>> t = np.arange(22050) / 22050
    >>> sound = describe(0.5 * np.sin(2 * np.pi * 440 * t), 22050, f0_hz=440.0)
    >>> round(sound["centroid_hz"]), round(sound["loudness_db"], 1)
    (440, -9.7)
    """
    from lib.descriptors.table import DESCRIPTORS

    x = _mono(audio)
    if not sample_rate > 0:
        raise BookError(f"A sample rate is a positive number of Hz, got {sample_rate}.")
    result: dict[str, float | None] = dict.fromkeys(("duration_s", "f0_hz", *DESCRIPTORS))
    result["duration_s"] = len(x) / sample_rate
    result["loudness_db"] = SILENCE_DB
    level, _ = envelope(x, sample_rate)
    if level.max() < 10 ** (SILENT_DB / 20):
        return result
    start = max(0, int(np.argmax(level > 1e-3 * level.max())) - 1) * 64
    x = x[start:]
    level, times = envelope(x, sample_rate)
    result["log_attack_time"] = float(log_attack_time(level, times))
    result["temporal_centroid_s"] = float(temporal_centroid(level, times))
    result["loudness_db"] = _loudness(x, sample_rate)
    result |= _of_frames(x, sample_rate)
    result["f0_hz"] = f0_hz if f0_hz is not None else estimate_f0(x, sample_rate)
    result |= _of_the_whole(x, sample_rate, result["f0_hz"])
    return result


def frames(audio: np.ndarray, sample_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut a sound into the frames that `describe` measures: magnitudes `[frame, bin]` and frequencies in Hz.

    Frames lie inside the sound; one shorter than a frame is set in the middle of zeros.
    """
    size, hop = max(16, round(FRAME_S * sample_rate)), max(4, round(HOP_S * sample_rate))
    missing = max(0, size - len(audio))
    # in the middle, since the window is zero at the edge
    x = np.pad(audio, (missing // 2, missing - missing // 2))
    cut = np.lib.stride_tricks.sliding_window_view(x, size)[::hop]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return np.abs(np.fft.rfft(cut * window, axis=-1)), np.fft.rfftfreq(size, 1 / sample_rate)


def _of_frames(x: np.ndarray, sample_rate: float) -> dict[str, float | None]:
    magnitudes, f = frames(x, sample_rate)
    energy = (magnitudes**2).sum(-1)
    sounding = energy >= energy.max() * 10 ** (QUIET_DB / 10)
    m = magnitudes[sounding]
    medians = {
        "centroid_hz": centroid, "bandwidth_hz": bandwidth, "skewness": skewness, "kurtosis": kurtosis,
        "flatness": flatness, "rolloff_hz": rolloff,
    }  # fmt: skip
    found: dict[str, float | None] = {name: float(np.median(measure(m, f))) for name, measure in medians.items()}
    both = sounding[1:] & sounding[:-1]
    found["flux"] = float(flux(magnitudes)[both].mean()) if both.any() else None
    return found


def _of_the_whole(x: np.ndarray, sample_rate: float, f0_hz: float | None) -> dict[str, float | None]:
    """Measure on one long spectrum what needs fine lines: partials, and noise between them."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(len(x)) + 0.5) / len(x))
    size = 1 << max(4, int(len(x) - 1).bit_length())
    m, f = np.abs(np.fft.rfft(x * window, size)), np.fft.rfftfreq(size, 1 / sample_rate)
    found: dict[str, float | None] = {}
    resolved = f0_hz is not None and f0_hz < 0.4 * sample_rate and f0_hz * len(x) / sample_rate > 16
    if not resolved:
        centres, level, width = _erb_bands(m, f)
        found["slope_db_per_octave"] = float(slope(level, centres, widths_hz=width, lowest_hz=100.0))
        return found
    partials, amplitudes, clear = find_partials(m, f, f0_hz, count=_PARTIALS)
    stretch = float(inharmonicity(partials, clear=clear)) if clear.sum() >= 4 else None
    found["inharmonicity"] = stretch
    found["noisiness"] = float(noisiness(m, f, f0_hz, stretch=max(stretch or 0.0, 0.0)))
    if len(partials) >= 2:
        found["odd_even_db"] = float(odd_even_ratio(amplitudes))
        found["roughness"] = float(roughness(partials, amplitudes))
        found["slope_db_per_octave"] = _partial_slope(amplitudes, f0_hz)
    return found


def _partial_slope(amplitudes: np.ndarray, f0_hz: float) -> float:
    harmonics = f0_hz * np.arange(1, len(amplitudes) + 1)
    return float(slope(amplitudes, harmonics, lowest_hz=0.0))


def _erb_bands(m: np.ndarray, f: np.ndarray, count: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum a spectrum into bands equally spaced on the ERB scale: centres, root power, widths in Hz."""
    top = 21.4 * np.log10(1 + 0.00437 * f[-1])
    edges = (10 ** (np.linspace(0, top, count + 1) / 21.4) - 1) / 0.00437
    inside = np.histogram(f, edges)[0]
    power = np.histogram(f, edges, weights=m**2)[0]
    full = inside > 0
    centres, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    # a band's power by the bins it has, so that a band with one bin more is not louder for it
    return centres[full], np.sqrt(power[full] / inside[full] * width[full]), width[full]


def _loudness(x: np.ndarray, sample_rate: float) -> float:
    size = 1 << max(4, int(len(x) - 1).bit_length())
    magnitudes, f = np.abs(np.fft.rfft(x, size)), np.fft.rfftfreq(size, 1 / sample_rate)
    below = f < 24_000
    if below.sum() < 2:
        return SILENCE_DB
    # a full-scale sine of n samples, filled up to `size`, has summed squares n * size / 4
    return float(loudness(magnitudes[below], f[below], full_scale=np.sqrt(len(x) * size) / 2))


def _mono(audio: Any) -> np.ndarray:
    if hasattr(audio, "detach"):
        audio = audio.detach().cpu().numpy()
    x = np.asarray(audio)
    if x.dtype.kind not in "fiu":
        raise BookError(f"Audio must be real numbers, got {x.dtype}.")
    x = x.astype(np.float64)
    if x.ndim != 1:
        raise BookError(f"One sound at a time, as [time]; got {list(x.shape)}. Take audio[0] or one channel.")
    if len(x) == 0:
        raise BookError("There is no audio: the array is empty.")
    if not np.isfinite(x).all():
        raise BookError("The audio holds NaN or infinity.")
    return x


def in_words(sound: Any, sample_rate: float = 22050, f0_hz: float | None = None) -> str:
    """Say in words what a sound is like: the text equivalent of every sound in the book.

    Takes audio `[time]` or what `describe` returned.

    Chapter: *Audio descriptors*.

    >>> t = np.arange(22050) / 22050
    >>> in_words(0.5 * np.sin(2 * np.pi * 440 * t), 22050)
    'A4, mellow (centroid 440 Hz, 1.0 x the fundamental), immediate attack, steady'
    """
    d = sound if isinstance(sound, Mapping) else describe(sound, sample_rate, f0_hz)
    if d["centroid_hz"] is None:
        return "silence"
    parts = [_pitch(d["f0_hz"]), _brightness(d), _attack(d["log_attack_time"]), _course(d)]
    parts += [_noise(d), _colour(d), _texture(d)]
    return ", ".join(part for part in parts if part)


def note_name(f0_hz: float) -> str:
    """Name the nearest note, A4 = 440 Hz, with the deviation if it is 20 cents or more.

    >>> note_name(440.0), note_name(450.0)
    ('A4', 'A4 +39 cents')
    """
    midi = 69 + 12 * np.log2(f0_hz / 440.0)
    nearest = round(midi)
    name = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")[nearest % 12] + str(nearest // 12 - 1)
    cents = round(100 * (midi - nearest))
    return name if abs(cents) < 20 else f"{name} {cents:+d} cents"


def _pitch(f0_hz: float | None) -> str:
    return note_name(f0_hz) if f0_hz else "no clear pitch"


def _brightness(d: Mapping[str, float | None]) -> str:
    hz = d["centroid_hz"]
    word = "dark" if hz < 400 else "mellow" if hz < 800 else "bright" if hz < 1600 else "very bright"
    text = f"{hz:.0f} Hz" if hz < 1000 else f"{hz / 1000:.1f} kHz"
    times = f", {hz / d['f0_hz']:.1f} x the fundamental" if d["f0_hz"] else ""
    return f"{word} (centroid {text}{times})"


def _attack(log_attack: float | None) -> str:
    ms = 1000 * 10**log_attack
    if ms < 5:
        return "immediate attack"
    word = "fast" if ms < 30 else "moderate" if ms < 100 else "slow"
    return f"{word} attack of {ms:.0f} ms"


def _course(d: Mapping[str, float | None]) -> str:
    share = d["temporal_centroid_s"] / d["duration_s"] if d["duration_s"] else 0.5
    return "dying away" if share < 0.4 else "steady" if share < 0.58 else "swelling"


def _noise(d: Mapping[str, float | None]) -> str:
    share = d["noisiness"]
    if share is None:
        return "noise-like" if d["flatness"] > 0.1 else ""
    return "" if share < 0.002 else "slightly noisy" if share < 0.02 else "noisy" if share < 0.5 else "mostly noise"


def _colour(d: Mapping[str, float | None]) -> str:
    balance = d["odd_even_db"]
    if balance is None or d["centroid_hz"] < 1.2 * (d["f0_hz"] or np.inf):
        return ""
    return "odd harmonics stand out" if balance > 12 else "even harmonics stand out" if balance < -6 else ""


def _texture(d: Mapping[str, float | None]) -> str:
    stretched = d["inharmonicity"] is not None and d["inharmonicity"] > 2e-4
    rough = d["roughness"] is not None and d["roughness"] > 0.6
    return ", ".join(word for word, true in (("stretched partials", stretched), ("rough", rough)) if true)
