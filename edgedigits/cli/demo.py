"""`edgedigits demo`: one page on which to draw digits for the engine of a build."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.outcome import Outcome
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress

HELP = "write one page on which to draw digits for the engine of a build, compiled to WebAssembly"
EXAMPLES = ("edgedigits demo deploy/focal-qat-prune --open",)
DEFAULT_PAGE = "demo.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("path", metavar="PATH", type=build_path, help="a build's folder, or one that holds an engine")
    parser.add_argument(
        "--out", metavar="FILE", type=user_path, default=Path(DEFAULT_PAGE), help=f"the page (default {DEFAULT_PAGE})"
    )
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    parser.add_argument("--force", action="store_true", help="replace FILE")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Write the page, and show it where that is asked for."""
    from edgedigits.demo.page import write_demo

    with progress.stage("Compiling the engine to WebAssembly"):
        written = write_demo(args.path, args.out, force=args.force)
    if args.open:
        import webbrowser

        written["opened"] = webbrowser.open(args.out.resolve().as_uri())
    return Outcome(written, lambda console: _show(console, written))


def _show(console: Console, written: dict[str, Any]) -> None:
    sizes = f"{written['page_bytes']:,} B, of which the engine {written['wasm_bytes']:,} B as WebAssembly"
    console.print(f"written  {written['page']}: {sizes}, {written['compiler']}", markup=False, soft_wrap=True)
    if written.get("opened") is False:
        console.print("note     no browser could be started; open the page by hand", soft_wrap=True)
