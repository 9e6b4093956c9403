"""What a row of the ledger is, and how it is computed. Chapter: *Reproduction ledger*."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lib import results
from lib.errors import BookError

Verdict = Literal["reproduced", "partly", "not reproduced", "untestable as stated", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("reproduced", "partly", "not reproduced", "untestable as stated", "not measured")


@dataclass(frozen=True)
class Finding:
    """Our side of a row: the figures in words, what follows from them, and why."""

    ours: str
    verdict: Verdict
    reason: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise BookError(f"{self.verdict!r} is no verdict; choose from {', '.join(VERDICTS)}.")


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, where this book tests it, and how its finding is computed.

    `key` is such as "1.3"; `figure` is what the paper prints; `protocol` how our way differs; `page` and `section` are
    where the computation can be seen; `files` the results it needs, under `assets/results`; `judge` gets them in that
    order, and for a pattern such as "diet/runs/*.json" all that went well, by name.
    """

    key: str
    paper: str
    claim: str
    figure: str
    protocol: str
    page: str
    section: str
    files: tuple[str, ...]
    judge: Callable[..., Finding]

    @property
    def href(self) -> str:
        """Link from a page in `back/`."""
        return f"../{self.page}.html#{self.section}"


@dataclass(frozen=True)
class Row:
    """A claim, its finding, and the provenance of every file the finding stands on."""

    claim: Claim
    finding: Finding
    provenance: Mapping[str, Mapping[str, Any]]


def ledger(folder: Path | None = None) -> list[Row]:
    """Compute all rows, in the order of the papers.

    Args:
        folder: results, `assets/results` by default.
    """
    from lib.ledger import diet, timbre_spaces

    return [row(claim, folder) for claim in (*timbre_spaces.CLAIMS, *diet.CLAIMS)]


def row(claim: Claim, folder: Path | None = None) -> Row:
    """Compute one row; a file that is missing makes it "not measured"."""
    read: dict[str, Mapping[str, Any]] = {}
    given: list[Mapping[str, Any]] = []
    folder = folder or results.RESULTS
    for name in claim.files:
        if "*" not in name:
            try:
                read[name] = results.read_result(folder / name)
            except BookError:
                return Row(claim, Finding("–", "not measured", f"no results in {name}"), {})
            given.append(read[name]["results"])
            continue
        found = {path: results.read_result(path) for path in sorted(folder.glob(name))}
        found = {path: record for path, record in found.items() if record["results"].get("status") == "ok"}
        read |= {str(path.relative_to(folder)): record for path, record in found.items()}
        given.append({path.stem: record["results"] for path, record in found.items()})
    finding = claim.judge(*given)
    provenance = {name: record["provenance"] for name, record in read.items()}
    return Row(claim, finding, provenance)


def spread(values: Mapping[str, float], digits: int = 2) -> str:
    """Say a summary over seeds or splits in words: median, range, number.

    >>> spread({"median": 0.5, "min": 0.25, "max": 1.0, "n": 3})
    '0.50 (0.25 to 1.00, n = 3)'
    >>> spread({"median": 0.5, "min": 0.5, "max": 0.5, "n": 1})
    '0.50 (n = 1)'
    """
    if values["n"] == 1:
        return f"{values['median']:.{digits}f} (n = 1)"
    low, high = f"{values['min']:.{digits}f}", f"{values['max']:.{digits}f}"
    return f"{values['median']:.{digits}f} ({low} to {high}, n = {values['n']})"
