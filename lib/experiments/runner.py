"""Perform many runs: one after the other, over local processes, or on a Dask cluster by address."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from fnmatch import fnmatch
from pathlib import Path

from lib.errors import BookError
from lib.experiments import runs as single
from lib.experiments.runs import Run

Report = Callable[[str, str, float], None]


def choose(runs: Sequence[Run], only: Sequence[str] = ()) -> list[Run]:
    """Keep the runs whose name matches, or whose group is, one of the patterns; all of them without patterns.

    Raises:
        BookError: a pattern matches nothing.
    """
    if not only:
        return list(runs)
    chosen: list[Run] = []
    for pattern in only:
        found = [run for run in runs if pattern in run.groups or fnmatch(run.name, pattern)]
        if not found:
            groups = sorted({group for run in runs for group in run.groups})
            raise BookError(f"No run and no group matches {pattern!r}. Groups: {', '.join(groups)}.")
        chosen += [run for run in found if run not in chosen]
    return chosen


def perform_all(
    runs: Sequence[Run],
    *,
    folder: Path | None = None,
    workers: int = 1,
    dask: str | None = None,
    again: bool = False,
    report: Report | None = None,
) -> dict[str, int]:
    """Perform what is missing, in the given order, and count the outcomes.

    Stopping it at any moment loses at most the runs under way; the next call goes on with the rest. Failed
    runs are kept and not repeated unless `again`.

    Args:
        workers: local processes; 1 runs here. dask: address of a scheduler, such as "tcp://host:8786"; its
            workers need this project installed and see the same folder.
    """
    waiting = [run for run in runs if again or single.status(run, folder) == "missing"]
    counts = {"skipped": len(runs) - len(waiting), "ok": 0, "failed": 0}
    perform = _on_dask(waiting, folder, dask) if dask else _here(waiting, folder, workers, again)
    for name, outcome, seconds in perform:
        counts[outcome] += 1
        if report is not None:
            report(name, outcome, seconds)
    return counts


def _here(runs: Sequence[Run], folder: Path | None, workers: int, again: bool) -> Iterator[tuple[str, str, float]]:
    if workers <= 1:
        for run in runs:
            # Somebody else may have done it since we looked.
            if not again and single.status(run, folder) != "missing":
                yield run.name, "skipped", 0.0
            else:
                yield single.perform(run, folder)
        return
    # Fresh processes, one thread each: forked ones would share the state of torch's thread pool.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        futures = [pool.submit(single.perform, run, folder) for run in runs]
        for future in as_completed(futures):
            yield future.result()


def _on_dask(runs: Sequence[Run], folder: Path | None, address: str) -> Iterator[tuple[str, str, float]]:
    from distributed import Client
    from distributed import as_completed as dask_completed

    try:
        client = Client(address, timeout="10s")
    except (OSError, TimeoutError, ValueError) as error:
        raise BookError(f"No Dask scheduler answers at {address}; start one with `dask scheduler`.") from error
    with client:
        futures = [client.submit(single.perform, run, folder, pure=False) for run in runs]
        for future in dask_completed(futures):
            yield future.result()


def _one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)
