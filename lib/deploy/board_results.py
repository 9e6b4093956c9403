"""Measurements of readers' boards: checked, read, and never mixed with anything emulated or predicted.

A reader adds `assets/results/boards/NAME.json`, the `bench.json` of `lib.deploy.measure`, by pull request. What is
checked: the schema, that the numbers fit each other, and that the board is not faster than it can be.

    python -m lib.deploy.board_results check assets/results/boards/*.json

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from lib.deploy.boards import Board, board
from lib.deploy.bounds import peak_macs_per_second
from lib.errors import BookError
from lib.results import RESULTS, read_result

#: Results of readers' boards.
FOLDER = RESULTS / "boards"
SCHEMA = RESULTS.parent / "boards" / "bench.schema.json"
#: A result of the machine the book was made on, kept apart from those of boards.
EXAMPLE = RESULTS.parent / "boards" / "example-x86.json"


@dataclass(frozen=True)
class BoardResult:
    """One measurement, with the facts a table shows.

    Attributes:
        board: the known board's name, or what the machine calls itself.
        known: the board's facts; none for a machine the book does not know.
        real_time_factor: computing time over sound time; none for models that make no fixed amount of sound.
        evidence: always "measured".
    """

    file: str
    board: str
    known: Board | None
    model: str
    precision: str
    run: str
    sha256: str
    real_time_factor: float | None
    dropouts: int | None
    worst_block_s: float | None
    resident_bytes: int | None
    date: str
    record: dict[str, Any]
    evidence: str = "measured"


def schema() -> dict[str, Any]:
    """Read the published schema of `bench.json`."""
    return json.loads(SCHEMA.read_text())


def problems(record: dict[str, Any], today: dt.date | None = None) -> list[str]:
    """Say everything that is wrong with a measurement; nothing if it can be believed.

    Args:
        record: a whole `bench.json`.
        today: no measurement is from later.
    """
    checker = jsonschema.Draft202012Validator(schema())
    found = [f"{'/'.join(map(str, e.absolute_path)) or 'file'}: {e.message[:200]}" for e in checker.iter_errors(record)]
    if found:
        return found  # nothing else can be relied on
    results = record["results"]
    return [
        *_about_time(record["provenance"]["date"], today or dt.date.today()),
        *_about_durations(results),
        *_about_playing(results),
        *_about_board(results),
    ]


def check(path: str | Path) -> BoardResult:
    """Read and check one file.

    Raises:
        BookError: it is no result, or cannot be believed; the message lists every reason.
    """
    target = Path(path)
    record = read_result(target.resolve())
    if wrong := problems(record):
        raise BookError(f"{target.name} cannot be believed:\n  - " + "\n  - ".join(wrong))
    return _summary(target.name, record)


def load(folder: Path | None = None) -> list[BoardResult]:
    """Read all readers' boards, checked; an empty list as long as nobody has added one."""
    return [check(path) for path in sorted((folder or FOLDER).glob("*.json"))]


def example() -> BoardResult | None:
    """Read the example that was measured on the development machine, which is no board."""
    return _summary(EXAMPLE.name, read_result(EXAMPLE)) if EXAMPLE.exists() else None


def _summary(name: str, record: dict[str, Any]) -> BoardResult:
    results, known = record["results"], _known(record["results"])
    playing = results["simulation"]
    return BoardResult(
        file=name,
        board=known.name if known else results["board"]["name"],
        known=known,
        model=results["model"]["model"],
        precision=results["model"]["precision"],
        run=results["model"]["run"],
        sha256=results["model"]["sha256"],
        real_time_factor=results["real_time_factor"],
        dropouts=playing["dropouts"] if playing else None,
        worst_block_s=max((b["worst_s"] for b in results["blocks"]), default=None),
        resident_bytes=results["memory"]["resident_bytes"],
        date=record["provenance"]["date"],
        record=record,
    )


def _known(results: dict[str, Any]) -> Board | None:
    try:
        return board(results["board"]["name"])
    except BookError:
        return None


def _about_time(date: str, today: dt.date) -> list[str]:
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        return [f"{date} is no date."]
    # A day's grace: the board's clock is in universal time.
    return [f"{date} is in the future."] if day > today + dt.timedelta(days=1) else []


