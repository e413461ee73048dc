"""The table of what firmware takes, by part: for every verb that tells it."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from edgedigits.devices.needs import Needs


def needs_table(columns: Mapping[str, Needs]) -> Table:
    """Return a table with a row a part and a column a core or board.

    Args:
        columns: needs by title of the column.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for title in columns:
        table.add_column(title.removeprefix("cortex-"), justify="right", no_wrap=True)
    table.add_column("how")
    needs = list(columns.values())
    for title, sides in (("flash", [one.flash for one in needs]), ("RAM", [one.ram for one in needs])):
        for parts in zip(*sides, strict=True):
            how = ", ".join(dict.fromkeys(part.how for part in parts))
            table.add_row(f"  {parts[0].name}", *(f"{part.nbytes:,}" for part in parts), how)
        table.add_row(title, *(f"{sum(part.nbytes for part in side):,}" for side in sides), "", style="bold")
    return table
