"""What formulas say about a sound: descriptors with a definition, a unit and a known answer.

Read in this order: `spectral` (the shape of a spectrum, and how bins of different width are counted),
`temporal` (attack and decay), `partials` (odd and even, stretched, rough, noisy), `level` (loudness), then
`measure` (all of a sound, and in words) and `table` (what each means). Chapter: *Audio descriptors*.
"""

from lib.descriptors.level import k_weighting, loudness
from lib.descriptors.measure import describe, frames, in_words, note_name
from lib.descriptors.partials import (
    find_partials,
    harmonic_amplitudes,
    inharmonicity,
    noisiness,
    odd_even_ratio,
    roughness,
)
from lib.descriptors.pitch import estimate_f0
from lib.descriptors.spectral import (
    bandwidth,
    centroid,
    flatness,
    flux,
    kurtosis,
    rolloff,
    skewness,
    slope,
    widths,
)
from lib.descriptors.table import DESCRIPTORS, Descriptor, of_corpus
from lib.descriptors.temporal import envelope, log_attack_time, temporal_centroid

__all__ = [
    "DESCRIPTORS",
    "Descriptor",
    "bandwidth",
    "centroid",
    "describe",
    "envelope",
    "estimate_f0",
    "find_partials",
    "flatness",
    "flux",
    "frames",
    "harmonic_amplitudes",
    "in_words",
    "inharmonicity",
    "k_weighting",
    "kurtosis",
    "log_attack_time",
    "loudness",
    "noisiness",
    "note_name",
    "odd_even_ratio",
    "of_corpus",
    "rolloff",
    "roughness",
    "skewness",
    "slope",
    "temporal_centroid",
    "widths",
]
