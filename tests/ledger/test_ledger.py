"""Every claim has a row, every row its provenance, and every verdict can come out otherwise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lib import results
from lib.errors import BookError
from lib.ledger import Claim, Finding, ledger
from lib.ledger.diet import CLAIMS as DIET
from lib.ledger.diet import model_of
from lib.ledger.row import row
from lib.ledger.timbre_spaces import CLAIMS as SPACES

ROOT = Path(__file__).resolve().parents[2]
#: Ten claims of the timbre-space paper and two of its sibling, nine of the diet paper and two of its sibling.
KEYS = {f"1.{i}" for i in range(1, 13)} | {f"2.{i}" for i in range(1, 12)}
SAID = {"command": "make it", "config": {}, "seeds": [0], "commit": "abc", "date": "2026-01-01", "machine": "one"}


def test_every_claim_has_exactly_one_row() -> None:
    keys = [claim.key for claim in (*SPACES, *DIET)]
    assert sorted(keys) == sorted(KEYS)


@pytest.mark.parametrize("found", ledger(), ids=lambda found: found.claim.key)
def test_every_row_is_measured_and_says_where_its_numbers_come_from(found) -> None:
    assert found.finding.verdict != "not measured"
    assert found.finding.ours.strip("– ")
    assert found.provenance
    for name, said in found.provenance.items():
        assert (results.RESULTS / name).exists()
        assert all(said[key] not in (None, "") for key in results.PROVENANCE_KEYS), name
        assert said["commit"] != "unknown", name


@pytest.mark.parametrize("claim", [*SPACES, *DIET], ids=lambda claim: claim.key)
def test_the_link_leads_to_a_heading_that_is_there(claim: Claim) -> None:
    notebook = json.loads((ROOT / "chapters" / f"{claim.page}.ipynb").read_text())
    text = "".join("".join(cell["source"]) + "\n" for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    anchors = {re.sub(r"[^a-z0-9]+", "-", line.lower()).strip("-") for line in re.findall(r"^#+ (.*)$", text, re.M)}
    assert claim.section in anchors


def test_a_missing_result_is_said_and_not_invented(tmp_path: Path) -> None:
    for found in ledger(tmp_path):
        assert found.finding.verdict in ("not measured", "untestable as stated")
        assert not found.provenance


def test_no_verdict_can_be_made_up() -> None:
    with pytest.raises(BookError, match="is no verdict"):
        Finding("1.0", "brilliant")  # type: ignore[arg-type]


def chain(folder: Path, name: str, errors: dict[float, float], **more: object) -> None:
    """Write a run whose test errors at some shares removed are given."""
    rounds = [
        {"round": i, "removed": removed, "n_parameters": 100, "test": error, "valid": error, "cpu_seconds": 1.0, **more}
        for i, (removed, error) in enumerate(errors.items())
    ]
    results.write_result(folder / "diet" / "runs" / f"{name}.json", {"status": "ok", "rounds": rounds}, provenance=SAID)


def verdict(key: str, folder: Path) -> str:
    return row(next(claim for claim in (*SPACES, *DIET) if claim.key == key), folder).finding.verdict


@pytest.mark.parametrize(
    "error, wanted", [({"ddsp": 0.9, "sing": 1.0}, "reproduced"), ({"ddsp": 0.9, "sing": 1.3}, "partly"),
                      ({"ddsp": 1.2, "sing": 1.3}, "not reproduced")]
)  # fmt: skip
def test_95_percent_without_loss(tmp_path: Path, error: dict[str, float], wanted: str) -> None:
    for model, value in error.items():
        chain(tmp_path, f"long-{model}-trim-local-information-rewind-s0", {0.0: 1.0, 0.95: value})
    assert verdict("2.2", tmp_path) == wanted


def test_a_failed_run_counts_for_nothing(tmp_path: Path) -> None:
    chain(tmp_path, "long-ddsp-trim-local-information-rewind-s0", {0.0: 1.0, 0.95: 1.5})
    broken = tmp_path / "diet" / "runs" / "long-sing-trim-local-information-rewind-s0.json"
    results.write_result(broken, {"status": "failed", "error": "diverged"}, provenance=SAID)
    assert verdict("2.2", tmp_path) == "not reproduced"


@pytest.mark.parametrize("share, wanted", [(0.254, "reproduced"), (0.9, "partly")])
def test_masks_free_little_or_much(tmp_path: Path, share: float, wanted: str) -> None:
    chain(tmp_path, "ddsp-mask-local-magnitude-rewind-s0", {0.0: 1.0, 0.99: 1.0}, truly_removable=share)
    assert verdict("2.4", tmp_path) == wanted


@pytest.mark.parametrize("whole, wanted", [(0.9, "reproduced"), (1.4, "not reproduced")])
def test_global_against_local(tmp_path: Path, whole: float, wanted: str) -> None:
    chain(tmp_path, "ddsp-trim-global-information-rewind-s0", {0.0: 1.0, 0.95: whole})
    chain(tmp_path, "ddsp-trim-local-information-rewind-s0", {0.0: 1.0, 0.95: 1.1})
    assert verdict("2.5", tmp_path) == wanted


def test_the_model_of_a_run() -> None:
    assert model_of("long-wavenet-trim-local-information-rewind-s2") == "wavenet"
