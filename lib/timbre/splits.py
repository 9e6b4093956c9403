"""Seeded splits by recording, with keys of known recordings held out beside whole recordings.

Neighbouring keys of a sampled instrument are one recording, played faster or slower. Splitting by key
would test on what was trained; the corpus therefore splits by root recording, and experiments repeat that
with ten seeds, because which recordings are held out moves the results more than most methods do.

Chapter: *Regularising with perception*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.errors import BookError


@dataclass(frozen=True)
class Split:
    """Indices of notes: `train`; `keys` (other keys of training recordings); `recordings` (never heard)."""

    seed: int
    train: np.ndarray
    keys: np.ndarray
    recordings: np.ndarray

    def sides(self) -> dict[str, np.ndarray]:
        """The three sides every result is reported on, by name."""
        return {"train": self.train, "keys": self.keys, "recordings": self.recordings}


def split_by_recording(
    instruments: Sequence[str],
    recordings: Sequence[str],
    midi: Sequence[int],
    *,
    seed: int,
    recording_share: float = 0.2,
    key_share: float = 0.12,
) -> Split:
    """Hold out whole recordings of every instrument, and some keys of the others.

    Args:
        instruments, recordings, midi: one entry a note; all velocities of a key stay together.
        recording_share: share of each instrument's recordings held out, at least one.
        key_share: share of the remaining keys held out; a recording always keeps one key for training.

    Raises:
        BookError: an instrument has fewer than two recordings.

    >>> s = split_by_recording(["Oboe"] * 6, ["a", "a", "a", "b", "b", "c"], [60, 61, 62, 63, 64, 65], seed=0)
    >>> sorted(np.concatenate([s.train, s.keys, s.recordings]).tolist())
    [0, 1, 2, 3, 4, 5]
    """
    rng = np.random.default_rng(seed)
    names, roots, keys = np.asarray(instruments), np.asarray(recordings), np.asarray(midi)
    side = np.zeros(len(names), dtype=int)
    for name in sorted(set(instruments)):
        own = names == name
        available = sorted(set(roots[own].tolist()))
        if len(available) < 2:
            raise BookError(f"{name} has {len(available)} recording; a split by recording needs two.")
        n_out = min(len(available) - 1, max(1, round(recording_share * len(available))))
        side[own & np.isin(roots, rng.choice(available, size=n_out, replace=False))] = 2
        spare: list[tuple[str, int]] = []
        for root in available:
            chosen = sorted(set(keys[own & (roots == root) & (side == 0)].tolist()))
            spare += [(root, key) for key in rng.permutation(chosen)[1:].tolist()]
        n_keys = round(key_share * (len(spare) + len(available) - n_out))
        for pick in rng.permutation(len(spare))[:n_keys]:
            root, key = spare[pick]
            side[own & (roots == root) & (keys == key)] = 1
    return Split(seed, *(np.flatnonzero(side == k) for k in range(3)))
