"""Measure the presets of the bench: `python -m lib.widgets.bench`."""

from __future__ import annotations

from lib import results
from lib.widgets.bench.measure import HARMONICS, MIDI, measure_presets


def main() -> None:
    """Write `assets/results/descriptors/presets.json`."""
    provenance = results.provenance(config={"midi": MIDI, "velocity": 80, "harmonics": HARMONICS}, seeds=[])
    print(results.write_result("descriptors/presets.json", measure_presets(), provenance=provenance))


if __name__ == "__main__":
    main()
