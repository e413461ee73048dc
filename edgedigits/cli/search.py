"""`edgedigits search`: many builds within limits of flash and instructions, and those that no other beats."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.config_flags import add_some_arguments, given_choices
from edgedigits.cli.flags import byte_count, instruction_count, positive_count
from edgedigits.cli.next_step import quoted
from edgedigits.cli.outcome import Outcome
from edgedigits.compression_sections import USUAL_CORE
from edgedigits.errors import ConfigError, shown
from edgedigits.files.paths import user_path
from edgedigits.options import with_unit
from edgedigits.sections import READING

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress
    from edgedigits.search.report.write import Result

HELP = "search for the networks that are most accurate within limits of flash and instructions"
EXAMPLES = ("edgedigits search --max-flash 16K --max-instructions 100000 --time 30m --data mnist",)

DEFAULT_SECONDS = 1800.0
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_LONGEST = 366 * 24 * 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    limits = parser.add_argument_group("limits", "What the engine may take, code and all, as `simulate` counts it.")
    limits.add_argument("--max-flash", type=byte_count, metavar="BYTES", help="most bytes of flash, such as 16K")
    limits.add_argument(
        "--max-instructions", type=instruction_count, metavar="N", help="most instructions an image, mean"
    )
    limits.add_argument("--core", metavar="CORE", default="", help=f"core to count on (default {USUAL_CORE})")
    limits.add_argument("--board", metavar="BOARD", default="", help="count on its core; its flash is a limit")
    extent = parser.add_argument_group("for how long; the same folder again goes on where it ended")
    extent.add_argument("--time", type=_seconds, metavar="TIME", help="of this run, such as 90s, 30m, 2h (default 30m)")
    extent.add_argument(
        "--trials", type=positive_count, default=0, metavar="N", help="builds in all, earlier runs' too"
    )
    extent.add_argument(
        "--jobs", type=positive_count, default=0, metavar="N", help="builds at a time (default: by cores and memory)"
    )
    extent.add_argument("--out", type=user_path, metavar="DIR", help="the search's folder (default: search)")
    shared = (("training", "seed"), ("training", "epochs"), ("joint", "epochs"), ("distill", "teacher"))
    add_some_arguments(parser, "what all builds share, as for build", ("data", "source"), *shared)
    add_some_arguments(parser, "how the digits are read, as for build", *(("data", name) for name in READING))


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Search, and write what was found."""
    from edgedigits.devices.gates import Limits
    from edgedigits.search.report.write import result_of, write_search
    from edgedigits.search.run import SearchChoices, search

    core, flash = _target(args)
    limits, folder = Limits(flash=flash, instructions=args.max_instructions), args.out or Path("search")
    seconds = args.time or (math.inf if args.trials else DEFAULT_SECONDS)
    choices = SearchChoices(limits, core, given_choices(args), args.trials, seconds, args.jobs)
    summary, trials = search(choices, folder, progress)
    result = result_of(folder.resolve().name, core, limits, trials)
    files = write_search(result, folder, progress)
    failures = () if result.front else (f"No build keeps the limits. {_nearest(result)}",)
    ran = {"ran": summary.ran, "seconds": summary.seconds, "busy": summary.busy}
    payload: dict[str, Any] = {
        "folder": str(folder),
        **result.to_json(),
        **ran,
        "files": [str(path) for path in files],
    }
    return Outcome(payload, lambda console: _show(console, result, files), failures)


def _target(args: argparse.Namespace) -> tuple[str, int | None]:
    """Return the core, and the most bytes of flash."""
    from edgedigits.devices.boards import find_board
    from edgedigits.devices.cores import find_core

    if not args.board:
        return find_core(args.core or USUAL_CORE).name, args.max_flash
    board = find_board(args.board)
    if args.core and find_core(args.core) != board.core:
        raise ConfigError(f"{board.name} has a {board.core.name}, not a {args.core}.", hint="Leave --core out.")
    return board.core.name, min(args.max_flash or board.flash, board.flash)


def _nearest(result: Result) -> str:
    if not result.candidates:
        return f"None of {len(result.given_up) + len(result.failed):,} was measured; {result.name} says why."

    def excess(one: Any) -> float:
        over = (one.flash / (result.limits.flash or one.flash), one.instructions / (result.limits.instructions or 1e18))
        return max(over)

    least = min(result.candidates, key=excess)
    return f"The nearest takes {least.flash:,} B and {least.instructions:,.0f} instructions; search on, or allow more."


def _seconds(text: str) -> float:
    value = with_unit(text, _UNITS)
    if value is None or not 0 < value <= _LONGEST:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a time; write it like 90s, 30m or 2h")
    return value


def _show(console: Console, result: Result, files: tuple[Path, ...]) -> None:
    from rich.table import Table

    from edgedigits.search.report.write import table_of

    facts = table_of(result.front, "Front")
    console.print(result.sentence, markup=False, soft_wrap=True)
    if facts.rows:
        table = Table(box=None, pad_edge=False, header_style="")
        for number, head in enumerate(facts.head):
            table.add_column(
                head, justify="left" if number in facts.words else "right", no_wrap=number != len(facts.head) - 1
            )
        for row in facts.rows:
            table.add_row(*row)
        console.print(table)
    for one in result.front:
        console.print(f"{one.number}: {one.command}", markup=False, soft_wrap=True)
    console.print(f"written: {', '.join(quoted(path) for path in files)}", markup=False, soft_wrap=True)
