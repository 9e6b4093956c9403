"""Experiments on the shipped spaces in use: sound, steering, smoothness, speed, and sense within instruments."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from lib.timbre import evaluate, head, listen, navigate, steer, synthesize
from lib.timbre.agreement import balanced_accuracy
from lib.timbre.note_features import cepstra
from lib.timbre.regularizers import Target
from lib.timbre.space import Space, load_space
from lib.timbre.table import FeatureTable, corpus_split, feature_table

#: Notes per instrument whose sound, and whose steering, is judged.
SOUND_NOTES, STEER_NOTES = 4, 4
#: Pitches at which descriptor maps are made, and heights of the six planes in standard deviations.
MAP_PITCHES, MAP_HEIGHTS = (48, 60, 72), (-1.875, -1.125, -0.375, 0.375, 1.125, 1.875)
PATHS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in navigate.DESCRIPTORS},
    "centroid + bandwidth": ("centroid", "bandwidth"),
    "all four": navigate.DESCRIPTORS,
    "all four, of another note": navigate.DESCRIPTORS,
}
STEPS = 20


def held_out(table: FeatureTable, n_each: int, seed: int) -> np.ndarray:
    """Some notes of every instrument from the corpus's test recordings, medium velocity."""
    rng = np.random.default_rng(seed)
    test = corpus_split(table).recordings
    test = test[table.velocity[test] == 80]
    chosen = []
    for name in np.unique(table.instrument):
        own = test[table.instrument[test] == name]
        chosen.append(rng.choice(own, size=min(n_each, len(own)), replace=False))
    return np.concatenate(chosen)


def sound(config: Mapping[str, Any]) -> dict[str, Any]:
    """Log-spectral distances of all ways back to sound, for test recordings; and how long a second takes."""
    space, table = load_space(config["space"]), feature_table().rated()
    rows = held_out(table, 1 if config["quick"] else SOUND_NOTES, config["seed"])
    found = [listen.compare_note(space, table, int(row), griffin_lim=k % 4 == 0) for k, row in enumerate(rows)]
    by_way = {way: [one[way] for one in found if way in one] for way in found[0]}
    over_copy = [one["decoded"] - one["copy"] for one in found]
    closer = [one["decoded"] < one["another recording"] for one in found if "another recording" in one]
    return {
        "n_notes": len(rows),
        "median_db": {way: float(np.median(values)) for way, values in by_way.items()},
        "n": {way: len(values) for way, values in by_way.items()},
        "decoded_minus_copy_db": _quartiles(over_copy),
        "closer_than_another_recording": float(np.mean(closer)),
        "n_with_another_recording": len(closer),
        "ms_per_second_of_audio": {str(f0): _play_ms(space, f0) for f0 in (110.0, 220.0, 440.0, 880.0)},
        "notes": [{"file": str(table.file[row]), **one} for row, one in zip(rows, found)],
    }


def _play_ms(space: Space, f0_hz: float) -> float:
    how = synthesize.plain(f0_hz, 1.0, vibrato_cents=20.0)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        synthesize.play(space, np.zeros(space.dims), how)
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times))


class Judge:
    """A classifier of single spectra that knows nothing of any space: cepstra and pitch of real frames, all notes."""

    def __init__(self, table: FeatureTable) -> None:
        n_frames = table.spectra.shape[1]
        flat = table.spectra.reshape(-1, table.spectra.shape[2])
        features = self._features(flat, np.repeat(table.midi, n_frames))
        labels, recordings = (np.repeat(c, n_frames).tolist() for c in (table.instrument, table.recording))
        self._head = head.fit(features, labels, recordings, Target.pooled())

    def __call__(self, spectra: np.ndarray, midi: np.ndarray) -> np.ndarray:
        """Name the instrument of each spectrum [n, bins] at pitches [n]."""
        found = self._head.probabilities(self._features(spectra, midi))
        return np.asarray(self._head.names)[found.argmax(axis=1)]

    @staticmethod
    def _features(spectra: np.ndarray, midi: np.ndarray) -> np.ndarray:
        octave = np.asarray(midi, dtype=float)[:, None] / 12.0
        return np.concatenate([cepstra(spectra, 24), octave, octave**2], axis=1)


