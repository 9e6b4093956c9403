"""`python -m lib.deploy.table`: all that is known of every kept model, in one table, and what it says of the boards.

One row is one trained model at one thickness and one precision. It joins the error on test recordings (from the
chain), bytes and multiply-adds (counted), instructions (counted under emulation), the real-time factor on this machine
(measured here, one thread, processor time), the harm of rounding (measured here), and a verdict for every board. What a
number rests on stands beside it; nothing is filled in.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from lib import results
from lib.deploy import board_results, quantise
from lib.deploy.boards import BOARDS, PAPER_TABLE
from lib.deploy.bounds import Needs, needs_of, verdict
from lib.deploy.csource import compile_shared, generate
from lib.deploy.csource.build import FAST
from lib.deploy.csource.shared import DDSPLibrary, Library
from lib.deploy.emulate.measure import MODELS, PRECISIONS, Point, shipped
from lib.deploy.steps import step_of
from lib.errors import BookError
from lib.experiments.runs import plain
from lib.models import SING
from lib.models.base import HOP, MODEL_RATE, AudioModel
from lib.models.data import clips
from lib.pruning import cost

TABLE, BOUNDS, EMULATED = "deploy/table.json", "deploy/bounds.json", "deploy/emulated.json"
#: Test clips that rounding is judged on: every so many-th, since WaveNet walks through them sample by sample.
JUDGED = 12
#: Seconds of sound timed, and how often; the median counts.
SECONDS, REPEATS = 1.0, 5


def build(only: Sequence[str] = MODELS, folder: Path | None = None) -> list[Path]:
    """Measure what has to be measured here, join the rest, write both files.

    Args:
        only: "ddsp", "sing", "wavenet".
        folder: of results; the book's by default.
    """
    torch.set_num_threads(1)
    root = folder or results.RESULTS
    counted, measured = _emulated(root), board_results.load()
    points = [point for name in only for point in shipped(name)]
    rows = []
    for point in tqdm(points, desc="models", unit="model"):
        for precision in PRECISIONS:
            rows.append(row(point, precision, counted, measured, root))
    return [_write(TABLE, {"rows": rows}, root), _write(BOUNDS, judge(rows), root)]


def row(
    point: Point,
    precision: str,
    counted: Sequence[Mapping[str, Any]],
    measured: Sequence[board_results.BoardResult],
    root: Path,
) -> dict[str, Any]:
    """Join everything about one model at one precision."""
    record, first = _records(point, root)
    own = [r for r in counted if (r["run"], r["round"], r["precision"]) == (point.run, point.round, precision)]
    rounding = _rounding(point.model) if precision == "int8" else 1.0
    counts = cost.cost(point.model)
    artefact = "onnx" if isinstance(point.model, SING) else "c"
    found = {
        "model": point.name,
        "run": point.run,
        "round": point.round,
        "removed": point.removed,
        "precision": precision,
        "n_parameters": point.model.n_parameters(),
        "widths": dict(point.model.widths),
        "macs_per_second": counts.total_macs_per_second,
        "test_multiplier": record["test"] / first["test"],
        "rounding_multiplier": rounding,
        "artefact": artefact,
        **_on_this_machine(point.model, precision),
        "instructions_per_second": {_core(r): r["per_second"]["total"] for r in own if r["artefact"] == artefact},
        "onnx_instructions_per_second": {_core(r): r["per_second"]["total"] for r in own if r["artefact"] == "onnx"},
        "block_samples": next((r["block_samples"] for r in own if r["artefact"] == artefact), None),
        "largest_block": {_core(r): r["largest_block"] for r in own if r["artefact"] == artefact},
        "chip": {_core(r): r["chip"] for r in own if r.get("chip")},
    }
    found["boards"] = {
        name: asdict(verdict(_needs(point.model, found, measured, board), board)) for name, board in BOARDS.items()
    }
    return found


def _core(counted: Mapping[str, Any]) -> str:
    # What the emulator calls Cortex-M4 has the float unit that makers call M4F.
    return {"cortex-m4": "cortex-m4f"}.get(counted["processor"], counted["processor"])


def _needs(
    model: AudioModel, found: Mapping[str, Any], measured: Sequence[board_results.BoardResult], board: Any
) -> Needs:
    linked = found["chip"].get(board.core)
    measured = [one for one in measured if (one.run, one.precision) == (found["run"], found["precision"])]
    # A run has many rounds; a measured file says by its number of weights which of them it was.
    measured = [one for one in measured if one.record["results"]["model"].get("parameters") == found["n_parameters"]]
    more: dict[str, Any] = {
        "instructions_per_second": found["instructions_per_second"],
        "measured": {one.board: one.real_time_factor for one in measured if one.real_time_factor is not None},
        "dropouts": {one.board: one.dropouts or 0 for one in measured},
    }
    if linked:
        more |= {
            "linked": True,
            "flash_bytes": linked["flash_bytes"],
            "ram_bytes": linked["ram_bytes"] + linked["stack_bytes"],
        }
    elif found["artefact"] == "onnx":  # the exported step leaves out what only training needs, such as SING's encoder
        whole = needs_of(model, found["precision"]).flash_bytes
        more["flash_bytes"] = min(whole, found["weight_bytes"])
    return needs_of(model, found["precision"], f"{found['run']} round {found['round']}", **more)


def _records(point: Point, root: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    rounds = results.read_result(root / "diet" / "runs" / f"{point.run}.json")["results"]["rounds"]
    return next(r for r in rounds if r["round"] == point.round), rounds[0]


def _rounding(model: AudioModel) -> float:
    """Error on test clips after rounding the exported step to 8 bits, over that before."""
    batch = clips("test")
    batch = batch.take(torch.linspace(0, len(batch) - 1, JUDGED).long())
    return quantise.report(model, batch)["ratio"]


def _on_this_machine(model: AudioModel, precision: str) -> dict[str, Any]:
    """Bytes of the exported artefact, and its real-time factor here: median of some runs, one thread."""
    with tempfile.TemporaryDirectory(prefix="table-") as name:
        if isinstance(model, SING):
            rounded = quantise.exact(model) if precision == "float32" else quantise.quantise(model)
            session = quantise.session(rounded.step)
            play, n_bytes, state = _sing_step(session, model), rounded.step.ByteSize(), 0
        else:
            source = generate(model, Path(name), precision)  # type: ignore[arg-type]
            library = compile_shared(source, flags=FAST)
            play, n_bytes, state = _playing(library), source.n_weight_bytes, source.state_bytes
        return {
            "weight_bytes": n_bytes,
            "state_bytes": state,
            "x86_real_time_factor": real_time_factor(play),
            "x86_evidence": "measured",
        }


def _playing(library: Library) -> Callable[[], float]:
    rng = np.random.default_rng(0)
    if isinstance(library, DDSPLibrary):
        frames = round(SECONDS * MODEL_RATE / HOP)
        f0_hz, loudness = np.full(frames, 440.0), np.full(frames, -20.0)
        z, noise = np.zeros((frames, library.source.facts["n_latent"])), library.noise(frames)
        return lambda: len(library.play(f0_hz, loudness, z, noise)) / MODEL_RATE
    facts = library.source.facts
    n = round(SECONDS * MODEL_RATE)
    mel, uniform = rng.random((facts["n_mels"], n // facts["mel_hop"] + 1)), rng.random(n)
    return lambda: len(library.play(mel, uniform)) / MODEL_RATE  # type: ignore[attr-defined]


def _sing_step(session: Any, model: SING) -> Callable[[], float]:
    block = step_of(model, 1).plan.block_samples
    feed = {
        one.name: np.zeros([d if isinstance(d, int) else 1 for d in one.shape], np.float32)
        for one in session.get_inputs()
    }
    calls = round(SECONDS * MODEL_RATE / block)

    def play() -> float:
        for _ in range(calls):
            session.run(None, feed)
        return calls * block / MODEL_RATE

    return play


def real_time_factor(play: Callable[[], float]) -> float:
    """Processor time over seconds of sound, median of `REPEATS` after a warm-up."""
    play()
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        seconds = play()
        found.append((time.process_time() - start) / seconds)
    return statistics.median(found)


def judge(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Read the paper's three statements off the table.

    Returns:
        `summary` (in words, by board), `holds` (which statements hold), `reason`; with the paper's own bounds beside.
    """
    small = [name for name, board in BOARDS.items() if board.core == "avr"]
    today = [name for name, board in BOARDS.items() if board.kind == "microcontroller" and board.core != "avr"]
    pis = [name for name, board in BOARDS.items() if board.kind == "linux"]
    said, fits = {}, {}
    for name in (*small, *today, *pis):
        able = [r for r in rows if r["boards"][name]["answer"] in ("may", "runs")]
        fits[name] = sorted({r["model"] for r in able})
        said[name] = (
            f"{len(able)} of {len(rows)} may run ({', '.join(fits[name])})" if able else f"none of {len(rows)} can run"
        )
    return {
        "summary": said,
        "holds": {
            "none fits an Arduino of the paper's kind": not any(fits[name] for name in small),
            "several fit a Raspberry Pi": all(len(fits[name]) > 1 for name in pis),
            "FLOPS of Table 1 are borderline": 0.0 < _share_within_flops(rows) < 1.0,
        },
        "reason": "“May” means that no bound forbids it; only a measurement on the board says that it runs. Boards "
        "called Arduino today have other chips than the paper's two, and the smallest models may run there.",
        "papers_table": [
            {**asdict(one), "rows_within_flops": sum(r["macs_per_second"] <= one.flops for r in rows)}
            for one in PAPER_TABLE
        ],
    }


def _share_within_flops(rows: Sequence[Mapping[str, Any]]) -> float:
    """The share of rows whose multiply-adds a second are within the paper's FLOPS of a Raspberry Pi 2B."""
    limit = max(one.flops for one in PAPER_TABLE if one.platform.startswith("RPi"))
    return float(np.mean([found["macs_per_second"] <= limit for found in rows]))


def _emulated(root: Path) -> list[Mapping[str, Any]]:
    try:
        return results.read_result(root / EMULATED)["results"]["rows"]
    except BookError:
        return []


def _write(name: str, content: Any, root: Path) -> Path:
    provenance = results.provenance(
        config={"seconds": SECONDS, "repeats": REPEATS, "judged_clips": JUDGED},
        seeds=[0],
        command="python -m lib.deploy.table",
    )
    return results.write_result(root / name, plain(content), provenance=provenance)


if __name__ == "__main__":
    for path in build():
        print(path.name)
