"""`edgedigits collect`: draw, label and correct digits on a local page; they land in a CSV."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.flags import whole_number
from edgedigits.cli.interrupts import check_interrupt
from edgedigits.cli.outcome import Outcome
from edgedigits.cli.streams import tell
from edgedigits.files.paths import user_path

if TYPE_CHECKING:
    from edgedigits.collect.server import CollectServer
    from edgedigits.progress import Progress

HELP = "draw digits, or take those that a board saw, label and correct them on a local page; they land in a CSV"
EXAMPLES = (
    "edgedigits collect mine.csv --model deploy/focal-qat-prune --open",
    "edgedigits build --data mnist --data mine.csv:20 --from deploy/focal-qat-prune",
)
DEFAULT_FILE = "digits.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "path",
        metavar="FILE",
        nargs="?",
        type=user_path,
        default=Path(DEFAULT_FILE),
        help=f"CSV to add digits to; one that is there goes on (default {DEFAULT_FILE})",
    )
    parser.add_argument(
        "--model", default="", metavar="BUILD", help="a build, or a model that `models` lists, that reads along"
    )
    parser.add_argument(
        "--port",
        default="",
        metavar="PORT",
        help="/dev/ttyACM0, COM3 or socket://host:number of a board that prints lines `seen CLASS PIXELS`",
    )
    parser.add_argument("--http-port", type=_port, default=0, metavar="N", help="of 127.0.0.1 (default: any free one)")
    parser.add_argument("--open", action="store_true", help="show the page in the browser")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Serve until Ctrl-C, which is how this ends well."""
    from edgedigits.collect.run import collecting

    with collecting(args.path, model=args.model, port=args.port, http_port=args.http_port) as server:
        before = len(server.service.book)
        with suppress(KeyboardInterrupt):
            _serve(server, args)
        written = {"file": str(args.path), "digits": len(server.service.book), "before": before}
    return Outcome(written, lambda console: console.print(_told(written), markup=False, soft_wrap=True))


def _serve(server: CollectServer, args: argparse.Namespace) -> None:
    there = len(server.service.book)
    tell(f"edgedigits: collecting into {args.path} ({there:,} digits there) at {server.address}")
    tell("edgedigits: the address is a secret of this run; end it with Ctrl-C.")
    if args.open:
        import webbrowser

        webbrowser.open(server.address)
    while True:
        server.handle_request()
        check_interrupt()


def _told(written: dict[str, Any]) -> str:
    return f"written  {written['file']}: {written['digits']:,} digits, {written['before']:,} of them from before"


def _port(text: str) -> int:
    port = whole_number(text, 65535)
    if not port:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port from 1 to 65535")
    return port
