"""A model, a score, and a main: one C program that plays on this machine, a Raspberry Pi and a microcontroller.

The score (pitch, loudness, spectrogram ...) is compiled in as constants, so the very same files are built for every
processor; what they answer is compared number by number.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lib.deploy import csource
from lib.deploy.csource import CSource
from lib.deploy.emulate import aarch64, cortex_m, counting, tools
from lib.deploy.emulate.cortex_m import EMULATED, Board, Image
from lib.deploy.emulate.counting import CORTEX_A, CORTEX_M, Counts
from lib.deploy.emulate.tools import EmulationError
from lib.models import DDSP, AudioModel, WaveNet
from lib.models.base import HOP, MODEL_RATE
from lib.timbre.space import Space

Precision = Literal["float32", "int8"]
#: This machine, for comparison; it counts nothing.
HOST = "host"


@dataclass(frozen=True)
class Program:
    """C sources ready to be built: the model and what it plays.

    Attributes:
        sources: all C files but the start-up code; include: folders of headers; block_samples: sound between two
            marks (None for a timbre space, whose points are no sound); generated: the model's own C.
    """

    kind: str
    precision: Precision
    sources: tuple[Path, ...]
    include: tuple[Path, ...]
    block_samples: int | None
    generated: CSource


@dataclass(frozen=True)
class Played:
    """What a program answered on one processor.

    Attributes:
        numbers: float32, everything it wrote; counts: instructions of every block; image, stack_bytes: of a Cortex-M.
    """

    processor: str
    numbers: np.ndarray
    counts: tuple[Counts, ...]
    image: Image | None
    stack_bytes: int | None
    evidence: str


def ddsp_program(
    model: DDSP, score: Mapping[str, np.ndarray], folder: Path, precision: Precision = "float32", seed: int = 1
) -> Program:
    """Write a program that plays a score frame by frame.

    Args:
        score: f0_hz [frames], loudness_db [frames], z [frames or 1, dims].
        seed: of the noise; not 0.
    """
    z = np.atleast_2d(score["z"])
    arrays = {"F0_HZ": score["f0_hz"], "LOUDNESS_DB": score["loudness_db"], "Z": z}
    numbers = {"N_FRAMES": len(score["f0_hz"]), "N_Z": len(z), "SEED": seed}
    return _write(model, "ddsp", folder, precision, arrays, numbers, HOP)


def wavenet_program(
    model: WaveNet,
    mel: np.ndarray,
    folder: Path,
    precision: Precision = "float32",
    *,
    known: np.ndarray | None = None,
    n_blocks: int = 2,
    block: int = HOP,
    seed: int = 1,
) -> Program:
    """Write a program that scores known samples, then draws blocks of its own.

    Args:
        mel: [frames, n_mels]; known: classes of samples whose logits are written (to compare); then `n_blocks` blocks
            of `block` samples are drawn.
    """
    known = np.full(1, model.config.n_classes // 2) if known is None else known
    arrays = {"MEL": mel, "KNOWN": known.astype(np.int32)}
    numbers = {"N_MEL": len(mel), "N_KNOWN": len(known), "N_BLOCKS": n_blocks, "BLOCK": block, "SEED": seed}
    return _write(model, "wavenet", folder, precision, arrays, numbers, block)


def space_program(
    space: Space, z: np.ndarray, midi: np.ndarray, folder: Path, precision: Precision = "float32"
) -> Program:
    """Write a program that decodes points z [points, dims] at pitches midi [points]."""
    return _write(space, "space", folder, precision, {"Z": z, "MIDI": midi}, {"N_POINTS": len(z)}, None)


def play(
    program: Program,
    processor: str,
    folder: Path,
    *,
    board: Board = EMULATED,
    flags: tuple[str, ...] = csource.EXACT,
    timeout_s: float = tools.TIMEOUT_S,
) -> Played:
    """Build a program for a processor and run it there.

    Args:
        processor: `HOST`, or one of `counting.CORTEX_A` and `counting.CORTEX_M`.
        board: memory an image for a Cortex-M has to fit.
        flags: `csource.EXACT` (the same bits everywhere) or `csource.FAST` (fused multiply-adds).

    Raises:
        EmulationError: it does not compile, does not fit, fails, or does not end in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if processor in CORTEX_M:
        image = cortex_m.build(
            program.sources, folder / f"{processor}.elf", processor, board=board, include=program.include, flags=flags
        )
        run = cortex_m.run_cortex_m(image, timeout_s=timeout_s)
        return Played(processor, _numbers(run.data), run.counts, image, run.stack_bytes, run.evidence)
    target = folder / processor
    sources = (*program.sources, tools.SOURCES / "targets" / "host_linux.c")
    with tempfile.TemporaryDirectory(prefix="play-") as scratch:
        if processor == HOST:
            include = [f"-I{path}" for path in (tools.SOURCES / "targets", *program.include)]
            tools.run(["gcc", "-std=c99", *flags, *include, "-o", target, *sources, "-lm"])
            tools.run([target], cwd=Path(scratch), timeout_s=timeout_s)
            counts: tuple[Counts, ...] = ()
        elif processor in CORTEX_A:
            aarch64.compile_c(sources, target, processor, include=program.include, flags=flags)
            counts = counting.count_instructions(target, processor, timeout_s=timeout_s, cwd=Path(scratch)).regions
        else:
            known = ", ".join((HOST, *CORTEX_A, *CORTEX_M))
            raise EmulationError(f"No processor {processor!r} here; choose one of {known}.")
        numbers = _numbers((Path(scratch) / "result.bin").read_bytes())
    return Played(processor, numbers, counts, None, None, "this machine" if processor == HOST else tools.EVIDENCE)


def instructions_per_second(played: Played, block_samples: int, sample_rate: int = MODEL_RATE) -> Counts:
    """Scale the counted blocks to a second of sound, class by class (rounded)."""
    total = sum(played.counts[1:], start=played.counts[0])
    scale = sample_rate / (block_samples * len(played.counts))
    return Counts(*(round(scale * value) for name, value in total.as_dict().items() if name != "total"))


def _write(
    model: AudioModel | Space,
    kind: str,
    folder: Path,
    precision: Precision,
    arrays: Mapping[str, np.ndarray],
    numbers: Mapping[str, int],
    block_samples: int | None,
) -> Program:
    generated = csource.generate(model, folder, precision, name="model")
    lines = [f"enum {{ {name} = {value} }};" for name, value in numbers.items()]
    lines += [_c_array(name, np.asarray(array)) for name, array in arrays.items()]
    (folder / "score.h").write_text("#include <stdint.h>\n" + "\n".join(lines) + "\n")
    sources = (generated.code, tools.SOURCES / "targets" / f"{kind}_main.c")
    return Program(kind, precision, sources, (folder,), block_samples, generated)


def _c_array(name: str, array: np.ndarray) -> str:
    """Write an array as C constants; floats in hexadecimal, so that no digit is lost.

    >>> _c_array("X", np.array([[0.5, 1.0]]))
    'static const float X[1][2] = {0x1.0000000000000p-1f, 0x1.0000000000000p+0f};'
    """
    shape = "".join(f"[{n}]" for n in array.shape)
    if array.dtype.kind == "i":
        kind, words = "int32_t", [str(int(value)) for value in array.flat]
    else:
        kind, words = "float", [f"{float(value).hex()}f" for value in array.astype(np.float32).flat]
    return f"static const {kind} {name}{shape} = {{{', '.join(words)}}};"


def _numbers(data: bytes) -> np.ndarray:
    return np.frombuffer(data, dtype="<f4").copy()
