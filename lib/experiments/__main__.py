"""`python -m lib.experiments run | list | summary TOPIC`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from lib.errors import BookError
from lib.experiments import runner
from lib.experiments.runs import status, topic_module


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 well, 1 some runs failed, 2 a wrong call."""
    options = _parser().parse_args(arguments)
    folder = Path(options.folder) if options.folder else None
    try:
        module = topic_module(options.topic)
        if options.command == "summary":
            for path in module.summarise(folder):
                print(path)
            return 0
        runs = runner.choose(module.runs(quick=options.quick), options.only)
        if options.command == "list":
            for run in runs:
                print(f"{status(run, folder):8s} {run.name}  [{', '.join(run.groups)}]")
            return 0
        _use_one_thread()
        counts = runner.perform_all(
            runs, folder=folder, workers=options.workers, dask=options.dask, again=options.again, report=_report
        )
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 1 if counts["failed"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.experiments", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "perform the runs that have no result yet"),
        ("list", "show every run and whether it is done"),
        ("summary", "write the tables that the chapters read"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("topic", help="such as timbre")
        command.add_argument("--folder", help="results folder, assets/results by default")
        if name != "summary":
            command.add_argument("--only", nargs="+", default=[], metavar="NAME", help="groups, or names with * and ?")
            command.add_argument("--quick", action="store_true", help="tiny versions of all runs, to try the machinery")
        if name == "run":
            command.add_argument("--workers", type=int, default=1, help="local processes")
            command.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler instead of local processes")
            command.add_argument("--again", action="store_true", help="repeat runs that have a result")
    return parser


def _use_one_thread() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)


def _report(name: str, outcome: str, seconds: float) -> None:
    print(f"{outcome:7s} {seconds:7.1f} s  {name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
