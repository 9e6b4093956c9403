"""The claims of the paper on generative timbre spaces (Esling et al. 2018). Chapter: *Reproduction ledger*."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.experiments.diet_tables import spread as summary
from lib.ledger.row import Claim, Finding, spread

PAPER = "Generative timbre spaces (DAFx 2018)"
VERDICT = "what-the-paper-says-and-what-we-measured"
NSGT = ("nsgt-cqt", "nsgt-mel", "nsgt-erb")
Results = Mapping[str, Any]
CORPUS = "Other recordings (rendered from a sound font), judged on recordings never trained on."


def _relations(splits: Results, ways: Results) -> Finding:
    rated, printed = splits["rows"]["recipe"], ways["rows"]["student_text_printed"]["recordings"]["rated.pearson"]
    free = splits["rows"]["none"]["recordings"]["whole.pearson"]
    train, held = rated["train"]["rated.pearson"], rated["recordings"]["rated.pearson"]
    ours = (
        f"r on training recordings {spread(train)}, on held-out ones {spread(held)}; without ratings {spread(free)}; "
        f"the paper's term at its printed strength {spread(printed)}"
    )
    strong = held["min"] > free["max"] and train["min"] > 0.9
    if strong and printed["median"] > 0.8:
        return Finding(ours, "reproduced")
    reason = "The ratings can be learnt, by another term; the printed term at the printed strength changes little."
    return Finding(ours, "partly" if strong else "not reproduced", reason)


def _any_target(measured: Results) -> Finding:
    runs = [run["pearson"]["told"] for name, run in measured["runs"].items() if "any-target" in name]
    if not runs:
        return Finding("–", "not measured")
    train, held = (summary([run[side] for run in runs]) for side in ("train", "recordings"))
    ours = (
        f"names drawn anew: r with what it was told {spread(train)} on training, {spread(held)} on held-out recordings"
    )
    if train["min"] > 0.9 and held["min"] > 0.8:
        return Finding(ours, "reproduced")
    reason = "It obeys on what it was trained on, even where the target contradicts the sounds; less on new recordings."
    return Finding(ours, "partly" if train["min"] > 0.9 else "not reproduced", reason)


def _values(table: Results, measure: str, variant: str) -> dict[str, Mapping[str, Any]]:
    rows = table["rows"]
    return {
        name: rows[f"{name} {variant}"]["recordings"][measure]
        for name in ("stft", "dct", *NSGT)
        if f"{name} {variant}" in rows
    }


def _better(values: Mapping[str, Mapping[str, float]], sign: float) -> tuple[bool, bool]:
    """Is every NSGT better than STFT and DCT in the median, and with no overlap of the ranges?"""
    others = [values[name] for name in ("stft", "dct")]
    ours = [values[name] for name in NSGT]
    median = all(sign * one["median"] > sign * other["median"] for one in ours for other in others)
    worst, best = ("min", "max") if sign > 0 else ("max", "min")
    apart = all(sign * one[worst] > sign * other[best] for one in ours for other in others)
    return median, apart


def _highest(table: Results) -> Finding:
    found = {
        how: _values(table, "rated.pearson", variant)
        for how, variant in (("the paper's term", "student_text"), ("our recipe", "recipe"))
    }
    said = {
        how: ", ".join(f"{name} {spread(value)}" for name, value in values.items()) for how, values in found.items()
    }
    ours = "r on held-out recordings: " + "; ".join(f"with {how}: {text}" for how, text in said.items())
    orders = {how: _better(values, 1.0) for how, values in found.items()}
    if all(apart for _, apart in orders.values()):
        return Finding(ours, "reproduced")
    holding = [how for how, (median, _) in orders.items() if median]
    if not holding:
        return Finding(ours, "not reproduced", "The order of the medians is another one, and the ranges overlap.")
    reason = f"Every NSGT is above STFT and DCT in the median with {' and '.join(holding)}; ranges over splits overlap."
    return Finding(ours, "partly", reason)


def _synthesis(table: Results) -> Finding:
    values = _values(table, "band_db", "recipe")
    ours = "error in the same bands, dB: " + "; ".join(f"{name} {spread(value)}" for name, value in values.items())
    median, apart = _better(values, -1.0)
    if apart:
        return Finding(ours, "reproduced")
    if median:
        return Finding(ours, "partly", "The order holds in the median; the ranges over splits overlap.")
    return Finding(ours, "not reproduced", "Measured in the same bands for all, the NSGTs are not all closer.")


def _novel(measured: Results, outside: Results, hidden: Results) -> Finding:
    run = measured["runs"].get("novel-nsgt-erb")
    if run is None:
        return Finding("–", "not measured")
    known, novel = (summary(list(run[side].values())) for side in ("known_db", "novel_db"))
    listeners = outside["variants"]["recipe"]["mean"]["latent trajectory.pearson"]
    alone = outside["variants"]["none"]["mean"]["latent trajectory.pearson"]
    left_out = hidden["runs"]["leave-one-out-head"]["leave_one_out"]["mean_pearson"]
    ours = (
        f"new instruments come back within {spread(novel, 1)} dB, test recordings of known ones {spread(known, 1)} dB; "
        f"an instrument left out lands with mean r = {left_out:.2f}; "
        f"with listeners never used r = {spread(listeners)}, without ratings {spread(alone)}"
    )
    sounds, lands = novel["median"] <= known["max"], listeners["min"] > alone["max"]
    if sounds and lands:
        return Finding(ours, "reproduced")
    reason = "They sound as well as new recordings do; the ratings do not help to place them."
    return Finding(ours, "partly" if sounds else "not reproduced", reason)


def _paths(measured: Results) -> Finding:
    run = measured["runs"].get("paths-nsgt-erb")
    if run is None:
        return Finding("–", "not measured")
    pairs, even = run["pairs"], 1.0 / (run["n_points"] - 1)
    step = summary([pair["largest_step_share"] for pair in pairs])
    finite = sum(pair["finite"] for pair in pairs)
    ours = (
        f"{finite} of {len(pairs)} pairs decode to finite spectra; the largest of {run['n_points'] - 1} steps is "
        f"{spread(step, 3)} of the difference of the ends (even steps: {even:.3f})"
    )
    whole = finite == len(pairs) and step["max"] < 4 * even
    return Finding(
        ours,
        "reproduced" if whole else "partly",
        "Whether what lies between is heard as between was not asked of listeners, there or here.",
    )


def _topology(table: Results) -> Finding:
    found = table["runs"]["topology-nsgt-erb"]["descriptors"]
    linear = {name: one["linear_r2"]["median"] for name, one in found.items()}
    local = {name: one["local_r2"]["median"] for name, one in found.items()}
    ours = "; ".join(f"{name}: a plane explains {linear[name]:.2f}, small planes {local[name]:.4f}" for name in found)
    bent, smooth = max(linear.values()) < 0.95, min(local.values()) > 0.99
    reason = "Smoothness alone says little: a decoder that was never trained is as smooth."
    return Finding(ours, "reproduced" if bent and smooth else "partly", reason)


def _steering(table: Results) -> Finding:
    run = table["runs"]["steering-nsgt-erb"]
    single = {name: ways for name, ways in run["paths"].items() if name in ("centroid", "bandwidth", "flatness")}
    ours = "; ".join(
        f"{name}: error {100 * ways['Algorithm 1']['error']:.1f} %, instrument kept in "
        f"{100 * ways['Algorithm 1']['identity']:.0f} % of steps "
        f"(by projection {100 * ways['projection']['error']:.2f} %, "
        f"{100 * ways['projection']['identity']:.0f} %)"
        for name, ways in single.items()
    )
    follows = all(ways["Algorithm 1"]["error"] < 0.1 for ways in single.values())
    keeps = all(ways["Algorithm 1"]["identity"] >= 0.8 for ways in single.values())
    judge = f"The judge itself names {100 * run['judge_right_on_decoded_origins']:.0f} % of decoded notes rightly."
    verdict = "reproduced" if follows and keeps else "partly" if follows else "not reproduced"
    return Finding(ours, verdict, judge)


def _harmless(splits: Results) -> Finding:
    free, rated = (splits["rows"][name]["recordings"]["db"] for name in ("none", "recipe"))
    change = rated["median"] / free["median"] - 1.0
    ours = f"{spread(free)} dB without, {spread(rated)} dB with ratings, held-out recordings: {100 * change:+.1f} %"
    return Finding(ours, "reproduced" if abs(change) < 0.02 else "partly" if change < 0.1 else "not reproduced")


def _two_stages(ways: Results) -> Finding:
    one, two = (ways["rows"][name]["recordings"] for name in ("l2", "l2_two_stage"))
    ours = (
        f"two stages: r {spread(two['rated.pearson'])}, {spread(two['db'])} dB; "
        f"one: r {spread(one['rated.pearson'])}, {spread(one['db'])} dB"
    )
    agree = two["rated.pearson"]["median"] > one["rated.pearson"]["median"]
    sound = two["db"]["median"] < one["db"]["median"]
    reason = "It buys reconstruction and pays in agreement." if sound and not agree else ""
    return Finding(ours, "reproduced" if agree and sound else "partly" if agree or sound else "not reproduced", reason)


def _three_ways(ways: Results) -> Finding:
    free = ways["rows"]["none_note"]["recordings"]["whole.pearson"]
    found = {name: ways["rows"][name]["recordings"]["rated.pearson"] for name in ("prior", "l2", "gaussian")}
    ours = "; ".join(f"{name}: r {spread(value)}" for name, value in found.items()) + f"; none {spread(free)}"
    work = [value["min"] > free["max"] for value in found.values()]
    return Finding(ours, "reproduced" if all(work) else "partly" if any(work) else "not reproduced")


def _classes(ways: Results) -> Finding:
    free = ways["rows"]["none_note"]["recordings"]["whole.identity"]
    found = {name: ways["rows"][name]["recordings"]["rated.identity"] for name in ("prior", "l2", "gaussian", "recipe")}
    ours = "instrument named rightly: " + "; ".join(f"{name} {spread(value)}" for name, value in found.items())
    ours += f"; without ratings {spread(free)}"
    better = [value["min"] > free["max"] for value in found.values()]
    reason = "The secondary source has the unregularised space best for instruments; here it is not."
    return Finding(ours, "reproduced" if all(better) else "partly" if any(better) else "not reproduced", reason)


def _claim(key: str, claim: str, figure: str, protocol: str, page: str, files: tuple[str, ...], judge: Any) -> Claim:
    paper = "Bridging audio analysis, perception and synthesis (ISMIR 2018)" if key in ("1.11", "1.12") else PAPER
    return Claim(key, paper, claim, figure, protocol, f"part3/{page}", VERDICT, files, judge)


CLAIMS: tuple[Claim, ...] = (
    _claim(
        "1.1",
        "A regularised space has almost the same distance relations as timbre spaces.",
        "KL 2.811 with, 517.42 without (NSGT)",
        f"{CORPUS} Correlation of class distances with the ratings, since the paper's KL is not zero at equality.",
        "02_regularising",
        ("timbre/splits.json", "timbre/regularizers.json"),
        _relations,
    ),
    _claim(
        "1.2",
        "A regularisation can enforce any given distances.",
        "shown for one target",
        "Ratings with the names of the instruments drawn anew, three seeds, L2 term.",
        "02_regularising",
        ("ledger/measured.json",),
        _any_target,
    ),
    _claim(
        "1.3",
        "The NSGT gives the highest correlation to timbre spaces.",
        "KL 2.811 (NSGT-CQT), 312.89 (DCT), 423.45 (STFT)",
        f"{CORPUS} The same recipe for every transform.",
        "03_transforms",
        ("timbre/transforms.json",),
        _highest,
    ),
    _claim(
        "1.4",
        "The NSGT gives the best synthesis.",
        "error .1511 to .1610 (NSGT), .2412 (STFT), 2.2629 (DCT)",
        "Errors of different pictures are not comparable, so all are measured in the same bands.",
        "03_transforms",
        ("timbre/transforms.json",),
        _synthesis,
    ),
    _claim(
        "1.5",
        "The space generalises to novel instruments.",
        "one path by ear, no number",
        "Four instruments no training saw; every rated instrument left out once; four studies with other listeners.",
        "05_new_listeners",
        ("ledger/measured.json", "timbre/zero_shot.json", "timbre/leave_one_out.json"),
        _novel,
    ),
    _claim(
        "1.6",
        "Any path between instruments can be generated.",
        "examples by ear, no number",
        "All pairs of the twelve instruments near D4, linear and spherical.",
        "04_navigating",
        ("ledger/measured.json",),
        _paths,
    ),
    _claim(
        "1.7",
        "Descriptors are non-linear overall and locally smooth in the space.",
        "by eye",
        "Share of variance that one plane, and small planes, explain on maps of 50 × 50.",
        "06_topology",
        ("timbre/topology.json",),
        _topology,
    ),
    _claim(
        "1.8",
        "Descriptor-based synthesis controls descriptors and keeps the structure of the timbre.",
        "two examples, “slightly erratic”",
        "Absolute targets inside the own range; an outside judge names the instrument.",
        "07_descriptor_synthesis",
        ("timbre/steering.json",),
        _steering,
    ),
    _claim(
        "1.9",
        "Regularisation does not hurt reconstruction.",
        ".1593 without; .1511 (ERB), .1610 (CQT) with, after twice the epochs",
        f"{CORPUS} The same number of steps with and without.",
        "02_regularising",
        ("timbre/splits.json",),
        _harmless,
    ),
    _claim(
        "1.10",
        "Training in two stages is critical.",
        "stated, no number",
        "The same number of steps, the first half of them without the regulariser.",
        "02_regularising",
        ("timbre/regularizers.json",),
        _two_stages,
    ),
    _claim(
        "1.11",
        "Three regularisations (prior, Euclidean, Gaussian) bring perception in.",
        "stated; figures not found",
        CORPUS,
        "02_regularising",
        ("timbre/regularizers.json",),
        _three_ways,
    ),
    _claim(
        "1.12",
        "Such spaces can be used for classification.",
        "numbers not found",
        "The instrument of held-out recordings, by the nearest class mean.",
        "02_regularising",
        ("timbre/regularizers.json",),
        _classes,
    ),
)
