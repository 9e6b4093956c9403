"""Sounds and tables small enough to test with."""

from __future__ import annotations

import numpy as np
import pytest

from lib.timbre.features import FrontEnd
from lib.timbre.note_features import NOTE_DIMS, SAMPLE_RATE
from lib.timbre.regularizers import Target
from lib.timbre.table import FeatureTable

NAMES = ("Oboe", "Flute", "Violin", "Piano")


def make_tone(
    f0_hz: float = 440.0, seconds: float = 0.8, *, tilt: float = 1.0, noise: float = 0.0, seed: int = 0
) -> np.ndarray:
    """Ten harmonics falling as 1 / k^tilt, 30 ms attack, and some noise: float32 [time]."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = sum(np.sin(2 * np.pi * k * f0_hz * t + k) / k**tilt for k in range(1, 11) if k * f0_hz < 8000)
    sound = sound + noise * np.random.default_rng(seed).normal(size=len(t))
    envelope = np.clip(t / 0.03, 0, 1) * np.clip((seconds - t) / 0.05, 0, 1)
    return (0.1 * sound * envelope).astype(np.float32)


@pytest.fixture(scope="session", name="tone")
def _tone():
    """The maker of tones."""
    return make_tone


@pytest.fixture(scope="session")
def target() -> Target:
    """Ratings between four instruments that a plane can hold."""
    spots = np.array([[0.0, 0.0], [0.6, 0.0], [0.0, 0.5], [0.5, 0.6]])
    return Target.of(NAMES, np.linalg.norm(spots[:, None] - spots[None], axis=-1))


@pytest.fixture(scope="session")
def small_table() -> FeatureTable:
    """Sixty made-up notes of four instruments, five recordings each; instruments differ in spectrum and features."""
    rng = np.random.default_rng(0)
    n_bins, rows = 24, [(i, root, key) for i in range(4) for root in range(5) for key in range(3)]
    shape = np.abs(rng.normal(size=(4, n_bins))) + 0.05
    mean = rng.normal(size=(4, NOTE_DIMS))
    spectra = np.stack([shape[i] * np.exp(0.1 * rng.normal(size=(12, n_bins))) for i, _, _ in rows])
    spectra /= np.linalg.norm(spectra, axis=2, keepdims=True)
    note = np.stack([2 * mean[i] + 0.5 * rng.normal(size=NOTE_DIMS) for i, _, _ in rows])
    return FeatureTable(
        FrontEnd(),
        spectra.astype(np.float32),
        np.ones((len(rows), 12), dtype=np.float32),
        note.astype(np.float32),
        note.astype(np.float32),
        instrument=np.array([NAMES[i] for i, _, _ in rows]),
        recording=np.array([f"{NAMES[i]} {root}" for i, root, _ in rows]),
        midi=np.array([60 + 3 * root + key for _, root, key in rows]),
        velocity=np.full(len(rows), 80),
        split=np.array(["train"] * len(rows)),
        file=np.array([str(k) for k in range(len(rows))]),
    )
