"""Running generated C from Python, on this machine.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
from collections.abc import Sequence
from ctypes import POINTER, c_float, c_int, c_uint32, c_void_p
from pathlib import Path

import numpy as np

from lib.deploy.csource.build import EXACT, run_compiler
from lib.deploy.csource.source import CSource
from lib.errors import BookError

_Floats = POINTER(c_float)
#: Besides the speed asked for: a shared library, and strict C99 (in which products and sums are never fused).
SHARED = ("-std=c99", "-shared", "-fPIC")


def compile_shared(source: CSource, cc: str = "gcc", flags: Sequence[str] = EXACT) -> Library:
    """Compile for this machine and open.

    Args:
        cc: the compiler; flags: more of its options; see `build.EXACT` and `build.FAST`.

    Returns:
        a `DDSPLibrary`, `WaveNetLibrary` or `SpaceLibrary`.

    Raises:
        BookError: there is no such compiler, or it complains.
    """
    if shutil.which(cc) is None:
        raise BookError(f"There is no C compiler {cc!r} here. On Debian: apt install gcc libc6-dev.")
    told = " ".join([cc, *SHARED, *flags]).encode() + b"".join(file.read_bytes() for file in source.files)
    # A library is never opened again under the same name, so changed code needs a changed name.
    target = source.folder / f"lib{source.name}-{hashlib.sha256(told).hexdigest()[:12]}.so"
    if not target.exists():
        scratch = target.with_suffix(".tmp")
        run_compiler([cc, *SHARED, *flags, str(source.code), "-o", str(scratch), "-lm"])
        scratch.replace(target)
    return {"ddsp": DDSPLibrary, "wavenet": WaveNetLibrary, "space": SpaceLibrary}[source.kind](source, target)


class Library:
    """Generated C, opened. `source` says what it is; `path` is the shared library."""

    def __init__(self, source: CSource, path: Path) -> None:
        self.source, self.path = source, path
        self._library = ctypes.CDLL(str(path))

    def _function(self, name: str, result: object, *arguments: object):
        found = getattr(self._library, f"{self.source.name}_{name}")
        found.restype, found.argtypes = result, arguments
        return found


class _Playing(Library):
    # A library with a state: kept here as bytes, made new by `reset`.
    def __init__(self, source: CSource, path: Path) -> None:
        super().__init__(source, path)
        self.state_bytes: int = self._function("state_bytes", c_uint32)()
        self._state = ctypes.create_string_buffer(self.state_bytes + 8)
        self._init = self._function("init", None, c_void_p)
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._init(self._state)


class DDSPLibrary(_Playing):
    """A DDSP decoder in C. All arrays are float32; every call begins anew unless `go_on`."""

    def __init__(self, source: CSource, path: Path) -> None:
        super().__init__(source, path)
        self._frame = self._function("frame", None, c_void_p, c_float, c_float, _Floats, _Floats, _Floats)
        self._finish = self._function("finish", None, c_void_p, _Floats)
        self._network = self._function("network", c_int, c_void_p, c_float, c_float, _Floats, _Floats, _Floats)
        self._noise = self._function("noise", None, POINTER(c_uint32), _Floats)

    def network(self, f0_hz: np.ndarray, loudness_db: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the synthesiser is told: partials [frames, n_partials] and noise gains [frames, n_bands]."""
        f0_hz, loudness_db, z = self._controls(f0_hz, loudness_db, z)
        facts = self.source.facts
        partials = np.zeros((len(f0_hz), facts["n_partials"]), np.float32)
        bands = np.zeros((len(f0_hz), facts["n_bands"]), np.float32)
        self.reset()
        for k in range(len(f0_hz)):
            self._network(self._state, f0_hz[k], loudness_db[k], _at(z[k]), _at(partials[k]), _at(bands[k]))
        return partials, bands

    def play(self, f0_hz: np.ndarray, loudness_db: np.ndarray, z: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Sound [frames * hop] as the model's `render` makes it; noise [frames, hop] in [-1, 1].

        The code's delay of one frame is taken off: the first, silent frame is dropped, the last one finished.
        """
        f0_hz, loudness_db, z = self._controls(f0_hz, loudness_db, z)
        noise = _floats(noise)
        hop = self.source.facts["hop"]
        if noise.shape != (len(f0_hz), hop):
            raise BookError(f"Noise must have one row of {hop} numbers per frame; got {noise.shape}.")
        heard = np.zeros((len(f0_hz) + 1, hop), np.float32)
        self.reset()
        for k in range(len(f0_hz)):
            self._frame(self._state, f0_hz[k], loudness_db[k], _at(z[k]), _at(noise[k]), _at(heard[k]))
        self._finish(self._state, _at(heard[-1]))
        return heard[1:].reshape(-1)

    def noise(self, n_frames: int, seed: int = 1) -> np.ndarray:
        """Noise [n_frames, hop] of the code's own generator.

        Raises:
            BookError: the seed is 0, from which nothing follows.
        """
        if not 0 < seed < 2**32:
            raise BookError(f"The seed of the noise must be 1 to 2**32 - 1, not {seed}.")
        made = np.zeros((n_frames, self.source.facts["hop"]), np.float32)
        kept = c_uint32(seed)
        for row in made:
            self._noise(ctypes.byref(kept), _at(row))
        return made

    def _controls(self, f0_hz: np.ndarray, loudness_db: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
        f0_hz, loudness_db, z = _floats(f0_hz), _floats(loudness_db), _floats(z)
        n_latent = self.source.facts["n_latent"]
        if f0_hz.ndim != 1 or f0_hz.shape != loudness_db.shape or z.shape != (len(f0_hz), n_latent):
            raise BookError(
                f"Give f0_hz and loudness_db [frames] and z [frames, {n_latent}]; "
                f"got {f0_hz.shape}, {loudness_db.shape} and {z.shape}."
            )
        return f0_hz, loudness_db, z


class WaveNetLibrary(_Playing):
    """An incremental WaveNet in C. Every call begins with a silence that has lasted for ever."""

    def __init__(self, source: CSource, path: Path) -> None:
        super().__init__(source, path)
        self._mel = self._function("mel", None, c_void_p, _Floats)
        self._wants_mel = self._function("wants_mel", c_int, c_void_p)
        self._step = self._function("step", None, c_void_p, _Floats)
        self._choose = self._function("choose", c_int, _Floats, c_float)
        self._take = self._function("take", None, c_void_p, c_int)
        self._play = self._function("play", None, c_void_p, _Floats, c_int, _Floats, c_int, _Floats)
        self._decode = self._function("decode", c_float, c_int)
        self._encode = self._function("encode", c_int, c_float)

    def logits(self, classes: np.ndarray, mel: np.ndarray) -> np.ndarray:
        """Scores [time, n_classes] of every class for each sample, all samples before it known.

        Args:
            classes: [time] whole numbers; mel: [n_mels, frames] as the model makes it.
        """
        frames = self._frames(mel)
        scores = np.zeros((len(classes), self.source.facts["n_classes"]), np.float32)
        self.reset()
        for t, chosen in enumerate(np.asarray(classes).tolist()):
            if self._wants_mel(self._state):
                self._mel(self._state, _at(frames[min(max(t - 1, 0) // self.source.facts["mel_hop"], len(frames) - 1)]))
            self._step(self._state, _at(scores[t]))
            self._take(self._state, chosen)
        return scores

    def play(self, mel: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Sound [time], each sample drawn with one of the numbers uniform [time] in [0, 1); mel [n_mels, frames]."""
        frames, uniform = self._frames(mel), _floats(uniform)
        audio = np.zeros(len(uniform), np.float32)
        self.reset()
        self._play(self._state, _at(frames), len(frames), _at(uniform), len(uniform), _at(audio))
        return audio

    def choose(self, logits: np.ndarray, uniform: float) -> int:
        """The class that a number in [0, 1) draws from scores [n_classes]."""
        return self._choose(_at(_floats(logits)), uniform)

    def decode(self, chosen: int) -> float:
        """The amplitude of a class."""
        return self._decode(chosen)

    def encode(self, amplitude: float) -> int:
        """The class of an amplitude."""
        return self._encode(amplitude)

    def _frames(self, mel: np.ndarray) -> np.ndarray:
        if np.ndim(mel) != 2 or len(mel) != self.source.facts["n_mels"] or np.shape(mel)[1] < 1:
            raise BookError(f"Give mel [{self.source.facts['n_mels']}, frames]; got {np.shape(mel)}.")
        return _floats(np.asarray(mel).T)


class SpaceLibrary(Library):
    """The decoder of a timbre space in C."""

    def __init__(self, source: CSource, path: Path) -> None:
        super().__init__(source, path)
        self._decode = self._function("decode", None, _Floats, c_float, _Floats)
        self._network = self._function("network", None, _Floats, c_float, _Floats)
        found = (c_float * source.facts["n_bins"]).in_dll(self._library, f"{source.name}_frequencies_hz")
        self.frequencies_hz = np.array(found, dtype=np.float32)

    def decode(self, z: np.ndarray, midi: np.ndarray | float) -> np.ndarray:
        """Magnitudes [points, n_bins] of points z [points, dims] at pitches midi [points] or one for all."""
        return self._each(self._decode, z, midi)

    def network(self, z: np.ndarray, midi: np.ndarray | float) -> np.ndarray:
        """What the network says before compression and standardising are undone: [points, n_bins]."""
        return self._each(self._network, z, midi)

    def _each(self, function, z: np.ndarray, midi: np.ndarray | float) -> np.ndarray:
        z = _floats(z)
        if z.ndim != 2 or z.shape[1] != self.source.facts["n_dims"]:
            raise BookError(f"Give points z [points, {self.source.facts['n_dims']}]; got {z.shape}.")
        pitches = np.broadcast_to(np.asarray(midi, dtype=np.float32), (len(z),))
        found = np.zeros((len(z), self.source.facts["n_bins"]), np.float32)
        for point, pitch, row in zip(z, pitches.tolist(), found):
            function(_at(point), pitch, _at(row))
        return found


def _floats(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32)


def _at(row: np.ndarray):
    return row.ctypes.data_as(_Floats)
