"""Measure the whole corpus: `python -m lib.descriptors corpus`."""

from __future__ import annotations

import argparse
import csv
import io

import numpy as np

from lib import corpus
from lib.descriptors.measure import describe
from lib.descriptors.table import DESCRIPTORS
from lib.results import RESULTS, provenance, write_result

#: One row a note: who it is, then its descriptors; an empty cell is what a sound does not have.
CSV = RESULTS / "descriptors" / "corpus.csv"
KEYS = ("file", "instrument", "midi", "velocity", "split", "root")


def main(arguments: list[str] | None = None) -> int:
    """Write `assets/results/descriptors/corpus.csv` and a summary with provenance beside it."""
    parser = argparse.ArgumentParser(prog="python -m lib.descriptors", description=__doc__)
    parser.add_argument("what", choices=("corpus",))
    parser.parse_args(arguments)
    columns = [*KEYS, *DESCRIPTORS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    values: list[list[float]] = []
    notes = corpus.notes()
    for note in notes:
        found = describe(note.audio(), corpus.SAMPLE_RATE, note.f0_hz)
        row = [found[name] for name in DESCRIPTORS]
        writer.writerow([getattr(note, key) for key in KEYS] + ["" if v is None else f"{v:.5g}" for v in row])
        values.append([np.nan if v is None else v for v in row])
    CSV.parent.mkdir(parents=True, exist_ok=True)
    CSV.write_text(text.getvalue(), encoding="utf-8")
    table = np.array(values)
    summary = {
        name: {
            "percentiles_5_25_50_75_95": [float(f"{v:.5g}") for v in np.nanpercentile(column, (5, 25, 50, 75, 95))],
            "missing": int(np.isnan(column).sum()),
        }
        for name, column in zip(DESCRIPTORS, table.T)
    }
    record = provenance(
        config={"frame_s": 2048 / 22050, "hop_s": 512 / 22050}, seeds=[], command="python -m lib.descriptors corpus"
    )
    write_result(
        "descriptors/corpus.json", {"notes": len(notes), "columns": columns, "summary": summary}, provenance=record
    )
    print(f"{len(notes)} notes measured")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
