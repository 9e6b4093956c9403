"""Ways are chosen by validation and read on test; what was not run is left out."""

from __future__ import annotations

from typing import Any

import pytest

from lib.figures import sweep_further as further


def reading(**by_key: float) -> dict[str, dict[str, float]]:
    return {key: {"median": v, "min": v, "max": v, "n": 1} for key, v in by_key.items()}


def condition(**at_90: float) -> dict[str, Any]:
    row = {"removed": {"median": 0.9}, "test": reading(test=at_90["test"])["test"]}
    return {"rounds": [row], "read_at": {"0.9": reading(**at_90)}}


FOUND = {
    "ddsp-trim-local-information-rewind": condition(test=1.10, valid=1.12),
    "ddsp-trim-priced-taylor-rewind": condition(test=1.05, valid=1.01),
    "long-ddsp-trim-local-information-rewind": condition(test=1.00, valid=1.02),
    "sing-trim-local-information-rewind": condition(test=1.20, valid=1.20),
}


def test_validation_chooses_and_test_reports() -> None:
    way, value = further.chosen(FOUND, "ddsp", 0.9)
    assert way == "priced, Taylor" and value["median"] == 1.05  # not the 1.00 that only the test recordings know of
    assert further.chosen(FOUND, "ddsp", 0.95) is None and further.chosen(FOUND, "wavenet", 0.9) is None


def test_a_model_with_one_way_has_nothing_to_compare() -> None:
    assert set(further.panels(FOUND)) == {"DDSP"}
    assert list(further.panels(FOUND)["DDSP"]) == ["local, information", "priced, Taylor"]


def test_the_ceiling_is_the_worst_of_the_short_chains() -> None:
    found = {name: {**one, "model": name.removeprefix("long-").split("-")[0]} for name, one in FOUND.items()}
    assert further.ceiling(found, "ddsp") == 1.10
    found["long-ddsp-trim-local-information-rewind"]["rounds"][0]["test"]["max"] = 9.0
    assert further.ceiling(found, "ddsp") == 1.10


def test_what_was_not_run_is_named() -> None:
    wide = "wide: local, information, wide: priced, Taylor"
    everything = ", ".join(further.WAYS)
    assert further.lacking(FOUND) == f"DDSP ({wide}); SING (priced, Taylor, {wide}); WaveNet ({everything})"


@pytest.mark.parametrize(("test", "word"), [(1.02, "reached"), (1.05, "not reached")])
def test_bars_are_held_against_the_test_value(test: float, word: str) -> None:
    found = {"sing-trim-local-information-rewind": condition(test=test, valid=1.0)}
    (only, best) = (row for row in further.rows(found) if "SING" in row[0])
    assert only[2] == f"{test}, n = 1: {word}" and best[2].startswith(only[2]) and only[3] == "–"
    assert ("SING" in further.summary(found).split("not")[0]) == (word == "reached")


def test_keeping_is_held_against_dense_and_never_chosen() -> None:
    keep = condition(test=0.9, valid=0.9, against_dense=1.02)
    found = {**FOUND, "ddsp-trim-local-information-keep": keep}
    (row,) = (row for row in further.rows(found) if row[1] == further.KEEP)
    assert row[0] == "DDSP" and row[2] == "1.02, n = 1: reached" and row[3] == "–"
    assert further.chosen(found, "ddsp", 0.9) == further.chosen(FOUND, "ddsp", 0.9)
    assert further.rows(FOUND)[-1] == further.rows(found)[-1]
