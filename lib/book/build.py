"""`make book`: execute the chapters, build the pages, check them, and never show a stale one.

jupyter-cache keys on the notebook alone, and Sphinx re-reads only changed sources, so a change in
`lib/`, in a widget's JavaScript or in a data file would leave old pages standing. Three digests
decide. When anything the chapters can depend on changed, all are executed and all pages made afresh.
When only a chapter or the bibliography changed, that chapter is executed, but still all pages are
made afresh: each shows the titles of others, and Sphinx would keep the old ones. When the built pages
are those that passed the gate last time, byte for byte, they need not pass again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "_build"
HTML = BUILD / "html"
DIGEST = BUILD / "inputs.sha256"
SOURCES_DIGEST = BUILD / "chapters.sha256"
PASSED = BUILD / "passed.sha256"

#: What chapters read besides themselves; a change in any of it makes every page again.
INPUTS = ("lib", "assets", "requirements.txt", "_config.yml", "_toc.yml", "pyproject.toml")

#: The chapters and their bibliography; a change writes every page again, from executed chapters kept.
SOURCES = ("chapters",)

#: Folders that programs leave behind and no page depends on.
SKIPPED = {"__pycache__", ".ipynb_checkpoints"}

#: What the gate's verdict depends on, beside the browser.
GATED = ("_build/html", "lib/book", "requirements.txt")


def digest(paths: Iterable[str] = INPUTS, root: Path = ROOT) -> str:
    """Hash everything the chapters can depend on: file names, contents, and the declared speed."""
    total = hashlib.sha256(os.environ.get("TIMBRE_SPEED", "quick").encode())
    for name in paths:
        start = root / name
        files = sorted(p for p in start.rglob("*") if p.is_file()) if start.is_dir() else [start]
        for path in files:
            if SKIPPED & set(path.parts) or path.suffix in (".pyc", ".tmp"):
                continue
            total.update(str(path.relative_to(root)).encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def is_stale(current: str, record: Path) -> bool:
    """Say whether a record was made from something else than what stands today."""
    return not record.exists() or record.read_text().strip() != current


def main(argv: list[str] | None = None) -> int:
    """Build the book and check it; leave with 0 only if every page passed the gate."""
    parser = argparse.ArgumentParser(prog="python -m lib.book.build", description=__doc__.splitlines()[0])
    parser.add_argument("--no-gate", action="store_true", help="build without checking")
    arguments = parser.parse_args(argv)
    started = time.monotonic()
    current, sources = digest(), digest(SOURCES)
    if is_stale(current, DIGEST):
        say("inputs changed or first build: executing every chapter afresh")
        _drop("html", ".doctrees", ".jupyter_cache")
    elif is_stale(sources, SOURCES_DIGEST):
        say("chapters changed, or the last build broke off: executing what is new, writing every page")
        _drop("html", ".doctrees")
    else:
        say("nothing changed since the last build")
    BUILD.mkdir(exist_ok=True)
    DIGEST.write_text(current + "\n")
    SOURCES_DIGEST.unlink(missing_ok=True)  # back when all pages stand
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", "-W", "--keep-going", str(ROOT)]
    status = subprocess.run(command, cwd=ROOT, env=_environment()).returncode
    if status:
        reports = sorted((HTML / "reports").rglob("*.log"))
        for report in reports:
            say(f"{report.name}:\n{report.read_text()[-3000:]}")
        # without the chapters' digest the next run writes every page, and so repeats every warning
        say("the build failed; the reason stands above")
        return status
    SOURCES_DIGEST.write_text(sources + "\n")
    if not arguments.no_gate:
        status = _gate()
        if status:
            say("the gate found the faults above; the book is built but not fit to read")
            return status
    minutes = (time.monotonic() - started) / 60
    say(f"done in {minutes:.1f} min")
    say(f"open {HTML / 'index.html'}")
    say("or: make serve (the pages on this machine), make lab (the notebooks, live)")
    return 0


def say(text: str) -> None:
    """Tell the reader what is going on, at once."""
    print(f"[book] {text}", flush=True)


def _gate() -> int:
    """Check the built pages, unless this very gate, with this browser, let these very pages pass before."""
    from lib.book import browser, gate

    pages = digest(GATED) + " " + browser.version()
    if not is_stale(pages, PASSED):
        say("the gate let these very pages pass before")
        return 0
    say("the gate: reading every page, then opening it in a browser with the network cut off")
    status = gate.main([str(HTML)])
    if status == 0:
        PASSED.write_text(pages + "\n")
    return status


def _drop(*parts: str) -> None:
    for part in parts:
        shutil.rmtree(BUILD / part, ignore_errors=True)


def _environment() -> dict[str, str]:
    # the minutes that chapters print are those of one thread
    return {"OMP_NUM_THREADS": "1", **os.environ}


if __name__ == "__main__":
    sys.exit(main())
