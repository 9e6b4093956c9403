"""The table of models and boards: rows join the right counts, clocks are clocks, statements follow from rows."""

from __future__ import annotations

import pytest

from lib import results
from lib.deploy import table
from lib.deploy.boards import BOARDS, PAPER_TABLE

SMALL = [name for name, board in BOARDS.items() if board.core == "avr"]
PIS = [name for name, board in BOARDS.items() if board.kind == "linux"]


def made_up(model: str, macs: float, able: list[str]) -> dict:
    """A row that may run on some boards and cannot run on the others."""
    boards = {name: {"answer": "may" if name in able else "cannot"} for name in BOARDS}
    return {"model": model, "macs_per_second": macs, "boards": boards}


def test_the_papers_statements_hold_when_the_rows_say_so() -> None:
    said = table.judge([made_up("ddsp", 1e6, PIS), made_up("wavenet", 1e9, PIS)])
    assert all(said["holds"].values())
    assert said["summary"][SMALL[0]] == "none of 2 can run"
    assert said["summary"][PIS[0]] == "2 of 2 may run (ddsp, wavenet)"
    assert len(said["papers_table"]) == len(PAPER_TABLE)


def test_and_do_not_when_the_rows_say_otherwise() -> None:
    said = table.judge([made_up("ddsp", 1e6, [*SMALL, PIS[0]]), made_up("sing", 2e6, SMALL)])
    assert not any(said["holds"].values())


def test_a_measured_board_counts_and_one_that_was_too_slow_does_not() -> None:
    row = made_up("ddsp", 1e6, [])
    row["boards"][PIS[0]]["answer"], row["boards"][PIS[1]]["answer"] = "runs", "too slow"
    said = table.judge([row])["summary"]
    assert said[PIS[0]].startswith("1 of 1")
    assert said[PIS[1]].startswith("none of 1")


def test_flops_are_counted_against_the_papers_own_platforms() -> None:
    beside = {one["platform"]: one for one in table.judge([made_up("ddsp", 45e6, [])])["papers_table"]}
    assert beside["RPi 1B"]["rows_within_flops"] == 0  # 41 million a second
    assert beside["RPi 2B"]["rows_within_flops"] == 1  # 53 million a second


def test_the_real_time_factor_is_positive_and_takes_the_seconds_it_is_told() -> None:
    calls = []

    def play(seconds: float) -> float:
        calls.append(sum(i * i for i in range(20_000)))
        return seconds

    short, long = table.real_time_factor(lambda: play(0.01)), table.real_time_factor(lambda: play(100.0))
    assert short > 0.0 and long > 0.0
    assert short > long  # the same work for ten thousand times less sound
    assert len(calls) == 2 * (table.REPEATS + 1)


def test_every_row_joins_the_counts_of_its_own_program() -> None:
    rows = results.read_result(table.TABLE)["results"]["rows"]
    counted = results.read_result(table.EMULATED)["results"]["rows"]
    keys = [(row["run"], row["round"], row["precision"]) for row in rows]
    assert len(set(keys)) == len(keys)
    for row, key in zip(rows, keys):
        own = {
            table._core(one): one["per_second"]["total"]
            for one in counted
            if (one["run"], one["round"], one["precision"], one["artefact"]) == (*key, row["artefact"])
        }
        assert own and row["instructions_per_second"] == own
        assert set(row["boards"]) == set(BOARDS)
        assert row["x86_real_time_factor"] > 0.0 and row["x86_evidence"] == "measured"


@pytest.mark.parametrize("model", ["ddsp", "sing", "wavenet"])
def test_the_first_round_is_the_measure_of_the_others(model: str) -> None:
    rows = [r for r in results.read_result(table.TABLE)["results"]["rows"] if r["model"] == model]
    assert {r["test_multiplier"] for r in rows if r["round"] == 0} == {1.0}
    assert all(r["n_parameters"] < rows[0]["n_parameters"] for r in rows if r["round"])
