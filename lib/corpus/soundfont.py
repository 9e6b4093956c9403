"""Read a SoundFont 2 (or compressed SF3) bank: which recording sounds for which key and velocity.

A bank is a RIFF file whose `pdta` chunk holds nine small tables. A *preset* ("Oboe") has zones
that point to *instruments*, whose zones point to *samples*; a zone answers only to its range of
keys and velocities. Only the tables are read here: playing them is the synthesiser's business.
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lib.errors import BookError

#: Generators (parameters of a zone) used here, SoundFont 2.04, section 8.1.2.
INSTRUMENT, KEY_RANGE, VELOCITY_RANGE, COARSE_TUNE, SAMPLE, ROOT_KEY = 41, 43, 44, 51, 53, 58

#: Sample types, section 7.10: right and left channel of a stereo recording.
#: SF3 adds a bit that says the sample is compressed (Ogg Vorbis).
STEREO, COMPRESSED = (2, 4), 16

UNSET = 0xFFFF

_RECORDS = {
    "phdr": "20sHHHIII",
    "pbag": "HH",
    "pgen": "HH",
    "inst": "20sH",
    "ibag": "HH",
    "igen": "HH",
    "shdr": "20sIIIIIBbHH",
}


@dataclass(frozen=True)
class Sample:
    """One channel of a recording: `start` and `end` are bytes into the sample data of an SF3 bank."""

    name: str
    start: int
    end: int
    sample_rate: int
    original_key: int
    kind: int


@dataclass(frozen=True)
class Zone:
    """A sample, the (first, last) keys and velocities it answers to, and the key that plays it as recorded."""

    sample: Sample
    keys: tuple[int, int]
    velocities: tuple[int, int]
    root_key: int

    def sounds(self, key: int, velocity: int) -> bool:
        """Say whether this zone sounds for a key and a velocity."""
        return self.keys[0] <= key <= self.keys[1] and self.velocities[0] <= velocity <= self.velocities[1]


class SoundFont:
    """The tables of one bank.

    Raises:
        BookError: the file is not a SoundFont 2 bank.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        data = self.path.read_bytes()
        if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
            raise BookError(f"{self.path} is no SoundFont 2 bank (no RIFF 'sfbk' header).")
        tables: dict[str, list[tuple]] = {}
        self.sample_data = b""
        for name, start, size in _chunks(data, 12, len(data)):
            if name != "LIST":
                continue
            for inner, at, length in _chunks(data, start + 4, start + size):
                if inner == "smpl":
                    self.sample_data = data[at : at + length]
                elif inner in _RECORDS:
                    tables[inner] = list(struct.iter_unpack("<" + _RECORDS[inner], data[at : at + length]))
        if set(tables) != set(_RECORDS):
            raise BookError(f"{self.path} is damaged: tables {sorted(set(_RECORDS) - set(tables))} missing.")
        self._tables = tables
        self.samples = [Sample(_text(r[0]), r[1], r[2], r[5], r[6], r[9]) for r in tables["shdr"][:-1]]
        # Section 7.2: a preset's zones run up to the first zone of the next record.
        presets = tables["phdr"]
        self.presets = {(r[2], r[1]): (_text(r[0]), r[3], presets[i + 1][3]) for i, r in enumerate(presets[:-1])}

    @functools.cache  # noqa: B019 - a bank lives as long as the program that renders it
    def zones(self, bank: int, program: int) -> tuple[Zone, ...]:
        """List every zone of a preset, ranges of preset and instrument intersected.

        Raises:
            BookError: the bank has no such preset.
        """
        if (bank, program) not in self.presets:
            raise BookError(f"{self.path.name} has no preset {bank}:{program}.")
        _, first, last = self.presets[bank, program]
        found = []
        for outer in self._zones("pbag", "pgen", first, last, INSTRUMENT):
            index = outer[INSTRUMENT]
            first_inner, last_inner = self._tables["inst"][index][1], self._tables["inst"][index + 1][1]
            for inner in self._zones("ibag", "igen", first_inner, last_inner, SAMPLE):
                keys = _intersect(_range(outer, KEY_RANGE), _range(inner, KEY_RANGE))
                velocities = _intersect(_range(outer, VELOCITY_RANGE), _range(inner, VELOCITY_RANGE))
                if keys and velocities:
                    sample = self.samples[inner[SAMPLE]]
                    root = inner.get(ROOT_KEY, UNSET)
                    root = sample.original_key if root > 127 else root
                    tune = _signed(outer.get(COARSE_TUNE, 0)) + _signed(inner.get(COARSE_TUNE, 0))
                    found.append(Zone(sample, keys, velocities, root - tune))
        return tuple(found)

    def recording(self, sample: Sample) -> str:
        """Name the recording a sample belongs to: both channels of a stereo recording are one."""
        # SF3 banks have lost the links between the channels (all are 0), so the names must do.
        return re.sub(r"\s*\([LR]\)$", "", sample.name) if sample.kind & ~COMPRESSED in STEREO else sample.name

    def _zones(self, bag: str, generators: str, first: int, last: int, target: int) -> Iterator[dict[int, int]]:
        """Yield the generators of each zone that has a target, on top of those of the global zone."""
        shared: dict[int, int] = {}
        bags = self._tables[bag]
        for position in range(first, last):
            own = dict(self._tables[generators][bags[position][0] : bags[position + 1][0]])
            if target in own:
                yield {**shared, **own}
            elif position == first:  # Section 7.3: only the first zone may be global.
                shared = own


def _chunks(data: bytes, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    while start + 8 <= end:
        size = struct.unpack_from("<I", data, start + 4)[0]
        yield data[start : start + 4].decode("latin-1"), start + 8, size
        start += 8 + size + size % 2  # RIFF pads chunks to even lengths.


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("latin-1").strip()


def _range(generators: dict[int, int], which: int) -> tuple[int, int]:
    value = generators.get(which, 127 << 8)
    return value & 0xFF, value >> 8


def _signed(value: int) -> int:
    return value - 0x10000 if value >= 0x8000 else value


def _intersect(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int] | None:
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return (low, high) if low <= high else None