def steering(config: Mapping[str, Any]) -> dict[str, Any]:
    """Paths to random targets inside each instrument's own range: error, roughness, and identity kept."""
    space, table = load_space(config["space"]), feature_table().rated()
    judge = Judge(table)
    rng = np.random.default_rng(config["seed"])
    points = space.of_table(table).mean(axis=1)
    train = corpus_split(table).train
    flat = navigate.view(points[train], 3, labels=table.instrument[train].tolist())
    rows = held_out(table, 1 if config["quick"] else STEER_NOTES, config["seed"])
    midi = table.midi.astype(float)
    origin_named = judge(space.decode(points[rows], midi[rows]), midi[rows])
    answer: dict[str, Any] = {
        "n_origins": len(rows),
        "judge_right_on_decoded_origins": balanced_accuracy(origin_named, table.instrument[rows]),
        "paths": {},
    }
    for label, names in PATHS.items():
        kept: dict[str, list[dict[str, float]]] = {}
        for row, name in zip(rows, origin_named):
            own = table.instrument == table.instrument[row]
            limits = steer.reach(space, points[own], table.midi[own], midi[row])
            columns = [steer.column(n) for n in names]
            start = navigate.described(space, points[row], midi[row])[columns]
            end = limits.low[columns] + rng.random(len(columns)) * limits.range[columns]
            if label.endswith("another note"):
                end = _another(space, points, np.flatnonzero(own), midi, row, rng)[columns]
            kind = str(rng.choice(["linear", "exp", "log"]))
            targets = np.stack([steer.shape(kind, a, b, STEPS) for a, b in zip(start, end)], axis=1)
            ways = {"projection": steer.follow(space, points[row], midi[row], targets, names, limits)}
            if len(names) == 1:
                for absolute in (False, True):
                    way = "Algorithm 1, absolute" if absolute else "Algorithm 1"
                    ways[way] = steer.algorithm_1(
                        space, flat, points[row], midi[row], targets[:, 0], names[0], absolute=absolute
                    )
            for way, path in ways.items():
                achieved = navigate.described(space, path, midi[row])[:, columns]
                gap = (achieved - targets) / limits.range[columns]
                named = judge(space.decode(path, midi[row]), np.full(len(path), midi[row]))
                kept.setdefault(way, []).append(
                    {
                        "error": float(np.abs(gap).mean()),
                        "rough": float(np.abs(np.diff(gap, 2, axis=0)).mean()),
                        "identity": float((named == name).mean()),
                    }
                )
        answer["paths"][label] = {
            way: {key: float(np.mean([one[key] for one in ones])) for key in ones[0]}
            | {
                "worst_error": max(one["error"] for one in ones),
                "identity_standard_error": float(
                    np.std([one["identity"] for one in ones], ddof=1) / np.sqrt(len(ones))
                ),
                "n": len(ones),
            }
            for way, ones in kept.items()
        }
    if space.head_dims:
        answer["exchange"] = _exchange(space, points, table, rows, judge)
    return answer


def _another(
    space: Space, points: np.ndarray, own: np.ndarray, midi: np.ndarray, row: int, rng: np.random.Generator
) -> np.ndarray:
    """Descriptors of another note of the instrument from around that pitch: four values that do go together."""
    others = own[own != row]
    gap = np.abs(midi[others] - midi[row])
    near = others[gap <= max(7.0, gap.min())]
    return navigate.described(space, points[rng.choice(near)], midi[row])


