"""Tables of results, as the pages show them. Chapter: any that prints a table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from IPython.display import HTML

#: A hyphen that stands for minus: before a number, and after nothing that a number could hang on.
_HYPHEN = re.compile(r"(?<![^\s(>±])-(?=\d)")
_BEFORE_ZERO = re.compile(_HYPHEN.pattern + r"(?=0\.?0*(?![.\d]))")
_TAGS = re.compile(r"(<[^>]*>)")


def minus(text: str) -> str:
    """Write negative numbers with a true minus, and a zero without one; tags stay as they are.

    >>> minus("r -0.03 (-0.2 to 0.1), 5-10 notes, -0.00")
    'r −0.03 (−0.2 to 0.1), 5-10 notes, 0.00'
    """
    parts = _TAGS.split(text)
    parts[::2] = [_HYPHEN.sub("−", _BEFORE_ZERO.sub("", part)) for part in parts[::2]]
    return "".join(parts)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], note: str = "", text_columns: int = 1) -> HTML:
    """Lay out a table whose first columns are text and whose others are numbers; cells may hold HTML.

    Args:
        header: one title a column.
        rows: one string a cell.
        note: a line below: where the numbers come from.
        text_columns: how many columns to align left.

    >>> "<td>oboe</td>" in table(["instrument", "ms"], [["oboe", "3"]]).data
    True
    """
    align = ["" if column < text_columns else ' style="text-align:right"' for column in range(len(header))]
    head = "".join(f"<th{style}>{cell}</th>" for cell, style in zip(header, align))
    body = "".join(
        "<tr>" + "".join(f"<td{style}>{minus(cell)}</td>" for cell, style in zip(row, align)) + "</tr>" for row in rows
    )
    below = f"<p><small>{note}</small></p>" if note else ""
    return HTML(
        f'<div style="overflow-x:auto"><table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"</div>{below}"
    )
