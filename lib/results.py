"""Results with their provenance: one JSON file each, written whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lib.errors import BookError

#: Where results live: `assets/results/<topic>/<name>.json`.
RESULTS = Path(__file__).resolve().parent.parent / "assets" / "results"

#: What every result must say about itself.
PROVENANCE_KEYS = ("command", "config", "seeds", "commit", "date", "machine")


def machine() -> str:
    """Describe this machine in one line: processor, cores, memory, Python.

    >>> "core" in machine()
    True
    """
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def commit() -> str:
    """Name the commit the code is at, with `+` when the tree has changes of its own, or `unknown`."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "lib")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed else "")


def provenance(*, config: Mapping[str, Any], seeds: Sequence[int], command: str | None = None) -> dict[str, Any]:
    """Say how a result came to be: command, configuration, seeds, commit, date and machine."""
    return {
        "command": command or " ".join(["python", "-m", _module_name(), *sys.argv[1:]]),
        "config": dict(config),
        "seeds": list(seeds),
        "commit": commit(),
        "date": dt.date.today().isoformat(),
        "machine": machine(),
    }


def write_result(path: str | Path, results: Any, *, provenance: Mapping[str, Any]) -> Path:
    """Write one result file, atomically.

    Args:
        path: relative to `assets/results`, or absolute; ends in `.json`.
        results: anything JSON can hold; NaN and infinities are refused, since no browser reads them.
        provenance: as made by `provenance`.

    Raises:
        BookError: provenance is incomplete, or a number is not finite.
    """
    missing = [key for key in PROVENANCE_KEYS if key not in provenance]
    if missing:
        raise BookError(f"A result needs provenance; {', '.join(missing)} missing. Use lib.results.provenance(...).")
    target = RESULTS / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        text = json.dumps({"provenance": dict(provenance), "results": results}, indent=1, allow_nan=False)
    except ValueError as error:
        raise BookError(f"{target.name}: a result holds NaN or infinity; write null and say why.") from error
    scratch = target.with_suffix(f".{os.getpid()}.tmp")
    scratch.write_text(text + "\n")
    scratch.replace(target)
    return target


def read_result(path: str | Path) -> dict[str, Any]:
    """Read one result file: a dictionary with `provenance` and `results`.

    Raises:
        BookError: there is no such file, it is cut short, or it does not say where it came from.
    """
    target = RESULTS / path
    if not target.exists():
        raise BookError(f"No result {path} in assets/results. Its README says which command makes it.")
    try:
        record = json.loads(target.read_text())
    except json.JSONDecodeError as error:
        raise BookError(f"{path} is cut short or damaged ({error}); make it again or restore it from git.") from error
    if not isinstance(record, dict) or set(record) != {"provenance", "results"}:
        raise BookError(f"{path} is no result file: it needs 'provenance' and 'results'.")
    missing = [key for key in PROVENANCE_KEYS if key not in record["provenance"]]
    if missing:
        raise BookError(f"{path} does not say where it came from: {', '.join(missing)} missing.")
    return record


def _git(*words: str) -> str:
    root = RESULTS.parent.parent
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()


def _module_name() -> str:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec.name.removesuffix(".__main__") if spec else Path(sys.argv[0]).name
