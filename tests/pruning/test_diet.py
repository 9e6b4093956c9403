"""The diet experiment end to end at toy size, and its tables from records made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib import results
from lib.experiments import diet, diet_tables
from lib.experiments import runs as single
from lib.experiments.runs import Run
from lib.models import checkpoint, make


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diet, "CACHE", tmp_path / "cache")


def test_names_are_unique_and_the_first_group_comes_first() -> None:
    everything = diet.runs()
    assert len({run.name for run in everything}) == len(everything)
    firsts = ["first" in run.groups for run in everything if run.config["kind"] == "chain"]
    assert firsts == sorted(firsts, reverse=True)
    full = [run for run in everything if "grid" in run.groups]
    assert len(full) > 300
    assert all(run.config["steps"] > run.config["rewind_step"] for run in everything if "steps" in run.config)


@pytest.mark.parametrize(
    "name",
    [
        "quick-sing-trim-local-magnitude-rewind-s0",
        "quick-ddsp-mask-local-magnitude-rewind-s0",
        "quick-sing-dense-s0",
        "quick-sing-ablation-s0",
    ],
)
def test_a_quick_run_writes_a_record(name: str, tmp_path: Path) -> None:
    (run,) = [run for run in diet.runs(quick=True) if run.name == name]
    outcome = single.perform(run, tmp_path)
    written = json.loads(run.path(tmp_path).read_text())["results"]
    assert outcome[1] == "ok", written
    if run.config["kind"] == "chain":
        assert len(written["rounds"]) == 3 and written["rounds"][0]["macs_per_second"] > 0
    else:
        assert set(written["spearman"]) >= {"magnitude", "information", "random"}


def fake(folder: Path, name: str, config: dict, removed: list[float], test: list[float]) -> Run:
    run = Run("diet", name, config)
    rounds = [
        {"round": i, "removed": r, "n_parameters": round(1000 * (1 - r)), "test": t, "valid": t}
        for i, (r, t) in enumerate(zip(removed, test))
    ]
    rounds.append({"round": len(test), "failed": "diverged"})
    origin = results.provenance(config=config, seeds=[config["seed"]], command="test")
    results.write_result(run.path(folder), {"status": "ok", "rounds": rounds}, provenance=origin)
    return run


def test_tables_join_seeds_and_use_the_right_denominators(tmp_path: Path) -> None:
    base = {"kind": "chain", "model": "ddsp", "how": "trim", "scope": "local", "criterion": "information", "steps": 9}
    everything = [
        fake(
            tmp_path,
            f"ddsp-trim-local-information-rewind-s{seed}",
            {**base, "reset": "rewind", "seed": seed},
            [0.0, 0.6, 1.0],
            [2.0, 2.2, 3.0 + seed],
        )
        for seed in (0, 1)
    ]
    control = {**base, "reset": "dense", "seed": 0}
    everything.append(fake(tmp_path, "ddsp-dense-s0", control, [0, 0, 0], [2.0, 1.6, 1.5]))
    paths = diet_tables.write_all(everything, tmp_path)
    tables = {path.stem: json.loads(path.read_text())["results"] for path in paths}
    curve = tables["curves"]["conditions"]["ddsp-trim-local-information-rewind"]
    assert curve["rounds"][2]["test"] == {"median": 1.75, "min": 1.5, "max": 2.0, "n": 2}
    assert curve["rounds"][2]["against_dense"] == {"median": 2.0, "min": 2.0, "max": 2.0, "n": 1}
    assert curve["read_at"]["0.8"]["test"]["min"] == pytest.approx(1.1 + 0.5 * 0.4)
    assert "0.99" in curve["read_at"] and curve["best_by_validation"][0] == {"removed": 0.6, "test": 1.1}
    claim = tables["claims"][0]
    assert claim["ours_at_80"]["ddsp"]["n"] == 2 and claim["verdict"] == "too few seeds to say (n = 2)"
    assert tables["claims"][3]["verdict"] == "not measured"


def test_ranges_that_overlap_decide_nothing() -> None:
    def row(a: tuple[float, float], b: tuple[float, float]) -> dict:
        return {"x": {name: {"min": low, "max": high, "n": 3} for name, (low, high) in (("a", a), ("b", b))}}

    assert diet_tables._compare(row((1.0, 1.1), (1.2, 1.3)), "a", ("b",)) == "holds"
    assert diet_tables._compare(row((1.0, 1.25), (1.2, 1.3)), "a", ("b",)) == "cannot be told apart"
    assert diet_tables._compare(row((1.4, 1.5), (1.2, 1.3)), "a", ("b",)) == "does not hold"


def test_operating_points_are_the_nearest_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "FOLDER", tmp_path / "models")
    config = {"kind": "chain", "seed": 0}
    fake(tmp_path, "sing-x-s0", config, [0.0, 0.3, 0.55, 0.92], [1.0, 1.1, 1.2, 1.3])
    for number in range(4):
        checkpoint.save(make("sing", "toy"), f"sing-x-s0/round-{number:02d}.pt", {"round": number})
    points = diet.operating_points("sing-x-s0", folder=tmp_path)
    assert [record["round"] for record, _ in points] == [0, 2, 3]
    assert all(model.n_parameters() for _, model in points)
