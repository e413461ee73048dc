"""A table for a notebook: HTML with inline styles only, which takes its colours from the notebook, light or dark."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_CELL = 'style="text-align:right;padding:2px 8px"'
_HEAD = 'style="text-align:left;padding:2px 8px"'


def html_table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table whose first column names what the others tell.

    Args:
        head: titles of the columns, of figures; none for a table of words.
        rows: text of the cells.
    """
    first, *others = [*head] or [""]
    titles = "".join(f"<th {_CELL}>{escape(title)}</th>" for title in others)
    lines = [f"<tr><th {_HEAD}>{escape(first)}</th>{titles}</tr>"] if titles else []
    style = _CELL if titles else _HEAD
    for first, *rest in rows:
        cells = "".join(f"<td {style}>{escape(cell)}</td>" for cell in rest)
        lines.append(f"<tr><th {_HEAD}>{escape(first)}</th>{cells}</tr>")
    return "<table>" + "".join(lines) + "</table>"
