"""`edgedigits examples`: what runs as it is, to begin from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.cli.flags import refuse_idle
from edgedigits.cli.outcome import Outcome
from edgedigits.files.paths import user_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress

HELP = "list examples that run as they are, and copy one"
EXAMPLES = (
    "edgedigits examples",
    "edgedigits examples kaggle.ipynb",
    "edgedigits examples custom_loss.py --out mine/losses",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("name", metavar="EXAMPLE", nargs="?", default="", help="of the example to copy")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=user_path,
        help="folder to copy it into, made where there is none (default: this one)",
    )
    parser.add_argument("--force", action="store_true", help="replace a file of that name")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """List them, or copy one."""
    from edgedigits import examples

    if not args.name:
        refuse_idle("--out", args.out, "EXAMPLE", args.name)
        return Outcome({"examples": examples.EXAMPLES}, lambda console: _show(console, examples.EXAMPLES))
    path = examples.copy_example(args.name, args.out or Path(), force=args.force)
    return Outcome(
        {"written": str(path)}, lambda console: console.print(f"written  {path}", markup=False, soft_wrap=True)
    )


def _show(console: Console, examples: dict[str, str]) -> None:
    for name, words in examples.items():
        console.print(f"{name:<17} {words}", markup=False, soft_wrap=True)
