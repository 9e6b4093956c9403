"""How well Griffin-Lim finds phases again, on notes of recordings that nothing was tuned on.

    python -m bench.phase [--seconds 1.0] [--iterations 100]

writes `assets/results/phase/griffin_lim.json`: for each transform, start and momentum the spectral
convergence in the transform's own picture, and the log-spectral distance by one ruler for all. Two test-split
notes of each of the twelve instruments, three seeds. About six minutes of one thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from lib import corpus
from lib.results import provenance, write_result
from lib.transforms import Coefficients, Transform, griffin_lim, make
from lib.transforms.distance import log_spectral_distance

TRANSFORMS = ("stft", "dct", "nsgt-erb", "nsgt-cqt48")
SEEDS = (0, 1, 2)
MOMENTA = (0.0, 0.99)
FADE_S = 0.05

#: After how many iterations the spectral convergence is kept: often at first, seldom later.
KEPT = (*range(11), *range(12, 41, 2), *range(45, 101, 5))


def held_out_notes(velocity: int = 80) -> list[corpus.Note]:
    """Pick two test-split notes of each instrument, low and high, of different recordings where there are two."""
    chosen = []
    for instrument in corpus.INSTRUMENTS:
        if instrument in corpus.NOVEL:
            continue
        found = corpus.notes(instrument=instrument, split="test", velocity=velocity, midi=lambda midi: 36 <= midi <= 96)
        found = sorted(found, key=lambda note: note.midi)
        low = found[len(found) // 4]
        others = [note for note in found if note.root != low.root and note.midi > low.midi] or found
        chosen += [low, others[-1 - len(others) // 4]]
    return chosen


def excerpt(note: corpus.Note, seconds: float) -> Tensor:
    """Cut a note's beginning, faded out at its end, `[time]`."""
    audio = torch.from_numpy(np.array(note.audio()[: round(seconds * corpus.SAMPLE_RATE)]))
    fade = round(FADE_S * corpus.SAMPLE_RATE)
    audio[-fade:] *= torch.cos(torch.linspace(0, torch.pi / 2, fade)) ** 2
    return audio


def attempts() -> Iterator[tuple[str, float, int | None]]:
    """Every way to begin and go on: start, momentum, seed (None where nothing is drawn)."""
    for momentum in MOMENTA:
        yield "zero", momentum, None
        for seed in SEEDS:
            yield "random", momentum, seed


def measure(audio: Tensor, counts: Sequence[int]) -> list[dict[str, Any]]:
    """Try everything on a batch `[note, time]`; distances after each of `counts` iterations."""
    rows = []
    kept = [step for step in KEPT if step <= counts[-1]]
    turns = [(name, *attempt) for name in TRANSFORMS for attempt in attempts()]
    for name, start, momentum, seed in tqdm(turns, desc="Griffin-Lim", unit="run"):
        transform = make(name)
        wanted = transform.analyze(audio).magnitude()
        distances = {}
        for count in counts:  # the same seed takes the same path, so each count is a stop on one way
            found = _reconstruct(transform, wanted, start, momentum, seed, count)
            distances[count] = log_spectral_distance(found.audio, audio).tolist()
        rows.append(
            {
                "transform": name,
                "start": start,
                "momentum": momentum,
                "seed": seed,
                "convergence": np.round(found.convergence[kept].T.tolist(), 4).tolist(),  # [note][kept]
                "distance_db": {str(count): np.round(values, 3).tolist() for count, values in distances.items()},
            }
        )
    return rows


def _reconstruct(
    transform: Transform, wanted: Coefficients, start: str, momentum: float, seed: int | None, count: int
) -> Any:
    if start == "zero":
        return griffin_lim(transform, wanted, count, momentum, initial=wanted)
    return griffin_lim(transform, wanted, count, momentum, seed=seed)


def main() -> None:
    """Measure, print the medians, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--iterations", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    notes = held_out_notes()
    audio = torch.stack([excerpt(note, options.seconds) for note in notes])
    counts = [count for count in (0, 10, 32) if count < options.iterations] + [options.iterations]
    rows = measure(audio, counts)
    config = {
        "seconds": options.seconds,
        "iterations": options.iterations,
        "counts": counts,
        "kept": [step for step in KEPT if step <= counts[-1]],
        "split": "test",
        "velocity": 80,
        "transforms": {name: {"redundancy": round(make(name).redundancy, 2)} for name in TRANSFORMS},
    }
    listed = [{"name": n.name, "instrument": n.instrument, "midi": n.midi, "root": n.root} for n in notes]
    write_result(
        "phase/griffin_lim.json",
        {"notes": listed, "rows": rows},
        provenance=provenance(config=config, seeds=list(SEEDS)),
    )
    for name in TRANSFORMS:
        for start in ("random", "zero"):
            for momentum in MOMENTA:
                mine = [r for r in rows if (r["transform"], r["start"], r["momentum"]) == (name, start, momentum)]
                last = np.median([row["convergence"] for row in mine], axis=(0, 1))[-1]
                far = np.median([row["distance_db"][str(counts[-1])] for row in mine])
                print(f"{name:12s} {start:7s} momentum {momentum:.2f}  convergence {last:.3f}  distance {far:.2f} dB")


if __name__ == "__main__":
    main()
