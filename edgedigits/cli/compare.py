"""`edgedigits compare`: builds side by side."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgedigits.cli.config_flags import add_reading_arguments, given_reading
from edgedigits.cli.outcome import Outcome
from edgedigits.errors import ConfigError
from edgedigits.files.paths import user_path
from edgedigits.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress
    from edgedigits.report.compare import BuildColumn, Comparison

HELP = "put builds side by side: accuracy, size, zeros, engine, recall of each digit"
EXAMPLES = ("edgedigits compare deploy/a deploy/b --paired",)

_ROWS = (
    ("accuracy", "accuracy", "{:.2%}"),
    ("float_accuracy", "the same in float32", "{:.2%}"),
    ("macro_f1", "macro F1", "{:.4f}"),
    ("bytes", ".tflite, bytes", "{:,.0f}"),
    ("gzip_bytes", "with gzip, bytes", "{:,.0f}"),
    ("sparsity", "zeros", "{:.1%}"),
    ("engine_bytes", "arrays of the C engine, bytes", "{:,.0f}"),
    ("instructions", "instructions of a Cortex-M4", "{:,.0f}"),
    ("arena", "RAM of TFLM, bytes", "{:,.0f}"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("folders", metavar="BUILD", type=user_path, nargs="+", help="folders of two builds or more")
    parser.add_argument(
        "--paired",
        action="store_true",
        help="run all on the first one's test split and test whether they differ (McNemar)",
    )
    parser.add_argument(
        "--data", default="", metavar="SOURCE", help="with --paired: as for evaluate (default: the first build's own)"
    )
    add_reading_arguments(parser)


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Compare."""
    from edgedigits.report.compare import compare_builds

    reading = given_reading(args)
    if not args.paired and (args.data or reading):
        given = "--data" if args.data else "--" + next(iter(reading)).replace("_", "-")
        raise ConfigError(f"{given} is of --paired: without it, no digits are read.", hint="Add --paired.")
    comparison = compare_builds(args.folders, paired=args.paired, source=args.data, progress=progress, **reading)
    return Outcome({"comparison": comparison.to_json()}, lambda console: _show(console, comparison))


def _show(console: Console, comparison: Comparison) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for build in comparison.builds:
        table.add_column(escape(printable(build.folder)), justify="right", overflow="fold")
    for title, words in (("network", "network"), ("loss", "loss"), ("compression", "compression")):
        table.add_row(title, *(getattr(build, words) for build in comparison.builds))
    for name, title, form in _ROWS:
        if _known(name, comparison):
            table.add_row(title, *(_cell(build, name, form, comparison) for build in comparison.builds))
    for digit in range(10):
        table.add_row(f"recall of {digit}", *(f"{build.recall[digit]:.2%}" for build in comparison.builds))
    console.print(table)
    for how, titles in _obtained(comparison).items():
        console.print(f"[dim]{', '.join(titles)} ({how})[/dim]", soft_wrap=True)
    for test in comparison.tests:
        verdict = "differ" if test.p_value < 0.05 else "cannot be told apart"
        console.print(
            f"{escape(test.folder)} against {escape(comparison.builds[0].folder)}: of {test.count:,} images, "
            f"{test.gained} gained, {test.lost} lost; they {verdict} (McNemar, p = {test.p_value:.3g})",
            soft_wrap=True,
        )
    for note in comparison.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)


def _obtained(comparison: Comparison) -> dict[str, list[str]]:
    """Return how figures were obtained, and of which rows that is true."""
    rows = [(name, title) for name, title, _ in _ROWS if _known(name, comparison)] + [("recall", "recall")]
    rows += [("p_value", "p")] if comparison.tests else []
    titles: dict[str, list[str]] = {}
    for name, title in rows:
        titles.setdefault(comparison.how[name], []).append(title.removesuffix(", bytes"))
    return titles


def _known(name: str, comparison: Comparison) -> bool:
    return any(build.figures[name] is not None for build in comparison.builds)


def _cell(build: BuildColumn, name: str, form: str, comparison: Comparison) -> str:
    value = build.figures[name]
    if value is None:
        return "–"
    text = form.format(value)
    return f"[bold]{text}[/bold]" if build.folder in comparison.best.get(name, ()) else text
