"""One run: its configuration, its file, its fate."""

from __future__ import annotations

import dataclasses
import importlib
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lib import results
from lib.errors import BookError


@dataclass(frozen=True)
class Run:
    """A run of a topic: a name that is also its file name, the groups it belongs to, its configuration."""

    topic: str
    name: str
    config: Mapping[str, Any]
    groups: tuple[str, ...] = ()

    def path(self, folder: Path | None = None) -> Path:
        """Where its result goes."""
        return (folder or results.RESULTS) / self.topic / "runs" / f"{self.name}.json"


def topic_module(topic: str) -> ModuleType:
    """Find the module of a topic.

    Raises:
        BookError: there is none of that name.
    """
    if not topic.isidentifier():
        raise BookError(f"{topic!r} is no name of a topic.")
    try:
        module = importlib.import_module(f"lib.experiments.{topic}")
    except ModuleNotFoundError as error:
        if error.name != f"lib.experiments.{topic}":
            raise
        module = None
    if module is None or not hasattr(module, "perform"):
        raise BookError(f"There are no experiments on {topic!r} in lib/experiments.")
    return module


def status(run: Run, folder: Path | None = None) -> str:
    """Say how a run stands: "missing", "ok" or "failed"."""
    path = run.path(folder)
    if not path.exists():
        return "missing"
    try:
        return str(results.read_result(path)["results"]["status"])
    except (BookError, KeyError, TypeError):
        return "missing"  # Cut short: it is done again.


def perform(run: Run, folder: Path | None = None) -> tuple[str, str, float]:
    """Do one run and write its file, whatever happens: a failed run is a result too.

    Returns:
        its name, "ok" or "failed", and the seconds it took.
    """
    start = time.perf_counter()
    try:
        found = {"status": "ok", **topic_module(run.topic).perform(dict(run.config))}
    except Exception as error:  # the file must say what happened, whatever it was
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        found = {"status": "failed", "error": f"{type(error).__name__}: {error}", "where": where}
    seconds = time.perf_counter() - start
    found["seconds"] = round(seconds, 2)
    seeds = [run.config["seed"]] if "seed" in run.config else []
    command = f"python -m lib.experiments run {run.topic} --only {run.name}"
    provenance = results.provenance(config=run.config, seeds=seeds, command=command)
    results.write_result(run.path(folder), plain(found), provenance=provenance)
    return run.name, found["status"], seconds


def finished(runs: Sequence[Run], folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Read the runs that went well: name -> results."""
    return {run.name: results.read_result(run.path(folder))["results"] for run in runs if status(run, folder) == "ok"}


def plain(value: Any) -> Any:
    """Turn arrays and dataclasses into what JSON holds; a number that is not finite becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if abs(value) < float("inf") else None
    return value
