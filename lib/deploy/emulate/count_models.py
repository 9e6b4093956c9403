"""Rows of instruction counts: one model, thinned and rounded, as C and as ONNX, on every processor.

Short excerpts are counted and scaled to a second: blocks differ by little, and the largest is kept.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lib.deploy.csource import EXACT, FAST
from lib.deploy.emulate import onnx_calls, programs
from lib.deploy.emulate.cortex_m import EMULATED, NANO_33_BLE
from lib.deploy.emulate.counting import CORTEX_A, CORTEX_M
from lib.deploy.emulate.programs import HOST, Played, Precision, Program
from lib.deploy.emulate.rows import Point, Row, chip_of, counted_blocks, digest
from lib.deploy.emulate.tools import EmulationError
from lib.models import DDSP, AudioModel, WaveNet
from lib.models.base import MODEL_RATE
from lib.models.data import clips
from lib.timbre.space import Space

PRECISIONS: tuple[Precision, ...] = ("float32", "int8")
#: Counted: frames of DDSP, 10 ms blocks of WaveNet, points of a space; calls of an ONNX file, less one to warm up.
FRAMES, WAVENET_BLOCKS, POINTS = 40, 2, 8
CALLS = {"ddsp": 13, "sing": 13, "wavenet": 4}

#: Says whether a row with this key and digest is there already.
IsThere = Callable[[tuple, str], bool]


def c_rows(points: Sequence[Point], is_there: IsThere) -> Iterator[Row]:
    """Count generated C, built for speed (`csource.FAST`), on every processor; SING has none."""
    for point in points:
        if not isinstance(point.model, DDSP | WaveNet):
            continue
        for precision in PRECISIONS:
            with tempfile.TemporaryDirectory(prefix="count-") as folder:
                yield from _played(point, _program(point.model, Path(folder), precision), is_there)


def space_rows(name: str, space: Space, is_there: IsThere) -> Iterator[Row]:
    """Count the decoder of a timbre space, a spectrum at a time."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((POINTS, space.model.config.space_dims)).astype(np.float32)
    midi = np.linspace(48, 84, POINTS).astype(np.float32)
    point = Point("space", name, 0, 0.0, space.model.decoder)
    for precision in PRECISIONS:
        with tempfile.TemporaryDirectory(prefix="count-") as folder:
            yield from _played(point, programs.space_program(space, z, midi, Path(folder), precision), is_there)


def onnx_rows(points: Sequence[Point], is_there: IsThere) -> Iterator[Row]:
    """Count calls of ONNX Runtime from Python, a block each, on every Cortex-A."""
    with tempfile.TemporaryDirectory(prefix="count-") as name:
        made = []
        for point in points:
            feeds = onnx_calls.excerpt(point.model, CALLS[point.name])
            for precision in PRECISIONS:
                path = Path(name) / f"{point.round}-{precision}.onnx"
                exported = onnx_calls.export(point.model, path, precision, feeds, point.run)
                made.append((point, precision, exported, digest(path)))
        for processor in CORTEX_A:
            wanted = [one for one in made if not is_there((*one[0].key, one[1], "onnx", processor), one[3])]
            if not wanted:
                continue
            called = onnx_calls.call([exported for _, _, exported, _ in wanted], processor)
            for (point, precision, exported, told), calls in zip(wanted, called):
                block = exported.about["block_samples"]
                yield Row(
                    **_about(point, precision, "onnx", processor, told),
                    covers="network" if isinstance(point.model, DDSP) else "everything",
                    block_samples=block,
                    **counted_blocks(calls.counts, block, MODEL_RATE),
                    difference=onnx_calls.difference(exported, calls),
                )


def _played(point: Point, program: Program, is_there: IsThere) -> Iterator[Row]:
    folder = program.include[0]
    told = digest(*program.sources, folder / "score.h", also=" ".join(FAST))
    key = (*point.key, program.precision, "c")
    wanted = [p for p in (*CORTEX_A, *CORTEX_M) if not is_there((*key, p), told)]
    if not wanted:
        return
    here = programs.play(program, HOST, folder / "built", flags=EXACT).numbers
    is_sound, block = program.block_samples is not None, program.block_samples or 1
    for processor in wanted:
        played = _on_the_smallest_board(program, processor, folder / "built")
        yield Row(
            **_about(point, program.precision, "c", processor, told),
            covers="network and synthesiser" if isinstance(point.model, DDSP) else "everything",
            block_samples=block,
            **counted_blocks(played.counts, block, MODEL_RATE, is_sound),
            difference=float(np.abs(played.numbers - here).max()),
            chip=chip_of(played, program.block_samples, MODEL_RATE) if processor in CORTEX_M else None,
        )


def _on_the_smallest_board(program: Program, processor: str, folder: Path) -> Played:
    try:
        return programs.play(program, processor, folder, board=NANO_33_BLE, flags=FAST)
    except EmulationError as error:
        if "does not fit" not in str(error):
            raise
        return programs.play(program, processor, folder, board=EMULATED, flags=FAST)


def _program(model: AudioModel, folder: Path, precision: Precision) -> Program:
    clip = clips("test").take(slice(1, 2))
    controls = {name: value[0].numpy() for name, value in model.controls(clip).items()}
    if isinstance(model, DDSP):
        score = {name: controls[name][:FRAMES] for name in ("f0_hz", "loudness_db", "z")}
        return programs.ddsp_program(model, score, folder, precision)
    assert isinstance(model, WaveNet)
    known = np.random.default_rng(0).integers(0, model.config.n_classes, 16)
    mel = controls["mel"].T[:4]
    return programs.wavenet_program(model, mel, folder, precision, known=known, n_blocks=WAVENET_BLOCKS)


def _about(point: Point, precision: str, artefact: str, processor: str, told: str) -> dict[str, Any]:
    return {
        "model": point.name,
        "run": point.run,
        "round": point.round,
        "removed": point.removed,
        "parameters": sum(p.numel() for p in point.model.parameters()),
        "precision": precision,
        "artefact": artefact,
        "processor": processor,
        "sample_rate": MODEL_RATE,
        "digest": told,
    }
