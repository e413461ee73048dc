"""Builds side by side as one self-contained HTML page, with the images that flip between them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from edgedigits.build_folder import PAGE
from edgedigits.data.writing import replacing
from edgedigits.files.writing import write_text
from edgedigits.printable import printable
from edgedigits.report.compare import BuildColumn, Comparison
from edgedigits.report.compare_words import CHOICES, figure_rows, obtained, test_words
from edgedigits.report.page_tables import Table
from edgedigits.report.paired import Flip, PairedTest
from edgedigits.report.provenance import obtained_table
from edgedigits.report.rendering import page_templates, png_source
from edgedigits.report.words import percent, size_text

_MOST = 60
"""Images of a kind that are shown; there may be thousands."""


def write_comparison(comparison: Comparison, path: Path, *, force: bool = False) -> None:
    """Write the page, whole or not at all.

    Args:
        comparison: with its paired tests, from `compare_builds`.
        path: the page.
        force: replace a file.

    Raises:
        DataError: it exists or cannot be written.
    """
    page = render_comparison(comparison, path.parent)
    with replacing(path, force=force) as temporary:
        write_text(temporary, page)


def render_comparison(comparison: Comparison, place: Path) -> str:
    """Return the page, which needs no other file, no network and no JavaScript; it links to reports that are there.

    Args:
        comparison: with its paired tests.
        place: folder that the page is for.
    """
    template = page_templates().get_template("compare.html.j2")
    return template.render(
        builds=[_card(build, place) for build in comparison.builds],
        first=printable(comparison.builds[0].folder),
        figures=_table(comparison),
        obtained=obtained_table((title, how) for how, titles in obtained(comparison).items() for title in titles),
        tests=[_test(number, test, comparison) for number, test in enumerate(comparison.tests, 1)],
        notes=comparison.notes,
    )


def _card(build: BuildColumn, place: Path) -> dict[str, str]:
    report = Path(build.folder) / PAGE
    return {
        "name": printable(build.folder),
        "accuracy": percent(build.figures["accuracy"] or 0.0),
        "words": ", ".join(getattr(build, choice) for choice in CHOICES),
        "size": size_text(int(build.figures["bytes"] or 0)),
        "report": quote(Path(os.path.relpath(report, place)).as_posix()) if report.is_file() else "",
    }


def _table(comparison: Comparison) -> Table:
    """Return choices and figures, a column a build; the best are bold."""
    rows: list[tuple[str, ...]] = [
        (choice, *(getattr(build, choice) for build in comparison.builds)) for choice in CHOICES
    ]
    for name, title, cells in figure_rows(comparison):
        best = comparison.best.get(name, ())
        rows.append((title, *(_bold(text) if folder in best else text for folder, text in cells)))
    return Table("Side by side", ("", *(printable(build.folder) for build in comparison.builds)), tuple(rows))


def _bold(text: str) -> Markup:
    return Markup("<b>") + escape(text) + Markup("</b>")


def _test(number: int, test: PairedTest, comparison: Comparison) -> dict[str, Any]:
    flips = [flip for flip in comparison.flips if flip.folder == test.folder]
    gained, lost = ([_picture(one) for one in flips if one.gained == kind][:_MOST] for kind in (True, False))
    return {
        "id": f"flips-{number}",
        "name": printable(test.folder),
        "words": test_words(test, comparison),
        "kinds": [("Gained", test.gained, gained), ("Lost", test.lost, lost)],
    }


def _picture(flip: Flip) -> dict[str, Any]:
    names = ("index", "label", "first", "now")
    return {"source": png_source(flip.pixels), **{name: getattr(flip, name) for name in names}}