def _about_durations(results: dict[str, Any]) -> list[str]:
    found = []
    named = {f"step {key}": results["step"][key] for key in ("network", "synthesiser", "both") if results["step"][key]}
    named |= {f"block {entry['block']}": entry for entry in results["blocks"]}
    for name, entry in named.items():
        if not entry["worst_s"] > 0 or not entry["median_s"] <= entry["p95_s"] <= entry["worst_s"] >= entry["mean_s"]:
            found.append(f"{name}: median, 95th percentile, mean and worst are not in order.")
    rate, samples = results["model"]["sample_rate"], results["model"]["block_samples"]
    if samples != results["step"]["samples"]:
        found.append("The step's samples are not the model's.")
    step = results["step"]["both"]["mean_s"]
    if (
        samples
        and results["real_time_factor"] is not None
        and not _near(results["real_time_factor"], step * rate / samples, 1.01)
    ):
        found.append("The real-time factor is not the mean step over the sound it makes.")
    for entry in results["blocks"]:
        if not _near(entry["period_s"], entry["block"] / rate, 1.001):
            found.append(f"block {entry['block']}: its period is not its samples over the rate.")
        if not _near(entry["real_time_factor"], entry["mean_s"] / entry["period_s"], 1.01):
            found.append(f"block {entry['block']}: its factor is not its mean over its period.")
        if samples and not entry["steps_least"] <= entry["block"] / samples <= entry["steps_most"]:
            found.append(f"block {entry['block']}: {entry['steps_most']} steps do not make it.")
        # Machines have moods, but ten times faster than the fastest half of single steps is no mood.
        if samples and entry["mean_s"] < 0.1 * results["step"]["both"]["median_s"] * entry["block"] / samples:
            found.append(f"block {entry['block']} takes far less time than its steps.")
    return found


def _about_playing(results: dict[str, Any]) -> list[str]:
    playing = results["simulation"]
    if playing is None:
        return []
    period = playing["block"] / results["model"]["sample_rate"]
    found = []
    # Every period of the time played was either a block or a dropout; the ends are rough.
    if (
        abs((playing["blocks"] + playing["dropouts"]) * period - playing["seconds"])
        > 0.1 * playing["seconds"] + 2 * period
    ):
        found.append("Blocks and dropouts do not fill the time played.")
    if (playing["worst_late_s"] > 0) != (playing["dropouts"] > 0):
        found.append("Late blocks and dropouts contradict each other.")
    if playing["busy"] > 1.01:
        found.append("It was busy for longer than it played.")
    if results["real_time_factor"] is not None and results["real_time_factor"] > 1.5 and not playing["dropouts"]:
        found.append("Slower than real time, and yet no dropouts.")
    return found


def _about_board(results: dict[str, Any]) -> list[str]:
    known = _known(results)
    told, found = results["board"], []
    if told["bits"] != 64:
        found.append("It ran as a 32-bit program; the book's measurements are 64-bit.")
    resident = results["memory"]["resident_bytes"]
    if resident and told["memory_bytes"] and resident > told["memory_bytes"]:
        found.append("The program is larger than the machine's memory.")
    if known is None:
        return found
    if told["architecture"] != "aarch64":
        found.append(f"{known.name} is no {told['architecture']}.")
    if told["cores"] != known.n_cores:
        found.append(f"{known.name} has {known.n_cores} cores, not {told['cores']}.")
    low, high = known.clocks_hz
    clocks = [told["fastest_clock_hz"], *(c["clock_hz"] for c in _conditions(results))]
    # Firmware reports clocks to a few per cent; overclocked boards are other boards.
    if any(clock is not None and not 0.5 * low <= clock <= 1.05 * high for clock in clocks):
        found.append(f"A clock is outside {low / 1e6:.0f} to {high / 1e6:.0f} MHz; is it overclocked?")
    peak = peak_macs_per_second(known, results["model"]["precision"], known.n_cores)
    samples, rate = results["model"]["block_samples"], results["model"]["sample_rate"]
    if samples:
        least = results["model"]["macs_per_second"] * samples / rate / peak
        if results["step"]["both"]["median_s"] < least:
            found.append(f"Faster than {known.name} can multiply at its very best.")
    return found


def _conditions(results: dict[str, Any]) -> list[dict[str, Any]]:
    told = results["conditions"]
    return [told["before"], *told["during"], told["after"]]


def _near(one: float, other: float, factor: float) -> bool:
    return other / factor <= one <= other * factor


def main(argv: Sequence[str] | None = None) -> int:
    """Check files given on the command line; 0 if all can be believed."""
    parser = argparse.ArgumentParser(prog="python -m lib.deploy.board_results", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["check"])
    parser.add_argument("files", nargs="+", type=Path)
    args = parser.parse_args(argv)
    failed = 0
    for path in args.files:
        try:
            found = check(path)
        except BookError as error:
            print(error)
            failed += 1
            continue
        known = "" if found.known else " (not a board the book knows: only its own numbers were compared)"
        print(f"{path.name}: fine; {found.model} {found.precision} on {found.board}{known}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
