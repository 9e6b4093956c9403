"""The nonstationary Gabor transform one band at a time, to be read and checked by hand.

The fast version is `lib.transforms.nsgt`; the tests show that they agree. NumPy only, one sound at a
time, no tricks: every line is an equation of the chapter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.transforms.plan import Array, Plan

Complex = NDArray[np.complex128]


def analyze(audio: Array, plan: Plan) -> list[Complex]:
    """Transform one sound `[time]` into one complex array `[frame]` for each band, low and high included.

    Chapter: *The NSGT and its scales*. Source: Balazs et al. (2011), the painless case.
    """
    spectrum = np.fft.rfft(audio, n=plan.fft_length)
    coefficients = []
    for band in plan.bands:
        folded = np.zeros(band.frames, dtype=complex)
        for offset, weight in enumerate(band.window):
            j = band.start + offset  # an FFT bin the window covers ...
            folded[j % band.frames] = weight * spectrum[j]  # ... has a slot of its own: the painless condition
        # np.fft.ifft divides by the number of frames; amplitudes are to be those of the sound
        coefficients.append(np.fft.ifft(folded) * band.frames * 2 / plan.fft_length)
    return coefficients


def frame_operator(plan: Plan) -> Array:
    """Sum the squared windows over every FFT bin: all there is to the frame operator in the painless case."""
    diagonal = np.zeros(plan.fft_length // 2 + 1)
    for band in plan.bands:
        for offset, weight in enumerate(band.window):
            diagonal[band.start + offset] += weight**2
    return diagonal


def synthesize(coefficients: list[Complex], plan: Plan) -> Array:
    """Turn the bands back into the sound `[time]`: window each once more, add, divide by the frame operator."""
    spectrum = np.zeros(plan.fft_length // 2 + 1, dtype=complex)
    for band, values in zip(plan.bands, coefficients):
        folded = np.fft.fft(values) / band.frames * plan.fft_length / 2
        for offset, weight in enumerate(band.window):
            j = band.start + offset
            spectrum[j] += weight * folded[j % band.frames]
    return np.fft.irfft(spectrum / frame_operator(plan), n=plan.fft_length)[: plan.length]


def atoms(plan: Plan) -> Complex:
    """Write the transform as a matrix `[coefficient, time]`, one row an atom: for tiny lengths only.

    `atoms(plan) @ audio` is what `analyze` returns, end to end. Rows are the analysis functions with the
    amplitude scaling of the book; weighting each with sqrt(1 / frames) makes the frame operator diagonal.
    """
    return np.stack([np.concatenate(analyze(impulse, plan)) for impulse in np.eye(plan.length)], axis=1)
