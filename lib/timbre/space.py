"""A trained timbre space: sounds in, points; points in, spectra.

Chapter: *The VAE*. Shipped spaces are opened by `load_space`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lib.errors import BookError
from lib.timbre import features
from lib.timbre.features import FrontEnd, NoteFeatures
from lib.timbre.head import Head
from lib.timbre.table import FeatureTable
from lib.timbre.vae import VAE, pitch_code

#: A sounding part shorter than this is read by the head for short sounds.
SHORT_BELOW_S = 0.8


@dataclass(frozen=True)
class Standard:
    """A mean and a standard deviation, measured on training notes only."""

    centre: np.ndarray
    spread: np.ndarray

    def apply(self, values: np.ndarray) -> np.ndarray:
        """To zero mean and unit spread, clipped to +-6."""
        return np.clip((values - self.centre) / self.spread, -6.0, 6.0).astype(np.float32)


@dataclass(frozen=True)
class Forecast:
    """What the rated code `u` foretells of the encoder's output: `u @ matrix + offset`, [n, latent_dims].

    The encoder writes the instrument into its output too, so that a decoder hardly listens to `u`. Taking
    off what `u` foretells leaves in `v` how a sound differs from its instrument's average, and moving along
    `u` moves the sound. Spectra, likelihood and reconstruction stay exactly as they were: it is a shear of
    the axes, undone in the decoder's first layer.
    """

    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def fit(cls, u: np.ndarray, v: np.ndarray, weight: np.ndarray) -> Forecast:
        """Weighted least squares of v [n, latent_dims] on u [n, head_dims]."""
        design = np.concatenate([u, np.ones((len(u), 1))], axis=1) * np.sqrt(weight)[:, None]
        solved = np.linalg.lstsq(design, v * np.sqrt(weight)[:, None], rcond=None)[0].astype(np.float32)
        return cls(solved[:-1], solved[-1])

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """Expected encoder output for codes u [..., head_dims]."""
        return u @ self.matrix + self.offset

    def folded(self, model: VAE) -> VAE:
        """A copy of the model whose decoder takes `[u, v]` with the forecast taken off."""
        model = copy.deepcopy(model)
        first, n = model.decoder[0], len(self.matrix)
        with torch.no_grad():
            columns = first.weight[:, n : n + self.matrix.shape[1]]
            first.bias += columns @ torch.from_numpy(self.offset)
            first.weight[:, :n] += columns @ torch.from_numpy(self.matrix.T.copy())
        return model


@dataclass(frozen=True)
class Place:
    """Where one sound lies: `trajectory` [n_frames, dims] over its sounding part and their mean `point` [dims].

    `likeness` says, for a space with a head, how much the note is like each rated instrument.
    """

    point: np.ndarray
    trajectory: np.ndarray
    f0_hz: float
    level: np.ndarray
    times_s: np.ndarray
    likeness: Mapping[str, float]
    features: NoteFeatures


@dataclass(frozen=True)
class Atlas:
    """Where the notes of the corpus lie in a space: points [n, dims] (u and the mean of v), and what they are.

    instrument, split: n names; midi, velocity [n]; `heard` tells which notes the space was trained on.
    """

    points: np.ndarray
    instrument: np.ndarray
    midi: np.ndarray
    velocity: np.ndarray
    split: np.ndarray
    file: np.ndarray

    @property
    def heard(self) -> np.ndarray:
        """True for the notes the space was trained on: [n]."""
        return self.split == "train"

    def nearest(self, point: np.ndarray, n: int = 5) -> np.ndarray:
        """Indices of the `n` notes nearest to a point [dims]."""
        return np.argsort(np.linalg.norm(self.points - point, axis=1))[:n]

    def centroid(self, instrument: str, *, around: float | None = None) -> np.ndarray:
        """Mean point of an instrument's notes; near a MIDI pitch if `around` is given (an octave each way).

        Raises:
            BookError: the corpus has no such instrument.
        """
        own = self.instrument == instrument
        if not own.any():
            known = ", ".join(sorted(set(self.instrument.tolist())))
            raise BookError(f"No {instrument!r} in this atlas; there are {known}.")
        if around is not None:
            gap = np.abs(self.midi - around)
            own &= gap <= max(12.0, gap[own].min())
        return self.points[own].mean(axis=0)


@dataclass(frozen=True)
class Space:
    """A model with all that is needed around it: front end, standardisation, heads, provenance.

    A point `z` [dims] is `[u, v]`: `u` the rated code of the whole note (none in an unregularised space),
    `v` the free code of a spectrum: how it differs from what `u` foretells.
    """

    name: str
    front: FrontEnd
    model: VAE
    scale: Standard
    head: Head | None = None
    short_head: Head | None = None
    note_scale: Standard | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    atlas: Atlas | None = None
    forecast: Forecast | None = None

    @property
    def dims(self) -> int:
        """Dimensions of a point."""
        return self.model.config.space_dims

    @property
    def head_dims(self) -> int:
        """How many of them, the first ones, carry the ratings."""
        return self.model.config.head_dims

    @property
    def frequencies_hz(self) -> np.ndarray:
        """Centre frequencies of the decoded bins."""
        return np.asarray(features.transform_for(self.front.transform).frequencies_hz)

    def standardise(self, spectra: np.ndarray) -> np.ndarray:
        """Level-normalised magnitudes [..., n_bins] -> what the encoder sees."""
        return self.scale.apply(features.compress(spectra, self.front))

    def rated_code(self, note: np.ndarray, short: np.ndarray | None = None) -> np.ndarray:
        """The code `u` of whole-note features [n, NOTE_DIMS]; `short` marks the short ones. Empty without a head."""
        if self.head is None:
            return np.zeros((len(note), 0), dtype=np.float32)
        code = self.head.code(note)
        if self.short_head is not None and short is not None and short.any():
            code[short] = self.short_head.code(note[short])
        return code

    @torch.no_grad()
    def free_code(self, spectra: np.ndarray, midi: np.ndarray, note: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and logvar of the encoder for spectra [n, frames, bins], pitches [n], features [n, NOTE_DIMS].

        In a space with a forecast this is the code before the forecast is taken off.
        """
        n, n_frames, _ = spectra.shape
        x = torch.from_numpy(self.standardise(spectra)).reshape(n * n_frames, -1)
        pitch = pitch_code(torch.as_tensor(midi, dtype=torch.float32)).repeat_interleave(n_frames, dim=0)
        extra = None
        if self.note_scale is not None:
            extra = torch.from_numpy(self.note_scale.apply(note)).repeat_interleave(n_frames, dim=0)
        mean, logvar = self.model.encode(x, pitch, extra)
        return mean.reshape(n, n_frames, -1).numpy(), logvar.reshape(n, n_frames, -1).numpy()

    def trajectories(
        self, spectra: np.ndarray, midi: np.ndarray, note: np.ndarray, short: np.ndarray | None = None
    ) -> np.ndarray:
        """Points of all frames: [n, n_frames, dims]."""
        v, _ = self.free_code(spectra, midi, note)
        u = self.rated_code(note, short)
        if self.forecast is not None:
            v = v - self.forecast(u)[:, None]
        return np.concatenate([np.repeat(u[:, None], v.shape[1], axis=1), v], axis=2)

    def of_table(self, table: FeatureTable) -> np.ndarray:
        """Points of all frames of a feature table: [n, n_frames, dims]."""
        return self.trajectories(table.spectra, table.midi, table.note)

    def make_atlas(self, table: FeatureTable) -> Atlas:
        """Place every note of a feature table, the novel instruments too."""
        columns = (table.instrument, table.midi, table.velocity, table.split, table.file)
        return Atlas(self.of_table(table).mean(axis=1).astype(np.float32), *columns)

    @torch.no_grad()
    def decode(self, z: np.ndarray, midi: np.ndarray | float) -> np.ndarray:
        """Draw the spectra of points: z [..., dims], midi broadcastable to [...] -> magnitudes [..., n_bins].

        Magnitudes are relative to the frame's level: their squares sum to about 1.
        """
        z = np.asarray(z, dtype=np.float32)
        if z.shape[-1] != self.dims:
            raise BookError(f"A point of this space has {self.dims} numbers, got {z.shape[-1]}.")
        flat = torch.from_numpy(z.reshape(-1, self.dims))
        pitch = np.broadcast_to(np.asarray(midi, dtype=np.float32), z.shape[:-1]).reshape(-1)
        x = self.model.decode(flat, pitch_code(torch.from_numpy(pitch.copy())))
        return self.to_magnitudes(x).numpy().reshape(*z.shape[:-1], -1)

    def to_magnitudes(self, x: Tensor) -> Tensor:
        """Undo standardising and compression of decoded values, differentiably."""
        x = x * torch.as_tensor(self.scale.spread, dtype=x.dtype) + torch.as_tensor(self.scale.centre, dtype=x.dtype)
        if self.front.compression == "power":
            return x.clamp(min=0.0).pow(1.0 / self.front.exponent)
        return (torch.pow(10.0, x / 20.0) - 10 ** (self.front.floor_db / 20)).clamp(min=0.0)

    def place(self, audio: np.ndarray, *, f0_hz: float | None = None) -> Place:
        """Find where a sound lies: audio [time] at 22,050 Hz; the pitch is estimated where not given.

        Raises:
            BookError: the sound is silent, damaged, too short or too long.
        """
        found = features.analyse(audio, self.front, f0_hz=f0_hz)
        midi = hz_to_midi(found.f0_hz)
        short = np.array([found.duration_s < SHORT_BELOW_S])
        trajectory = self.trajectories(found.spectra[None], np.array([midi]), found.note[None], short)[0]
        likeness: dict[str, float] = {}
        if self.head is not None:
            head = self.short_head if short[0] and self.short_head is not None else self.head
            likeness = dict(zip(head.names, head.probabilities(found.note[None])[0].tolist()))
        return Place(trajectory.mean(axis=0), trajectory, found.f0_hz, found.level, found.times_s, likeness, found)


def hz_to_midi(f0_hz: float | np.ndarray) -> float | np.ndarray:
    """MIDI note number of a frequency.

    >>> hz_to_midi(440.0)
    69.0
    """
    midi = 69.0 + 12.0 * np.log2(np.asarray(f0_hz) / 440.0)
    return float(midi) if np.ndim(midi) == 0 else midi


def load_space(name: str = "nsgt-erb", *, folder: str | Path | None = None) -> Space:
    """Open a space that ships with the book: "nsgt-erb" (regularised) or "nsgt-erb-free" (unregularised).

    Raises:
        BookError: no such space, or its file is of another version, damaged or cut short.
    """
    from lib.timbre.checkpoint import load_checkpoint

    return load_checkpoint(name, folder=folder)
