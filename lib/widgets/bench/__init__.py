"""The additive sound bench: build a tone out of harmonics, envelope, noise and stretch while it sounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from traitlets import Dict, List, Unicode

from lib.errors import BookError
from lib.results import RESULTS, read_result
from lib.widgets.base import Widget

#: What a preset holds besides its name: key, lowest and highest value.
LIMITS: dict[str, tuple[float, float]] = {
    "attack_s": (0.003, 1.0),
    "decay_s": (0.05, 5.0),
    "sustain": (0.0, 1.0),
    "release_s": (0.02, 2.0),
    "damping": (0.0, 5.0),
    "noise_db": (-60.0, 0.0),
    "stretch": (0.0, 0.01),
}
PRESETS = "descriptors/presets.json"


class Bench(Widget):
    """The widget that `bench` makes; see there."""

    folder: ClassVar[str] = "bench"
    presets = List(Dict()).tag(sync=True)
    start = Unicode().tag(sync=True)


def bench(presets: Sequence[Mapping[str, Any]] | None = None, *, start: str | None = None) -> Bench:
    """Build a tone by hand: 20 harmonics, tilt, odd against even, envelope, noise, stretched partials.

    The descriptors shown are measured on the sound made, with the definitions of `lib.descriptors`.

    Args:
        presets: tones to start from, as `lib.widgets.bench.measure.measure_preset` gives them; those measured
            from the corpus (one note of each of the twelve instruments) if left out.
        start: the name of the preset to open with: a measured one, or "Sawtooth", "Square", "Sine", "Bell".

    Raises:
        BookError: a preset lacks a number or has one out of range, or `start` is no preset.

    Chapter: *What is timbre?*
    """
    if presets is None:
        presets = read_result(PRESETS)["results"] if (RESULTS / PRESETS).exists() else []
    made = [_checked(preset) for preset in presets]
    names = [preset["name"] for preset in made]
    shapes = ["Sawtooth", "Square", "Sine", "Bell"]
    start = start or (names[0] if names else shapes[0])
    if start not in names + shapes:
        raise BookError(f"No preset {start!r}; there are {', '.join(names + shapes)}.")
    return Bench(
        presets=made,
        start=start,
        label="Additive sound bench",
        alt="Twenty harmonics with sliders for their strength, an envelope, noise and stretch; a keyboard plays "
        "the tone, and its centroid, spread, odd-to-even ratio, inharmonicity, attack and flatness are shown.",
    )


def _checked(preset: Mapping[str, Any]) -> dict[str, Any]:
    name = preset.get("name")
    if not name:
        raise BookError("A preset needs a name.")
    levels = list(preset.get("levels_db", ()))
    if not levels or len(levels) > 20 or not all(-200 <= level <= 0 for level in levels):
        raise BookError(f"Preset {name!r} needs levels_db: 1 to 20 numbers in dB re the strongest, so at most 0.")
    result: dict[str, Any] = {"name": str(name), "levels_db": [float(x) for x in levels]}
    for key, (low, high) in LIMITS.items():
        value = preset.get(key)
        if not isinstance(value, (int, float)) or not low <= value <= high:
            raise BookError(f"Preset {name!r}: {key} is {value!r}; it lies between {low:g} and {high:g}.")
        result[key] = float(value)
    return result
