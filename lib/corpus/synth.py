"""Play single notes of a sound font with FluidSynth's library: one note, one array, nothing in between."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lib.errors import BookError

#: Where Debian and Ubuntu put the bank of the package musescore-general-soundfont.
SOUND_FONT = Path("/usr/share/sounds/sf3/MuseScore_General_Full.sf3")

INSTALL = "sudo apt install libfluidsynth3 musescore-general-soundfont"

#: FluidSynth acts on events once per block of 64 samples.
BLOCK = 64


class Synth:
    """FluidSynth with one sound font, dry (no reverb, no chorus). Make it with `open_synth`."""

    def __init__(self, library: ctypes.CDLL, handle: ctypes.c_void_p, font: int) -> None:
        self._library, self._handle, self._font = library, handle, font

    def version(self) -> str:
        """Name the version of the library, since another one may round differently."""
        text = self._library.fluid_version_str
        text.restype = ctypes.c_char_p
        return text().decode()

    def play(self, bank: int, program: int, key: int, velocity: int, length: int) -> np.ndarray:
        """Hold one key and return the left channel, float32 `[length]` at the synthesiser's rate.

        Each note starts from silence, on a block boundary: it depends on no note before it.
        The two channels are never averaged, which would comb-filter the stereo recordings.

        Raises:
            BookError: the sound font has no such preset.
        """
        call, synth = self._library, self._handle
        if call.fluid_synth_program_select(synth, 0, self._font, bank, program) != 0:
            raise BookError(f"The sound font has no preset {bank}:{program}.")
        # A voice of FluidSynth starts with traces of what it played last (up to 1e-3 of full scale).
        # Two short rehearsals make those traces its own, so the same note is the same bytes in any order.
        for rehearsal in (True, True, False):
            call.fluid_synth_noteon(synth, 0, key, velocity)
            sound = self._render(BLOCK if rehearsal else -(-length // BLOCK) * BLOCK)
            call.fluid_synth_all_sounds_off(synth, -1)
            self._render(BLOCK)  # The voices end here, not at the call above.
        return sound[:length]

    def _render(self, length: int) -> np.ndarray:
        left, right = np.zeros((2, length), dtype=np.float32)
        pointers = [channel.ctypes.data_as(ctypes.c_void_p) for channel in (left, right)]
        self._library.fluid_synth_write_float(self._handle, length, pointers[0], 0, 1, pointers[1], 0, 1)
        return left


@contextmanager
def open_synth(sound_font: Path = SOUND_FONT, *, sample_rate: int = 44100, gain: float = 1.8) -> Iterator[Synth]:
    """Open FluidSynth with a sound font, and close it again.

    Raises:
        BookError: the library or the sound font is not installed, or the sound font cannot be loaded.
    """
    if not sound_font.exists():
        raise BookError(f"The sound font {sound_font} is not installed: {INSTALL}")
    library = _library()
    settings = ctypes.c_void_p(library.new_fluid_settings())
    library.fluid_settings_setnum(settings, b"synth.sample-rate", ctypes.c_double(sample_rate))
    library.fluid_settings_setnum(settings, b"synth.gain", ctypes.c_double(gain))
    # Dynamic loading decodes the recordings of the chosen preset only.
    for name, value in ((b"reverb.active", 0), (b"chorus.active", 0), (b"dynamic-sample-loading", 1)):
        library.fluid_settings_setint(settings, b"synth." + name, value)
    handle = ctypes.c_void_p(library.new_fluid_synth(settings))
    try:
        font = library.fluid_synth_sfload(handle, str(sound_font).encode(), 0)
        if font < 0:
            raise BookError(f"FluidSynth cannot load {sound_font}; is it a whole SF2 or SF3 file?")
        yield Synth(library, handle, font)
    finally:
        library.delete_fluid_synth(handle)
        library.delete_fluid_settings(settings)


def _library() -> Any:
    for name in ("libfluidsynth.so.3", ctypes.util.find_library("fluidsynth")):
        try:
            library = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if library is not None:
            library.new_fluid_settings.restype = library.new_fluid_synth.restype = ctypes.c_void_p
            return library
    raise BookError(f"FluidSynth's library is not installed: {INSTALL}")
