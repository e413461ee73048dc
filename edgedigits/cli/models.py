"""`edgedigits models`: the models that come with the toolkit, and what they cost."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edgedigits.cli.outcome import Outcome

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress

HELP = "list the models that come with edgedigits: the most accurate it has made for so many bytes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments: none."""


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """List them."""
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
    return Outcome({"models": rows}, lambda console: _show(console, rows))


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
