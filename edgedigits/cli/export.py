"""`edgedigits export`: the engine of a build as other tools want it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgedigits.cli.outcome import Outcome
from edgedigits.exports.catalogue import EXPORTS
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.exports.write import Exported
    from edgedigits.progress import Progress

HELP = "write a build's engine as a library, component or package of another ecosystem"
EXAMPLES = ("edgedigits export deploy/focal-qat-prune --to arduino",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    kinds = "; ".join(f"{export.name}: {export.help}" for export in EXPORTS.values())
    parser.add_argument("path", metavar="PATH", type=build_path, help="a build's folder, or one that holds an engine")
    parser.add_argument("--to", metavar="KIND", choices=EXPORTS, required=True, help=kinds)
    parser.add_argument(
        "--out",
        metavar="DIR|FILE.zip",
        type=user_path,
        help="folder or archive to write (default: a folder in export/KIND/)",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE.zip; a folder is never replaced")
    parser.add_argument("--no-self-test", action="store_true", help="leave the engine's self-test out")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Write the export."""
    from edgedigits.exports.write import write_export

    export, self_test = EXPORTS[args.to], not args.no_self_test
    written = write_export(args.path, export, args.out, self_test=self_test, force=args.force)
    payload = {**asdict(written), "place": str(written.place)}
    return Outcome(payload, lambda console: _show(console, written))


def _show(console: Console, written: Exported) -> None:
    lines = {
        "written": f"{written.place}: {len(written.files)} files for {written.to}",
        "licence": "none is given: put the notice that you want into it",
        "next": written.then,
    }
    for key, value in lines.items():
        console.print(f"{key:<9} {value}", markup=False, soft_wrap=True)
