"""The tables of the diet: made-up chains in, what they say out."""

from __future__ import annotations

from typing import Any

import pytest

from lib.experiments import diet_tables
from lib.experiments.runs import Run


def chain(name: str, points: dict[float, float], **config: Any) -> tuple[Run, dict[str, Any]]:
    """A run whose test errors at some shares removed are given."""
    whole = {
        "kind": "chain",
        "model": "ddsp",
        "how": "trim",
        "scope": "local",
        "criterion": "information",
        "reset": "rewind",
        "steps": 1,
        "seed": int(name[-1]),
        **config,
    }
    rounds = [
        {"round": i, "removed": removed, "n_parameters": 100, "test": error, "valid": error, "truly_removable": 0.25}
        for i, (removed, error) in enumerate(points.items())
    ]
    return Run("diet", name, whole), {"rounds": rounds}


def curves(*made: tuple[Run, dict[str, Any]]) -> dict[str, Any]:
    return diet_tables.curves_of({run.name: run for run, _ in made}, {run.name: found for run, found in made})


def test_long_chains_stand_beside_short_ones_and_get_their_own_verdict() -> None:
    made = []
    for seed in range(3):
        made.append(chain(f"ddsp-trim-local-information-rewind-s{seed}", {0.0: 1.0, 0.95: 1.2}))
        made.append(chain(f"long-ddsp-trim-local-information-rewind-s{seed}", {0.0: 2.0, 0.95: 1.9}, long=True))
    claim = diet_tables.claims(curves(*made))[1]
    assert claim["ours_at_95"]["ddsp"]["median"] == pytest.approx(1.2)
    assert claim["long_at_95"]["ddsp"]["median"] == pytest.approx(0.95)
    assert (claim["verdict"], claim["verdict_long"]) == ("does not hold", "holds")


def test_long_chains_are_not_held_against_briefly_trained_dense_networks() -> None:
    dense = chain("ddsp-dense-s0", {0.0: 1.0}, reset="dense")
    short = chain("ddsp-trim-local-information-rewind-s0", {0.0: 1.0, 0.95: 1.2})
    long = chain("long-ddsp-trim-local-information-rewind-s0", {0.0: 1.0, 0.95: 1.2}, long=True)
    found = curves(dense, short, long)
    assert "against_dense" in found["ddsp-trim-local-information-rewind"]["rounds"][0]
    assert "against_dense" not in found["long-ddsp-trim-local-information-rewind"]["rounds"][0]


def test_one_seed_gets_no_verdict() -> None:
    made = chain("ddsp-trim-local-information-rewind-s0", {0.0: 1.0, 0.95: 0.5})
    assert diet_tables.claims(curves(made))[1]["verdict"].startswith("too few seeds")


def test_what_masks_free_is_read_at_the_last_round() -> None:
    masked = chain("ddsp-mask-local-magnitude-rewind-s0", {0.0: 1.0, 0.99: 1.0}, how="mask")
    trimmed = chain("ddsp-trim-local-information-rewind-s0", {0.0: 1.0, 0.99: 1.0})
    claim = diet_tables.claims(curves(masked, trimmed))[3]
    assert list(claim["removable"]) == ["ddsp-mask-local-magnitude-rewind"]
    assert claim["removable"]["ddsp-mask-local-magnitude-rewind"]["truly_removable"]["median"] == 0.25
