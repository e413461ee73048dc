"""`edgedigits build`: from digits to a proven model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgedigits.cli.config_flags import add_config_arguments, config_from_arguments
from edgedigits.cli.next_step import simulate_command
from edgedigits.cli.outcome import Outcome

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.api import BuildResult
    from edgedigits.progress import Progress

HELP = "train, compress, convert and prove a model; write .tflite, C headers and a report"
EXAMPLES = (
    "edgedigits build --loss focal --qat --prune",
    "edgedigits build --data train.csv --budget-flash 8K --augment medium",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments: --config, --force and every option of the config."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="a TOML file with these options by table, or a build's manifest.json; flags win",
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier build in the same folder")
    add_config_arguments(parser)


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Build."""
    config = config_from_arguments(args, args.config)
    from edgedigits.api import build

    result = build(config, force=args.force, progress=progress)
    payload = {
        "folder": str(result.folder),
        "report": result.facts.to_json(),
        "latency": asdict(result.latency) if result.latency else None,
    }
    return Outcome(payload, lambda console: _show(console, result, config.engine.core))


def _show(console: Console, result: BuildResult, cores: Sequence[str]) -> None:
    from edgedigits.report.console import show_build

    folder = result.folder
    show_build(
        console,
        result.facts,
        folder=folder,
        latency=result.latency,
        next_command=simulate_command(folder, cores),
    )
