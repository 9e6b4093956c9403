"""How fast and how exact the transforms are, beside those of others, in one run.

    python -m bench.transforms [--notes 16] [--rounds 5]

writes `assets/results/bench/transforms.json`. Times are processor time of one thread for one note of
two seconds; every implementation takes its turn in every round, so that a busy machine treats all
alike. Peers that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from bench.transform_contenders import SAMPLE_RATE, Audio, Contender, contenders
from lib.results import provenance, write_result

LENGTH = 2 * SAMPLE_RATE
SEED = 0


def synthetic_notes(count: int, length: int = LENGTH, seed: int = SEED) -> Audio:
    """Notes from C2 to C7 with decaying harmonics and noise 60 dB below, `[note, time]`, peak 0.5."""
    random = np.random.default_rng(seed)
    t = np.arange(length) / SAMPLE_RATE
    notes = []
    for midi in np.linspace(36, 96, count):
        f0_hz = 440.0 * 2.0 ** ((midi - 69) / 12)
        order = np.arange(1, int(0.45 * SAMPLE_RATE / f0_hz) + 1)
        phase = random.uniform(0, 2 * np.pi, len(order))
        partials = np.exp(-0.7 * t * order[:, None] ** 0.5) / order[:, None]
        tone = (partials * np.sin(2 * np.pi * f0_hz * order[:, None] * t + phase[:, None])).sum(axis=0)
        tone *= 0.5 / np.abs(tone).max()
        notes.append(tone + 1e-3 * np.sqrt(np.mean(tone**2)) * random.standard_normal(length))
    return np.stack(notes)


def measure(everyone: Sequence[Contender], notes: Audio, rounds: int) -> list[dict[str, Any]]:
    """Time everyone on all notes, round by round, and weigh what comes back."""
    forward_ms: list[list[float]] = [[] for _ in everyone]
    inverse_ms: list[list[float]] = [[] for _ in everyone]
    errors: list[list[float]] = [[] for _ in everyone]
    stored = [0.0] * len(everyone)
    turns = [(turn, index) for turn in range(rounds + 1) for index in range(len(everyone))]
    for turn, index in tqdm(turns, desc="transforms", unit="turn"):
        contender = everyone[index]
        for start in range(0, len(notes), contender.batch):
            batch = notes[start : start + contender.batch]
            given = contender.prepare(batch)
            ms, coefficients = _timed(contender.forward, given, len(batch))
            restored = None
            if contender.inverse is not None:
                back_ms, restored = _timed(contender.inverse, coefficients, len(batch))
            if turn == 0:  # the first turn warms caches and plans; it tells errors, not times
                stored[index] = contender.stored(coefficients)
                if restored is not None:
                    difference = np.linalg.norm(contender.to_audio(restored) - batch, axis=1)
                    errors[index] += (difference / np.linalg.norm(batch, axis=1)).tolist()
                continue
            forward_ms[index].append(ms)
            if restored is not None:
                inverse_ms[index].append(back_ms)
    return [
        {
            "name": contender.name,
            "mode": contender.mode,
            "precision": contender.precision,
            "batch": contender.batch,
            "forward_ms": _spread(forward_ms[i]),
            "inverse_ms": _spread(inverse_ms[i]),
            "sum_ms": _spread([a + b for a, b in zip(forward_ms[i], inverse_ms[i])]),
            "relative_error": {"median": float(np.median(errors[i])), "worst": max(errors[i])} if errors[i] else None,
            "redundancy": stored[i] / notes.shape[1],
            "remark": contender.remark,
        }
        for i, contender in enumerate(everyone)
    ]


def _timed(function: Callable[[Any], Any], argument: Any, notes: int) -> tuple[float, Any]:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        start = time.process_time()
        result = function(argument)
        return 1000 * (time.process_time() - start) / notes, result


def _spread(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    low, median, high = np.percentile(values, [10, 50, 90]).tolist()
    return {"minimum": min(values), "p10": low, "median": median, "p90": high}


def _versions() -> dict[str, str]:
    found = {}
    for package in ("torch", "numpy", "nsgt", "librosa", "cqt-nsgt-pytorch", "essentia", "nnAudio"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Measure, print the table, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    everyone, absent = contenders(LENGTH)
    load = os.getloadavg()
    rows = measure(everyone, synthetic_notes(options.notes), options.rounds)
    config = {
        "notes": options.notes,
        "rounds": options.rounds,
        "seconds": LENGTH / SAMPLE_RATE,
        "sample_rate": SAMPLE_RATE,
        "threads": 1,
        "clock": "processor time per note",
        "load_before": [round(value, 2) for value in load],
        "load_after": [round(value, 2) for value in os.getloadavg()],
        "versions": _versions(),
    }
    path = write_result(
        "bench/transforms.json",
        {"rows": rows, "absent": absent},
        provenance=provenance(config=config, seeds=[SEED]),
    )
    for row in rows:
        total = row["sum_ms"] or row["forward_ms"]
        error = f"{row['relative_error']['worst']:.1e}" if row["relative_error"] else "no inverse"
        title = f"{row['name']}, {row['mode']}, {row['precision']}, batch {row['batch']}"
        times = f"{total['median']:8.2f} ms (min {total['minimum']:.2f})"
        print(f"{title:55s} {times}  {error:>10s}  x{row['redundancy']:.1f}")
    print(path.name, "written;", "; ".join(f"{name}: {why}" for name, why in absent.items()) or "everyone took part")


if __name__ == "__main__":
    main()
