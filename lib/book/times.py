"""Measure how long each chapter takes to run and write it down for the chapters' headers.

Run `python -m lib.book.times [chapter ...]`; the speed is that of the environment.
"""

from __future__ import annotations

import argparse
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
    """Measure the named chapters, or all of them, and merge the seconds into the record; 2 for an unknown chapter."""
    from tqdm import tqdm

    folder = ROOT / "chapters"
    everything = {
        p.relative_to(folder).with_suffix("").as_posix(): p
        for p in sorted(folder.rglob("*.ipynb"))
        if ".ipynb_checkpoints" not in p.parts
    }
    parser = argparse.ArgumentParser(prog="python -m lib.book.times", description=__doc__)
    parser.add_argument("chapter", nargs="*", help="such as part2/02_nsgt; all of them if none is named")
    wanted = parser.parse_args(argv).chapter or list(everything)
    if unknown := [name for name in wanted if name not in everything]:
        print(f"error: no chapter {', '.join(unknown)}; there are {', '.join(everything)}", file=sys.stderr)
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    seconds = read_result(RECORD)["results"] if (RESULTS / RECORD).exists() else {}
    for name in tqdm(wanted, unit="chapter"):
        notebook = everything[name]
        seconds.setdefault(speed(), {})[name] = round(run_seconds(notebook), 1)
    write_result(RECORD, seconds, provenance=provenance(config={"speed": speed(), "threads": 1}, seeds=[]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
