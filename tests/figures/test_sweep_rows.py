"""Rows of the last tables: from any set of results, with nothing made up where results are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib import results
from lib.figures import sweep_rows as rows

SHORT = "ddsp-trim-local-information-rewind"


def spread(median: float, n: int = 3) -> dict:
    return {"median": median, "min": median - 0.01, "max": median + 0.01, "n": n}


def condition(at: dict[str, float], end: float, n: int = 3) -> dict:
    points = [{"removed": spread(0.0), "test": spread(1.0)}, {"removed": spread(end), "test": spread(1.5)}]
    return {"rounds": points, "read_at": {share: {"test": spread(value, n)} for share, value in at.items()}}


def run(folder: Path, name: str, found: dict) -> None:
    about = {"command": "x", "config": {}, "seeds": [0], "commit": "x", "date": "2026-01-01", "machine": "x"}
    results.write_result(folder / "diet" / "runs" / f"{name}.json", found, provenance=about)


def test_nothing_measured_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_run", lambda name: None)
    assert all(cell == rows.NOT_YET for row in rows.bar_rows({}) for cell in row[2:])
    assert rows.reached({}, 0.95, "short rounds, own") == ([], [])
    assert rows.verdicts({}, "95 % of weights go without loss") == "not measured"
    assert rows.criteria_apart({}, 0.8) == rows.best_early({}) == rows.NOT_YET


@pytest.mark.parametrize(("multiplier", "word"), [(1.05, "reached"), (1.06, "not reached")])
def test_a_bar_is_held_against_the_median(multiplier: float, word: str) -> None:
    found = {SHORT: condition({"0.95": multiplier}, 0.99)}
    row = next(row for row in rows.bar_rows(found) if row[:2] == ["DDSP", "short rounds, own round 0"])
    assert row[3].endswith(f": {word}")
    met, seen = rows.reached(found, 0.95, "short rounds, own")
    assert seen == ["DDSP"] and (met == seen) is (word == "reached")


def test_a_chain_at_its_floor_cannot_get_there() -> None:
    found = {SHORT: condition({}, 0.964)}
    row = next(row for row in rows.bar_rows(found) if row[:2] == ["DDSP", "short rounds, own round 0"])
    assert row[4] == "cannot: all groups at their floor at 96.4 %" and row[2] == rows.NOT_YET
    assert "DDSP cannot get there" in rows.verdicts(found, "100 times smaller at commensurate accuracy")


def test_a_verdict_takes_three_seeds() -> None:
    claim = "95 % of weights go without loss"
    assert rows.verdicts({SHORT: condition({"0.95": 1.2}, 0.99, 2)}, claim).endswith("n = 2 is too few to say")
    assert rows.verdicts({SHORT: condition({"0.95": 1.2}, 0.99, 3)}, claim) == "Short rounds: DDSP no"
    assert rows.verdicts({SHORT: condition({"0.95": 0.9}, 0.99, 3)}, claim) == "Short rounds: DDSP yes"


def test_long_chains_are_read_over_the_dense_network_trained_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    one = {"round": 0, "removed": 0.0, "n_parameters": 9, "test": 2.0, "valid": 2.0}
    run(tmp_path, "long-ddsp-trim-local-information-rewind-s0", {"rounds": [one, {**one, "removed": 0.9, "test": 2.2}]})
    assert rows.against_longer("ddsp", 0.9) is None
    run(tmp_path, "longer-ddsp-dense-s0", {"test": 1.6})
    assert rows.against_longer("ddsp", 0.9)["median"] == pytest.approx(2.2 / 1.6)
    assert rows.run_of("ddsp").startswith("long-") and rows.run_of("sing") is None


def test_operating_rows_are_the_nearest_rounds_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    rounds = [{"round": k, "removed": 1 - 0.7**k, "test": 1.0} for k in range(6)] + [{"round": 6, "failed": "floor"}]
    run(tmp_path, "a", {"rounds": rounds})
    assert [record["round"] for record in rows.operating_rows("a", (0.0, 0.5, 0.52, 0.99))] == [0, 2, 5]


def test_a_damaged_file_is_a_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    (tmp_path / "diet" / "runs").mkdir(parents=True)
    (tmp_path / "diet" / "runs" / "a.json").write_text(json.dumps({"results": 1}))
    assert rows.chain("a") is None


@pytest.mark.parametrize(("factor", "start"), [(0.4, "reached: with 50 % removed"), (1.2, "not reached")])
def test_real_time_is_told_of_exported_files_only(
    factor: float, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    assert rows.exported() == [] and rows.real_time("wavenet") == rows.NOT_YET
    one = {"model": "wavenet", "run": "a", "round": 0, "removed": 0.0, "x86_real_time_factor": 3.0}
    slow, small = {**one, "precision": "float32"}, {**one, "precision": "int8", "x86_real_time_factor": 0.1}
    thin = {**slow, "round": 2, "removed": 0.5, "x86_real_time_factor": factor}
    about = {"command": "x", "config": {}, "seeds": [0], "commit": "x", "date": "2026-01-01", "machine": "x"}
    results.write_result(tmp_path / "deploy" / "table.json", {"rows": [slow, small, thin]}, provenance=about)
    assert [bool(found["int8"]) for found in rows.exported()] == [True, False]
    assert rows.real_time("wavenet").startswith(start)
