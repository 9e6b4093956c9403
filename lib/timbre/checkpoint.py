"""Write and read a space as one file of plain arrays and a little JSON: nothing in it can run code.

Chapter: *The VAE*.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lib.errors import BookError
from lib.timbre.features import FrontEnd
from lib.timbre.head import Head
from lib.timbre.note_features import NAMES, SAMPLE_RATE
from lib.timbre.space import Atlas, Forecast, Space, Standard
from lib.timbre.vae import VAE, VAEConfig

#: Raised whenever the meaning of a stored number changes; another version is refused.
VERSION = 1
#: Where the shipped spaces live.
FOLDER = Path(__file__).resolve().parents[2] / "assets" / "checkpoints"


def save_checkpoint(space: Space, path: str | Path) -> Path:
    """Write a space to a `.npz` file, whole or not at all."""
    path = Path(path)
    arrays = {f"model/{name}": tensor.detach().cpu().numpy() for name, tensor in space.model.state_dict().items()}
    meta: dict[str, Any] = {
        "version": VERSION,
        "name": space.name,
        "sample_rate": SAMPLE_RATE,
        "front": asdict(space.front),
        "vae": asdict(space.model.config),
        "note_features": list(NAMES),
        "provenance": dict(space.provenance),
        "heads": {},
    }
    for name, standard in (("scale", space.scale), ("note_scale", space.note_scale)):
        if standard is not None:
            arrays |= {f"{name}/centre": np.asarray(standard.centre), f"{name}/spread": np.asarray(standard.spread)}
    for name, head in (("head", space.head), ("short_head", space.short_head)):
        if head is not None:
            meta["heads"][name] = {"names": list(head.names), "temperature": head.temperature}
            parts = ("centre", "spread", "weights", "bias", "anchors")
            arrays |= {f"{name}/{part}": np.asarray(getattr(head, part), dtype=np.float32) for part in parts}
    if space.forecast is not None:
        arrays |= {"forecast/matrix": space.forecast.matrix, "forecast/offset": space.forecast.offset}
    if space.atlas is not None:
        arrays |= {f"atlas/{f.name}": getattr(space.atlas, f.name) for f in fields(Atlas)}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".tmp.npz")
    np.savez_compressed(scratch, **arrays)
    scratch.replace(path)
    return path


def load_checkpoint(name: str, *, folder: str | Path | None = None) -> Space:
    """Read a space by name, or by the path of a `.npz` file.

    Raises:
        BookError: there is none, it is damaged or cut short, or its version or sample rate is another.
    """
    root = Path(folder) if folder is not None else FOLDER
    path = Path(name) if str(name).endswith(".npz") else root / f"{name}.npz"
    if not path.exists():
        shipped = ", ".join(sorted(p.stem for p in root.glob("*.npz"))) or "none"
        raise BookError(f"No space {name!r} in {root.name}; shipped are: {shipped}.")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        meta = json.loads(arrays.pop("meta").tobytes().decode())
        version = meta["version"]
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise BookError(f"{path.name} is damaged or cut short ({error}); restore it from git.") from error
    if version != VERSION:
        raise BookError(
            f"{path.name} is of version {version}, this code reads version {VERSION}: "
            "take the checkpoint and the code from the same release."
        )
    if meta["sample_rate"] != SAMPLE_RATE or meta["note_features"] != list(NAMES):
        raise BookError(f"{path.name} was made for another sample rate or other note features; train it again.")
    try:
        return _assemble(meta, arrays)
    except (KeyError, TypeError, RuntimeError) as error:
        raise BookError(f"{path.name} does not hold what its description says ({error}).") from error


def _assemble(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Space:
    shape = dict(meta["vae"])
    for key in ("encoder_widths", "decoder_widths"):
        shape[key] = tuple(shape[key])
    model = VAE(VAEConfig(**shape))
    prefix = "model/"
    weights = {key[len(prefix) :]: torch.from_numpy(a) for key, a in arrays.items() if key.startswith(prefix)}
    model.load_state_dict(weights)

    def standard(name: str) -> Standard | None:
        return Standard(arrays[f"{name}/centre"], arrays[f"{name}/spread"]) if f"{name}/centre" in arrays else None

    heads = {}
    for name, about in meta["heads"].items():
        parts = {part: arrays[f"{name}/{part}"] for part in ("centre", "spread", "weights", "bias", "anchors")}
        heads[name] = Head(names=tuple(about["names"]), temperature=float(about["temperature"]), **parts)
    atlas = None
    if "atlas/points" in arrays:
        atlas = Atlas(**{f.name: arrays[f"atlas/{f.name}"] for f in fields(Atlas)})
    forecast = None
    if "forecast/matrix" in arrays:
        forecast = Forecast(arrays["forecast/matrix"], arrays["forecast/offset"])
    scale = standard("scale")
    assert scale is not None
    return Space(
        meta["name"],
        FrontEnd(**meta["front"]),
        model.eval(),
        scale,
        heads.get("head"),
        heads.get("short_head"),
        standard("note_scale"),
        meta["provenance"],
        atlas,
        forecast,
    )
