"""What the tables of one chapter say, row by row, read from results alone. Chapter: *How small?*.

Nothing here knows which runs exist: what is missing reads "not measured yet".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lib import results
from lib.errors import BookError
from lib.experiments import diet
from lib.experiments.diet_tables import FEWEST_SEEDS, multipliers, read_at, spread
from lib.pruning.criteria import CRITERIA

MODELS = ("ddsp", "sing", "wavenet")
TITLES = {"ddsp": "DDSP", "sing": "SING", "wavenet": "WaveNet"}
#: The bars of the book: share of the weights removed -> the most that the error may have grown by.
BARS = {0.9: 1.03, 0.95: 1.05, 0.99: 1.20}
NOT_YET = "not measured yet"
#: A curve that ends this near to a share is read at its end, as in `read_at`.
END = 0.002
Spread = Mapping[str, float]


def conditions() -> dict[str, Any]:
    """Read the curves: condition -> rounds, values at fixed shares, seeds."""
    return results.read_result("diet/curves.json")["results"]["conditions"]


def chain(name: str) -> list[dict[str, Any]] | None:
    """Read the rounds of one run that ended well or badly; None if it has not been run."""
    record = _run(name)
    return None if record is None or "rounds" not in record else record["rounds"]


def longer(model: str, seed: int = 0) -> dict[str, Any] | None:
    """Read the dense network that was trained several times as long as a long round; None if there is none."""
    return _run(f"longer-{model}-dense-s{seed}")


def curve(condition: Mapping[str, Any], key: str = "test") -> list[tuple[float, float, float, float]]:
    """List a condition's points: share removed, median, least and greatest multiplier."""
    rows = [row for row in condition["rounds"] if key in row]
    return [(row["removed"]["median"], row[key]["median"], row[key]["min"], row[key]["max"]) for row in rows]


def read(found: Mapping[str, Any], condition: str, removed: float, key: str = "test") -> dict[str, Any] | None:
    """Read a condition at a share removed: median, min, max, n; None if it was not measured there."""
    return found.get(condition, {}).get("read_at", {}).get(f"{removed:g}", {}).get(key)


def against_longer(model: str, removed: float, criterion: str = "information") -> dict[str, Any] | None:
    """Read the long chains at a share removed, over the error of the dense network trained longer still."""
    values = []
    for seed in diet.SEEDS:
        rounds = chain(f"long-{model}-trim-local-{criterion}-rewind-s{seed}")
        dense = longer(model, seed)
        if rounds and dense and (value := read_at(multipliers(rounds), removed)) is not None:
            values.append(value * rounds[0]["test"] / dense["test"])
    return spread(values) if values else None


def cell(value: Spread | None, digits: int = 2) -> str:
    """Write a value with its range and its number of seeds.

    >>> cell({"median": 1.064, "min": 1.05, "max": 1.09, "n": 3})
    '1.06 (1.05–1.09), n = 3'
    >>> cell({"median": 1.064, "min": 1.064, "max": 1.064, "n": 1}), cell(None)
    ('1.06, n = 1', 'not measured yet')
    """
    if value is None:
        return NOT_YET
    middle, low, high = (f"{value[key]:.{digits}f}" for key in ("median", "min", "max"))
    return f"{middle} ({low}–{high}), n = {value['n']}" if value["n"] > 1 else f"{middle}, n = 1"


def held(value: Spread, limit: float) -> str:
    """Write a value, and whether its median is within a limit.

    >>> held({"median": 1.064, "min": 1.064, "max": 1.064, "n": 1}, 1.05)
    '1.06, n = 1: not reached'
    """
    return f"{cell(value)}: {'reached' if value['median'] <= limit else 'not reached'}"


def references(model: str) -> dict[str, tuple[str, str]]:
    """Name the comparisons of a model: title -> (condition, key); the key "longer" stands for `against_longer`."""
    short, long = (f"{start}{model}-trim-local-information-rewind" for start in ("", "long-"))
    return {
        "short rounds, own round 0": (short, "test"),
        "short rounds, dense trained as long in all": (short, "against_dense"),
        "long rounds, own round 0": (long, "test"),
        f"long rounds, dense trained {diet.LONGER} × as long": (long, "longer"),
    }


def value_of(found: Mapping[str, Any], model: str, condition: str, key: str, removed: float) -> dict[str, Any] | None:
    """Read one comparison of `references` at a share removed."""
    return against_longer(model, removed) if key == "longer" else read(found, condition, removed, key)


