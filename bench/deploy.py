"""How fast generated C is on this machine, and what rounding to 8 bits does to it.

    python -m bench.deploy host

writes `assets/results/bench/deploy_host.json`:

`speed`: processor time per second of sound (below 1 is faster than real time), best and median of some repeats on one
core, for the book's DDSP and WaveNet whole and trimmed (random weights, units chosen at random: speed does not hang on
what was learnt), for WaveNet at the published size, and per spectrum for the timbre decoder. `torch`: what torch takes.
`precision`: for the shipped chains, the largest difference of float32 C from torch, and the error on test clips of
int8 C over that of torch.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from lib.deploy.csource import EXACT, FAST, DDSPLibrary, WaveNetLibrary, compile_shared, generate
from lib.models import DDSP, WaveNet, checkpoint, make, mulaw
from lib.models.base import HOP, MODEL_RATE, AudioModel, Batch
from lib.models.data import clips
from lib.models.losses import multi_scale_spectral
from lib.pruning import cost
from lib.pruning.criteria import random
from lib.pruning.groups import trim
from lib.pruning.scope import select
from lib.results import provenance, write_result
from lib.timbre import Space, load_space

SHARES = (0.0, 0.5, 0.8, 0.9, 0.95)
BUILDS: dict[str, tuple[str, ...]] = {
    "-O2": ("-O2",),
    "exact": EXACT,
    "exact, this processor": (*EXACT, "-march=native"),
    "fused, this processor": (*FAST, "-march=native"),
}
REPEATS = 9
SECONDS = 0.5
#: Test clips for the errors: every so many-th, and for WaveNet so many samples of each.
N_CLIPS, N_SAMPLES = 12, 2048


def models() -> Iterator[tuple[str, float, AudioModel | Space]]:
    """Name, share of weights asked to go, model."""
    for name in ("ddsp", "wavenet"):
        for share in SHARES:
            torch.manual_seed(0)
            whole = make(name, "book").eval()
            keep = select(whole, random(whole), share, or_less=True).keep if share else {}
            yield f"{name} book", share, trim(whole, keep).eval() if share else whole
    yield "space nsgt-erb", 0.0, load_space("nsgt-erb")
    torch.manual_seed(0)
    yield "wavenet code", 0.0, make("wavenet", "code").eval()


def speed() -> list[dict[str, Any]]:
    """One row per model, precision and build."""
    rows = []
    for name, share, model in models():
        published = name == "wavenet code"
        for precision in ("float32",) if published else ("float32", "int8"):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                source = generate(model, folder, precision)
                for build in ("fused, this processor",) if published else BUILDS:
                    library = compile_shared(source, flags=BUILDS[build])
                    play, amount = playing(library, 0.02 if published else SECONDS)
                    spans = [processor_time(play) / amount for _ in range(REPEATS)]
                    rows.append({
                        "model": name,
                        "removed_asked": share,
                        "n_parameters": None if isinstance(model, Space) else model.n_parameters(),
                        "macs_per_second": None if isinstance(model, Space) else sum(model.macs_per_second().values()),
                        "precision": precision,
                        "build": build,
                        "flags": " ".join(BUILDS[build]),
                        "n_weight_bytes": source.n_weight_bytes,
                        "state_bytes": source.state_bytes,
                        "unit": "s per spectrum" if isinstance(model, Space) else "s per s of sound",
                        "best": min(spans),
                        "median": statistics.median(spans),
                    })  # fmt: skip
                    print(f"{name:15} {share:4.0%} {precision:8} {build:22} {min(spans):.3g}", flush=True)
    return rows


def playing(library: object, seconds: float) -> tuple[Callable[[], object], float]:
    """Something to call, and how much it makes: seconds of sound, or spectra."""
    rng = np.random.default_rng(0)
    if isinstance(library, DDSPLibrary):
        n = round(seconds * MODEL_RATE / HOP)
        f0_hz, loudness_db, z = np.full(n, 110.0), np.full(n, -20.0), np.zeros((n, library.source.facts["n_latent"]))
        noise = library.noise(n)
        return lambda: library.play(f0_hz, loudness_db, z, noise), n * HOP / MODEL_RATE
    if isinstance(library, WaveNetLibrary):
        n, facts = round(seconds * MODEL_RATE), library.source.facts
        mel, uniform = rng.random((facts["n_mels"], n // facts["mel_hop"] + 1)), rng.random(n)
        return lambda: library.play(mel, uniform), n / MODEL_RATE
    z = rng.standard_normal((1000, library.source.facts["n_dims"]))
    return lambda: library.decode(z, 69.0), 1000.0


def processor_time(run: Callable[[], object]) -> float:
    """Seconds of this process, whatever else the machine does."""
    start = time.process_time()
    run()
    return time.process_time() - start


def torch_speed() -> dict[str, float]:
    """The same sounds made by torch on one thread, one sample or frame at a time and (DDSP) all at once."""
    wavenet, ddsp = make("wavenet", "book").eval(), make("ddsp", "book").eval()
    f0_hz, loudness_db, z, state = ddsp.rehearsal(SECONDS).values()

    def frame_by_frame() -> None:
        kept = state
        with torch.no_grad():
            for k in range(f0_hz.shape[1]):
                kept = ddsp.decode(f0_hz[:, k : k + 1], loudness_db[:, k : k + 1], z[:, k : k + 1], kept)["state"]

    return {
        "wavenet book, sampler": cost.sampler_latency(wavenet).real_time_factor,
        "ddsp book, network at once": cost.torch_latency(ddsp, SECONDS).real_time_factor,
        "ddsp book, network frame by frame": min(processor_time(frame_by_frame) for _ in range(3)) / SECONDS,
    }


def precision() -> list[dict[str, Any]]:
    """Float32 and int8 C against torch, for the thickest, the middle and the thinnest model of every shipped chain."""
    rows = []
    batch = clips("test")
    batch = batch.take(torch.linspace(0, len(batch) - 1, N_CLIPS).long())
    for folder in sorted(checkpoint.FOLDER.glob("*-trim-*")):
        rounds = sorted(folder.glob("round-*.pt"))
        for path in sorted({rounds[0], rounds[len(rounds) // 2], rounds[-1]}):
            model, _ = checkpoint.load(path)
            if not isinstance(model, DDSP | WaveNet):
                continue
            judge = judge_ddsp if isinstance(model, DDSP) else judge_wavenet
            with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
                found = judge(model, batch, Path(scratch))
            rows.append({"run": folder.name, "round": path.stem, "n_parameters": model.n_parameters(), **found})
            print(rows[-1], flush=True)
    return rows


def judge_ddsp(model: DDSP, batch: Batch, folder: Path) -> dict[str, float]:
    """Spectral distance to the clips: torch, float32 C, int8 C."""
    controls = model.controls(batch)
    noise = 2.0 * torch.rand(1, batch.f0_hz.shape[1], HOP, generator=torch.Generator().manual_seed(0)) - 1.0
    with torch.no_grad():
        sounds = {"torch": model.render(batch.f0_hz, model.decode(**controls), noise)}
    for kind in ("float32", "int8"):
        library = compile_shared(generate(model, folder, kind))
        rows = zip(*(controls[part].numpy() for part in ("f0_hz", "loudness_db", "z")))
        sounds[kind] = torch.from_numpy(np.stack([library.play(*row, noise[0].numpy()) for row in rows]))
    errors = {k: float(multi_scale_spectral(sound, batch.audio, model.config.n_ffts)) for k, sound in sounds.items()}
    off = sounds["int8"] - sounds["torch"]
    return {
        "float32_difference": float((sounds["float32"] - sounds["torch"]).abs().max()),
        "int8_signal_to_error_db": float(10.0 * (sounds["torch"].square().mean() / off.square().mean()).log10()),
        "torch_error": errors["torch"],
        "float32_over_torch": errors["float32"] / errors["torch"],
        "int8_over_torch": errors["int8"] / errors["torch"],
    }


def judge_wavenet(model: WaveNet, batch: Batch, folder: Path) -> dict[str, float]:
    """Bits per sample of known clips: torch, float32 C, int8 C."""
    classes = mulaw.encode(batch.audio[:, :N_SAMPLES], model.config.n_classes)
    mel = model.mel(batch.audio)
    past, n = model.config.receptive_field, classes.shape[1]
    known = F.pad(classes[:, :-1], (past, 0), value=model.config.n_classes // 2)
    frame = (torch.arange(-past, n - 1).clamp(min=0) // model.config.mel_hop).expand(len(classes), -1)
    with torch.no_grad():
        scores = {"torch": model(known, mel, frame).transpose(1, 2)}
    for kind in ("float32", "int8"):
        library = compile_shared(generate(model, folder, kind))
        rows = [library.logits(c, m) for c, m in zip(classes.numpy(), mel.numpy())]
        scores[kind] = torch.from_numpy(np.stack(rows))
    bits = {k: float(F.cross_entropy(s.flatten(0, 1), classes.flatten()) / np.log(2.0)) for k, s in scores.items()}
    return {
        "float32_difference": float((scores["float32"] - scores["torch"]).abs().max()),
        "torch_error": bits["torch"],
        "float32_over_torch": bits["float32"] / bits["torch"],
        "int8_over_torch": bits["int8"] / bits["torch"],
    }


def host() -> Path:
    """Measure this machine and write the result."""
    torch.set_num_threads(1)
    compiler = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    config = {
        "compiler": compiler,
        "repeats": REPEATS,
        "seconds": SECONDS,
        "f0_hz": 110.0,
        "clips": N_CLIPS,
        "samples": N_SAMPLES,
    }
    found = {"speed": speed(), "torch": torch_speed(), "precision": precision()}
    about = provenance(config=config, seeds=[0], command="python -m bench.deploy host")
    return write_result("bench/deploy_host.json", found, provenance=about)


PARTS: dict[str, Callable[[], Path]] = {"host": host}


def main() -> None:
    """Run the parts named on the command line, or all."""
    for part in sys.argv[1:] or PARTS:
        if part not in PARTS:
            sys.exit(f"No part {part!r}: choose from {', '.join(PARTS)}.")
        print(f"wrote {PARTS[part]()}")


if __name__ == "__main__":
    main()
