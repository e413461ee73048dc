"""`edgedigits data`: look at a data set, or turn it into a CSV."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.config_flags import add_some_arguments, config_from_arguments
from edgedigits.cli.flags import common_flags, refuse_idle
from edgedigits.cli.outcome import Outcome
from edgedigits.errors import ConfigError
from edgedigits.files.paths import user_path
from edgedigits.sections import READING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from edgedigits.data.facts import DataFacts
    from edgedigits.progress import Progress

HELP = "look at a data set, or write it as a CSV"
EXAMPLES = (
    "edgedigits data inspect train.csv --sheet sheet.png",
    "edgedigits data make-csv mnist --split train --out train.csv.gz",
)

DEFAULT_SHEET = "contact-sheet.png"
_SOURCE_HELP = "CSV, .npz, folder of IDX files or of PNG files in 0/ to 9/, or a name: mnist, mnist-5k, auto"
_INSPECT_HELP = "count classes, copies and oddities; with --sheet, also draw examples"
_MAKE_CSV_HELP = "write digits as a CSV in the form of Kaggle's Digit Recognizer"
_DIVIDING = (("data", "validation_fraction"), ("data", "test_fraction"), ("training", "seed"))
_OPTIONS = (
    *(("data", name) for name in READING),
    *_DIVIDING,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    common = common_flags()
    inspect = actions.add_parser("inspect", help=_INSPECT_HELP, description=_INSPECT_HELP, parents=[common])
    inspect.add_argument("source", metavar="SOURCE", help=_SOURCE_HELP)
    inspect.add_argument(
        "--sheet",
        nargs="?",
        const=Path(DEFAULT_SHEET),
        type=user_path,
        metavar="FILE.png",
        help=f"write a contact sheet, twenty digits a class (without a name: {DEFAULT_SHEET}); after SOURCE",
    )
    make_csv = actions.add_parser("make-csv", help=_MAKE_CSV_HELP, description=_MAKE_CSV_HELP, parents=[common])
    make_csv.add_argument("source", metavar="SOURCE", help=_SOURCE_HELP)
    make_csv.add_argument("--out", type=user_path, required=True, metavar="FILE", help="the .csv or .csv.gz to write")
    make_csv.add_argument(
        "--split",
        choices=("all", "train", "validation", "test"),
        default="all",
        help="which digits: all (default), or a split as a build would make it",
    )
    for action in (inspect, make_csv):
        action.add_argument("--force", action="store_true", help="overwrite the file to write")
        add_some_arguments(action, "how to read and divide, as for build", *_OPTIONS)


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Do what the sub-verb says."""
    return _inspect(args, progress) if args.action == "inspect" else _make_csv(args, progress)


def _options(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keyword arguments of reading and of dividing."""
    config = config_from_arguments(args, None)
    return config.data.reading, {**config.data.division, "seed": config.training.seed}


def _inspect(args: argparse.Namespace, progress: Progress) -> Outcome:
    from edgedigits.data.contact_sheet import write_contact_sheet
    from edgedigits.data.inspection import inspect_contents
    from edgedigits.data.load import read_source
    from edgedigits.data.writing import refuse_existing

    reading, dividing = _options(args)
    sheet = args.sheet
    refuse_idle("--force", args.force, "--sheet", sheet)
    if sheet:
        if sheet.suffix.lower() != ".png":
            raise ConfigError(
                f"--sheet {sheet} is not the name of a PNG.",
                hint=f"Put SOURCE first, or name it {DEFAULT_SHEET}.",
            )
        refuse_existing(sheet, force=args.force)
    contents = read_source(args.source, **reading, progress=progress)
    facts = inspect_contents(contents, **dividing, reading=reading)
    if sheet:
        everything = contents.everything
        write_contact_sheet(everything, f"{facts.source}: {len(everything):,} digits", sheet, force=args.force)
    payload = {
        "data": {**facts.to_json(), "digest": contents.everything.digest},
        "division": dividing,
        "sheet": str(sheet) if sheet else None,
    }
    return Outcome(payload, lambda console: _show_facts(console, facts, sheet))


def _show_facts(console: Console, facts: DataFacts, sheet: Path | None) -> None:
    from rich.markup import escape

    column, row = facts.centre
    shared = sum(overlap.count for overlap in facts.overlaps)
    pixels = f"{facts.side}×{facts.side} pixels from {facts.lowest} to {facts.highest}"
    console.print(f"[bold]{escape(facts.source)}[/]: {facts.count:,} digits of {pixels}")
    if facts.note:
        console.print(facts.note)
    console.print(_class_table(facts))
    for name, text in (
        ("polarity", f"{facts.polarity} ({facts.white_on_black:.1%} of the images have a dark border)"),
        ("brightness", f"{facts.mean_ink:.3f} of white, mean of all pixels"),
        ("centre of mass", f"column {column:.1f}, row {row:.1f}; {facts.off_centre:.1f} px off the middle"),
        ("size", f"{facts.box:.0f} px, median of the ink's longer side"),
        ("copies", f"{shared:,} between splits; {facts.contradictions:,} images with two labels"),
    ):
        console.print(f"{name:<15} {text}")
    console.print()
    for finding in facts.findings:
        console.print(f"[yellow]•[/] {escape(finding)}")
    if not facts.findings:
        console.print("[green]✓[/] Nothing unusual was found.")
    if sheet:
        console.print(f"Contact sheet: {escape(str(sheet))}")


def _class_table(facts: DataFacts) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1))
    table.add_column("split", no_wrap=True)
    for heading in ("digits", *map(str, range(10)), "copies", "blank"):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in facts.parts:
        numbers = (part.count, *part.per_class, part.duplicates, part.near_constant)
        table.add_row(part.name, *map(str, numbers))
    return table


def _make_csv(args: argparse.Namespace, progress: Progress) -> Outcome:
    from edgedigits.data.export import write_csv
    from edgedigits.data.inspection import findings_on_selection
    from edgedigits.data.load import read_source, select
    from edgedigits.data.writing import refuse_existing

    reading, dividing = _options(args)
    for section, name in _DIVIDING:
        given = hasattr(args, f"{section}.{name}")
        refuse_idle(f"--{name.replace('_', '-')}", given, "--split train, validation or test", args.split != "all")
    out = args.out
    refuse_existing(out, force=args.force)
    contents = read_source(args.source, **reading, progress=progress)
    chosen = select(contents, args.split, **dividing)
    findings = findings_on_selection(chosen, reading, progress)
    write_csv(chosen.digits, out, force=args.force, progress=progress)
    size = out.stat().st_size
    payload = {
        "out": str(out),
        "count": len(chosen.digits),
        "bytes": size,
        "source": chosen.source,
        "split": chosen.split,
        "origin": chosen.origin,
        "note": chosen.note,
        "findings": findings,
        "digest": chosen.digits.digest,
    }
    text = f"{out}: {len(chosen.digits):,} digits, {size / 1e6:.1f} MB ({chosen.origin})"
    return Outcome(payload, lambda console: _show_lines(console, chosen.note, text))


def _show_lines(console: Console, *lines: str) -> None:
    for line in filter(None, lines):
        console.print(line, markup=False)
