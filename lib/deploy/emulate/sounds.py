"""`python -m lib.deploy.emulate sounds`: a melody, played by the emulated chips.

The generated DDSP decoder plays three seconds, whole and with about 95 % of its weights removed, in float32 and with
int8 weights, on the Cortex-M4 of a Nano 33 BLE. The same C plays it on the processors of the Raspberry Pis, and the
entry of every sound says by how much a sample differs there: far less than a step of 16 bits.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from lib import corpus, results
from lib.deploy import csource
from lib.deploy.emulate import programs, tools
from lib.deploy.emulate.cortex_m import NANO_33_BLE
from lib.deploy.emulate.counting import CORTEX_A
from lib.deploy.emulate.measure import PRECISIONS, Point, shipped
from lib.deploy.emulate.rows import chip_of, counted_blocks
from lib.errors import BookError
from lib.models import DDSP
from lib.models.base import HOP, MODEL_RATE
from lib.models.data import batch_of

FACTS = "deploy/sounds.json"
FOLDER = "deploy/audio"
#: (MIDI, frames of 10 ms): three seconds, the last one fading.
MELODY = ((69, 45), (72, 30), (76, 45), (74, 30), (72, 30), (71, 30), (69, 90))
INSTRUMENT, MIDI = "Oboe", 69
#: Shares of the weights removed.
SHARES = (0.0, 0.95)
#: The core of a Nano 33 BLE, and those that play the same to compare: Raspberry Pis, and a faster microcontroller.
CHIP, OTHERS = "cortex-m4", (*CORTEX_A, "cortex-m7")


def score(model: DDSP) -> dict[str, np.ndarray]:
    """Write the melody for a model: f0_hz, loudness_db [frames], z [1, dims] as it hears a note of the oboe."""
    f0_hz = np.concatenate([_vibrato(440.0 * 2 ** ((midi - 69) / 12), n) for midi, n in MELODY])
    loudness_db = np.concatenate([_swell(n) for _, n in MELODY])
    loudness_db[-40:] += np.linspace(0.0, -50.0, 40)
    notes = corpus.notes(instrument=INSTRUMENT, midi=MIDI, velocity=80)
    if not notes:
        raise BookError(f"The corpus has no {INSTRUMENT} at MIDI {MIDI}.")
    z = model.controls(batch_of(notes[:1]))["z"][0, 10:60].mean(dim=0, keepdim=True).numpy()
    arrays = {"f0_hz": f0_hz, "loudness_db": loudness_db, "z": z}
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def _vibrato(f0_hz: float, n: int) -> np.ndarray:
    t = np.arange(n) / 100.0
    depth = 12.0 * np.clip((t - 0.15) / 0.2, 0.0, 1.0)  # cents
    return f0_hz * 2.0 ** (depth * np.sin(2.0 * np.pi * 5.5 * t) / 1200.0)


def _swell(n: int) -> np.ndarray:
    sustain = np.linspace(-17.0, -21.0, n)
    sustain[:5] += np.linspace(-22.0, 0.0, 5)
    sustain[-4:] += np.linspace(0.0, -12.0, 4)
    return sustain


def render(folder: Path | None = None) -> list[Path]:
    """Play the melody on the emulated processors and write the sounds and their facts.

    Raises:
        EmulationError: the emulation is not set up.
    """
    tools.require()
    torch.set_num_threads(1)
    base, rows = folder or results.RESULTS, []
    for point in shipped("ddsp", SHARES):
        for precision in PRECISIONS:
            rows.append(_render(point, precision, base))
    config = {"melody": [list(note) for note in MELODY], "timbre": f"{INSTRUMENT} {MIDI}", "rate": MODEL_RATE}
    made = results.provenance(config=config, seeds=[1], command="python -m lib.deploy.emulate sounds")
    note = (
        "Played by generated C on emulated processors, a frame of 160 samples at a time. Real chips were not there: "
        "the samples are what they would compute, and nothing says how long they would take."
    )
    facts = results.write_result(base / FACTS, {"note": note, "sounds": rows}, provenance=made)
    return [facts, *(base / FOLDER / row["file"] for row in rows)]


def recorded(folder: Path | None = None) -> list[tuple[dict[str, Any], np.ndarray]]:
    """Load the sounds that were rendered: (facts, audio [time] at `MODEL_RATE`), the whole network first.

    Raises:
        BookError: nothing has been rendered yet.
    """
    base = folder or results.RESULTS
    rows = results.read_result(base / FACTS)["results"]["sounds"]
    return [(row, soundfile.read(base / FOLDER / row["file"], dtype="float32")[0]) for row in rows]


def _render(point: Point, precision: programs.Precision, base: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="sounds-") as name:
        folder, model = Path(name), point.model
        assert isinstance(model, DDSP)
        wanted = score(model)
        program = programs.ddsp_program(model, wanted, folder, precision)
        chip = programs.play(program, CHIP, folder / "built", board=NANO_33_BLE, flags=csource.FAST)
        elsewhere = {}
        for processor in OTHERS:
            other = programs.play(program, processor, folder / "built", flags=csource.FAST)
            elsewhere[processor] = float(np.abs(other.numbers - chip.numbers).max())
        difference = _from_torch(model, wanted, program, chip.numbers)
    audio = np.clip(chip.numbers, -1.0, 1.0)
    file = f"ddsp-round-{point.round:02d}-{precision}.flac"
    (base / FOLDER).mkdir(parents=True, exist_ok=True)
    soundfile.write(base / FOLDER / file, audio, MODEL_RATE, subtype="PCM_16")
    return {
        "file": file,
        "sha256": tools.sha256(base / FOLDER / file),
        "run": point.run,
        "round": point.round,
        "removed": point.removed,
        "parameters": model.n_parameters(),
        "precision": precision,
        "rendered_on": CHIP,
        "largest_difference_on": elsewhere,
        "seconds": len(audio) / MODEL_RATE,
        "peak": float(np.abs(chip.numbers).max()),
        "difference_from_torch": difference,
        **counted_blocks(chip.counts, HOP, MODEL_RATE),
        "chip": chip_of(chip, HOP, MODEL_RATE),
        "evidence": tools.EVIDENCE,
    }


def _from_torch(model: DDSP, wanted: dict[str, np.ndarray], program: programs.Program, heard: np.ndarray) -> float:
    """Largest difference from what torch makes of the same score, weights in float32, and the same noise."""
    n = len(wanted["f0_hz"])
    noise = torch.from_numpy(csource.compile_shared(program.generated).noise(n, seed=1))[None]
    f0_hz, loudness_db = (torch.from_numpy(wanted[name])[None] for name in ("f0_hz", "loudness_db"))
    z = torch.from_numpy(wanted["z"])[None].expand(-1, n, -1)
    with torch.no_grad():
        expected = model.render(f0_hz, model.decode(f0_hz, loudness_db, z), noise)[0].numpy()
    return float(np.abs(expected - heard).max())
