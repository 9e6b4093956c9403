"""Blind listening tests: ABX (can you hear a difference?) and a MUSHRA-like rating (how large is it?)."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import soundfile
from ipywidgets import widget_serialization
from scipy import signal
from traitlets import Float, Instance, Int, List, Unicode

from lib.errors import BookError
from lib.widgets.base import Widget
from lib.widgets.sound import Sound, checked, matched_gains_db, sound

#: The low anchor of a MUSHRA test keeps what lies below this frequency.
ANCHOR_HZ = 3500.0
ANCHOR = "Low-pass at 3.5 kHz"

#: A hidden reference rated below this shows that a listener could not tell, or did not try.
SCREEN = 90

_LEAST_TRIALS = 5  # with four, even four right answers come about by chance once in sixteen


class Listen(Widget):
    """The widget that `listen` makes; see there."""

    folder: ClassVar[str] = "listen"
    mode = Unicode().tag(sync=True)
    sounds = List(Instance(Sound)).tag(sync=True, **widget_serialization)
    names = List(Unicode()).tag(sync=True)
    gains_db = List(Float()).tag(sync=True)
    caption = Unicode().tag(sync=True)
    trials = Int(12).tag(sync=True)
    anchor = Int(-1).tag(sync=True)  # position of the anchor; the reference is at 0
    screen = Int(SCREEN).tag(sync=True)
    seed = Int(None, allow_none=True).tag(sync=True)
    key = Unicode().tag(sync=True)


def listen(
    sounds: Mapping[str, Any],
    mode: str = "abx",
    *,
    sample_rate: int = 22050,
    trials: int = 12,
    anchor: bool = True,
    caption: str = "",
    seed: int | None = None,
) -> Listen:
    """Test blind whether sounds differ to the reader's ears, or by how much.

    `mode="abx"`: two sounds, A and B in random roles; in each trial X is one of them by a fair coin. Results
    stay hidden to the end; then the share of right answers and the chance that a guesser does as well: the exact
    one-sided binomial p-value. `mode="mushra"`: the first sound is the reference; it is hidden among the others
    and, with a low anchor, each is rated from 0 to 100. A hidden reference rated below 90 is flagged, as ITU-R
    BS.1534 asks. One listener on one item is an exercise, not the published protocol with its panels and
    statistics. All sounds are equally loud.

    Args:
        sounds: name to audio, note or `Sound`; two for ABX, two to eight for MUSHRA with the reference first.
        mode: "abx" or "mushra".
        sample_rate: in Hz, of plain audio.
        trials: of ABX, 5 to 40.
        anchor: for MUSHRA, add the reference low-passed at 3.5 kHz.
        caption: one line above the test.
        seed: of the order; drawn anew for each session if left out, and written into the exported file either way.

    Raises:
        BookError: the mode does not exist, or there are too few or too many sounds or trials.

    Source: binomial test of ABX; anchor, hidden reference and screening as in @itu1534.
    Chapter: *Magnitudes only: getting the phase back*, *How small?*
    """
    if mode not in ("abx", "mushra"):
        raise BookError(f"No listening test {mode!r}; there are 'abx' and 'mushra'.")
    if not isinstance(sounds, Mapping):
        raise BookError("A listening test needs a dictionary of names and sounds.")
    if mode == "abx" and len(sounds) != 2:
        raise BookError(f"ABX compares 2 sounds, not {len(sounds)}. For more, use mode='mushra' or several tests.")
    if mode == "mushra" and not 2 <= len(sounds) <= 8:
        raise BookError(f"MUSHRA takes 2 to 8 sounds, the reference first, not {len(sounds)}.")
    if not _LEAST_TRIALS <= trials <= 40:
        raise BookError(
            f"{trials} trials: take 5 to 40. With fewer than 5, even all right happens by chance too often (1 in 16)."
        )
    names = [str(name) for name in sounds]
    made = [sound(audio, sample_rate, label=name) for name, audio in zip(names, sounds.values())]
    position = -1
    if mode == "mushra" and anchor:
        reference = next(iter(sounds.values()))
        position = len(made)
        names.append(ANCHOR)
        made.append(sound(low_pass(*_samples(reference, sample_rate)), _rate(reference, sample_rate), label=ANCHOR))
    text = "|".join([mode, caption, *names])
    kind = "Blind comparison (ABX)" if mode == "abx" else "Blind rating (MUSHRA)"
    return Listen(
        mode=mode,
        sounds=made,
        names=names,
        gains_db=matched_gains_db(made),
        caption=caption,
        trials=trials,
        anchor=position,
        seed=seed,
        key=hashlib.sha256(text.encode()).hexdigest()[:16],
        label=f"{kind}: {caption}" if caption else kind,
        alt=f"A blind listening test of {len(made)} sounds. Which is which is told at the end.",
    )


def low_pass(audio: np.ndarray, sample_rate: int, cutoff_hz: float = ANCHOR_HZ) -> np.ndarray:
    """Make the low anchor: keep what lies below `cutoff_hz`, with linear phase and no delay.

    >>> t = np.arange(22050) / 22050
    >>> float(np.abs(low_pass(np.sin(2 * np.pi * 8000 * t), 22050)[2000:-2000]).max()) < 1e-3
    True
    """
    taps = signal.firwin(255, cutoff_hz, window=("kaiser", 8.0), fs=sample_rate)
    return signal.convolve(np.asarray(audio, dtype=np.float64), taps, mode="same")


def _samples(item: Any, sample_rate: int) -> tuple[np.ndarray, int]:
    if isinstance(item, Sound):
        return soundfile.read(io.BytesIO(item.data))
    audio = item.audio() if callable(getattr(item, "audio", None)) else item
    return checked(audio), _rate(item, sample_rate)


def _rate(item: Any, sample_rate: int) -> int:
    return int(getattr(item, "sample_rate", 22050 if callable(getattr(item, "audio", None)) else sample_rate))
