"""Render what the kept models of the diet sound like, and measure how far that is from the recording.

Every kept model plays the same test notes from the controls it extracts from them itself: DDSP from pitch, loudness and
its code, SING from its code, WaveNet from a mel spectrogram, one sample after the other. `python -m
lib.experiments.diet_sounds` is the command.

Chapter: *How small?*.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from lib import corpus, results
from lib.deploy.csource import compile_shared, generate
from lib.errors import BookError
from lib.experiments import diet
from lib.experiments.diet_sounds import SHARES, facts, folder_of, path_of
from lib.models import AudioModel, Batch, checkpoint
from lib.models.base import MODEL_RATE
from lib.models.data import batch_of
from lib.models.losses import magnitude
from lib.models.wavenet import WaveNet
from lib.widgets.loudness import loudness_lufs
from lib.widgets.sound import PEAK_DBFS, TARGET_LUFS, describe, to_int16

#: Four ways to set air or strings in motion: reed, lips, bow, hammer.
INSTRUMENTS = ("Oboe", "Trumpet-C", "Violoncello", "Piano")
#: Of each, the test note nearest to A4 is heard. Nobody chose by ear.
NEAREST_MIDI = 69
SECONDS = 1.0
SEED = 0
#: The notes are cut from longer ones: the attack is kept, the end is faded as a short note's would be.
FADE_IN_S, FADE_OUT_S = 0.004, 0.06
#: Windows of `spectral_distance_db`, in samples at 16 kHz, and how far below the loudest cell it still looks.
N_FFTS = (2048, 1024, 512, 256, 128)
RANGE_DB = 60.0

#: A round stands for a share if what is left differs by no more than a round takes away: a chain that has ended stands
#: for no share beyond its end.
REACH = -np.log(0.7)

Report = Callable[[str], None]


def spectral_distance_db(audio: np.ndarray, target: np.ndarray) -> float:
    """Measure how far a sound is from a target: mean absolute difference of their spectrograms, in dB.

    Every cell of five spectrograms (windows of 8 to 128 ms) counts alike; levels more than 60 dB below the target's
    loudest cell are raised to that floor first, so that cells which are silent in both count as equal.

    Args:
        audio, target: [time], equally long, full scale at 1; equally loud, unless loudness is to count.

    Returns:
        dB, 0 for equal sounds. A scale: two draws of the same noise are 20 log10(2) = 6.0 dB apart, though they sound
        the same.

    Raises:
        BookError: the lengths differ.

    Source: log spectral difference of Gray & Markel 1976, over several windows as in Engel et al. 2020 (section
    4.2.1), without the linear term of the latter. Chapter: *How small?*.

    >>> noise = np.random.default_rng(0).standard_normal(16000)
    >>> round(spectral_distance_db(2 * noise, noise), 2)
    6.02
    """
    if audio.shape != target.shape:
        raise BookError(f"Sounds of {len(audio)} and {len(target)} samples: a distance needs equal lengths.")
    heard, wanted = (torch.as_tensor(np.asarray(one, dtype=np.float32))[None] for one in (audio, target))
    distances = []
    for n_fft in N_FFTS:
        a, b = magnitude(heard, n_fft, n_fft // 4), magnitude(wanted, n_fft, n_fft // 4)
        floor = b.max() * 10.0 ** (-RANGE_DB / 20.0)
        distances.append((20.0 * (a.clamp(min=floor) / b.clamp(min=floor)).log10()).abs().mean())
    return float(torch.stack(distances).mean())


def notes() -> list[corpus.Note]:
    """Choose the notes that are heard: of each instrument, the test note nearest to A4 at medium velocity."""
    chosen = []
    for instrument in INSTRUMENTS:
        own = corpus.notes(split="test", velocity=80, instrument=instrument)
        chosen.append(min(own, key=lambda note: (abs(note.midi - NEAREST_MIDI), note.midi)))
    return chosen


def finish(audio: np.ndarray) -> np.ndarray:
    """Make a sound ready to hear: no offset, faded at both ends, at `TARGET_LUFS`, softer if a peak would clip."""
    ready = np.asarray(audio, dtype=np.float64) - float(np.mean(audio))
    n_in, n_out = round(FADE_IN_S * MODEL_RATE), round(FADE_OUT_S * MODEL_RATE)
    ready[:n_in] *= np.sin(np.linspace(0.0, np.pi / 2, n_in)) ** 2
    ready[-n_out:] *= np.cos(np.linspace(0.0, np.pi / 2, n_out)) ** 2
    loudness, peak = loudness_lufs(ready, MODEL_RATE), float(np.abs(ready).max())
    if not np.isfinite(loudness):
        return np.zeros(len(ready), dtype=np.float32)
    gain_db = min(TARGET_LUFS - loudness, PEAK_DBFS - 20.0 * np.log10(peak))
    return (to_int16(10.0 ** (gain_db / 20.0) * ready) / 32768.0).astype(np.float32)


def resynthesise(model: AudioModel, batch: Batch, seed: int = SEED) -> list[np.ndarray]:
    """Play clips through a model from the controls it extracts from them itself; each made ready by `finish`."""
    controls, length = model.controls(batch), batch.audio.shape[1]
    if isinstance(model, WaveNet) and shutil.which("gcc"):
        return [finish(one) for one in sampled_in_c(model, controls["mel"].numpy(), length, seed)]
    made = model.generate(controls, seed=seed)
    made = torch.nn.functional.pad(made, (0, max(0, length - made.shape[1])))
    return [finish(one) for one in made[:, :length].numpy()]


def sampled_in_c(model: WaveNet, mel: np.ndarray, length: int, seed: int) -> list[np.ndarray]:
    """Draw sounds with the model's generated C, many times faster than sample by sample in Python.

    Every model draws with the same random numbers, so that two models differ by what they are, not by luck alone.

    Args:
        mel: [batch, n_mels, frames].
    """
    with tempfile.TemporaryDirectory() as folder:
        library = compile_shared(generate(model, folder))
        lots = [np.random.default_rng([seed, number]).random(length, dtype=np.float32) for number in range(len(mel))]
        return [library.play(one, uniform) for one, uniform in zip(mel, lots)]


def kept_runs(folder: Path | None = None) -> list[str]:
    """Name the finished chains whose models of all rounds are kept."""
    names = []
    for path in sorted(((folder or results.RESULTS) / "diet" / "runs").glob("*.json")):
        record = results.read_result(path)
        if record["provenance"]["config"].get("kind") != "chain" or record["results"].get("status") == "failed":
            continue
        rounds = [r["round"] for r in record["results"]["rounds"] if "test" in r]
        if all(_checkpoint(path.stem, number).exists() for number in rounds):
            names.append(path.stem)
    return names


def render(names: Sequence[str] = (), folder: Path | None = None, report: Report | None = None) -> Path:
    """Render the sounds that are missing or whose model has changed; returns the path of `sounds.json`.

    Args:
        names: of runs; by default all that are kept. Sounds of runs that are no longer kept are dropped.
        folder: results folder, `assets/results` by default.
        report: is told what has been done.

    Raises:
        BookError: a run of that name is not kept.
    """
    kept = kept_runs(folder)
    if strange := sorted(set(names) - set(kept)):
        raise BookError(f"No models are kept of {', '.join(strange)}; there are {', '.join(kept) or 'none'}.")
    batch = batch_of(notes(), SECONDS)
    originals = [finish(audio) for audio in batch.audio.numpy()]
    clips = [_about_clip(note, audio) for note, audio in zip(notes(), originals)]
    old = facts(folder)
    runs = {name: run for name, run in old["runs"].items() if old["clips"] == clips and name in kept}
    if {"clips": clips, "runs": runs} != old:
        _save(clips, runs, folder)
    for clip, audio in zip(clips, originals):
        _write(clip["file"], audio, folder)
    for name in names or kept:
        opened = diet.operating_points(name, SHARES, folder)
        if _is_fresh(runs.get(name), name, [record for record, _ in opened], folder):
            (report or print)(f"{name}: nothing to do")
            continue
        runs[name] = _render_run(name, opened, batch, clips, originals, folder)
        _save(clips, runs, folder)  # after every run: a stopped one goes on from here
        (report or print)(f"{name}: {len(opened)} operating points")
    _tidy(clips, runs, folder)
    return path_of(folder)


def _render_run(
    name: str,
    opened: Sequence[tuple[dict[str, Any], AudioModel]],
    batch: Batch,
    clips: Sequence[Mapping[str, Any]],
    originals: Sequence[np.ndarray],
    folder: Path | None,
) -> dict[str, Any]:
    whole = resynthesise(opened[0][1], batch)  # thickest first
    again = resynthesise(opened[0][1], batch, SEED + 1)
    points: list[dict[str, Any]] = []
    for record, model in opened:
        heard = {}
        for clip, audio, original, full in zip(clips, resynthesise(model, batch), originals, whole):
            file = f"{name}/round-{record['round']:02d}-{clip['key']}.flac"
            _write(file, audio, folder)
            heard[clip["key"]] = {
                "file": file,
                **_level(audio),
                "to_original_db": round(spectral_distance_db(audio, original), 2),
                "to_full_db": round(spectral_distance_db(audio, full), 2),
                "description": describe(audio, MODEL_RATE, clip["f0_hz"]),
            }
        points.append(
            {
                **{key: record[key] for key in ("round", "removed", "n_parameters")},
                "stands_for": [],
                "checkpoint_sha256": _digest(name, record["round"]),
                "sounds": heard,
            }
        )
    for share in SHARES:
        nearest = min(points, key=lambda point, share=share: abs(point["removed"] - share))
        if abs(np.log((1.0 - nearest["removed"]) / (1.0 - share))) <= REACH:
            nearest["stands_for"].append(share)
    config = results.read_result((folder or results.RESULTS) / "diet" / "runs" / f"{name}.json")["provenance"]["config"]
    return {
        **{key: config[key] for key in ("model", "how", "scope", "criterion", "reset", "seed", "steps")},
        # The full model once more with another seed: what chance alone does to the distance.
        "between_draws_db": {c["key"]: round(spectral_distance_db(b, a), 2) for c, a, b in zip(clips, whole, again)},
        "points": points,
    }


def _is_fresh(run: Mapping[str, Any] | None, name: str, records: Iterable[Mapping], folder: Path | None) -> bool:
    if run is None:
        return False
    have = {point["round"]: point["checkpoint_sha256"] for point in run["points"]}
    files = [folder_of(folder) / one["file"] for point in run["points"] for one in point["sounds"].values()]
    return have == {r["round"]: _digest(name, r["round"]) for r in records} and all(file.exists() for file in files)


def _about_clip(note: corpus.Note, audio: np.ndarray) -> dict[str, Any]:
    key = note.instrument.lower()
    names = ("name", "instrument", "midi", "f0_hz", "velocity", "root", "split", "sha256")
    return {
        "key": key,
        **{name: getattr(note, name) for name in names},
        "file": f"original/{key}.flac",
        **_level(audio),
        "description": describe(audio, MODEL_RATE, note.f0_hz),
    }


def _level(audio: np.ndarray) -> dict[str, Any]:
    loudness = loudness_lufs(audio, MODEL_RATE)
    return {
        "loudness_lufs": round(loudness, 2) if np.isfinite(loudness) else None,
        "peak": round(float(np.abs(audio).max()), 4),
    }


def _save(clips: Sequence[Mapping[str, Any]], runs: Mapping[str, Any], folder: Path | None) -> Path:
    about = results.provenance(
        config={"seconds": SECONDS, "sample_rate": MODEL_RATE, "n_ffts": list(N_FFTS), "range_db": RANGE_DB},
        seeds=[SEED],
        command="python -m lib.experiments.diet_sounds",
    )
    return results.write_result(path_of(folder), {"clips": list(clips), "runs": dict(runs)}, provenance=about)


def _write(file: str, audio: np.ndarray, folder: Path | None) -> None:
    path = folder_of(folder) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, to_int16(audio), MODEL_RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)


def _tidy(clips: Iterable[Mapping[str, Any]], runs: Mapping[str, Any], folder: Path | None) -> None:
    """Remove sounds that no entry names any more."""
    named = {clip["file"] for clip in clips}
    named |= {one["file"] for run in runs.values() for point in run["points"] for one in point["sounds"].values()}
    for path in folder_of(folder).rglob("*.flac"):
        if path.relative_to(folder_of(folder)).as_posix() not in named:
            path.unlink()
    for path in folder_of(folder).iterdir():
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _checkpoint(name: str, number: int) -> Path:
    return checkpoint.FOLDER / name / f"round-{number:02d}.pt"


def _digest(name: str, number: int) -> str:
    return hashlib.sha256(_checkpoint(name, number).read_bytes()).hexdigest()[:16]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 well, 2 a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m lib.experiments.diet_sounds", description=__doc__)
    parser.add_argument("--run", action="append", default=[], metavar="NAME", help="render this run only; repeatable")
    parser.add_argument("--folder", type=Path, help="results folder, assets/results by default")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        render(options.run, options.folder, lambda text: print(text, flush=True))
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
