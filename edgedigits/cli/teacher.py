"""`edgedigits teacher`: a network that students are distilled from."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgedigits.cli.config_flags import add_config_arguments, choices_from_arguments
from edgedigits.cli.next_step import quoted
from edgedigits.cli.outcome import Outcome
from edgedigits.teachers.choices import TeacherConfig

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.api import TeacherResult
    from edgedigits.progress import Progress

HELP = "train a CNN or an ensemble that builds are distilled from"
EXAMPLES = (
    "edgedigits teacher --data mnist --out teacher",
    "edgedigits build --data mnist --distill teacher",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments: --config, --force and every option of a teacher."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="a TOML file with these options by table, or a teacher's manifest.json; flags win",
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier teacher in the same folder")
    add_config_arguments(parser, TeacherConfig)


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Train a teacher."""
    config = choices_from_arguments(args, args.config, TeacherConfig)
    from edgedigits.api import teacher

    result = teacher(config, force=args.force, progress=progress)
    payload = {"folder": str(result.folder), "teacher": result.facts.to_json()}
    return Outcome(payload, lambda console: _show(console, result))


def _show(console: Console, result: TeacherResult) -> None:
    facts = result.facts
    lines = [f"{'':<10} validation     test"]
    lines += [f"{name:<10} {score.validation:>10.2%} {score.test:>8.2%}" for name, score in facts.rows]
    lines += [f"{'written':<10} {result.folder}: {facts.parameters:,} parameters, {facts.outputs_are}"]
    lines += [f"{'next':<10} edgedigits build --distill {quoted(result.folder)}"]
    for line in lines:
        console.print(line, markup=False, highlight=False)
