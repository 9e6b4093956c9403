"""Three generative models of sound, each small enough to read: WaveNet, SING and DDSP.

Every model is an `AudioModel`: a frozen configuration, the widths of its groups of units, a `layout` that says which
numbers belong to which unit, one `loss`, and `controls` -> `generate`. `make("ddsp", "book")` builds one.

Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from typing import Any

from lib.errors import BookError
from lib.models.base import AudioModel, Batch
from lib.models.ddsp import DDSP
from lib.models.sing import SING
from lib.models.wavenet import WaveNet

MODELS: dict[str, type[AudioModel]] = {"wavenet": WaveNet, "sing": SING, "ddsp": DDSP}

__all__ = ["DDSP", "MODELS", "SING", "AudioModel", "Batch", "WaveNet", "make"]


def make(name: str, preset: str = "book", **changes: Any) -> AudioModel:
    """Build a model with fresh weights from torch's random state.

    Args:
        name: "wavenet", "sing" or "ddsp".
        preset: "text" and "code" (the two published configurations), "book" (trains in minutes), "wide" (four to
            six times as many weights as "book": is a thick network easier to thin?), "toy" (for tests).
        changes: fields of the configuration to replace.

    Raises:
        BookError: there is no such model, preset or field.

    >>> make("sing", "toy").widths
    {'e1': 6, 'e2': 6, 'e3': 6, 'd1': 6, 'd2': 6, 'd3': 6}
    """
    if name not in MODELS:
        raise BookError(f"No model {name!r}: choose one of {', '.join(MODELS)}.")
    return MODELS[name].from_preset(preset, **changes)
