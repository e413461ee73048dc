"""Tables of a report for other documents: LaTeX, Markdown and CSV, one writer each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence

from edgedigits.report.page_tables import Table

FOLDER = "tables"
CAPTIONS = "captions"
_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
        **{"−": "$-$", "±": r"$\pm$", "×": r"$\times$", "µ": r"$\mu$", "↑": r"$\uparrow$", "↓": r"$\downarrow$"},
        **{"–": "--", "<": "$<$", ">": "$>$"},
    }
)
"""What LaTeX would take for its own, and signs that not every font of it has."""


def table_files(tables: Mapping[str, Table], formats: Sequence[str]) -> dict[str, str]:
    """Return the files of tables, each format of each, by path.

    CSV has no place for captions: they are a table of their own.

    Args:
        tables: by name.
        formats: of `FORMATS`.
    """
    found: dict[str, str] = {}
    for form in formats:
        suffix, text_of = FORMATS[form]
        all_of = {**tables, CAPTIONS: _captions(tables)} if form == "csv" else tables
        found |= {f"{FOLDER}/{name}{suffix}": text_of(name, table) for name, table in all_of.items()}
    return found


def _captions(tables: Mapping[str, Table]) -> Table:
    rows = tuple((name, table.label, table.caption, table.how) for name, table in tables.items())
    return Table("Captions", ("table", "title", "caption", "how"), rows)


def _caption(table: Table) -> str:
    return " ".join(
        filter(None, (f"{table.label}.", table.caption, table.how and f"How it was obtained: {table.how}."))
    )


def latex(name: str, table: Table) -> str:
    """Return a table environment for the package booktabs; it can be referred to as tab:NAME."""
    align = "".join("l" if column in table.words else "r" for column in range(len(table.head)))
    head, *rows = (" & ".join(cell.translate(_LATEX) for cell in cells) + r" \\" for cells in (table.head, *table.rows))
    lines = (
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_caption(table).translate(_LATEX)}}}",
        rf"\label{{tab:{name}}}",
        rf"\begin{{tabular}}{{{align}}}",
        *(r"\toprule", head, r"\midrule", *rows, r"\bottomrule"),
        *(r"\end{tabular}", r"\end{table}"),
    )
    return "\n".join(lines) + "\n"


def markdown(_: str, table: Table) -> str:
    """Return a table as GitHub and Pandoc read it, below its caption."""
    rule = ["---" if column in table.words else "--:" for column in range(len(table.head))]
    lines = [_bars(table.head), _bars(rule, plain=False), *map(_bars, table.rows)]
    return f"{_caption(table)}\n\n" + "\n".join(lines) + "\n"


def comma_separated(_: str, table: Table) -> str:
    """Return head and rows as they are shown."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.head, *table.rows])
    return text.getvalue()


FORMATS: dict[str, tuple[str, Callable[[str, Table], str]]] = {
    "latex": (".tex", latex),
    "markdown": (".md", markdown),
    "csv": (".csv", comma_separated),
}
"""End of the file's name, and writer, of each format."""


def _bars(cells: Sequence[str], *, plain: bool = True) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") if plain else cell for cell in cells) + " |"
