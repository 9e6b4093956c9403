"""The pruning sweep shows what was run, exactly that, and says so where nothing was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import node
import numpy as np
import page as pages
import pytest

from lib import results
from lib.errors import BookError
from lib.experiments import diet, diet_render, diet_sounds, diet_tables
from lib.widgets.base import bundle, css
from lib.widgets.sweep import sweep, sweep_data
from lib.widgets.sweep.data import is_shown

ROOT = '[data-widget="sweep"]'
MAIN = "ddsp-trim-local-information-rewind"
WIDTHS = {
    "c1": 4,
    "c2": 4,
    "c3": 4,
    "h": 8,
    "f1": 8,
    "f2": 8,
    "f3": 8,
    "l1": 8,
    "l2": 8,
    "l3": 8,
    "o1": 8,
    "o2": 8,
    "o3": 8,
}
REMOVED = (0.0, 0.31, 0.52, 0.79, 0.9, 0.98)


def chain(folder: Path, name: str, errors: list[float], *, failed: str = "", **config: Any) -> None:
    """Write the result of one chain: an error a round, and a reason if the round after them failed."""
    long = name.startswith("long-")
    parts = name.removeprefix("long-").split("-")
    keys = ("model", "how", "scope", "criterion", "reset") if len(parts) == 6 else ("model", "reset")
    found = dict(zip(keys, parts)) | {"kind": "chain", "seed": int(parts[-1][1:]), "steps": 2000 if long else 300}
    found = {"how": "trim", "scope": "local", "criterion": "random", "long": long, "quick": False} | found | config
    dense, mask = found["reset"] == "dense", found["how"] == "mask"
    rounds: list[dict[str, Any]] = []
    for number, (error, removed) in enumerate(zip(errors, REMOVED)):
        share = 0.0 if dense else removed
        size = 1000 if mask else round(1000 * (1 - share))
        rounds.append(
            {
                "round": number,
                "removed": share,
                "n_parameters": size,
                "test": error,
                "valid": error,
                "widths": {g: w if mask else max(2, round(w * (1 - share))) for g, w in WIDTHS.items()},
                "bytes_f32": 4 * size,
                "bytes_int8": size + 40,
                "macs_per_second": 1000.0 * size,
                "state_bytes": 64,
            }
            | ({"truly_removable": share / 10} if mask else {})
        )
    if failed:
        rounds.append({"round": len(rounds), "failed": failed})
    write(folder, name, {"status": "ok", "rounds": rounds}, found)


def write(folder: Path, name: str, found: dict[str, Any], config: dict[str, Any]) -> None:
    about = results.provenance(config=config, seeds=[0], command="a test")
    results.write_result(folder / "diet" / "runs" / f"{name}.json", found, provenance=about)


def hear(folder: Path, run: str, rounds: tuple[int, ...]) -> None:
    """Put sounds beside a run: a tone for the recording and one for every round, higher from round to round."""
    model, seconds = run.removeprefix("long-").split("-")[0], 0.6

    def tone(file: str, f0_hz: float) -> dict[str, Any]:
        t = np.arange(round(seconds * 16000)) / 16000
        diet_render._write(file, diet_render.finish(np.sin(2 * np.pi * f0_hz * t)), folder)
        return {"file": file, "description": f"A tone at {f0_hz:.0f} Hz.", "to_original_db": 4.5, "to_full_db": 2.5}

    clips = [{"key": key, "name": key.title(), **tone(f"original/{key}.flac", 300)} for key in ("oboe", "piano")]
    points = [
        {
            "round": number,
            "removed": REMOVED[number],
            "n_parameters": 1,
            "stands_for": [0.0],
            "sounds": {c["key"]: tone(f"{run}/{number}-{c['key']}.flac", 400 + 100 * number) for c in clips},
        }
        for number in rounds
    ]
    known = diet_sounds.facts(folder)["runs"]
    known[run] = {"model": model, "steps": 300, "between_draws_db": {"oboe": 1.5, "piano": 1.5}, "points": points}
    about = results.provenance(config={}, seeds=[0], command="a test")
    results.write_result(diet_sounds.path_of(folder), {"clips": clips, "runs": known}, provenance=about)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("results")
    chain(made, f"{MAIN}-s0", [2.0, 2.0, 2.2, 2.4, 2.6, 3.0])
    chain(made, f"{MAIN}-s1", [1.0, 1.0, 1.0, 1.3, 1.5], failed="BookError: every group is at its floor")
    chain(made, f"{MAIN}-s2", [1.0, 0.9, 1.2, 1.1, 1.6, 2.0])
    chain(made, "ddsp-trim-local-random-rewind-s0", [1.0, 1.1, 1.2, 1.5, 1.9, 2.6])
    chain(made, "ddsp-mask-local-magnitude-rewind-s0", [1.0, 1.0, 1.0, 1.1, 1.2, 1.3])
    chain(made, "ddsp-scratch-s0", [1.0, 1.2, 1.3, 1.6, 2.1, 2.7])
    chain(made, "ddsp-dense-s0", [2.0, 1.6, 1.25, 1.0, 1.0, 1.0], criterion="magnitude")
    chain(made, f"long-{MAIN}-s0", [0.8, 0.8, 0.84, 0.9, 1.0, 1.2])
    write(
        made,
        "longer-ddsp-dense-s0",
        {"status": "ok", "test": 0.72},
        {"kind": "longer", "model": "ddsp", "seed": 0, "steps": 2000},
    )
    lost = {"kind": "chain", "model": "ddsp", "how": "trim", "scope": "global", "criterion": "information"}
    write(
        made,
        "ddsp-trim-global-information-rewind-s0",
        {"status": "failed", "error": "MemoryError: no room"},
        lost | {"reset": "rewind", "seed": 0},
    )
    timed = [
        {
            "parameters": 1000,
            "units_removed": 0.0,
            "latency": [{"runtime": "onnxruntime", "seconds": 1.0, "real_time_factor": 0.004}],
        },
        {
            "parameters": 120,
            "units_removed": 0.8,
            "latency": [{"runtime": "onnxruntime", "seconds": 1.0, "real_time_factor": 0.001}],
        },
    ]
    about = results.provenance(config={}, seeds=[0], command="a test")
    results.write_result(made / "diet" / "cost.json", {"ddsp": {"book": timed}}, provenance=about)
    hear(made, f"{MAIN}-s0", (0, 2, 4))
    return made


# --- what is packed


def test_every_number_is_a_run_s_own(folder: Path) -> None:
    data = sweep_data(folder)
    run = data["runs"][f"{MAIN}-s0"]
    assert run["test"] == [1.0, 1.0, 1.1, 1.2, 1.3, 1.5]
    assert run["removed"] == list(REMOVED)
    assert run["n_parameters"] == [1000, 690, 480, 210, 100, 20]
    assert run["widths"][0] == "4 4 4 8 8 8 8 8 8 8 8 8 8"
    # Against the dense control of the same seed and round; the other seeds have no control.
    assert run["against_dense"] == [1.0, 1.25, 1.76, 2.4, 2.6, 3.0]
    assert "against_dense" not in data["runs"][f"{MAIN}-s1"]
    assert data["conditions"][MAIN]["against_dense"][1] == [1.25, 1.25, 1.25, 1]
    condition = data["conditions"][MAIN]
    assert condition["runs"] == [f"{MAIN}-s{seed}" for seed in range(3)]
    assert condition["test"][3] == [1.2, 1.1, 1.3, 3]
    assert condition["test"][5] == [1.75, 1.5, 2.0, 2]  # where a chain has ended, the others go on


def test_the_ranges_are_those_of_the_tables(folder: Path, tmp_path: Path) -> None:
    """`curves.json` is made by other code, out of the plan; both must say the same."""
    folder = shutil.copytree(folder, tmp_path / "copy")
    diet_tables.write_all(diet.runs(), folder)
    curves = results.read_result(folder / "diet" / "curves.json")["results"]["conditions"]
    for key, condition in sweep_data(folder)["conditions"].items():
        for measure in ("test", "against_dense", "removed"):
            rows = [row.get(measure) for row in curves[key]["rounds"]]
            mine = condition.get(measure, [None] * len(rows))
            assert [row and list(row.values()) for row in rows] == [
                row and pytest.approx(row, abs=2e-5) for row in mine
            ]


def test_failures_end_curves_with_their_reason(folder: Path) -> None:
    data = sweep_data(folder)
    assert data["runs"][f"{MAIN}-s1"]["ended"] == {"round": 5, "reason": "BookError: every group is at its floor"}
    assert len(data["runs"][f"{MAIN}-s1"]["test"]) == 5
    assert "ended" not in data["runs"][f"{MAIN}-s0"]
    assert data["failed"] == {"ddsp-trim-global-information-rewind-s0": "MemoryError: no room"}
    assert "ddsp-trim-global-information-rewind" not in data["conditions"]
    assert "ddsp-trim-global-information-rewind" in data["planned"]


def test_chains_trained_long_stand_apart(folder: Path) -> None:
    data = sweep_data(folder)
    long = data["conditions"][f"long-{MAIN}"]
    assert (long["long"], long["steps"], "against_dense" in long) == (True, 2000, False)
    assert data["models"]["ddsp"]["longer"] == [{"run": "longer-ddsp-dense-s0", "seed": 0, "test": 0.9}]


def test_runs_outside_the_plan_and_toys_stay_out(tmp_path: Path) -> None:
    chain(tmp_path, f"{MAIN}-s0", [1.0, 1.1])
    chain(tmp_path, f"{MAIN}-s1", [1.0, 1.1], quick=True)
    toy = results.read_result(tmp_path / "diet" / "runs" / f"{MAIN}-s0.json")
    write(tmp_path, "trial-ddsp-s0", toy["results"], toy["provenance"]["config"])
    (tmp_path / "diet" / "runs" / f"{MAIN}-s2.json").write_text('{"provenance":')
    data = sweep_data(tmp_path)
    assert list(data["runs"]) == [f"{MAIN}-s0"]
    assert list(data["failed"]) == [f"{MAIN}-s2"]  # cut short: said, not hidden
    assert data["models"]["ddsp"]["latencies"] == []


def test_generated_c_is_timed_whole(tmp_path: Path) -> None:
    chain(tmp_path, f"{MAIN}-s0", [1.0, 1.1])
    row = {
        "model": "ddsp book",
        "n_parameters": 90,
        "precision": "float32",
        "build": "exact, this processor",
        "median": 0.01,
    }
    speed = [row, row | {"build": "-O2"}, row | {"precision": "int8"}, row | {"model": "wavenet book"}]
    about = results.provenance(config={}, seeds=[0], command="a test")
    results.write_result(tmp_path / "bench" / "deploy_host.json", {"speed": speed}, provenance=about)
    timed = sweep_data(tmp_path)["models"]["ddsp"]["latencies"]
    assert timed == [{"runtime": "generated C", "n_parameters": 90, "real_time_factor": 0.01, "covers": "all of it"}]


def test_nothing_to_show_is_an_error(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(BookError, match="nothing to show"):
        sweep(folder=tmp_path)
    with pytest.raises(BookError, match="'sing'"):
        sweep(model="sing", folder=folder)


def test_it_begins_where_something_can_be_heard(folder: Path) -> None:
    widget = sweep(folder=folder)
    assert widget.start == {"condition": MAIN, "run": f"{MAIN}-s0", "round": 4}
    assert len(widget.sounds) == len(widget.gains_db) == 2 + 2 * 3
    assert len(sweep(clips=("oboe",), folder=folder).sounds) == 1 + 3


def test_the_real_results_make_a_light_page() -> None:
    """The whole widget stays below 1.5 MB with some sixty runs: sounds in base64, code, and a little a run."""
    widget = sweep()
    sounds = sum(4 * len(sound.data) / 3 for sound in widget.sounds)
    assert sounds < 1.27e6
    assert len(bundle("sweep")) + len(css("sweep")) < 0.11e6
    assert len(json.dumps(widget.data)) < 0.02e6 + 2300 * len(widget.data["runs"])
    for key, condition in widget.data["conditions"].items():
        assert all(name.rsplit("-s", 1)[0] == key for name in condition["runs"])


# --- what the page computes


def test_a_condition_s_name_and_its_parts_are_the_same_thing(tmp_path: Path) -> None:
    keys = sorted({run.name.rsplit("-s", 1)[0] for run in diet.runs() if is_shown(run.config)})
    expression = "argument.map((key) => conditions.keyOf(conditions.choiceOf(key)))"
    assert node.run(tmp_path, "sweep", expression, keys) == keys
    wanted = {"model": "ddsp", "how": "trim-local", "criterion": "taylor", "reset": "rewind", "long": False}
    have = ["sing-trim-local-taylor-rewind", "ddsp-mask-local-magnitude-rewind", "ddsp-trim-local-random-rewind"]
    expression = "conditions.nearest(argument.wanted, argument.have)"
    assert node.run(tmp_path, "sweep", expression, {"wanted": wanted, "have": have}) == have[2]


def test_latency_is_measured_not_interpolated(tmp_path: Path) -> None:
    rows = [
        {"n_parameters": n, "runtime": r, "real_time_factor": n / 1e6} for n in (100, 1000) for r in ("torch", "onnx")
    ]
    expression = "[300, 400, 5000].map((n) => words.nearestTimed(argument, n).map((one) => one.n_parameters))"
    # Nearest by ratio: the geometric mean of 100 and 1000 is 316.
    assert node.run(tmp_path, "sweep", expression, rows) == [[100, 100], [1000, 1000], [1000, 1000]]


def test_what_is_drawn_is_what_was_run(tmp_path: Path, folder: Path) -> None:
    state = {
        "choice": {"model": "ddsp", "how": "trim-local", "criterion": "information", "reset": "rewind", "long": False}
    }
    state |= {"run": f"{MAIN}-s1", "round": 3, "against": "test"}
    argument = {"data": sweep_data(folder), "heard": {"runs": {}}, "state": state}
    found = node.run(tmp_path, "sweep", "curves.content(argument.data, argument.heard, argument.state)", argument)
    # Dense networks have no place among these curves; what was chosen is drawn last, on top.
    kinds = [(curve["key"], curve["kind"]) for curve in found["curves"]]
    assert kinds == [
        ("ddsp-mask-local-magnitude-rewind", "other"),
        (f"long-{MAIN}", "length"),
        ("ddsp-scratch", "scratch"),
        ("ddsp-trim-local-random-rewind", "chance"),
        (MAIN, "chosen"),
    ]
    assert found["curves"][-1]["points"][3] == {"x": 0.79, "y": 1.2, "low": 1.1, "high": 1.3}
    assert [dot["run"] for dot in found["dots"] if dot["chosen"]] == [f"{MAIN}-s1"]
    assert found["at"] == {"x": 0.79}
    assert [(end["x"], end["y"]) for end in found["ends"]] == [(0.9, 1.5)]
    assert found["level"] is None
    state["choice"]["long"], state["run"] = True, f"long-{MAIN}-s0"
    found = node.run(tmp_path, "sweep", "curves.content(argument.data, argument.heard, argument.state)", argument)
    kinds = [(curve["key"], curve["kind"]) for curve in found["curves"]]
    assert kinds == [(MAIN, "length"), (f"long-{MAIN}", "chosen")]  # the control from scratch was trained short
    assert found["level"]["y"] == 0.9


# --- in a browser


@pytest.fixture(scope="module")
def path(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.write_page(tmp_path_factory.mktemp("page"), [sweep(folder=folder)])


def sentence(page: Any) -> str:
    return page.locator('[data-control="sentence"]').inner_text()


def test_choosing_a_point(path: Path) -> None:
    with pages.open_page(path) as page:
        page.wait_for_selector(f"{ROOT} .sweep-dot")
        assert "Run ddsp-trim-local-information-rewind-s0, seed 0." in sentence(page)
        assert "removed 90.0 % of the weights and left 100" in sentence(page)
        assert "1.300 times that of its own round 0" in sentence(page)
        assert "median 1.50, from 1.30 to 1.60" in sentence(page)
        # 17 points: six rounds of two seeds, five of the one that failed; each says its run.
        assert page.locator(".sweep-dot").count() == 17
        assert "seed 1, round 4" in page.locator(f'[data-run="{MAIN}-s1"][data-round="4"] title').text_content()
        assert "round 5 failed: BookError: every group is at its floor" in page.locator(".sweep-legend").inner_text()
        assert (
            "the network alone: 1 ms per second of sound. Measured at the nearest width timed, 120 parameters"
            in page.locator(".sweep-tiles").inner_text()
        )
        page.locator('[data-control="seed-2"]').click()
        assert "seed 2." in sentence(page)
        assert "1.600 times" in sentence(page)
        # Its group h had 8 units, and has 2 at 90 %; the picture ends there after moving.
        page.wait_for_function("document.querySelector('[data-group=h]').dataset.units === '2'")
        slider = page.locator('[data-control="round"]')
        slider.focus()
        for _ in range(4):
            slider.press("ArrowLeft")
        page.wait_for_function("document.querySelector('[data-group=h]').dataset.units === '8'")
        assert page.locator(".sweep-picture-note").inner_text() == "All groups have all their units."
        page.locator(f'[data-run="{MAIN}-s1"][data-round="3"]').click()
        assert "Run ddsp-trim-local-information-rewind-s1, seed 1." in sentence(page)
        page.locator('[data-control="against-against_dense"]').click()
        assert "has not been set against that control" in sentence(page)
        page.locator('[data-control="reset"]').click()
        assert "1.300 times that of its own round 0" in sentence(page)
        page.locator('[data-control="against-against_dense"]').click()
        assert "2.600 times that of the dense network trained as long" in sentence(page)


def test_what_was_not_run_is_said(path: Path) -> None:
    with pages.open_page(path) as page:
        page.wait_for_selector(f"{ROOT} .sweep-dot")
        page.locator('[data-control="criterion"]').select_option("taylor")
        absent = page.locator('[data-control="absent"]')
        assert "Not run" in absent.inner_text()
        assert page.locator(".sweep-dot").count() == 0
        assert not page.locator(".sweep-tiles").is_visible()
        page.locator('[data-control="nearest"]').click()
        assert not absent.is_visible()
        assert page.locator(".sweep-dot").count() > 0
        page.locator('[data-control="reset"]').click()
        page.locator('[data-control="how"]').select_option("trim-global")
        assert "Run, but failed" in absent.inner_text()
        assert "MemoryError: no room" in absent.inner_text()
        page.locator('[data-control="reset"]').click()
        page.locator('[data-control="criterion"]').select_option("magnitude")
        page.locator('[data-control="how"]').select_option("mask-local")
        assert "only 9.0 % of the weights could truly be taken out" in page.locator(".sweep-picture-note").inner_text()
        page.locator('[data-control="reset"]').click()
        page.locator('[data-control="training"]').select_option("true")
        assert "2,000 steps a round" in sentence(page)
        assert page.locator('[data-control="against-against_dense"]').is_disabled()
        assert "trained longer" in page.locator(".sweep-legend").inner_text()


def test_hearing_a_point(path: Path) -> None:
    with pages.open_page(path) as page:
        page.wait_for_selector(f"{ROOT} .sweep-dot")

        def pitch() -> float:
            page.wait_for_timeout(60)
            return page.evaluate(
                "s => { const t = document.querySelector(s).__timbre; let n = 0;"
                " for (let i = 1; i < t.lastBuffer.length; i++) n += t.lastBuffer[i - 1] < 0 && t.lastBuffer[i] >= 0;"
                " return n / (t.lastBuffer.length / t.sampleRate); }",
                ROOT,
            )

        page.locator('[data-control="loop"]').click()
        page.locator('[data-control="hear-3"]').click()
        page.wait_for_function(f"document.querySelector('{ROOT}').__timbre.lastBuffer")
        assert pitch() == pytest.approx(800, rel=0.03)
        levels = [pages.rms(page, ROOT)]
        page.keyboard.press("1")
        assert pitch() == pytest.approx(300, rel=0.03)
        levels.append(pages.rms(page, ROOT))
        page.keyboard.press("2")
        assert pitch() == pytest.approx(400, rel=0.03)
        levels.append(pages.rms(page, ROOT))
        # K-weighting lifts neither of these tones by more than a decibel over another.
        assert max(levels) / min(levels) < 10 ** (1 / 20)
        page.locator('[data-control="round"]').focus()  # the keys work there, too
        page.keyboard.press("3")
        assert pitch() == pytest.approx(800, rel=0.03)
        page.locator('[data-control="spectrogram"] summary').click()
        page.wait_for_function(
            "(() => { const c = document.querySelector('[data-control=spectrogram] canvas');"
            " const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
            " return c.width > 100 && new Set(data).size > 20; })()"
        )
        # Between two rounds with sound: the nearer is played, and its own share is on the button.
        page.locator('[data-control="round"]').fill("3")
        note = page.locator('[data-control="sound-note"]')
        assert "nearest to round 3 is round 4" in note.inner_text()
        assert page.locator('[data-control="hear-3"]').inner_text().endswith("90.0 % removed")
        page.locator('[data-control="round"]').fill("2")
        assert pitch() == pytest.approx(600, rel=0.03)
        assert "4.5 dB to the recording, 2.5 dB to the full model" in note.inner_text()
        page.locator('[data-control="round"]').fill("3")
        page.locator('[data-control="criterion"]').select_option("random")
        assert (
            f"This page holds no sound of ddsp-trim-local-random-rewind-s0. The nearest that can be heard is {MAIN}-s0"
            in note.inner_text()
        )
        page.locator('[data-control="nearest-sound"]').click()
        assert "round 4 has removed 90.0 % of the weights and left 100" in sentence(page)
        assert f"Run {MAIN}-s0" in sentence(page)
        assert page.locator('[data-control="play"]').is_visible()


def test_it_works_without_sounds_and_timings(tmp_path: Path) -> None:
    chain(tmp_path, f"{MAIN}-s0", [1.0, 1.1, 1.3])
    widget = sweep(folder=tmp_path)
    assert widget.start["round"] == 2  # the nearest to 90 % that there is
    with pages.open_page(pages.write_page(tmp_path / "page", [widget])) as page:
        page.wait_for_selector(f"{ROOT} .sweep-dot")
        assert "1.300 times" in sentence(page)
        assert "not measured yet" in page.locator(".sweep-tiles").inner_text()
        assert (
            "This page holds no sound of any DDSP run yet" in page.locator('[data-control="sound-note"]').inner_text()
        )
        assert not page.locator('[data-control="play"]').is_visible()
        assert not page.locator('[data-control="nearest-sound"]').is_visible()
        page.locator(ROOT).focus()
        page.keyboard.press("1")
        page.keyboard.press("ArrowLeft")
        assert "1.100 times" in sentence(page)


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone(path: Path, dark: bool) -> None:
    with pages.open_page(path, width=360, dark=dark) as page:
        page.wait_for_selector(f"{ROOT} .sweep-dot")
        page.locator('[data-control="table"] summary').click()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        rows = page.locator(f"{ROOT} tbody tr")
        assert rows.count() == len(REMOVED) + 1  # every round, and the failure
        assert "failed" in rows.last.inner_text()
        assert "× 1.50 (1.30 to 1.60, 3 seeds)" in rows.nth(4).inner_text()


def test_it_opens_fast(path: Path) -> None:
    """Nothing heavy is done before the reader asks: no sound is decoded when the widget opens."""
    with pages.open_page(path) as page:
        page.wait_for_selector(f"{ROOT} .sweep-dot")
        assert page.evaluate("globalThis.__timbre.sounds?.size ?? 0") == 0
