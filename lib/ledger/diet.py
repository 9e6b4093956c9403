"""The claims of the papers on structured lotteries (Esling et al. 2020). Chapter: *Reproduction ledger*."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lib.experiments.diet_tables import multipliers, read_at
from lib.experiments.diet_tables import spread as summary
from lib.ledger.row import Claim, Finding, spread

PAPER, SIBLING = "Diet deep generative audio models (DAFx 2020)", "Ultra-light deep MIR (ISMIR 2020)"
VERDICT = "what-the-paper-says-and-what-we-measured"
MODELS = ("ddsp", "sing", "wavenet")
Runs = Mapping[str, Mapping[str, Any]]
LONG = "diet/runs/long-*-trim-local-information-rewind-s*.json"
SHORT = "diet/runs/*-trim-local-information-rewind-s*.json"
PROTOCOL = (
    "One corpus, split by recording; the best state of a round is chosen on validation, its error is from test "
    "recordings; failed rounds stay in. Error over that of the chain's own round 0."
)


def model_of(name: str) -> str:
    """Say whose run it is.

    >>> model_of("long-sing-trim-local-information-rewind-s0")
    'sing'
    """
    return next(part for part in name.split("-") if part in MODELS)


def _at(runs: Runs, removed: float, key: str = "test") -> dict[str, list[float]]:
    """The curve of every run at a share removed, by model; runs that never get there are left out."""
    found: dict[str, list[float]] = {}
    for name, run in runs.items():
        value = read_at(multipliers(run["rounds"]), removed, key)
        if value is not None:
            found.setdefault(model_of(name), []).append(value)
    return found


def _all(values: Mapping[str, list[float]]) -> list[float]:
    return [value for found in values.values() for value in found]


def _in_words(values: Mapping[str, list[float]]) -> str:
    return "; ".join(f"{model} {spread(summary(found))}" for model, found in values.items()) or "none gets there"


def _only_short(runs: Runs) -> Runs:
    """Leave out chains trained long, and those of wide networks."""
    return {name: run for name, run in runs.items() if name.startswith(MODELS)}


def _under(runs: Runs, short: Runs, removed: float, limit: float) -> Finding:
    """Is the error, averaged over models as in the paper, under a limit at a share removed?"""
    long, brief = _at(runs, removed), _at(_only_short(short), removed)
    everything = _all(long)
    if not everything:
        return Finding("–", "not measured", "no chain has come so far yet")
    mean = sum(everything) / len(everything)
    ours = (
        f"mean {mean:.2f} over {len(everything)} chains trained long ({_in_words(long)}); "
        f"trained briefly: {_in_words(brief)}"
    )
    below = [min(found) <= limit for found in long.values()]
    if mean <= limit and all(below):
        return Finding(ours, "reproduced")
    reason = f"At most {limit:g} for {sum(below)} of {len(long)} models."
    return Finding(ours, "partly" if any(below) else "not reproduced", reason)


def _smaller(masked: Runs, runs: Runs, short: Runs) -> Finding:
    best = {}
    for name, run in runs.items():
        points = multipliers(run["rounds"])[1:]
        if points:  # the round is chosen by validation, and its number is from test
            chosen = min(points, key=lambda point: point["valid"])
            best.setdefault(model_of(name), []).append((chosen["removed"], chosen["test"]))
    if not best:
        return Finding("–", "not measured")
    said = "; ".join(
        f"{model} " + ", ".join(f"{value:.2f} at {100 * removed:.0f} %" for removed, value in found)
        for model, found in best.items()
    )
    at_80 = _under(runs, short, 0.8, 1.0)
    masks = _at(masked, 0.761)
    ours = f"best round by validation: {said}. At 80 %: {at_80.ours}. Masked at 76 %: {_in_words(masks)}"
    better = [any(value < 1.0 for _, value in found) for found in best.values()]
    reason = (
        "Smaller is better where a dense network has learnt its training recordings by heart; against a dense network "
        "trained for as long in all, see the chapter."
    )
    verdict = "reproduced" if all(better) and at_80.verdict == "reproduced" else "partly" if any(better) else None
    return Finding(ours, verdict or "not reproduced", reason)


def _masks(masked: Runs) -> Finding:
    ends: dict[str, list[tuple[float, float]]] = {}
    for name, run in masked.items():
        last = next((record for record in reversed(run["rounds"]) if "truly_removable" in record), None)
        if last:
            what = name.rsplit("-s", 1)[0].replace("-magnitude-rewind", "")
            ends.setdefault(what, []).append((100 * last["removed"], 100 * last["truly_removable"]))
    if not ends:
        return Finding("–", "not measured")
    said = [
        f"{what}: {spread(summary([gone for gone, _ in found]), 1)} % masked, "
        f"{spread(summary([free for _, free in found]), 1)} % removable"
        for what, found in ends.items()
    ]
    shares = [free / 100 for found in ends.values() for _, free in found]
    verdict = "reproduced" if max(shares) < 0.5 else "partly"
    return Finding("; ".join(said), verdict, "A unit goes only when all its weights are masked.")


def _scope(whole: Runs, local: Runs) -> Finding:
    said, wins = [], []
    for removed in (0.5, 0.8, 0.9):
        one, other = _at(whole, removed), _at(_only_short(local), removed)
        for model in MODELS:
            if model in one and model in other:
                a, b = summary(one[model]), summary(other[model])
                said.append(f"{model} at {100 * removed:.0f} %: global {spread(a)}, local {spread(b)}")
                wins.append(a["median"] < b["median"])
    if not said:
        return Finding("–", "not measured")
    verdict = "reproduced" if all(wins) else "partly" if any(wins) else "not reproduced"
    return Finding("; ".join(said), verdict, f"Global is better in {sum(wins)} of {len(wins)} places compared.")


def _criteria(information: Runs, others: Runs, ablation: Mapping[str, Any]) -> Finding:
    said, wins, beside = [], [], _only_short(others)
    for removed in (0.5, 0.8):
        one = _at(_only_short(information), removed)
        for model in MODELS:
            rivals = {
                criterion: _at({n: r for n, r in beside.items() if f"-{criterion}-" in n}, removed).get(model)
                for criterion in ("magnitude", "gradient", "activation", "random")
            }
            rivals = {criterion: found for criterion, found in rivals.items() if found}
            if model in one and rivals:
                own = summary(one[model])
                theirs = ", ".join(f"{criterion} {spread(summary(found))}" for criterion, found in rivals.items())
                said.append(f"{model} at {100 * removed:.0f} %: information {spread(own)}, {theirs}")
                wins.append(all(own["median"] <= summary(found)["median"] for found in rivals.values()))
    if not said:
        return Finding("–", "not measured")
    ranks = [
        f"{model}: " + ", ".join(f"{name} {value['mean_over_groups']:.2f}" for name, value in table.items())
        for model, table in ablation["models"].items()
    ]
    reason = "Rank correlation with the harm of silencing single units: " + "; ".join(ranks) + "."
    verdict = "reproduced" if all(wins) else "partly" if any(wins) else "not reproduced"
    return Finding("; ".join(said), verdict, reason)


def _bounds(boards: Mapping[str, Any]) -> Finding:
    said = "; ".join(f"{name}: {found}" for name, found in boards["summary"].items())
    holds = boards["holds"]
    verdict = "reproduced" if all(holds.values()) else "partly" if any(holds.values()) else "not reproduced"
    return Finding(said, verdict, boards["reason"])


def _speed(host: Mapping[str, Any]) -> Finding:
    timed = [row for row in host["speed"] if row["unit"] == "s per s of sound"]
    slow = sorted({f"{row['model']} ({row['median']:.1f} s per second)" for row in timed if row["median"] >= 1.0})
    ours = f"{sum(row['median'] < 1.0 for row in timed)} of {len(timed)} compiled programs are faster than real time"
    ours += " on one x86 core" + (f"; not {', '.join(slow)}" if slow else "")
    reason = "“Quality equal to GPU models” names neither model nor measure; the book lets you hear and rate instead."
    return Finding(ours, "untestable as stated", reason)


def _faster(runs: Runs) -> Finding:
    said, falls = [], []
    ratios: dict[str, list[float]] = {}
    for name, run in runs.items():
        whole = [record["cpu_seconds"] for record in run["rounds"] if "cpu_seconds" in record]
        if len(whole) > 3:
            ratios.setdefault(model_of(name), []).append(whole[-1] / whole[0])
    for model, found in ratios.items():
        said.append(f"{model} {spread(summary(found))}")
        falls.append(summary(found)["median"] < 0.8)
    if not said:
        return Finding("–", "not measured")
    verdict = "reproduced" if all(falls) else "partly" if any(falls) else "not reproduced"
    reason = "Most of the time of a DDSP step goes into synthesis and loss, which trimming does not touch."
    return Finding("processor time of the last round over that of the first: " + "; ".join(said), verdict, reason)


def _other_tasks(runs: Runs, short: Runs, removed: float, limit: float) -> Finding:
    ours = _under(runs, short, removed, limit).ours
    reason = (
        "Other tasks and data (classification, pitch, chords, drums, onsets); our generative models are shown beside."
    )
    return Finding(ours, "untestable as stated", reason)


def _claim(
    key: str,
    claim: str,
    figure: str,
    page: str,
    files: Iterable[str],
    judge: Any,
    protocol: str = PROTOCOL,
    paper: str = PAPER,
) -> Claim:
    return Claim(key, paper, claim, figure, protocol, page, VERDICT, tuple(files), judge)


CLAIMS: tuple[Claim, ...] = (
    _claim(
        "2.1",
        "Smaller models are more accurate.",
        "0.893 at 76.1 % masked; 0.912 at 80 % trimmed",
        "part4/06_how_small",
        ("diet/runs/*-mask-*.json", LONG, SHORT),
        _smaller,
    ),
    _claim(
        "2.2",
        "Up to 95 % of the weights go without significant loss.",
        "about 1.0 at 95 %",
        "part4/06_how_small",
        (LONG, SHORT),
        lambda long, short: _under(long, short, 0.95, 1.0),
    ),
    _claim(
        "2.3",
        "Models 100 times smaller have commensurate accuracy (WaveNet, SING, DDSP).",
        "1.2 at 99 %, mean over models only",
        "part4/06_how_small",
        (LONG, SHORT),
        lambda long, short: _under(long, short, 0.99, 1.2),
    ),
    _claim(
        "2.4",
        "Masking gives no gain in size or time.",
        "99.5 % masked: 25.4 % removable (local), about a third (global)",
        "part4/03_lottery",
        ("diet/runs/*-mask-*.json",),
        _masks,
    ),
    _claim(
        "2.5",
        "Trimming requires global selection.",
        "global better up to 90 %, local beyond",
        "part4/04_trimming",
        ("diet/runs/*-trim-global-information-rewind-s*.json", SHORT),
        _scope,
    ),
    _claim(
        "2.6",
        "The information criterion is the best.",
        "best at low ratios",
        "part4/05_criteria",
        (SHORT, "diet/runs/*-trim-local-*-rewind-s*.json", "diet/criteria.json"),
        _criteria,
        "Mutual information with the training target by a copula, validated on known cases; short chains.",
    ),
    _claim(
        "2.7",
        "No model fits an Arduino; several fit a Raspberry Pi, with FLOPS borderline.",
        "Table 1 and Figure 5",
        "part5/01_bounds",
        ("deploy/bounds.json",),
        _bounds,
        "Instructions counted in emulation, bytes from the linker, multiply-adds per second of audio.",
    ),
    _claim(
        "2.8",
        "Models for the CPU have a quality equal to that of GPU models.",
        "no number",
        "part4/06_how_small",
        ("bench/deploy_host.json",),
        _speed,
        "Processor time of generated C for a second of sound, one x86 core; sounds in a blind test.",
    ),
    _claim(
        "2.9",
        "Each retraining gets faster.",
        "no number",
        "part4/04_trimming",
        (SHORT,),
        _faster,
        "Processor time of rounds of equal length.",
    ),
    _claim(
        "2.10",
        "90 % of the weights go without loss of accuracy.",
        "90 %",
        "part4/06_how_small",
        (LONG, SHORT),
        lambda long, short: _other_tasks(long, short, 0.9, 1.0),
        paper=SIBLING,
    ),
    _claim(
        "2.11",
        "Lighter models are better up to 85 % removed.",
        "85 % (80 % on the web page)",
        "part4/06_how_small",
        (LONG, SHORT),
        lambda long, short: _other_tasks(long, short, 0.85, 1.0),
        paper=SIBLING,
    ),
)
