"""What can be said about a model on a board that nobody has at hand.

A bound can prove that a model *cannot* run: too little flash, too little memory, more multiply-adds or instructions a
second than the chip can finish at its very best. No bound can prove that it *will* run: caches miss, pipelines stall,
other programs want the processor too. Only a measurement says that, and `Verdict` never mixes the two.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lib.deploy.boards import CORES, Board
from lib.models import AudioModel
from lib.pruning.cost import FLOAT, cost

#: What a statement rests on. The book never mixes the three.
Evidence = Literal["measured", "emulated", "predicted"]


@dataclass(frozen=True)
class Needs:
    """What a model needs to run in real time.

    Attributes:
        flash_bytes: weights, and code where a program was linked (then `linked` is set).
        ram_bytes: state and working memory of one block.
        macs_per_second: multiply-adds per second of sound, counted.
        synthesis_macs_per_second: those among them that make sound from what the network says. Rounding weights leaves
            them as they are: they need 16 bits at least.
        traffic_bytes_s: weights read per second of sound, counted: all of them once a step.
        instructions_per_second: core -> instructions per second of sound of one program, counted under emulation.
        measured: board -> real-time factor (computing time over sound time), from a measurement on that board.
        dropouts: board -> dropouts in that measurement's real-time simulation.
    """

    name: str
    precision: str
    flash_bytes: int
    ram_bytes: int
    macs_per_second: float
    traffic_bytes_s: float
    synthesis_macs_per_second: float = 0.0
    linked: bool = False
    instructions_per_second: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    dropouts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Bound:
    """One resource: `load` is needed over available; above 1 it cannot be."""

    resource: Literal["flash", "memory", "arithmetic", "memory traffic", "instructions"]
    load: float
    evidence: Evidence
    text: str


@dataclass(frozen=True)
class Verdict:
    """What is known about one model on one board.

    Attributes:
        answer: "cannot" (proved), "may" (nothing proves it cannot), "runs" or "too slow" (both measured).
        evidence: what the answer rests on.
        margin: for "runs" and "too slow", how many times faster than real time it was; otherwise the most that the
            tightest bound on time leaves, so an upper limit. Below 1 is too slow.
        bounds: all that were computed, the tightest first.
        says: one sentence for a reader; cannot_say: what it leaves open.
    """

    board: str
    model: str
    answer: Literal["cannot", "may", "runs", "too slow"]
    evidence: Evidence
    margin: float
    bounds: tuple[Bound, ...]
    says: str
    cannot_say: str


def peak_macs_per_second(board: Board, precision: str = "float32", cores: int = 1) -> float:
    """Give the multiply-adds a second at the very best, for "float32", "int16" or "int8"."""
    return CORES[board.core].macs_per_cycle[precision] * board.clock_hz * min(cores, board.n_cores)


def arithmetic_floor(needs: Needs, board: Board, cores: int = 1) -> float:
    """Give the least seconds that the multiply-adds of a second of sound can take.

    >>> from lib.deploy.boards import BOARDS
    >>> arithmetic_floor(Needs("m", "int8", 0, 0, 4e6, 0.0), BOARDS["Arduino Mega 2560"])
    1.0
    """
    peak = peak_macs_per_second(board, needs.precision, cores)
    fine = max(peak_macs_per_second(board, precision, cores) for precision in ("float32", "int16"))
    network = needs.macs_per_second - needs.synthesis_macs_per_second
    return network / peak + needs.synthesis_macs_per_second / fine


def instruction_floor(instructions: float, board: Board, cores: int = 1) -> float:
    """Give the least seconds that so many instructions can take: each core at full clock and full width.

    >>> from lib.deploy.boards import BOARDS
    >>> instruction_floor(64e6, BOARDS["Arduino Nano 33 BLE"])
    1.0
    """
    return instructions / (board.clock_hz * CORES[board.core].max_ipc * min(cores, board.n_cores))


def bounds(needs: Needs, board: Board, cores: int = 1) -> tuple[Bound, ...]:
    """Compute every bound that can be, the tightest first.

    Args:
        cores: how many cores the program uses; the programs of the book use one.
    """
    found: list[Bound] = []
    memory: Evidence = "emulated" if needs.linked else "predicted"

    def add(resource, needed: float, available: float, evidence: Evidence, unit: str) -> None:
        text = f"{resource}: {_short(needed)}{unit} of {_short(available)}{unit}"
        found.append(Bound(resource, needed / available, evidence, text))

    if board.flash_bytes is not None:
        add("flash", needs.flash_bytes, board.flash_bytes, memory, "B")
        add("memory", needs.ram_bytes, board.ram_bytes, memory, "B")
    else:
        add("memory", needs.ram_bytes + needs.flash_bytes, board.ram_bytes, memory, "B")
    if load := arithmetic_floor(needs, board, cores):
        add("arithmetic", needs.macs_per_second, needs.macs_per_second / load, "predicted", " multiply-adds/s")
    if board.bandwidth_bytes_s is not None and needs.flash_bytes > board.cache_bytes:
        add("memory traffic", needs.traffic_bytes_s, board.bandwidth_bytes_s, "predicted", "B/s")
    if board.core in needs.instructions_per_second:
        counted = needs.instructions_per_second[board.core]
        load = instruction_floor(counted, board, cores)
        add("instructions", counted, counted / load if load else 1.0, "emulated", " instructions/s")
    return tuple(sorted(found, key=lambda bound: -bound.load))


def verdict(needs: Needs, board: Board, cores: int = 1) -> Verdict:
    """Say what is known about a model on a board, on what evidence, and with what margin.

    A measurement on that very board decides; without one, a bound above 1 proves that it cannot run, and nothing
    proves that it will.
    """
    found = bounds(needs, board, cores)
    timed = [bound for bound in found if bound.resource not in ("flash", "memory")]
    margin = min((1.0 / bound.load for bound in timed if bound.load), default=float("inf"))
    broken = [bound for bound in found if bound.load > 1.0]
    where = "one core" if cores == 1 else f"{cores} cores"

    def made(answer, evidence: Evidence, margin: float, says: str, cannot_say: str) -> Verdict:
        return Verdict(board.name, needs.name, answer, evidence, margin, found, says, cannot_say)

    if board.name in needs.measured:
        factor = needs.measured[board.name]
        dropped = needs.dropouts.get(board.name, 0)
        good = factor < 1.0 and not dropped
        says = f"Measured on this board: {1 / factor:.2g} times as fast as real time, {dropped} dropouts."
        return made("runs" if good else "too slow", "measured", 1 / factor, says, "Other programs at the same time.")
    if broken:
        worst = broken[0]
        reason = {
            "flash": "It does not fit into the flash",
            "memory": "It does not fit into the memory",
            "arithmetic": f"The chip at its best cannot do so many products on {where}",
            "memory traffic": "The memory cannot deliver the weights so often",
            "instructions": f"This program needs more instructions than {where} can finish at best",
        }[worst.resource]
        open_end = (
            "A leaner program of the same model."
            if worst.resource == "instructions"
            else "A smaller or coarser model, or the same by a cleverer algorithm."
        )
        return made("cannot", worst.evidence, margin, f"{reason} ({worst.text}).", open_end)
    tightest = max(timed, key=lambda bound: bound.load)
    says = f"It fits, and could be at most {margin:.2g} times as fast as real time on {where} ({tightest.text})."
    return made("may", tightest.evidence, margin, says, "That it will: stalls, caches and other programs cost extra.")


def needs_of(model: AudioModel, precision: str = "float32", name: str = "", **more) -> Needs:
    """Count what a model of the book needs; see `Needs` for what `more` can add.

    Memory is the state between blocks and the two widest layers side by side; a runtime's own memory is not in it.
    """
    counted, parts = cost(model), model.macs_per_second()
    weights = counted.bytes_int8 if precision == "int8" else counted.bytes_f32
    kind = type(model).__name__
    steps = {"DDSP": 100.0, "SING": 62.5, "WaveNet": 16_000.0}.get(kind, 0.0)
    widest = max([*model.widths.values(), {"SING": 1024, "WaveNet": 256}.get(kind, 128)])
    return Needs(
        name=name or f"{kind} {precision}",
        precision=precision,
        flash_bytes=more.pop("flash_bytes", weights),
        ram_bytes=more.pop("ram_bytes", counted.state_bytes + 2 * FLOAT * widest),
        macs_per_second=counted.total_macs_per_second,
        synthesis_macs_per_second=sum(parts.get(part, 0.0) for part in ("sines", "noise", "reverb")),
        traffic_bytes_s=steps * weights,
        **more,
    )


def _short(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:.3g} "
