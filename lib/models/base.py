"""What the three models have in common, and the batch they all eat.

Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from lib.errors import BookError
from lib.pruning.groups import Layout

#: The models work at 16 kHz, as both published versions do.
MODEL_RATE = 16_000
#: Samples per control frame: 100 frames a second.
HOP = 160


@dataclass(frozen=True)
class Batch:
    """Some clips of equal length, and what is known about them.

    audio [batch, time] at `MODEL_RATE`; f0_hz [batch, frames]; loudness_db [batch, frames] RMS of each frame relative
    to full scale; one frame is `HOP` samples.
    """

    audio: Tensor
    f0_hz: Tensor
    loudness_db: Tensor

    def __post_init__(self) -> None:
        if self.audio.shape[1] != HOP * self.f0_hz.shape[1]:
            raise BookError(f"{self.audio.shape[1]} samples are not {self.f0_hz.shape[1]} frames of {HOP}.")

    def __len__(self) -> int:
        return len(self.audio)

    def take(self, index: Tensor | slice) -> Batch:
        """Choose some clips."""
        return Batch(self.audio[index], self.f0_hz[index], self.loudness_db[index])

    def crop(self, start_frame: Tensor, n_frames: int) -> Batch:
        """Cut `n_frames` frames out of every clip, each from its own start [batch]."""
        frames = start_frame[:, None] + torch.arange(n_frames)
        samples = HOP * start_frame[:, None] + torch.arange(HOP * n_frames)
        return Batch(self.audio.gather(1, samples), self.f0_hz.gather(1, frames), self.loudness_db.gather(1, frames))


#: What a model is steered by, by name; see each model's `controls`.
Controls = Mapping[str, Tensor]


class AudioModel(nn.Module, ABC):
    """A generative model of sound that knows its own groups of units.

    Attributes:
        config: frozen dataclass; `PRESETS` holds the ones used in the book.
        widths: group -> number of units; what trimming changes.
        layer_normed: groups inside a layer normalisation, for which removing is not the same as zeroing.
    """

    PRESETS: ClassVar[Mapping[str, Any]]
    config: Any
    widths: dict[str, int]
    layer_normed: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self._witness: Callable[[str, Tensor], None] | None = None

    @classmethod
    def from_preset(cls, name: str, **changes: Any) -> Self:
        """Build from a named configuration, with some fields replaced.

        Raises:
            BookError: there is no such preset, or no such field.
        """
        if name not in cls.PRESETS:
            raise BookError(f"{cls.__name__} has no preset {name!r}: choose one of {', '.join(cls.PRESETS)}.")
        fields = {field.name for field in dataclasses.fields(cls.PRESETS[name])}
        if strange := set(changes) - fields:
            raise BookError(f"{cls.__name__} has no setting {', '.join(sorted(strange))}; it has {', '.join(fields)}.")
        return cls(dataclasses.replace(cls.PRESETS[name], **changes))

    @abstractmethod
    def layout(self) -> Layout:
        """Say which units every number of the state belongs to."""

    @abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Measure the error, a scalar.

        With a generator: the objective of training, with everything random drawn from it. Without: nothing is
        random, and nothing but the reconstruction counts. This is the number every curve of the book shows.
        """

    @abstractmethod
    def information_target(self, batch: Batch) -> Tensor:
        """Give what the units should tell something about: [batch, dims, time]."""

    @abstractmethod
    def controls(self, batch: Batch) -> dict[str, Tensor]:
        """Extract from real clips what `generate` is steered by."""

    @abstractmethod
    def generate(self, controls: Controls, seed: int = 0) -> Tensor:
        """Make sound [batch, time] from controls; the same seed makes the same sound."""

    @abstractmethod
    def macs_per_second(self) -> dict[str, float]:
        """Count multiply-adds per second of generated audio, part by part."""

    @abstractmethod
    def rehearsal(self, seconds: float = 1.0) -> dict[str, Tensor]:
        """Give made-up inputs of `network` for so much sound: to count, to time, to export."""

    @abstractmethod
    def network(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the part that has weights and is needed to play, without synthesiser and without drawing lots."""

    @abstractmethod
    def streaming_state(self) -> dict[str, int]:
        """Count the numbers that must be remembered between two blocks of a stream, part by part."""

    def watch(self, group: str, units: Tensor) -> Tensor:
        """Let a witness see the units of a group, [batch, units, time]; hand them on unchanged."""
        if self._witness is not None:
            self._witness(group, units)
        return units

    def witnessed(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the loss once and return the activations of every group: group -> [batch, units, time]."""
        seen: dict[str, Tensor] = {}
        self._witness = seen.__setitem__
        try:
            with torch.no_grad():
                self.loss(batch)
        finally:
            self._witness = None
        return seen

    def n_parameters(self) -> int:
        """Count what training can change."""
        return sum(p.numel() for p in self.parameters())


def resolve_widths(default: Mapping[str, int], given: Mapping[str, int] | None) -> dict[str, int]:
    """Take the default widths, or given ones for the same groups.

    Raises:
        BookError: a group is missing or unknown, or has no unit.
    """
    if given is None:
        return dict(default)
    if set(given) != set(default):
        raise BookError(f"Widths for {', '.join(sorted(given))} do not fit the groups {', '.join(sorted(default))}.")
    if empty := [group for group, width in given.items() if width < 1]:
        raise BookError(f"A group needs at least one unit; {', '.join(empty)} would have none.")
    return {group: given[group] for group in default}
