"""`python -m lib.deploy.emulate measure`: instructions of every shipped model, thinned and rounded, on every processor.

Short excerpts are counted and scaled to a second: blocks differ by little, and the largest is kept. What is already
measured is not measured again unless the artefact changed; stopping at any moment loses one row.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lib import results
from lib.deploy.emulate import onnx_calls, programs, tools
from lib.deploy.emulate.cortex_m import EMULATED, NANO_33_BLE
from lib.deploy.emulate.counting import CORTEX_A, CORTEX_M
from lib.deploy.emulate.programs import HOST, Program
from lib.deploy.emulate.rows import Row, chip_of, counted_blocks
from lib.deploy.emulate.tools import EmulationError
from lib.errors import BookError
from lib.models import DDSP, AudioModel, WaveNet
from lib.models.base import MODEL_RATE
from lib.models.data import clips

TARGET = "deploy/emulated.json"
MODELS = ("ddsp", "sing", "wavenet")
SHARES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
PRECISIONS: tuple[programs.Precision, ...] = ("float32", "int8")
#: Blocks counted: frames of DDSP, 10 ms blocks of WaveNet, calls of an ONNX file (and one more to warm up).
FRAMES, WAVENET_BLOCKS, CALLS, POINTS = 40, 2, 12, 8

Say = Callable[[str], None]


@dataclass(frozen=True)
class Point:
    """One trained model: where it comes from, and itself."""

    name: str
    run: str
    round: int
    removed: float
    model: AudioModel


def measure(say: Say = print, only: tuple[str, ...] = MODELS, folder: Path | None = None) -> Path:
    """Measure what is not measured yet, and write after every model.

    Args:
        only: models wanted; "space" is the decoder of the timbre space.
        folder: of results; the book's by default.

    Raises:
        EmulationError: the emulation is not set up.
    """
    tools.require()
    torch.set_num_threads(1)
    target = (folder or results.RESULTS) / TARGET
    rows = {row.key: row for row in _kept(target)}
    for name in only:
        points = shipped(name) if name != "space" else []
        for make in (_c_rows, _onnx_rows):
            for row in make(points, rows, say) if name != "space" else _space_rows(rows) if make is _c_rows else ():
                rows[row.key] = row
                _write(target, rows)
    return _write(target, rows)


def shipped(name: str, removed: tuple[float, ...] = SHARES) -> list[Point]:
    """Open the models of the chain that ships, or of the short one before that exists; none if neither does.

    Args:
        name: "ddsp", "sing" or "wavenet"; removed: shares of the weights.
    """
    from lib.experiments import diet

    for run in (f"long-{name}-trim-local-information-rewind-s0", f"{name}-trim-local-information-rewind-s0"):
        try:
            found = diet.operating_points(run, removed)
        except BookError:
            continue
        return [Point(name, run, record["round"], record["removed"], model) for record, model in found]
    return []


def _c_rows(points: list[Point], rows: dict[tuple, Row], say: Say) -> Iterator[Row]:
    for point in points:
        if not isinstance(point.model, DDSP | WaveNet):
            continue
        processors = (*CORTEX_A, *CORTEX_M)
        for precision in PRECISIONS:
            with tempfile.TemporaryDirectory(prefix="measure-") as name:
                program = _program(point.model, Path(name), precision)
                digest = _digest(*program.sources, Path(name) / "score.h")
                yield from _play_rows(point, program, digest, processors, rows, say)


def _play_rows(
    point: Point, program: Program, digest: str, processors: tuple[str, ...], rows: dict[tuple, Row], say: Say
) -> Iterator[Row]:
    wanted = [p for p in processors if not _is_there(rows, point, program.precision, "c", p, digest)]
    if not wanted:
        return
    folder = program.include[0] / "built"
    here = programs.play(program, HOST, folder).numbers
    block = program.block_samples or 1
    for processor in wanted:
        try:
            played = programs.play(program, processor, folder, board=NANO_33_BLE)
        except EmulationError as error:
            if "does not fit" not in str(error):
                raise
            played = programs.play(program, processor, folder, board=EMULATED)
        row = Row(
            **_about(point, program.precision, "c", processor, digest),
            covers="network and synthesiser" if program.kind == "ddsp" else "everything",
            sample_rate=MODEL_RATE,
            block_samples=block,
            **counted_blocks(played.counts, block, MODEL_RATE, program.block_samples is not None),
            difference=float(np.abs(played.numbers - here).max()),
            chip=chip_of(played, block, MODEL_RATE) if processor in CORTEX_M and program.block_samples else None,
        )
        say(_sentence(row))
        yield row


def _onnx_rows(points: list[Point], rows: dict[tuple, Row], say: Say) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="measure-") as name:
        made = []
        for point in points:
            for precision in PRECISIONS:
                path = Path(name) / f"{point.round}-{precision}.onnx"
                exported = onnx_calls.export(point.model, path, precision, CALLS + 1, point.run)
                made.append((point, precision, exported, _digest(path)))
        for processor in CORTEX_A:
            wanted = [(p, q, e, d) for p, q, e, d in made if not _is_there(rows, p, q, "onnx", processor, d)]
            if not wanted:
                continue
            called = onnx_calls.call([exported for _, _, exported, _ in wanted], processor)
            for (point, precision, exported, digest), calls in zip(wanted, called):
                block = exported.about["block_samples"]
                row = Row(
                    **_about(point, precision, "onnx", processor, digest),
                    covers="network" if point.name == "ddsp" else "everything",
                    sample_rate=MODEL_RATE,
                    block_samples=block,
                    **counted_blocks(calls.counts, block, MODEL_RATE),
                    difference=onnx_calls.difference(exported, calls),
                )
                say(_sentence(row))
                yield row


def _space_rows(rows: dict[tuple, Row]) -> Iterator[Row]:
    from lib.timbre.space import load_space

    space, name = load_space("nsgt-erb"), "nsgt-erb"
    rng = np.random.default_rng(0)
    z = rng.standard_normal((POINTS, space.model.config.space_dims)).astype(np.float32)
    midi = np.linspace(48, 84, POINTS).astype(np.float32)
    point = Point("space", name, 0, 0.0, space.model.decoder)
    for precision in PRECISIONS:
        with tempfile.TemporaryDirectory(prefix="measure-") as folder:
            program = programs.space_program(space, z, midi, Path(folder), precision)
            digest = _digest(*program.sources, Path(folder) / "score.h")
            yield from _play_rows(point, program, digest, (*CORTEX_A, *CORTEX_M), rows, lambda sentence: None)


def _program(model: AudioModel, folder: Path, precision: programs.Precision) -> Program:
    clip = clips("test").take(slice(1, 2))
    controls = {name: value[0].numpy() for name, value in model.controls(clip).items()}
    if isinstance(model, DDSP):
        score = {name: controls[name][:FRAMES] for name in ("f0_hz", "loudness_db", "z")}
        return programs.ddsp_program(model, score, folder, precision)
    assert isinstance(model, WaveNet)
    known = np.random.default_rng(0).integers(0, model.config.n_classes, 16)
    return programs.wavenet_program(
        model, controls["mel"].T[:4], folder, precision, known=known, n_blocks=WAVENET_BLOCKS
    )


def _about(point: Point, precision: str, artefact: str, processor: str, digest: str) -> dict[str, Any]:
    return {
        "model": point.name,
        "run": point.run,
        "round": point.round,
        "removed": point.removed,
        "parameters": sum(p.numel() for p in point.model.parameters()),
        "precision": precision,
        "artefact": artefact,
        "processor": processor,
        "digest": digest,
    }


def _is_there(rows: dict[tuple, Row], point: Point, precision: str, artefact: str, processor: str, digest: str) -> bool:
    row = rows.get((point.run, point.round, precision, artefact, processor))
    return row is not None and row.digest == digest


def _digest(*files: Path) -> str:
    told = hashlib.sha256()
    for file in files:
        told.update(file.read_bytes())
    return told.hexdigest()[:12]


def _sentence(row: Row) -> str:
    amount = f"{row.per_block['total']:>12,.0f} instructions a block of {row.block_samples}"
    return (
        f"{row.model} round {row.round} ({100 * row.removed:.0f} % removed) {row.precision} {row.artefact} on "
        f"{row.processor}: {amount}; differs from this machine by {row.difference:.1e}"
    )


def _kept(target: Path) -> list[Row]:
    if not target.exists():
        return []
    return [Row(**row) for row in results.read_result(target)["results"]["rows"]]


def _write(target: Path, rows: dict[tuple, Row]) -> Path:
    config = {
        "frames": FRAMES,
        "wavenet_blocks": WAVENET_BLOCKS,
        "onnx_calls": CALLS,
        "qemu": _version("qemu-aarch64"),
        "aarch64-gcc": _version("aarch64-linux-gnu-gcc"),
        "arm-none-eabi-gcc": _version("arm-none-eabi-gcc"),
    }
    provenance = results.provenance(config=config, seeds=[0, 1], command="python -m lib.deploy.emulate measure")
    note = (
        "Emulated: results and instruction counts are those of the instruction set, and nothing here is a time. On a "
        "Cortex-M3 or M4 a program needs at least as many cycles as instructions. Counts are of short excerpts, "
        "scaled to a second of sound. ONNX rows hold one call of ONNX Runtime from Python per block."
    )
    ordered = [rows[key].as_dict() for key in sorted(rows)]
    return results.write_result(target, {"note": note, "rows": ordered}, provenance=provenance)


def _version(program: str) -> str:
    return tools.run([program, "--version"]).splitlines()[0]
