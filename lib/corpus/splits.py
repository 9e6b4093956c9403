"""Share recordings among train, valid and test, so that no recording is on two sides.

A sampler plays most keys by resampling a neighbour's recording. Split by key, and the test set
is the training set transposed. So the unit that is shared out is the recording, together with
every recording that ever sounds with it (the cello's attacks) or at its pitch (the piano's two
dynamic layers).
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: The share of notes each side should get.
SHARES = {"train": 0.6, "valid": 0.2, "test": 0.2}

#: How many seeded orders are tried for the best balance.
TRIALS = 1000


@dataclass(frozen=True)
class Use:
    """One key: the recordings that sound, and the key that plays the first of them as recorded."""

    midi: int
    root_key: int
    recordings: tuple[str, ...]


def units(uses: Iterable[Use]) -> list[frozenset[Use]]:
    """Group keys that share a recording, or whose recordings have the same pitch.

    >>> a, b = Use(60, 60, ("C4",)), Use(61, 60, ("C4",))
    >>> c, d = Use(65, 65, ("F4", "attack")), Use(66, 67, ("G4", "attack"))
    >>> [sorted(use.midi for use in unit) for unit in units([a, b, c, d])]
    [[60, 61], [65, 66]]
    """
    groups: list[tuple[set, set[Use]]] = []
    for use in uses:
        names: set = {*use.recordings, use.root_key}
        members = {use}
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names |= group[0]
            members |= group[1]
        groups.append((names, members))
    return sorted((frozenset(members) for _, members in groups), key=lambda unit: min(use.midi for use in unit))


def share_out(uses: Iterable[Use], seed: str) -> Mapping[str, str]:
    """Give every recording of one instrument its side.

    About a fifth of the units goes to valid, a fifth to test. Of many seeded orders of the units,
    the one is taken whose sides come nearest to `SHARES` of the notes and to the same mean pitch.

    Returns:
        recording -> "train", "valid" or "test".

    Raises:
        ValueError: fewer than three units.
    """
    found = units(uses)
    if len(found) < 3:
        raise ValueError(f"{seed}: {len(found)} independent recordings cannot fill three sides")
    fewest = max(1, math.floor(len(found) * SHARES["valid"]))
    most = min(math.ceil(len(found) * SHARES["valid"]), (len(found) - 1) // 2)
    candidates = (
        ["valid"] * n_valid + ["test"] * n_test + ["train"] * (len(found) - n_valid - n_test)
        for n_valid, n_test in itertools.product(sorted({fewest, most}), repeat=2)
    )
    orders = [_shuffled(found, f"{seed}:{trial}") for trial in range(TRIALS)]
    order, sides = min(itertools.product(orders, candidates), key=lambda pair: _imbalance(*pair))
    return {name: side for unit, side in zip(order, sides) for use in unit for name in use.recordings}


def _shuffled(found: list[frozenset[Use]], seed: str) -> list[frozenset[Use]]:
    # A hash, not `random`: the same order in every version of Python.
    return sorted(found, key=lambda unit: hashlib.sha256(f"{seed}:{min(use.midi for use in unit)}".encode()).digest())


def _imbalance(order: list[frozenset[Use]], sides: list[str]) -> float:
    pitches: dict[str, list[int]] = {side: [] for side in SHARES}
    for unit, side in zip(order, sides):
        pitches[side] += [use.midi for use in unit]
    everything = sorted(itertools.chain(*pitches.values()))
    mean, span = sum(everything) / len(everything), everything[-1] - everything[0]
    share = sum(abs(len(pitches[side]) / len(everything) - SHARES[side]) for side in SHARES)
    register = sum(abs(sum(keys) / len(keys) - mean) / span for keys in pitches.values())
    return share + register
