"""Write a space for other programs: ONNX for interchange, one small JSON file each for the page's decoder and encoder.

The JSON holds a list of operations and their weights as float16 in base64; `run` interprets it in a dozen
lines of numpy, which is the specification the page's JavaScript follows. Shipped spaces have their weights
rounded to float16 before they are judged and saved, so nothing is lost on the way.

`python -m lib.timbre.export` writes all files of the shipped spaces. Chapter: *The VAE*.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lib.errors import BookError
from lib.timbre.checkpoint import FOLDER, VERSION, load_checkpoint
from lib.timbre.head import Head
from lib.timbre.note_features import NAMES, SAMPLE_RATE
from lib.timbre.space import SHORT_BELOW_S, Space
from lib.timbre.vae import pitch_code

OPSET = 17
#: Largest the page's decoder may be, in bytes.
DECODER_BYTES = 400_000


def rounded(model: nn.Module) -> nn.Module:
    """Round all weights to float16 values, in place; they stay float32 tensors."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())
    return model


def pack(values: np.ndarray) -> str:
    """Numbers as float16, little-endian, in base64."""
    return base64.b64encode(np.asarray(values, dtype="<f2").tobytes()).decode()


def unpack(text: str) -> np.ndarray:
    """Undo `pack`: float32 [n].

    >>> unpack(pack(np.array([1.0, -0.5]))).tolist()
    [1.0, -0.5]
    """
    return np.frombuffer(base64.b64decode(text), dtype="<f2").astype(np.float32)


def network(layers: nn.Sequential) -> dict[str, Any]:
    """Describe a stack of layers: `ops` in order, and their weights one after the other.

    Ops: ["dense", n_in, n_out] with weights [n_out, n_in] row by row, then the bias [n_out];
    ["norm", n] with gain [n], bias [n] (variance without correction, plus 1e-5); ["relu"].
    """
    ops: list[list[Any]] = []
    weights: list[np.ndarray] = []
    for layer in layers:
        if isinstance(layer, nn.Linear):
            ops.append(["dense", layer.in_features, layer.out_features])
        elif isinstance(layer, nn.LayerNorm):
            ops.append(["norm", layer.normalized_shape[0]])
        elif isinstance(layer, nn.ReLU):
            ops.append(["relu"])
            continue
        else:
            raise BookError(f"The page has no layer {type(layer).__name__}.")
        weights += [layer.weight.detach().numpy().ravel(), layer.bias.detach().numpy().ravel()]
    return {"ops": ops, "weights": pack(np.concatenate(weights))}


def run(net: Mapping[str, Any], x: np.ndarray) -> np.ndarray:
    """Run an exported network on rows x [n, n_in]: the reference for the page."""
    weights, at = unpack(net["weights"]), 0

    def take(count: int) -> np.ndarray:
        nonlocal at
        at += count
        return weights[at - count : at]

    x = np.asarray(x, dtype=np.float32)
    for op, *sizes in net["ops"]:
        if op == "dense":
            matrix = take(sizes[0] * sizes[1]).reshape(sizes[1], sizes[0])
            x = x @ matrix.T + take(sizes[1])
        elif op == "norm":
            centred = x - x.mean(axis=1, keepdims=True)
            x = centred / np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + 1e-5)
            x = x * take(sizes[0]) + take(sizes[0])
        else:
            x = np.maximum(x, 0.0)
    return x


def decoder_package(space: Space) -> dict[str, Any]:
    """All that turns a point and a pitch into magnitudes on the page."""
    return {
        **_about(space),
        "kind": "decoder",
        "frequencies_hz": [round(float(f), 3) for f in space.frequencies_hz],
        "network": network(space.model.decoder),
    }


def encoder_package(space: Space) -> dict[str, Any]:
    """All that turns spectra, whole-note features and a pitch into a point on the page."""
    if space.note_scale is not None:
        raise BookError("The page's encoder takes spectra and pitch only; this space also wants note features.")
    return {
        **_about(space),
        "kind": "encoder",
        "note_features": list(NAMES),
        "short_below_s": SHORT_BELOW_S,
        "network": network(space.model.encoder),
        "head": None if space.head is None else _head(space.head),
        "short_head": None if space.short_head is None else _head(space.short_head),
    }


