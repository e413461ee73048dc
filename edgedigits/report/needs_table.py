"""The tables of what firmware takes, by part: for every verb that tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from edgedigits.devices.needs import MemoryPart, Needs


def needs_table(needs: Needs) -> Table:
    """Return the table of one board, a row a part, with how each figure was obtained."""
    table = _table()
    table.add_column("", no_wrap=True)
    table.add_column("bytes", justify="right", no_wrap=True)
    table.add_column("how")
    for title, parts in (("flash", needs.flash), ("RAM", needs.ram)):
        for part in parts:
            table.add_row(f"  {part.name}", f"{part.nbytes:,}", part.how)
        table.add_row(title, f"{sum(part.nbytes for part in parts):,}", "", style="bold")
    return table


def needs_by_core(cores: Mapping[str, Needs]) -> list[Table]:
    """Return a table of flash and one of RAM, a row a core and a column a part, narrow enough for a plain terminal."""
    return [
        _side("flash", {core: needs.flash for core, needs in cores.items()}),
        _side("RAM", {core: needs.ram for core, needs in cores.items()}),
    ]


def _side(title: str, cores: Mapping[str, Sequence[MemoryPart]]) -> Table:
    table = _table()
    table.add_column("", no_wrap=True)
    for part in next(iter(cores.values())):
        table.add_column(part.name, justify="right", vertical="bottom", min_width=6)
    table.add_column(title, justify="right", vertical="bottom", no_wrap=True, style="bold")
    for core, parts in cores.items():
        table.add_row(core, *(f"{part.nbytes:,}" for part in parts), f"{sum(part.nbytes for part in parts):,}")
    return table


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
