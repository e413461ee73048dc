"""`edgedigits compare`: builds side by side."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.cli.config_flags import add_reading_arguments, given_reading
from edgedigits.cli.flags import add_data_argument
from edgedigits.cli.outcome import Outcome
from edgedigits.errors import ConfigError
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path
from edgedigits.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress
    from edgedigits.report.compare import Comparison

HELP = "put builds side by side: accuracy, size, zeros, engine, recall of each digit"
EXAMPLES = (
    "edgedigits compare deploy/a deploy/b --paired",
    "edgedigits compare deploy/a deploy/b --html compared.html",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("folders", metavar="BUILD", type=build_path, nargs="+", help="folders of two builds or more")
    parser.add_argument(
        "--paired",
        action="store_true",
        help="run all on the first one's test split and test whether they differ (McNemar)",
    )
    add_data_argument(parser, "with --paired: as for evaluate (default: the first build's own)")
    add_reading_arguments(parser)
    parser.add_argument(
        "--html",
        type=user_path,
        metavar="FILE",
        help="also write a page, with pictures of what flips; implies --paired",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Compare."""
    from edgedigits.data.writing import refuse_existing
    from edgedigits.report.compare import compare_builds
    from edgedigits.report.compare_page import write_comparison

    reading, paired = given_reading(args), args.paired or args.html is not None
    if not paired and (args.data or reading):
        given = "--data" if args.data else "--" + next(iter(reading)).replace("_", "-")
        raise ConfigError(f"{given} is of --paired: without it, no digits are read.", hint="Add --paired.")
    if args.force and not args.html:
        raise ConfigError("--force is of --html: without it, no file is written.", hint="Leave it out.")
    if args.html:
        refuse_existing(args.html, force=args.force)
    comparison = compare_builds(args.folders, paired=paired, source=args.data, progress=progress, **reading)
    if args.html:
        write_comparison(comparison, args.html, force=args.force)
    page = {"page": str(args.html)} if args.html else {}
    return Outcome({"comparison": comparison.to_json(), **page}, lambda console: _show(console, comparison, args.html))


def _show(console: Console, comparison: Comparison, page: Path | None) -> None:
    from rich.markup import escape
    from rich.table import Table

    from edgedigits.report.compare_words import CHOICES, figure_rows, obtained, test_words

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for build in comparison.builds:
        table.add_column(escape(printable(build.folder)), justify="right", overflow="fold")
    for choice in CHOICES:
        table.add_row(choice, *(getattr(build, choice) for build in comparison.builds))
    for name, title, cells in figure_rows(comparison):
        table.add_row(title, *(_cell(*one, comparison.best.get(name, ())) for one in cells))
    console.print(table)
    for how, titles in obtained(comparison).items():
        console.print(f"[dim]{', '.join(titles)} ({how})[/dim]", soft_wrap=True)
    for test in comparison.tests:
        console.print(escape(test_words(test, comparison)), soft_wrap=True)
    for note in comparison.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)
    if page:
        console.print(f"written: {page}", markup=False, soft_wrap=True)


def _cell(folder: str, text: str, best: Sequence[str]) -> str:
    return f"[bold]{text}[/bold]" if folder in best else text