def _exchange(
    space: Space, points: np.ndarray, table: FeatureTable, rows: np.ndarray, judge: Judge
) -> dict[str, float]:
    """Give a note the rated code of another instrument: does the judge, and the ear, notice? Then the free code."""
    midi = table.midi.astype(float)
    own = space.decode(points[rows], midi[rows])
    before = judge(own, midi[rows])
    became = {"rated code": [], "free code": []}
    moved: dict[str, list[float]] = {"rated code": [], "free code": []}
    for name in np.unique(table.instrument):
        donor = points[table.instrument == name].mean(axis=0)
        keep = table.instrument[rows] != name
        for part, where in (("rated code", slice(0, space.head_dims)), ("free code", slice(space.head_dims, None))):
            changed = points[rows].copy()
            changed[:, where] = donor[where]
            spectra = space.decode(changed, midi[rows])
            became[part] += (judge(spectra, midi[rows]) == name)[keep].tolist()
            gap = cepstra(spectra, 24) - cepstra(own, 24)
            moved[part] += np.linalg.norm(gap, axis=1)[keep].tolist()
    return {
        "n": len(became["rated code"]),
        "judge_right_before": balanced_accuracy(before, table.instrument[rows]),
        **{f"becomes the donor, {part}": float(np.mean(values)) for part, values in became.items()},
        **{f"cepstral change, {part}": float(np.mean(values)) for part, values in moved.items()},
    }


def topology(config: Mapping[str, Any]) -> dict[str, Any]:
    """Smoothness of the descriptors over six parallel planes at three pitches: local slopes against one plane."""
    space, table = load_space(config["space"]), feature_table().rated()
    train = corpus_split(table).train
    points = space.of_table(table.take(train)).mean(axis=1)
    flat = navigate.view(points, 3, labels=table.instrument[train].tolist())
    n = 12 if config["quick"] else 50
    answer: dict[str, Any] = {"explained": flat.explained, "grid": n, "descriptors": {}}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in navigate.DESCRIPTORS}
    for midi in MAP_PITCHES:
        for height in MAP_HEIGHTS:
            positions, values = navigate.plane(space, flat, midi, n=n, third=height)
            for k, name in enumerate(navigate.DESCRIPTORS):
                found[name].append(navigate.smoothness(values[..., k], positions))
    for name, ones in found.items():
        answer["descriptors"][name] = {key: _quartiles([one[key] for one in ones]) for key in ones[0]}
    return answer


def within(config: Mapping[str, Any]) -> dict[str, Any]:
    """Agreement within instruments, on recordings never heard: of the space's parts, and of a lookup of names."""
    space, table = load_space(config["space"]), feature_table().rated()
    split = corpus_split(table)
    held = table.take(np.concatenate([split.keys, split.recordings]))
    held = held.take(held.where(velocity=80))
    # The envelope's first twelve cepstra hardly see single harmonics, so the reference is one of timbre, not pitch.
    reference = cepstra(held.spectra, 12).reshape(len(held), -1)
    z = space.of_table(held)
    names = np.stack([held.instrument == name for name in np.unique(held.instrument)], axis=1).astype(float)
    noise = 1e-6 * np.random.default_rng(config["seed"]).normal(size=names.shape)
    parts = {
        "whole, trajectory": z.reshape(len(z), -1),
        "whole, mean": z.mean(axis=1),
        "free, trajectory": z[:, :, space.head_dims :].reshape(len(z), -1),
        "names only": names + noise,
    }
    if space.head_dims:
        parts["rated"] = z[:, 0, : space.head_dims]
    found = {
        part: evaluate.within_instruments(points, held.instrument, reference, held.midi)
        for part, points in parts.items()
    }
    return {"n_notes": len(held), "spearman_without_pitch": found}


def _quartiles(values: list[float]) -> dict[str, float]:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return {"q25": float(low), "median": float(middle), "q75": float(high), "n": len(values)}


PERFORM = {"sound": sound, "steering": steering, "topology": topology, "within": within}
