"""How the figures of a page were obtained: told in one place, at its end."""

from __future__ import annotations

from collections.abc import Iterable

from edgedigits.report.page_tables import Table

Part = tuple[str, str]
"""What is told, and how its figures were obtained."""


def obtained_table(parts: Iterable[Part]) -> Table:
    """Return the last table of a page, with a row for all that was obtained alike.

    Args:
        parts: in the order of the page; the same thing may come several times, and what has no figures says "".
    """
    ways: dict[str, list[str]] = {}
    for title, how in parts:
        if how and how not in ways.setdefault(title, []):
            ways[title].append(how)
    titles: dict[str, list[str]] = {}
    for title, some in ways.items():
        titles.setdefault("; ".join(some), []).append(title)
    rows = tuple(("; ".join(some), how) for how, some in titles.items())
    return Table("How the figures were obtained", ("", ""), rows, frozenset({0, 1}))
