"""Tables of README.md that follow from what is declared in the package.

EDGEDIGITS_UPDATE_GOLDEN=1 pytest tests/test_readme.py writes them anew.
"""

from __future__ import annotations

import re

from edgedigits.losses.catalogue import LOSSES


def losses() -> str:
    """Return the losses: name, formula, flags of the parameters, source."""
    rows = ["| `--loss` | for one image | source |", "| --- | --- | --- |"]
    for loss in LOSSES.values():
        flags = ", ".join(f"`--{one.name.replace('_', '-')}`" for one in loss.parameters)
        rows.append(f"| `{loss.name}` | {loss.formula}{'; ' * bool(flags)}{flags} | {loss.source} |")
    return "\n".join(rows)


TABLES = {"losses": losses}


def filled_in(readme: str) -> str:
    """Return the text of README.md with each table between its marks as it is to be."""
    for name, table in TABLES.items():
        marked = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        readme, count = re.subn(
            marked, lambda found, table=table: f"{found[1]}{table()}\n{found[2]}", readme, flags=re.S
        )
        assert count == 1, f"README.md has {count} places for the table of {name}"
    return readme
