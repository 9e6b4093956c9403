"""Make the shipped results: `python -m lib.ratings stress | reliability | ceiling | axes`."""

from __future__ import annotations

import argparse
import sys

from lib.errors import BookError
from lib.results import provenance, write_result


def main(arguments: list[str] | None = None) -> int:
    """Run one report and write `assets/results/ratings/<name>.json`."""
    parser = argparse.ArgumentParser(prog="python -m lib.ratings", description=__doc__)
    parser.add_argument("report", choices=("stress", "reliability", "ceiling", "axes"))
    parser.add_argument("--studies", help="folder of the outside studies (default: TIMBRE_STUDIES)")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    name = {"axes": "descriptor_axes"}.get(chosen.report, chosen.report)
    try:
        config, results = _run(chosen.report, chosen.studies, chosen.seed)
        command = f"python -m lib.ratings {chosen.report}" + (f" --seed {chosen.seed}" if chosen.seed else "")
        record = provenance(config=config, seeds=[chosen.seed], command=command)
        target = write_result(f"ratings/{name}.json", results, provenance=record)
    except BookError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{target.name} written")
    return 0


def _run(report: str, folder: str | None, seed: int) -> tuple[dict, dict]:
    from lib.ratings import report as reports

    if report == "stress":
        return {"starts": 64, "chance_draws": 20}, reports.stress_report(starts=64, seed=seed)
    if report == "reliability":
        return {"draws": 300}, reports.reliability_report(draws=300, seed=seed)
    if report == "ceiling":
        config = {"permutations": 4999, "resamples": 2000, "studies": "layout of EtienneTho/musical-timbre-studies"}
        return config, reports.ceiling_report(folder, seed=seed)
    from lib.ratings.axes import axes_report

    return axes_report(seed=seed)


if __name__ == "__main__":
    raise SystemExit(main())
