"""Tables of results, as the pages show them. Chapter: any that prints a table."""

from __future__ import annotations

from collections.abc import Sequence

from IPython.display import HTML


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
        "<tr>" + "".join(f"<td{style}>{cell}</td>" for cell, style in zip(row, align)) + "</tr>" for row in rows
    )
    below = f"<p><small>{note}</small></p>" if note else ""
    return HTML(
        f'<div style="overflow-x:auto"><table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"</div>{below}"
    )
