"""What emulated chips play: the same melody from the whole and the thinned model, in both precisions.

The sounds were rendered by `python -m lib.deploy.emulate sounds`; an emulator computes the samples that a chip would,
and says nothing about how long a chip would take.

Chapters: *Bounds for Raspberry Pi and Arduino*, *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib import results
from lib.deploy.emulate.sounds import FACTS, recorded
from lib.errors import BookError
from lib.models.base import MODEL_RATE
from lib.widgets.sound import Sound, sound

if TYPE_CHECKING:
    from lib.widgets.listen import Listen


def facts(folder: Path | None = None) -> list[dict[str, Any]]:
    """Read what is known of each sound: removed, precision, processors, instructions, difference from torch.

    Raises:
        BookError: nothing has been rendered.
    """
    return results.read_result((folder or results.RESULTS) / FACTS)["results"]["sounds"]


def title(fact: dict[str, Any]) -> str:
    """Name a sound by what made it.

    >>> title({"round": 8, "removed": 0.942, "precision": "int8"})
    '94 % removed, int8'
    """
    share = "whole model" if not fact["round"] else f"{100 * fact['removed']:.0f} % removed"
    return f"{share}, {fact['precision']}"


def sounds(folder: Path | None = None) -> dict[str, Sound]:
    """Open all sounds, by `title`, thickest first."""
    found = {}
    for fact, samples in sorted(recorded(folder), key=lambda one: (one[0]["round"], one[0]["precision"])):
        about = f"A melody of seven notes from A4 up to E5 and back; {title(fact)}."
        found[title(fact)] = sound(samples, MODEL_RATE, label=title(fact), description=about)
    return found


def listening_test(trials: int = 12, folder: Path | None = None) -> Listen:
    """Compare blind: can the thinned model in 8 bits be told from the whole one in 32?

    Raises:
        BookError: one of the two has not been rendered.
    """
    from lib.widgets.listen import listen

    everything = sounds(folder)
    whole = [name for name in everything if name.startswith("whole") and name.endswith("float32")]
    thin = [name for name in everything if not name.startswith("whole") and name.endswith("int8")]
    if not whole or not thin:
        raise BookError("Render the chip's sounds first: python -m lib.deploy.emulate sounds.")
    pair = {name: everything[name] for name in (whole[0], thin[-1])}
    return listen(pair, "abx", trials=trials, caption="The sound of the chip: is X the first or the second?")
