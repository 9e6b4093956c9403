"""Ways to remove more for the same error, beside the book's own chain. Chapter: *How small?*.

Nothing here knows which runs exist: a way that was not run is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any

from lib.experiments.diet_tables import read_at
from lib.figures.sweep_rows import BARS, MODELS, TITLES, chain, curve, held, read

#: Way -> condition of a model. The first is the chain of the book; each of the others changes one thing or two.
WAYS = {
    "local, information": "{}-trim-local-information-rewind",
    "priced, Taylor": "{}-trim-priced-taylor-rewind",
    "wide: local, information": "wide-{}-trim-local-information-rewind",
    "wide: priced, Taylor": "wide-{}-trim-priced-taylor-rewind",
}
#: The same in long rounds.
LONG_WAYS = {
    "long: local, information": "long-{}-trim-local-information-rewind",
    "long: priced, Taylor": "long-{}-trim-priced-taylor-rewind",
}
#: Never going back. Its rounds add up, so it is held against a dense network trained as long in all.
KEEP = "keep: local, information, over dense trained as long"


def measured(found: Mapping[str, Any], ways: Mapping[str, str], model: str) -> dict[str, str]:
    """Name the ways that were run for a model: way -> condition."""
    return {way: name.format(model) for way, name in ways.items() if name.format(model) in found}


def panels(found: Mapping[str, Any]) -> dict[str, dict[str, list[tuple[float, float, float, float]]]]:
    """List what `lib.figures.sweep.curves` draws: model -> way -> points, models with one way only left out."""
    drawn = {}
    for model in MODELS:
        ways = measured(found, WAYS, model)
        if len(ways) > 1:
            drawn[TITLES[model]] = {way: curve(found[condition]) for way, condition in ways.items()}
    return drawn


def ceiling(found: Mapping[str, Any], model: str) -> float:
    """Give the highest multiplier of all short chains of a model: about what a network costs that does nothing."""
    conditions = [
        one for name, one in found.items() if one["model"] == model and not name.startswith(("long-", "wide-"))
    ]
    return max(row["test"]["max"] for one in conditions for row in one["rounds"] if "test" in row)


def lacking(found: Mapping[str, Any]) -> str:
    """List the ways of the picture that were not run, model by model; empty if none is missing."""
    gone = {model: [way for way in WAYS if way not in measured(found, WAYS, model)] for model in MODELS}
    return "; ".join(f"{TITLES[model]} ({', '.join(ways)})" for model, ways in gone.items() if ways)


def chosen(found: Mapping[str, Any], model: str, removed: float) -> tuple[str, dict[str, Any]] | None:
    """Choose the way with the least validation error at a share removed, over its own round 0; read it on test."""
    known = {}
    for way, condition in measured(found, WAYS | LONG_WAYS, model).items():
        valid, test = (read(found, condition, removed, key) for key in ("valid", "test"))
        if valid and test:
            known[way] = valid["median"], test
    if not known:
        return None
    best = min(known, key=lambda way: known[way][0])
    return best, known[best][1]


def rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Hold every way that was run against the bars: model, way, one cell a bar; then the way chosen by validation.

    What is chosen is chosen among multipliers over the own round 0, so not `KEEP`.
    """
    listed = []
    for model in MODELS:
        for way, condition in measured(found, WAYS | LONG_WAYS, model).items():
            listed.append([TITLES[model], way, *(_held(read(found, condition, share), share) for share in BARS)])
        keep = f"{model}-trim-local-information-keep"
        if keep in found:
            cells = [_held(read(found, keep, share, "against_dense"), share) for share in BARS]
            listed.append([TITLES[model], KEEP, *cells])
        picked = {share: chosen(found, model, share) for share in BARS}
        cells = [f"{_held(best[1], share)}<br>{best[0]}" if best else "–" for share, best in picked.items()]
        listed.append([f"<b>{TITLES[model]}</b>", "<b>chosen by validation</b>", *cells])
    return listed


def error_at_size(rounds: Sequence[Mapping[str, Any]], n_parameters: float) -> float | None:
    """Read the test error of a chain at a number of weights left, by a straight line over their logarithm.

    >>> chain = [{"n_parameters": 1000, "test": 1.0}, {"n_parameters": 10, "test": 3.0}]
    >>> error_at_size(chain, 100), error_at_size(chain, 5)
    (2.0, None)
    """
    # What is removed, as a logarithm.
    points = [{"removed": -log10(one["n_parameters"]), "test": one["test"]} for one in rounds if "test" in one]
    return read_at(points, -log10(n_parameters))


def same_size(left: float = 0.1) -> str:
    """Compare a wide start with a narrow one where both have equally many weights left: `left` of the narrow one's."""
    said = []
    for model in MODELS:
        narrow, wide = (chain(f"{start}{model}-trim-local-information-rewind-s0") for start in ("", "wide-"))
        if narrow and wide:
            size = left * narrow[0]["n_parameters"]
            errors = [error_at_size(rounds, size) for rounds in (narrow, wide)]
            if None not in errors:
                said.append(
                    f"{TITLES[model]} with {size:,.0f} weights {errors[0]:.2f}, from the wide start {errors[1]:.2f}"
                )
    return "; ".join(said)


def _held(value: Mapping[str, Any] | None, share: float) -> str:
    return "–" if value is None else held(value, BARS[share])


def summary(found: Mapping[str, Any]) -> str:
    """Say bar by bar which models reach it in the way that validation chooses."""
    said = []
    for share, limit in BARS.items():
        known = {model: best for model in MODELS if (best := chosen(found, model, share))}
        met = [TITLES[m] for m, (_, value) in known.items() if value["median"] <= limit]
        others = [f"{TITLES[m]} {value['median']:.2f}" for m, (_, value) in known.items() if value["median"] > limit]
        text = f"**{100 * share:.0f} % removed, at most +{100 * (limit - 1):.0f} %:** {', '.join(met) or 'no model'}"
        said.append(text + (f"; not {', '.join(others)}" if others else "") + ".")
    return "\n\n".join(said)
