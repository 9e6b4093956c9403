"""What the kept models of the diet sound like: the same held-out notes at every operating point.

In a chapter, two lines:

    from lib.experiments import diet_sounds
    diet_sounds.listening_test("ddsp")       # or, with everything in sight: player(diet_sounds.sounds("ddsp"))

`python -m lib.experiments.diet_sounds` renders what is missing or out of date (`--run NAME`: one run only), see
`lib.experiments.diet_render`. Sounds are in `assets/results/diet/sounds/` (FLAC, 16 kHz, 16 bit, all equally loud),
what is known about them in `assets/results/diet/sounds.json`.

Chapter: *How small?*.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from lib import results
from lib.errors import BookError
from lib.widgets.sound import Sound, sound

if TYPE_CHECKING:
    from lib.widgets.listen import Listen

#: Shares of the weights removed that are heard; a run has a round near each, whose own share is always said.
SHARES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
ORIGINAL = "Original"


def path_of(folder: Path | None = None) -> Path:
    """Where the facts about the sounds are."""
    return (folder or results.RESULTS) / "diet" / "sounds.json"


def folder_of(folder: Path | None = None) -> Path:
    """Where the sounds are."""
    return (folder or results.RESULTS) / "diet" / "sounds"


def facts(folder: Path | None = None) -> dict[str, Any]:
    """Read what is known about the sounds: `clips`, and `runs` by name; both are empty before the first rendering."""
    if not path_of(folder).exists():
        return {"clips": [], "runs": {}}
    return results.read_result(path_of(folder))["results"]


def heard_run(model: str, folder: Path | None = None) -> str | None:
    """Name the run of a model to listen to: one trained long before one trained short; None if there is no sound."""
    runs = facts(folder)["runs"]
    own = [name for name, run in runs.items() if run["model"] == model]
    return min(own, key=lambda name: (-runs[name]["steps"], name), default=None)


def points(run: str, folder: Path | None = None) -> list[dict[str, Any]]:
    """List the operating points of a run that can be heard, thickest first: round, removed, n_parameters, distances.

    Args:
        run: name of a run, or of a model: then `heard_run` chooses.

    Raises:
        BookError: there is no sound of it.
    """
    return facts(folder)["runs"][_name(run, folder)]["points"]


def sounds(
    run: str, clip: str = "oboe", shares: Sequence[float] = SHARES, *, folder: Path | None = None
) -> dict[str, Sound]:
    """Load one note as played by a run's operating points, for `player` or `listen`: name -> `Sound`, original first.

    Args:
        run: name of a run, or of a model: then `heard_run` chooses.
        clip: "oboe", "trumpet-c", "violoncello" or "piano".
        shares: of the weights removed, out of `SHARES`; each stands for the round nearest to it, whose actual share
            is in the name. Two shares that one round stands for give one sound, a share beyond the end of the chain
            gives none.

    Raises:
        BookError: there is no such run, clip or share, or the chain reaches none of the shares.
    """
    known, name = facts(folder), _name(run, folder)
    about = next((one for one in known["clips"] if one["key"] == clip), None)
    if about is None:
        raise BookError(f"No clip {clip!r}: there are {', '.join(one['key'] for one in known['clips'])}.")
    if strange := sorted(set(shares) - set(SHARES)):
        raise BookError(f"No sound is kept at {strange}: choose out of {', '.join(f'{one:g}' for one in SHARES)}.")
    found = {ORIGINAL: load(about, f"{about['name']}, recording", folder)}
    for point in known["runs"][name]["points"]:
        if set(point["stands_for"]) & set(shares):
            label = point_name(point["removed"])
            found[label] = load(point["sounds"][clip], f"{about['name']}, {label}", folder)
    if len(found) == 1:
        last = max(point["removed"] for point in known["runs"][name]["points"])
        raise BookError(f"{name} ends at {100 * last:.1f} % removed; ask for smaller shares.")
    return found


def point_name(removed: float) -> str:
    """Name an operating point by its actual share.

    >>> point_name(0.0), point_name(0.9164)
    ('Full model', '91.6 % removed')
    """
    return f"{100 * removed:.1f} % removed" if removed else "Full model"


def load(about: dict[str, Any], label: str, folder: Path | None = None) -> Sound:
    """Load one sound that `sounds.json` tells of.

    Raises:
        BookError: its file is missing or damaged.
    """
    path = folder_of(folder) / about["file"]
    try:
        audio, sample_rate = soundfile.read(path, dtype="float32")
    except (OSError, soundfile.LibsndfileError) as error:
        raise BookError(
            f"{about['file']} is missing or damaged; python -m lib.experiments.diet_sounds makes it again."
        ) from error
    return sound(np.asarray(audio), sample_rate, label=label, description=about["description"])


def listening_test(
    run: str,
    mode: str = "mushra",
    clip: str = "oboe",
    shares: Sequence[float] | None = None,
    *,
    trials: int = 12,
    folder: Path | None = None,
) -> Listen:
    """Compare operating points of a run blind, with `lib.widgets.listen`.

    Args:
        run: name of a run, or of a model: then `heard_run` chooses.
        mode: "mushra": rate points against the recording; "abx": can the full model be told from one point?
        clip: the note to hear.
        shares: out of `SHARES`; by default 0, 80, 95 and 99 % for "mushra", 90 % for "abx".
        trials: of "abx".

    Raises:
        BookError: there is no such run, clip, share or mode, or "abx" is asked for more than one share.
    """
    from lib.widgets.listen import listen

    name = _name(run, folder)
    model = facts(folder)["runs"][name]["model"].upper().replace("WAVENET", "WaveNet")
    if mode == "abx":
        wanted = tuple(shares or (0.9,))
        if len(wanted) != 1 or wanted[0] == 0:
            raise BookError("ABX compares the full model with one point: give one share above 0, such as (0.9,).")
        chosen = sounds(name, clip, (0.0,), folder=folder) | sounds(name, clip, wanted, folder=folder)
        del chosen[ORIGINAL]
        caption = f"{model}: can you tell the full model from one with {list(chosen)[-1]}?"
    else:
        chosen = sounds(name, clip, tuple(shares or (0.0, 0.8, 0.95, 0.99)), folder=folder)
        caption = f"{model} on a diet: rate against the recording"
    return listen(chosen, mode, trials=trials, caption=caption)


def _name(run: str, folder: Path | None) -> str:
    runs = facts(folder)["runs"]
    name = run if run in runs else heard_run(run, folder)
    if name is None:
        have = ", ".join(runs) or "none yet"
        raise BookError(f"No sounds of {run}; there are {have}. python -m lib.experiments.diet_sounds renders them.")
    return name


def main(arguments: list[str] | None = None) -> int:
    """Run the command line of the renderer."""
    from lib.experiments import diet_render

    return diet_render.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
