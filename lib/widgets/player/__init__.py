"""The player: one sound or several equally loud ones, switched at the same position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ipywidgets import widget_serialization
from traitlets import Bool, Float, Instance, List, Unicode

from lib.errors import BookError
from lib.widgets.base import Widget
from lib.widgets.sound import Sound, matched_gains_db, sound


class Player(Widget):
    """The widget that `player` makes; see there."""

    folder: ClassVar[str] = "player"
    sounds = List(Instance(Sound)).tag(sync=True, **widget_serialization)
    names = List(Unicode()).tag(sync=True)
    gains_db = List(Float()).tag(sync=True)
    caption = Unicode().tag(sync=True)
    loop = Bool(False).tag(sync=True)
    spectrogram = Bool(False).tag(sync=True)


def player(
    sounds: Any,
    sample_rate: int = 22050,
    *,
    caption: str = "",
    loop: bool = False,
    spectrogram: bool = False,
    match: bool = True,
) -> Player:
    """Play one sound, or several equally loud ones with instant switching at the same position.

    Keys: space plays and pauses, 1 to 9 switch, left and right seek, L loops.

    Args:
        sounds: audio `[time]`, a note or a `Sound`; a dictionary or a list of pairs name to audio; or a list of notes.
        sample_rate: in Hz, of plain audio; notes and `Sound`s bring their own.
        caption: one line above the player.
        loop: start with the loop switched on.
        spectrogram: start with the spectrogram open.
        match: make all equally loud. Switch it off only where loudness is the point.

    Raises:
        BookError: there is no sound, a sound cannot be used (`lib.widgets.sound.sound` says why), or more than nine.
    """
    named = _named(sounds)
    if not named:
        raise BookError("A player needs at least one sound; it was given none.")
    if len(named) > 9:
        raise BookError(f"A player holds at most 9 sounds (keys 1 to 9), not {len(named)}; show several players.")
    made = [sound(audio, sample_rate, label=name) for name, audio in named]
    names = [name or _own_name(audio) for name, audio in named]
    return Player(
        sounds=made,
        names=names,
        gains_db=matched_gains_db(made) if match else [0.0] * len(made),
        caption=caption,
        loop=loop,
        spectrogram=spectrogram,
        label=caption or "Player: " + ", ".join(names),
        alt=" ".join(f"{name}: {one.description}" for name, one in zip(names, made)),
    )


def _named(sounds: Any) -> list[tuple[str, Any]]:
    """Bring everything `player` takes to a list of name and audio."""
    if isinstance(sounds, Mapping):
        return [(str(name), audio) for name, audio in sounds.items()]
    if _is_one(sounds):
        return [("", sounds)]
    if not isinstance(sounds, Sequence):
        raise BookError(f"A player takes audio, a dictionary or a list, not {type(sounds).__name__}.")
    if sounds and all(isinstance(item, (int, float)) for item in sounds):
        return [("", sounds)]
    return [(str(item[0]), item[1]) if isinstance(item, (tuple, list)) else ("", item) for item in sounds]


def _own_name(audio: Any) -> str:
    """The name a note or a `Sound` brings; plain audio has none."""
    return getattr(audio, "label", "") or getattr(audio, "name", "") or "Sound"


def _is_one(sounds: Any) -> bool:
    return isinstance(sounds, Sound) or callable(getattr(sounds, "audio", None)) or hasattr(sounds, "shape")
