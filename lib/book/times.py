"""Measure how long each chapter takes to run and write it down for the chapters' headers.

Run `python -m lib.book.times [chapter ...]`; the speed is that of the environment.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from lib.book.build import ROOT
from lib.results import RESULTS, provenance, read_result, write_result
from lib.speed import speed

RECORD = Path("bench") / "chapters.json"


def run_seconds(notebook: Path) -> float:
    """Execute one notebook from start to end, its kernel's start included, and return the seconds it took."""
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(notebook, as_version=4)
    started = time.monotonic()
    NotebookClient(book, timeout=None, resources={"metadata": {"path": str(notebook.parent)}}).execute()
    return time.monotonic() - started


def main(argv: list[str] | None = None) -> int:
    """Measure the named chapters, or all of them, and merge the seconds into the record."""
    from tqdm import tqdm

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = ROOT / "chapters"
    everything = sorted(p for p in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    wanted = set(sys.argv[1:] if argv is None else argv)
    chosen = [p for p in everything if not wanted or str(p.relative_to(folder).with_suffix("")) in wanted]
    seconds = read_result(RECORD)["results"] if (RESULTS / RECORD).exists() else {}
    for notebook in tqdm(chosen, unit="chapter"):
        name = str(notebook.relative_to(folder).with_suffix(""))
        seconds.setdefault(speed(), {})[name] = round(run_seconds(notebook), 1)
    write_result(RECORD, seconds, provenance=provenance(config={"speed": speed(), "threads": 1}, seeds=[]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
