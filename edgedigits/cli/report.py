"""`edgedigits report`: the page of a build, simulation, study or search; drawn anew where it is not there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.flags import refuse_idle
from edgedigits.cli.outcome import Outcome
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path, frontier

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress

HELP = "show the page of a build, simulation, study or search; draw a build's where it has none"
EXAMPLES = (
    "edgedigits report deploy/focal-qat-prune --open",
    "edgedigits report deploy/reference --out reference.html",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "path", metavar="PATH", type=build_path, help="the folder of a build, a simulation, a study or a search"
    )
    parser.add_argument("--open", action="store_true", help="show the page in the browser")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=user_path,
        help="draw the page of a build there, from its report.json, model and digits, and link a simulation "
        "(default where the folder holds no page: beside PATH, PATH-report.html)",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Find the page or draw it, and show it where that is asked for."""
    from edgedigits.report.redraw import draw_page, pages_of

    refuse_idle("--force", args.force, "--out", args.out)
    found = pages_of(args.path)
    if found is None or args.out:
        with progress.stage("Drawing the report"):
            found = draw_page(args.path, args.out or _page_of_name(args.path), force=args.force)
    facts: dict[str, Any] = {
        "page": str(found.page),
        "drawn": found.drawn,
        "simulation": found.simulation and str(found.simulation),
        "note": found.note,
    }
    if args.open:
        import webbrowser

        facts["opened"] = webbrowser.open(found.page.resolve().as_uri())
    return Outcome(facts, lambda console: _show(console, facts))


def _page_of_name(folder: Path) -> Path | None:
    """Return where the page of a model that comes with edgedigits goes: not among those, but here."""
    return next((Path(f"{name}-report.html") for name, one in frontier().items() if one == folder), None)


def _show(console: Console, facts: dict[str, Any]) -> None:
    lines = [("written" if facts["drawn"] else "page", facts["page"])]
    lines += [("simulation", facts["simulation"])] if facts["simulation"] else []
    lines += [("note", facts["note"])] if facts["note"] else []
    if facts.get("opened") is False:
        lines.append(("note", "no browser could be started; open the page by hand"))
    for title, value in lines:
        console.print(f"{title:<10}  {value}", markup=False, soft_wrap=True)
