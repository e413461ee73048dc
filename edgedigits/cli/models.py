"""`edgedigits models`: the models that come with the toolkit, and what they cost."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.flags import refuse_idle
from edgedigits.cli.outcome import Outcome
from edgedigits.errors import ConfigError
from edgedigits.files.paths import user_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress

HELP = "list the models that come with edgedigits: the most accurate it has made for so many bytes"
EXAMPLES = (
    "edgedigits models",
    "edgedigits build --from frontier-2048 --data train.csv",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "--plot", type=user_path, metavar="FILE", help="draw them beside published networks, into an .svg or a .png"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the picture")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """List them, or draw them.

    Raises:
        ConfigError: a picture that is no .svg and no .png, or there are no models to draw.
        DataError: the picture is there already or cannot be written.
    """
    refuse_idle("--force", args.force, "--plot", args.plot)
    rows = _rows()
    if args.plot is not None:
        _draw(rows, args.plot, force=args.force)
    return Outcome({"models": rows}, lambda console: _show(console, rows))


def _rows() -> list[dict[str, Any]]:
    from edgedigits.frontier import frontier
    from edgedigits.report.facts import read_report

    rows = []
    for name, folder in frontier().items():
        facts = read_report(folder)
        engine = facts.engine
        assert engine is not None  # a build has one
        rows.append(
            {
                "name": name,
                "folder": str(folder),
                "budget": facts.config["budget"]["constants"],
                "layers": [layer.inputs for layer in engine.layers] + [engine.layers[-1].outputs],
                "constants": engine.constant_bytes,
                "accuracy": facts.evaluation.scores.accuracy,
                "instructions": engine.instructions,
            }
        )
    return rows


def _draw(rows: list[dict[str, Any]], path: Path, *, force: bool) -> None:
    from edgedigits.data.writing import replacing
    from edgedigits.report.front_plot import front_plot
    from edgedigits.report.style import SUFFIXES, plot_files

    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path} is no picture that can be drawn.", hint="Name it .svg or .png.")
    if not rows:
        raise ConfigError("There are no models to draw in this installation.", hint="Run it in a checkout.")
    plot = front_plot([(row["constants"], row["accuracy"]) for row in rows])
    with replacing(path, force=force) as temporary:
        temporary.write_bytes(plot_files(plot, path.suffix)[path.suffix])


def _show(console: Console, rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    if not rows:
        console.print("There are none in this installation.")
        return
    table = Table(box=None, pad_edge=False, header_style="")
    for head in ("model", "test", "constants", "network", "instructions (estimate)"):
        table.add_column(head, justify="left" if head in ("model", "network") else "right", no_wrap=True)
    for row in rows:
        accuracy, constants = f"{100 * row['accuracy']:.2f}%", f"{row['constants']:,} B"
        network = "-".join(map(str, row["layers"]))
        table.add_row(row["name"], accuracy, constants, network, f"{row['instructions']:,}")
    console.print(table)
    console.print()
    console.print("On from one, with your digits or choices: edgedigits build --from NAME")
