"""Numbers to C: arrays, layers in the order in which the code reads them, and how many bytes they take.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from torch import Tensor

from lib.errors import BookError

Precision = Literal["float32", "int8"]


def quantise_rows(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round every row [n_out, n_in] to whole multiples, -127 to 127, of a scale of its own [n_out].

    >>> whole, scale = quantise_rows(np.array([[1.0, -0.5], [0.0, 0.0]]))
    >>> whole.tolist(), (scale * 127).tolist()
    ([[127, -64], [0, 0]], [1.0, 0.0])
    """
    scale = (np.abs(weight).max(axis=1) / 127.0).astype(np.float32)
    whole = np.round(weight / np.where(scale > 0, scale, 1.0)[:, None])
    return np.clip(whole, -127, 127).astype(np.int8), scale


def panels(weight: np.ndarray, lanes: int, run: int = 1) -> np.ndarray:
    """Order a matrix [n_out, n_in] as the code reads it: [panel][n_in / run][lane][run], filled up with zeros.

    >>> panels(np.array([[1, 2], [3, 4], [5, 6]]), lanes=2).tolist()
    [1, 3, 2, 4, 5, 0, 6, 0]
    """
    n_out, n_in = weight.shape
    padded = np.zeros((-(-n_out // lanes) * lanes, -(-n_in // run) * run), dtype=weight.dtype)
    padded[:n_out, :n_in] = weight
    return padded.reshape(len(padded) // lanes, lanes, -1, run).transpose(0, 2, 1, 3).reshape(-1)


def spell(values: np.ndarray) -> str:
    """Write an array's numbers as C, so that floats come back bit for bit.

    >>> spell(np.array([1.0, 0.1, -3e-8], dtype=np.float32))
    '1.0f, 0.100000001f, -2.99999989e-08f'
    """
    if values.dtype == np.float32:
        plain = [f"{x:.9g}" for x in values.reshape(-1).tolist()]
        words = [f"{x}f" if "." in x or "e" in x else f"{x}.0f" for x in plain]
        per_line = 8
    else:
        words, per_line = [str(x) for x in values.reshape(-1).tolist()], 24
    lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return ",\n    ".join(lines)


class Weights(Protocol):
    """Collects what was learnt, as C."""

    lanes: int
    text: list[str]
    n_bytes: int
    widest: int

    def dense(self, name: str, weight: Tensor, bias: Tensor | None) -> str:
        """Add a dense layer [n_out, n_in]; return the initialiser of its `dense_layer`."""

    def lookup(self, name: str, rows: Tensor) -> str:
        """Add a table [choice, unit]; return the initialiser of its `lookup_table`."""

    def vector(self, name: str, values: Tensor | np.ndarray) -> str:
        """Add plain floats; return their name."""

    def define(self, declared: str, initialiser: str | Sequence[str]) -> None:
        """Give a value to a declared constant."""


class _Weights:
    lanes: int

    def __init__(self) -> None:
        self.text: list[str] = []
        self.n_bytes = 0
        self.widest = 0

    def vector(self, name: str, values: Tensor | np.ndarray) -> str:
        self._array(name, _numpy(values).reshape(-1))
        return name

    def define(self, declared: str, initialiser: str | Sequence[str]) -> None:
        joined = initialiser if isinstance(initialiser, str) else "{\n    " + ",\n    ".join(initialiser) + "\n}"
        self.text.append(f"static const {declared} = {joined};\n")

    def _array(self, name: str, values: np.ndarray) -> None:
        self.n_bytes += values.nbytes
        kind = "int8_t" if values.dtype == np.int8 else "float"
        self.text.append(f"static const {kind} {name}[{values.size}] = {{\n    {spell(values)}\n}};\n")

    def _bias(self, name: str, weight: np.ndarray, bias: Tensor | None) -> None:
        n_out = len(weight)
        filled = np.zeros(-(-n_out // self.lanes) * self.lanes, dtype=np.float32)
        if bias is not None:
            filled[:n_out] = _numpy(bias)
        self._array(f"{name}_BIAS", filled)
        self.widest = max(self.widest, *weight.shape)


class Float32(_Weights):
    """Every number as it is. Eight lanes: half the registers of a Cortex-M4's floating-point unit, one of AVX."""

    lanes = 8

    def dense(self, name: str, weight: Tensor, bias: Tensor | None) -> str:
        matrix = _numpy(weight)
        self._array(f"{name}_WEIGHT", panels(matrix, self.lanes))
        self._bias(name, matrix, bias)
        return f"{{{matrix.shape[1]}, {matrix.shape[0]}, {name}_WEIGHT, {name}_BIAS}}"

    def lookup(self, name: str, rows: Tensor) -> str:
        self._array(f"{name}_ROWS", _numpy(rows).reshape(-1))
        return f"{{{name}_ROWS}}"


class Int8(_Weights):
    """Matrices in 8 bits with a scale per output; biases and normalisation stay floats."""

    lanes = 4

    def dense(self, name: str, weight: Tensor, bias: Tensor | None) -> str:
        matrix = _numpy(weight)
        whole, scale = quantise_rows(matrix)
        self._array(f"{name}_WEIGHT", panels(whole, self.lanes, run=4))
        self._array(f"{name}_SCALE", np.pad(scale, (0, -len(scale) % self.lanes)))
        self._bias(name, matrix, bias)
        return f"{{{matrix.shape[1]}, {matrix.shape[0]}, {name}_WEIGHT, {name}_SCALE, {name}_BIAS}}"

    def lookup(self, name: str, rows: Tensor) -> str:
        whole, scale = quantise_rows(_numpy(rows).T)
        self._array(f"{name}_ROWS", np.ascontiguousarray(whole.T).reshape(-1))
        self._array(f"{name}_SCALE", scale)
        return f"{{{name}_ROWS, {name}_SCALE}}"


def collector(precision: Precision) -> Weights:
    """Choose how numbers are kept.

    Raises:
        BookError: no such precision.
    """
    if precision not in ("float32", "int8"):
        raise BookError(f"No precision {precision!r}: choose float32 or int8.")
    return Float32() if precision == "float32" else Int8()


def _numpy(values: Tensor | np.ndarray) -> np.ndarray:
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    if not np.isfinite(array).all():
        raise BookError("A weight is infinite or no number: this model cannot be exported. Train it again.")
    return np.ascontiguousarray(array, dtype=np.float32)