def bar_rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Hold every comparison of every model against the bars: model, comparison, one cell a bar."""
    rows = []
    for model in MODELS:
        for title, (condition, key) in references(model).items():
            cells = []
            for removed, limit in BARS.items():
                value = value_of(found, model, condition, key, removed)
                cells.append(held(value, limit) if value is not None else _why_missing(found, condition, removed))
            rows.append([TITLES[model], title, *cells])
    return rows


def short_and_long(found: Mapping[str, Any], removed: float) -> str:
    """Say what longer rounds do to the multiplier at a share, model by model; empty where one of the two is missing."""
    texts = []
    for model in MODELS:
        short, long = (read(found, f"{start}{model}-trim-local-information-rewind", removed) for start in ("", "long-"))
        if short and long:
            texts.append(f"{TITLES[model]} {short['median']:.2f} → {long['median']:.2f}")
    return ", ".join(texts)


def reached(found: Mapping[str, Any], removed: float, title_start: str) -> tuple[list[str], list[str]]:
    """List the models that meet the bar at a share, and those that were measured, for one kind of comparison."""
    met, seen = [], []
    for model in MODELS:
        for title, (condition, key) in references(model).items():
            if title.startswith(title_start):
                value = value_of(found, model, condition, key, removed)
                if value is not None:
                    seen.append(TITLES[model])
                    met += [TITLES[model]] if value["median"] <= BARS[removed] else []
    return met, seen


def furthest(found: Mapping[str, Any], condition: str) -> float | None:
    """Give the largest share that a condition reached before its groups were at their floor."""
    rounds = found.get(condition, {}).get("rounds", [])
    return max((row["removed"]["median"] for row in rounds), default=None)


def removable(claim: Mapping[str, Any]) -> tuple[str, str]:
    """Say what masking truly frees, condition by condition, and whether the claim holds there."""
    ends = claim.get("removable", {})
    if not ends:
        return NOT_YET, "not measured"
    texts = [
        f"{name.replace('-magnitude-rewind', '')}: {100 * one['removed']['median']:.1f} % masked, "
        f"{_percent(one['truly_removable'])} removable (n = {one['truly_removable']['n']})"
        for name, one in ends.items()
    ]
    freed = [one["truly_removable"]["median"] for one in ends.values()]
    low, high = (f"{100 * f(freed):.0f}" for f in (min, max))
    span = f"{low} %" if low == high else f"{low} to {high} %"
    word = (
        "holds" if max(freed) < 0.5 else "does not hold in layers as narrow as these" if min(freed) > 0.5 else "depends"
    )
    return "; ".join(texts), f"{word}: {span} of the weights could go"


def _percent(value: Spread) -> str:
    low, high = 100 * value["min"], 100 * value["max"]
    return f"{low:.0f} %" if round(low) == round(high) else f"{low:.0f}–{high:.0f} %"


#: The most that the multiplier may be for a claim of the paper to hold.
CLAIMED = {
    "smaller is more accurate": (0.8, 1.0),
    "95 % of weights go without loss": (0.95, 1.0),
    "100 times smaller at commensurate accuracy": (0.99, 1.2),
}


def verdicts(found: Mapping[str, Any], claim: str) -> str:
    """Judge a claim that has a limit, model by model, in short and in long rounds; a verdict takes three seeds."""
    removed, limit = CLAIMED[claim]
    texts = []
    for start, label in (("", "short rounds"), ("long-", "long rounds")):
        words: dict[str, list[str]] = {}
        for model in MODELS:
            condition = f"{start}{model}-trim-local-information-rewind"
            value, most = read(found, condition, removed), furthest(found, condition)
            if value is not None:
                words.setdefault(_word(value, limit), []).append(TITLES[model])
            elif most is not None and most < removed - END:
                words.setdefault("cannot get there", []).append(TITLES[model])
        if words:
            texts.append(f"{label}: " + "; ".join(f"{', '.join(models)} {word}" for word, models in words.items()))
    return ".<br>".join(text[0].upper() + text[1:] for text in texts) or "not measured"


def _word(value: Spread, limit: float) -> str:
    holds = value["median"] <= limit
    if value["n"] >= FEWEST_SEEDS:
        return "yes" if holds else "no"
    return f"{'at most' if holds else 'above'} {limit:g}, but n = {value['n']} is too few to say"


def best_early(found: Mapping[str, Any]) -> str:
    """Say how low the multiplier of the information chains ever gets, choosing the round by validation."""
    texts = []
    for model in MODELS:
        chosen = [
            one
            for start in ("", "long-")
            for one in found.get(f"{start}{model}-trim-local-information-rewind", {}).get("best_by_validation", [])
        ]
        if chosen:
            low = min(chosen, key=lambda one: one["test"])
            texts.append(f"{TITLES[model]} {low['test']:.2f} at {100 * low['removed']:.0f} %")
    return "; ".join(texts) or NOT_YET


def lacking(found: Mapping[str, Any], named: Mapping[str, str]) -> str:
    """List the conditions that have not been run, model by model: name -> condition without its model."""
    texts = []
    for model in MODELS:
        gone = [name for name, key in named.items() if f"{model}-{key}" not in found]
        if gone:
            texts.append(TITLES[model] + ("" if len(gone) == len(named) else f" ({', '.join(gone)})"))
    return ", ".join(texts)


def criteria_apart(found: Mapping[str, Any], removed: float) -> str:
    """Say how far the criteria lie apart at a share, beside how far the seeds of one do."""
    texts = []
    for model in MODELS:
        read_ = {c: read(found, f"{model}-trim-local-{c}-rewind", removed) for c in CRITERIA if c != "random"}
        ranked = {c: value for c, value in read_.items() if value}
        chance = read(found, f"{model}-trim-local-random-rewind", removed)
        if len(ranked) > 1 and chance:
            medians = [value["median"] for value in ranked.values()]
            seeds = max(value["max"] - value["min"] for value in ranked.values())
            texts.append(
                f"{TITLES[model]}: medians of {len(ranked)} criteria {max(medians) - min(medians):.3f} apart, seeds of "
                f"one up to {seeds:.3f}; the best lies {chance['median'] - min(medians):+.3f} below chance"
            )
    return f"At {100 * removed:.0f} %, {'; '.join(texts)}." if texts else NOT_YET


def operating_rows(name: str, shares: Sequence[float]) -> list[dict[str, Any]]:
    """List the records of a run nearest to the given shares removed, each once, thickest first."""
    whole = [record for record in chain(name) or [] if "test" in record]
    nearest = {min(whole, key=lambda r, share=share: abs(r["removed"] - share))["round"] for share in shares if whole}
    return [record for record in whole if record["round"] in nearest]


def exported() -> list[dict[str, Any]]:
    """List the kept models as exported files, measured on one x86 core; empty before `python -m lib.deploy.table`.

    One entry a model and round: `float32` and `int8` are the rows of that table, or None.
    """
    try:
        listed = results.read_result("deploy/table.json")["results"]["rows"]
    except (BookError, OSError):
        return []
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for row in listed:
        one = found.setdefault((row["model"], row["run"], row["round"]), {"float32": None, "int8": None})
        one[row["precision"]] = row
    return list(found.values())


def real_time(model: str) -> str:
    """Say whether an exported file of a model makes sound faster than real time on one x86 core, and at which point."""
    rows = [row for one in exported() if (row := one["float32"]) and row["model"] == model]
    if not rows:
        return NOT_YET
    fast = [row for row in rows if row["x86_real_time_factor"] < 1.0]
    if not fast:
        best = min(row["x86_real_time_factor"] for row in rows)
        return f"not reached: the fastest takes {best:.2g} seconds for a second of sound"
    first = min(fast, key=lambda row: row["removed"])
    share, factor = 100 * first["removed"], first["x86_real_time_factor"]
    return f"reached: with {share:.0f} % removed, {factor:.2g} seconds for a second of sound"


def run_of(model: str) -> str | None:
    """Name the run whose operating points are shown: the one trained long if it is there."""
    names = (f"{start}{model}-trim-local-information-rewind-s0" for start in ("long-", ""))
    return next((name for name in names if chain(name)), None)


def _why_missing(found: Mapping[str, Any], condition: str, removed: float) -> str:
    most = furthest(found, condition)
    return (
        NOT_YET if most is None or most >= removed - END else f"cannot: all groups at their floor at {100 * most:.1f} %"
    )


def _run(name: str) -> dict[str, Any] | None:
    try:
        return results.read_result(results.RESULTS / "diet" / "runs" / f"{name}.json")["results"]
    except (BookError, OSError):
        return None