def atlas_package(space: Space) -> dict[str, Any]:
    """The corpus notes as dots: points [n, dims] row by row, and one entry a note in each list."""
    atlas = space.atlas
    if atlas is None:
        raise BookError(f"{space.name} has no atlas; ship it again with `python -m lib.timbre.ship`.")
    names = list(dict.fromkeys(atlas.instrument.tolist()))
    return {
        **_about(space),
        "kind": "atlas",
        "instruments": names,
        "points": pack(atlas.points.ravel()),
        "instrument": [names.index(name) for name in atlas.instrument.tolist()],
        "midi": atlas.midi.tolist(),
        "velocity": atlas.velocity.tolist(),
        "heard": atlas.heard.astype(int).tolist(),
    }


def _about(space: Space) -> dict[str, Any]:
    if space.front.compression != "power":
        raise BookError("The page undoes power compression only.")
    return {
        "format": "timbre-space",
        "version": VERSION,
        "name": space.name,
        "sample_rate": SAMPLE_RATE,
        "transform": space.front.transform,
        "n_frames": space.front.n_frames,
        "exponent": space.front.exponent,
        "centre": float(space.scale.centre),
        "spread": float(space.scale.spread),
        "dims": space.dims,
        "head_dims": space.head_dims,
    }


def _head(head: Head) -> dict[str, Any]:
    # Small next to the networks: plain numbers, enough digits to be exact to 1e-6.
    def digits(a: np.ndarray) -> list[Any]:
        return np.vectorize(lambda x: float(f"{x:.7g}"))(a).tolist()

    return {
        "names": list(head.names),
        "temperature": head.temperature,
        **{part: digits(getattr(head, part)) for part in ("centre", "spread", "weights", "bias", "anchors")},
    }


def decode(package: Mapping[str, Any], z: np.ndarray, midi: float) -> np.ndarray:
    """Magnitudes [n, n_bins] of points [n, dims], from a decoder package alone.

    Raises:
        BookError: the package is of another version or kind.
    """
    if package.get("version") != VERSION or package.get("kind") != "decoder":
        raise BookError(f"This is no decoder package of version {VERSION}; export it again.")
    pitch = pitch_code(torch.tensor([midi])).numpy().repeat(len(z), axis=0)
    x = run(package["network"], np.concatenate([z, pitch], axis=1)) * package["spread"] + package["centre"]
    return np.maximum(x, 0.0) ** (1.0 / package["exponent"])


class _Decoder(nn.Module):
    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space, self.layers = space, space.model.decoder

    def forward(self, z: Tensor, pitch: Tensor) -> Tensor:
        """z [n, dims], pitch [n, 21] -> magnitudes [n, n_bins]."""
        return self.space.to_magnitudes(self.layers(torch.cat([z, pitch], dim=1)))


def write_onnx(space: Space, path: str | Path) -> Path:
    """Write the decoder as ONNX: inputs `z` [n, dims] and `pitch` [n, 21], output `magnitudes` [n, n_bins]."""
    path = Path(path)
    example = (torch.zeros(2, space.dims), torch.zeros(2, space.model.config.pitch_dims))
    scratch = path.with_suffix(".tmp")
    with warnings.catch_warnings():
        # The traced exporter is deprecated but writes smaller, plainer graphs than its successor.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Decoder(space).eval(),
            example,
            str(scratch),
            input_names=["z", "pitch"],
            output_names=["magnitudes"],
            dynamic_axes={"z": {0: "n"}, "pitch": {0: "n"}, "magnitudes": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
    scratch.replace(path)
    return path


def write_packages(space: Space, folder: Path = FOLDER) -> list[Path]:
    """Write decoder, encoder, atlas and ONNX files beside the checkpoint.

    Raises:
        BookError: the decoder is larger than the page allows.
    """
    written = []
    for kind, make in (("decoder", decoder_package), ("encoder", encoder_package), ("atlas", atlas_package)):
        path = folder / f"{space.name}-{kind}.json"
        text = json.dumps(make(space), separators=(",", ":"))
        if kind == "decoder" and len(text) > DECODER_BYTES:
            raise BookError(f"The decoder takes {len(text)} bytes, more than {DECODER_BYTES}; use narrower layers.")
        path.write_text(text + "\n")
        written.append(path)
    written.append(write_onnx(space, folder / f"{space.name}-decoder.onnx"))
    return written


if __name__ == "__main__":
    for shipped in ("nsgt-erb", "nsgt-erb-free"):
        for file in write_packages(load_checkpoint(shipped)):
            print(file.name, file.stat().st_size)
