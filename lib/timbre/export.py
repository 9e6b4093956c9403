"""A space in other hands: ONNX files for other programs, and a few compact arrays for a page.

A page gets the weights as 8-bit integers with one scale a row: a quarter of the size, a sixteenth of a
decibel. `rounded` gives the very same weights back to torch, so that what the page computes can be checked
digit by digit, and the price of rounding apart from it.

`python -m lib.timbre.export` places the corpus in the shipped spaces and writes both kinds of file.

Chapter: *Navigating and paths*.
"""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lib.errors import BookError
from lib.timbre import navigate
from lib.timbre.checkpoint import FOLDER
from lib.timbre.head import CLIP
from lib.timbre.note_features import NAMES, decibels
from lib.timbre.space import SHORT_BELOW_S, Space, load_space

#: Where the corpus lies in the shipped spaces.
POINTS = FOLDER / "points"
ONNX = FOLDER / "onnx"
SHIPPED = ("nsgt-erb", "nsgt-erb-free")
#: Axes of the flat view that a page can choose from.
N_AXES = 4
OPSET = 17


@dataclass(frozen=True)
class Notes:
    """Where notes lie in a space, and what a player needs to know of them.

    points [n, dims]; trajectories [n, n_frames, dims]; instrument, file: n names; midi [n]; velocity [n];
    attack_s [n]; slope_db_s [n]: how fast the level falls after its peak.
    """

    points: np.ndarray
    trajectories: np.ndarray
    instrument: np.ndarray
    file: np.ndarray
    midi: np.ndarray
    velocity: np.ndarray
    attack_s: np.ndarray
    slope_db_s: np.ndarray

    def __len__(self) -> int:
        return len(self.midi)

    def take(self, rows: np.ndarray) -> Notes:
        """Keep these rows only."""
        return Notes(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Packed:
    """Arrays in one run of bytes: `layout` lists name, kind, shape and, where there is one, the scale.

    Kinds: "f4" float32; "i2" int16 times `scale`; "i1" int8 times the row's scale, which follows as "f4".
    Everything is little-endian and begins at a multiple of four bytes. `about` holds plain JSON values.
    """

    data: bytes
    layout: list[dict[str, Any]]
    about: dict[str, Any] = field(default_factory=dict)


def digest(space: Space) -> str:
    """Name the weights of a space: twelve hexadecimal digits that change with any of them."""
    state = space.model.state_dict()
    told = hashlib.sha256()
    for name in sorted(state):
        told.update(name.encode() + np.ascontiguousarray(state[name].numpy()).tobytes())
    return told.hexdigest()[:12]


def place_corpus(space: Space) -> Notes:
    """Send every note of the corpus through the encoder; slow unless the features are in the cache."""
    from lib.timbre.table import feature_table

    table = feature_table(space.front)
    paths = space.of_table(table)
    return Notes(
        points=paths.mean(axis=1),
        trajectories=paths,
        instrument=table.instrument,
        file=table.file,
        midi=table.midi,
        velocity=table.velocity,
        attack_s=10.0 ** table.note[:, NAMES.index("log attack")],
        slope_db_s=table.note[:, NAMES.index("slope")],
    )


def save_notes(space: Space, path: str | Path) -> Path:
    """Write where the corpus lies in a space, with the name of the weights that placed it."""
    path, notes = Path(path), place_corpus(space)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {f"notes/{name}": column.astype(np.float16 if column.dtype.kind == "f" else column.dtype)
            for name, column in vars(notes).items()}  # fmt: skip
    np.savez_compressed(path, digest=np.array(digest(space)), **rows)
    return path


def load_notes(space: Space, *, folder: str | Path | None = None) -> Notes:
    """Read where the corpus lies in a shipped space; place it anew in any other.

    Raises:
        BookError: the file was made by other weights than the space has.
    """
    path = Path(folder or POINTS) / f"{space.name}.npz"
    if not path.exists():
        return place_corpus(space)
    with np.load(path, allow_pickle=False) as stored:
        if str(stored["digest"]) != digest(space):
            raise BookError(f"{path.name} was made by other weights; run `python -m lib.timbre.export` again.")
        columns = {name: stored[f"notes/{name}"] for name in Notes.__dataclass_fields__}
    return Notes(**{k: c.astype(np.float32) if c.dtype.kind == "f" else c for k, c in columns.items()})


def quantise(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round a matrix [rows, columns] to 8 bits with one scale a row.

    >>> whole, scale = quantise(np.array([[1.0, -0.5], [0.0, 0.0]]))
    >>> whole.tolist(), (whole * scale[:, None])[0].round(2).tolist()
    ([[127, -64], [0, 0]], [1.0, -0.5])
    """
    scale = (np.abs(weights).max(axis=1) / 127.0).astype(np.float32)
    whole = np.round(weights / np.maximum(scale, 1e-30)[:, None])
    return whole.astype(np.int8), scale


def rounded(space: Space) -> Space:
    """Give a space the weights its page has."""
    model = copy.deepcopy(space.model)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim == 2:
                whole, scale = quantise(weights.numpy())
                weights.copy_(torch.from_numpy(whole.astype(np.float32) * scale[:, None]))
    return replace(space, model=model.eval())


def rounding_db(space: Space, notes: Notes | None = None) -> float:
    """What rounding does to decoded spectra: RMS difference in dB over the soft floor, at the corpus's points."""
    notes = load_notes(space) if notes is None else notes
    exact, page = (s.decode(notes.points, notes.midi.astype(np.float32)) for s in (space, rounded(space)))
    return float(np.sqrt(np.square(decibels(exact) - decibels(page)).mean()))


def pack(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> Packed:
    """Join arrays: int8 where they are matrices of weights ("*.weight"), int16 for points, float32 for the rest."""
    parts: list[bytes] = []
    layout: list[dict[str, Any]] = []

    def add(name: str, kind: str, values: np.ndarray, **more: Any) -> None:
        parts.append(np.ascontiguousarray(values, dtype=f"<{kind}").tobytes())
        parts.append(bytes(-len(parts[-1]) % 4))
        layout.append({"name": name, "kind": kind, "shape": list(values.shape), **more})

    for name, values in arrays.items():
        values = np.asarray(values)
        if values.ndim == 2 and name.endswith(".weight"):
            whole, scale = quantise(values)
            add(name, "i1", whole)
            add(f"{name}/scale", "f4", scale)
        elif name.startswith("notes/") and values.ndim > 1:
            step = float(np.abs(values).max()) / 32767 or 1.0
            add(name, "i2", np.round(values / step), scale=step)
        else:
            add(name, "f4", values)
    return Packed(b"".join(parts), layout, dict(about))


def pack_decoder(space: Space, notes: Notes | None = None, *, instruments: Iterable[str] | None = None) -> Packed:
    """All that a page needs to show a space, move in it and hear it.

    Weights of the decoder, standardisation, band frequencies, the flat view (axes that keep distances), the
    notes with pitch, attack and decay, the mean point of each instrument, and how its best known note moves.

    Args:
        notes: those to show; the corpus's notes of the space by default.
        instruments: which of them; the twelve rated ones by default.
    """
    from lib import corpus

    notes = load_notes(space) if notes is None else notes
    names = tuple(corpus.INSTRUMENTS if instruments is None else instruments)
    notes = notes.take(np.flatnonzero(np.isin(notes.instrument, names)))
    labels = notes.instrument.tolist()
    flat, axis_names = flat_view(space, notes)
    middle = [_typical(notes, name) for name in names]
    arrays = {
        **_weights("decoder", space.model.decoder),
        "scale/centre": space.scale.centre,
        "scale/spread": space.scale.spread,
        "frequencies_hz": space.frequencies_hz,
        "view/centre": flat.centre,
        "view/axes": flat.axes,
        "notes/points": notes.points,
        "notes/paths": notes.trajectories[middle].reshape(len(names), -1),
        "notes.midi": notes.midi,
        "notes.instrument": np.array([names.index(label) for label in labels]),
        "notes.attack_s": notes.attack_s,
        "notes.slope_db_s": notes.slope_db_s,
    }
    return pack(arrays, {
        **_about(space),
        "decoder": _layers("decoder", space.model.decoder),
        "instruments": list(names),
        "view": {"names": axis_names, "explained": flat.explained.tolist(), "spread": flat.spread.tolist()},
        "n_frames": space.front.n_frames,
    })  # fmt: skip


def flat_view(space: Space, notes: Notes) -> tuple[navigate.View, list[str]]:
    """Axes a page can show a space along, at right angles and of unit length, so that distances keep.

    First those along which the means of instruments differ most, then those along which the notes of one
    instrument do.
    """
    names, group = np.unique(notes.instrument, return_inverse=True)
    means = np.stack([notes.points[group == k].mean(axis=0) for k in range(len(names))]).astype(np.float64)
    centre = means.mean(axis=0)
    half = min(N_AXES // 2, len(names) - 1)
    between = _principal(means - centre, half)
    rest = (notes.points - means[group]) / np.sqrt(np.bincount(group))[group][:, None]
    within = _principal(rest - rest @ between.T @ between, N_AXES - half)
    axes = np.concatenate([between, within])
    weight = 1.0 / (np.bincount(group)[group] * len(names))  # every instrument weighs the same
    centred = notes.points - centre
    variance = weight @ np.square(centred @ axes.T)
    flat = navigate.View(centre, axes, variance / (weight @ np.square(centred).sum(axis=1)), np.sqrt(variance))
    return flat, [*(f"between instruments {k + 1}" for k in range(half)),
                  *(f"within instruments {k + 1}" for k in range(N_AXES - half))]  # fmt: skip


def _principal(rows: np.ndarray, count: int) -> np.ndarray:
    """Directions along which rows spread most [count, dims], signed so that the largest entry is positive."""
    axes = np.linalg.svd(rows, full_matrices=False)[2][:count]
    return axes * np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)])[:, None]


def pack_encoder(space: Space) -> Packed:
    """All that a page needs to place a sound: weights of the encoder and the heads, and the front end's numbers.

    Raises:
        BookError: the front end is none that the page computes.
    """
    if space.front.transform != "nsgt-erb" or space.front.compression != "power" or space.note_scale is not None:
        raise BookError("A page places sounds by NSGT-ERB spectra under a power law, without note_input.")
    arrays: dict[str, Any] = _weights("encoder", space.model.encoder)
    arrays |= {"scale/centre": space.scale.centre, "scale/spread": space.scale.spread}
    heads = {"head": space.head, "short_head": space.short_head}
    for name, head in heads.items():
        if head is not None:
            parts = ("centre", "spread", "weights", "bias", "anchors")
            arrays |= {f"{name}/{part}": getattr(head, part) for part in parts}
    if space.forecast is not None:
        arrays |= {"forecast/matrix": space.forecast.matrix, "forecast/offset": space.forecast.offset}
    front = {key: getattr(space.front, key) for key in ("n_frames", "smoothing_s", "threshold_db")}
    return pack(arrays, {
        **_about(space),
        "encoder": _layers("encoder", space.model.encoder),
        "front": front,
        "head_names": list(space.head.names) if space.head else [],
        "temperature": space.head.temperature if space.head else 1.0,
        "clip": CLIP,
        "short_below_s": SHORT_BELOW_S,
    })  # fmt: skip


def _about(space: Space) -> dict[str, Any]:
    return {
        "name": space.name,
        "dims": space.dims,
        "head_dims": space.head_dims,
        "exponent": space.front.exponent,
        "pitch_dims": space.model.config.pitch_dims,
        "digest": digest(space),
    }


def _typical(notes: Notes, instrument: str) -> int:
    """The note nearest to its instrument's mean, so that a path begins at a sound that exists."""
    own = np.flatnonzero(notes.instrument == instrument)
    if not len(own):
        raise BookError(f"No note of {instrument!r} to show; leave it out of instruments=.")
    gap = np.linalg.norm(notes.points[own] - notes.points[own].mean(axis=0), axis=1)
    return int(own[gap.argmin()])


def _weights(part: str, network: nn.Sequential) -> dict[str, np.ndarray]:
    return {f"{part}.{name}": tensor.numpy() for name, tensor in network.state_dict().items()}


def _layers(part: str, network: nn.Sequential) -> list[list[str]]:
    kinds = {nn.Linear: "dense", nn.LayerNorm: "norm", nn.ReLU: "relu"}
    return [[kinds[type(layer)], f"{part}.{i}"] for i, layer in enumerate(network)]


class _Decoder(nn.Module):
    """z [batch, dims], pitch code [batch, 21] -> magnitudes [batch, bins]."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space, self.model = space, space.model

    def forward(self, z: Tensor, pitch: Tensor) -> Tensor:
        return self.space.to_magnitudes(self.model.decode(z, pitch))


class _Encoder(nn.Module):
    """Level-normalised magnitudes [batch, bins], pitch code [batch, 21] -> free code v [batch, latent_dims]."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space, self.model = space, space.model

    def forward(self, spectra: Tensor, pitch: Tensor) -> Tensor:
        scale, exponent = self.space.scale, self.space.front.exponent
        x = (spectra.clamp(min=0.0).pow(exponent) - float(scale.centre)) / float(scale.spread)
        return self.model.encode(x.clamp(-6.0, 6.0), pitch)[0]


def export_onnx(space: Space, folder: str | Path) -> dict[str, Path]:
    """Write decoder and encoder as ONNX files, the batch size free.

    The decoder takes `z` and `pitch` (`lib.timbre.vae.pitch_code`) and gives `magnitudes`; the encoder takes
    `magnitudes` and `pitch` and gives `v`.

    Raises:
        BookError: the space compresses by decibels or reads whole-note features, which these files leave out.
    """
    if space.front.compression != "power" or space.note_scale is not None:
        raise BookError("ONNX files are written for spaces with a power law and without note_input.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = space.model.config
    pitch = torch.zeros(2, config.pitch_dims)
    jobs = {
        "decoder": (_Decoder(space), torch.zeros(2, config.space_dims), ["z", "pitch"], "magnitudes"),
        "encoder": (_Encoder(space), torch.full((2, config.n_bins), 0.1), ["magnitudes", "pitch"], "v"),
    }
    written = {}
    for part, (module, example, inputs, output) in jobs.items():
        written[part] = folder / f"{space.name}-{part}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter announces its successor
            torch.onnx.export(
                module.eval(), (example, pitch), str(written[part]), input_names=inputs, output_names=[output],
                dynamic_axes={name: {0: "batch"} for name in (*inputs, output)}, opset_version=OPSET, dynamo=False,
            )  # fmt: skip
    return written


def main() -> None:
    """Place the corpus in the shipped spaces, write the ONNX files, and say what rounding costs."""
    torch.set_num_threads(1)
    for name in SHIPPED:
        space = load_space(name)
        save_notes(space, POINTS / f"{name}.npz")
        packed = pack_decoder(space)
        size = sum(np.prod(a["shape"]) * int(a["kind"][1]) for a in packed.layout if a["name"].startswith("decoder"))
        kilobytes = [n / 1000 for n in (size, len(packed.data), len(pack_encoder(space).data))]
        sizes = "decoder {:.0f} kB, with notes {:.0f} kB, encoder {:.0f} kB".format(*kilobytes)
        print(f"{name}: {sizes}, rounding {rounding_db(space):.3f} dB")
    export_onnx(load_space(SHIPPED[0]), ONNX)


if __name__ == "__main__":
    main()
