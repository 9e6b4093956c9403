"""`make test`: the library, the chapters and the built pages, two files at a time."""

from __future__ import annotations

import os
import subprocess
import sys

from lib.book.build import ROOT

PARALLEL = ("-n", "2", "--dist", "loadfile")

#: What is tested, in the order that fails fastest.
SUITES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("library", (*PARALLEL, "--doctest-modules", "lib", "tests", "-m", "not browser and not lab")),
    ("chapters", (*PARALLEL, "--nbval-lax", "--nbval-cell-timeout", "300", "chapters")),
    ("browser", ("tests", "-m", "browser or lab")),
)


def main() -> int:
    """Run all suites, also after one failed, and leave with the first failure's status."""
    statuses = []
    for name, words in SUITES:
        print(f"[test] {name}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", *words]
        statuses.append(subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode)
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    sys.exit(main())
