"""Every descriptor with its unit, its range, its formula and what one hears."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.descriptors import level, partials, spectral, temporal
from lib.errors import BookError
from lib.results import RESULTS

_WHOLE = ("midi", "velocity")


@dataclass(frozen=True)
class Descriptor:
    """One descriptor: `range` spans what musical tones give, `scale` is how its axis is best drawn."""

    name: str
    unit: str
    range: tuple[float, float]
    definition: str
    hears: str
    source: str
    function: Callable
    scale: str = "linear"


#: By the key that `describe` uses.
DESCRIPTORS: dict[str, Descriptor] = {
    "centroid_hz": Descriptor(
        "spectral centroid", "Hz", (50, 6000), "sum f p / sum p, p the power at frequency f",
        "Brightness: the higher, the brighter.", "peeters2011", spectral.centroid, "log",
    ),
    "bandwidth_hz": Descriptor(
        "bandwidth", "Hz", (20, 4000), "root of sum (f - centroid)^2 p / sum p",
        "Width: narrow sounds pure or hollow, wide sounds rich or noisy.", "peeters2011", spectral.bandwidth, "log",
    ),
    "skewness": Descriptor(
        "skewness", "", (-2, 20), "third moment of the spectrum over bandwidth^3",
        "Tail: large when a strong bass carries a weak treble.", "peeters2011", spectral.skewness,
    ),
    "kurtosis": Descriptor(
        "kurtosis", "", (1, 400), "fourth moment of the spectrum over bandwidth^4",
        "Concentration: large when nearly all power sits in one place.", "peeters2011", spectral.kurtosis, "log",
    ),
    "flatness": Descriptor(
        "flatness", "", (1e-8, 1), "geometric over arithmetic mean of the power density",
        "Noise against tone: near 0 a tone, towards 0.56 and more a hiss.", "peeters2011", spectral.flatness, "log",
    ),
    "rolloff_hz": Descriptor(
        "roll-off", "Hz", (50, 8000), "frequency below which 85 % of the power lies",
        "Reach: how far up the sound goes.", "peeters2011", spectral.rolloff, "log",
    ),
    "flux": Descriptor(
        "flux", "", (0, 0.3), "mean of 1 - cosine between the spectra of neighbouring frames, 23 ms apart",
        "Change: 0 stands still, larger moves, shimmers or crackles.", "peeters2011", spectral.flux,
    ),
    "slope_db_per_octave": Descriptor(
        "slope", "dB/octave", (-40, 6), "line through the level in dB against octaves",
        "Roll: how fast the treble falls away; steep is dull.", "peeters2011", spectral.slope,
    ),
    "odd_even_db": Descriptor(
        "odd-to-even ratio", "dB", (-10, 40), "10 log10 of the power of odd over that of even harmonics",
        "Hollowness: large is hollow, as a clarinet's low notes.", "peeters2011", partials.odd_even_ratio,
    ),
    "inharmonicity": Descriptor(
        "inharmonicity", "", (-1e-4, 1e-2), "B in f_h = h f0 sqrt(1 + B h^2)",
        "Stretch: a shimmer of strings; large sounds like a bell.", "fletcher1962", partials.inharmonicity,
    ),
    "loudness_db": Descriptor(
        "loudness", "dB (LKFS)", (-60, 0), "level of the K-weighted signal",
        "Loudness: 10 dB more sounds about twice as loud.", "itu1770", level.loudness,
    ),
    "log_attack_time": Descriptor(
        "log attack time", "log10 s", (-2.6, 0), "log10 of the seconds from 10 % to 90 % of the peak",
        "Onset: plucked and struck below −2, bowed and blown above −1.5.", "peeters2011", temporal.log_attack_time,
    ),
    "temporal_centroid_s": Descriptor(
        "temporal centroid", "s", (0, 2), "sum t e / sum e, e the envelope",
        "Staying power: short dies away, half the duration is steady.", "peeters2011", temporal.temporal_centroid,
    ),
    "roughness": Descriptor(
        "roughness", "", (0, 3), "sum over pairs of partials of their beating",
        "Roughness: many partials within a critical band rattle.", "vassilakis2001", partials.roughness,
    ),
    "noisiness": Descriptor(
        "noisiness", "", (1e-5, 1), "share of the power that lies between the partials",
        "Breath, bow and hammer: how much is not tone.", "peeters2011", partials.noisiness, "log",
    ),
}  # fmt: skip


def of_corpus(path: str | Path | None = None) -> list[dict[str, Any]]:
    """Read the shipped descriptors of all notes: one dictionary a note, keys as in `DESCRIPTORS`.

    Each also has `file`, `instrument`, `midi`, `velocity`, `split` and `root`; a missing value is None.

    Raises:
        BookError: the table is not there; `python -m lib.descriptors corpus` makes it.
    """
    file = Path(path) if path is not None else RESULTS / "descriptors" / "corpus.csv"
    if not file.exists():
        raise BookError(f"No table at {file.name}; make it with: python -m lib.descriptors corpus")
    with file.open(newline="", encoding="utf-8") as lines:
        return [
            {
                key: (float(value) if value else None) if key in DESCRIPTORS else int(value) if key in _WHOLE else value
                for key, value in row.items()
            }
            for row in csv.DictReader(lines)
        ]
