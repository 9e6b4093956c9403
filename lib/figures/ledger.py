"""The ledger on the page: one picture of all verdicts, one card a claim. Chapter: *Reproduction ledger*."""

from __future__ import annotations

import html
from collections.abc import Sequence

from IPython.display import HTML
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lib.figures.tables import minus
from lib.ledger import VERDICTS, Row
from lib.plotting import INK, SERIES

#: Marker and colour of every verdict; told apart without colour, too.
STYLE = dict(zip(VERDICTS, (("o", SERIES[2]), ("D", SERIES[0]), ("X", SERIES[1]), ("s", SERIES[4]), ("_", INK))))


def overview(rows: Sequence[Row]) -> Figure:
    """Mark every claim's verdict: claims down, verdicts across."""
    shown = [verdict for verdict in VERDICTS if any(row.finding.verdict == verdict for row in rows)]
    fig, axes = plt.subplots(figsize=(4.9, 0.24 * len(rows) + 0.9), layout="constrained")
    for y, row in enumerate(rows):
        axes.axhline(y, color=INK, alpha=0.12, linewidth=0.6)
        marker, colour = STYLE[row.finding.verdict]
        axes.plot(shown.index(row.finding.verdict), y, marker, color=colour, markersize=8, linestyle="none")
    axes.set_yticks(range(len(rows)), [row.claim.key for row in rows])
    axes.set_xticks(range(len(shown)), [verdict.replace(" ", "\n", 1) for verdict in shown])
    axes.xaxis.tick_top()
    axes.set_xlim(-0.5, len(shown) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return fig


def cards(rows: Sequence[Row]) -> HTML:
    """Print every row: claim, both figures, verdict, why, how our way differs, and where the numbers come from."""
    return HTML("".join(_card(row) for row in rows))


def _card(row: Row) -> str:
    claim, finding, say = row.claim, row.finding, html.escape
    lines = [
        ("Paper", say(claim.figure)),
        ("This book", minus(say(finding.ours))),
        ("Verdict", f"<strong>{say(finding.verdict)}</strong>{'. ' + say(finding.reason) if finding.reason else ''}"),
        ("Protocol", say(claim.protocol)),
        ("Computed in", f'<a href="{claim.href}">{say(claim.page)}</a>'),
    ]
    body = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in lines)
    files = "".join(f"<li>{_source(name, dict(said))}</li>" for name, said in row.provenance.items())
    folded = f"<details><summary>{_count(row)}</summary><ul>{files}</ul></details>" if files else ""
    number = claim.key.replace(".", "-")
    return (
        f'<div class="tb-verdict" id="claim-{number}" style="margin-bottom:1rem">'
        f"<p><strong>{claim.key}</strong> {say(claim.claim)}</p>"
        f'<dl style="margin-bottom:.3rem">{body}</dl>{folded}</div>'
    )


def _count(row: Row) -> str:
    n = len(row.provenance)
    return "Provenance of one result file" if n == 1 else f"Provenance of {n} result files"


def _source(name: str, said: dict) -> str:
    seeds = ", ".join(str(seed) for seed in said["seeds"]) or "none"
    return (
        f"<code>{html.escape(name)}</code>: <code>{html.escape(said['command'])}</code>, seeds {seeds}, "
        f"commit {html.escape(said['commit'])}, {html.escape(said['date'])}, {html.escape(said['machine'])}"
    )
