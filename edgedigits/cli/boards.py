"""`edgedigits boards`: the boards that are known, and what fits where."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edgedigits.cli.flags import refuse_idle
from edgedigits.cli.outcome import Outcome
from edgedigits.frontier import build_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.devices.boards import Board
    from edgedigits.devices.needs import Needs
    from edgedigits.devices.stub import Engine
    from edgedigits.progress import Progress

HELP = "list the known boards and, given a build, what fits where with how much to spare"
EXAMPLES = (
    "edgedigits boards",
    "edgedigits boards deploy/focal-qat-prune",
)
KIB = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "path", metavar="PATH", nargs="?", type=build_path, help="a build's folder, or one with an engine"
    )
    parser.add_argument("--board", metavar="BOARD", help="this board only")
    parser.add_argument("--toolchain", choices=("zig", "gcc"), help="compiler (default zig, for AVR gcc)")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """List the boards; with a build, compile its engine for each core among them."""
    from edgedigits.devices.boards import find_board, load_boards
    from edgedigits.devices.fitting import board_remedies
    from edgedigits.devices.stub import find_engine

    refuse_idle("--toolchain", args.toolchain, "PATH: nothing is compiled", args.path)
    boards = [find_board(args.board)] if args.board else list(load_boards().values())
    if args.path is None:
        payload: dict[str, Any] = {"boards": [_facts(board) for board in boards]}
        return Outcome(payload, lambda console: _show_list(console, boards))
    engine = find_engine(args.path)
    needs = _measure(args, engine, boards, progress)
    measured = [board for board in boards if board.name in needs]
    payload = {"boards": [_fit_facts(board, needs[board.name]) for board in measured]}
    smallest = min(
        (board for board in measured if needs[board.name].fit(board).fits),
        key=lambda board: (board.flash, board.ram, board.name),
        default=None,
    )
    payload["smallest"] = smallest.name if smallest else None
    # One board that was asked for is a check; a list is information.
    failures = tuple(
        f"{short} {board_remedies(args.path, engine, board, needs[board.name])}"
        for board in measured
        if args.board and (short := needs[board.name].shortage(board))
    )
    return Outcome(payload, lambda console: _show_fits(console, measured, needs, smallest), failures)


def _measure(args: argparse.Namespace, engine: Engine, boards: list[Board], progress: Progress) -> dict[str, Needs]:
    from edgedigits.devices.needs import measure_needs
    from edgedigits.devices.toolchain import find_toolchain
    from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError

    found: dict[str, Needs] = {}
    for title, some in _groups(args, boards).items():
        core = some[0].core
        try:
            toolchain = find_toolchain(args.toolchain or core.toolchain, core)
            found |= measure_needs(engine, some, toolchain, progress)
        except (CheckFailedError, ConfigError, DataError, ToolMissingError) as error:
            # The others still tell about most boards.
            if args.board or some[0].core.architecture.name == "arm":
                raise
            progress.say(f"{title} left out: {error.message}")
    return found


def _groups(args: argparse.Namespace, boards: list[Board]) -> dict[str, list[Board]]:
    """Return boards that are measured together, by what to say where they are not."""
    groups: dict[str, list[Board]] = {}
    for board in boards:
        architecture = f"Boards with {board.core.architecture.title} are"
        title = architecture if args.toolchain else f"{board.name} is" if not board.core.zig else "Boards are"
        groups.setdefault(title, []).append(board)
    return groups


def _facts(board: Board) -> dict[str, Any]:
    return {
        "name": board.name,
        "title": board.title,
        "aliases": list(board.aliases),
        "core": board.core.name,
        "flash": board.flash,
        "ram": board.ram,
        "clock_mhz": board.clock_mhz,
        "source": board.source,
        "firmware": board.firmware is not None,
        "qemu": board.qemu,
        "pyocd": board.pyocd,
    }


def _fit_facts(board: Board, needs: Needs) -> dict[str, Any]:
    fit = needs.fit(board)
    left = {"fits": fit.fits, "flash_left": fit.flash_left, "ram_left": fit.ram_left}
    return {**_facts(board), **left, "needs": needs.to_json()}


def _size(count: int) -> str:
    return f"{count // KIB:,} KiB" if count % KIB == 0 else f"{count:,} B"


def _show_list(console: Console, boards: list[Board]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("board", "core", "flash", "RAM", "MHz", "firmware", "what it is"):
        right = title in ("flash", "RAM", "MHz")
        table.add_column(title, justify="right" if right else "left", no_wrap=title != "what it is")
    for board in boards:
        cells = (board.name, board.core.name, _size(board.flash), _size(board.ram), f"{board.clock_mhz:g}")
        table.add_row(*cells, "yes" if board.firmware else "", Text(board.title))
    console.print(table)
    console.print("Figures are the vendors' (--json names the sources); 'firmware': firmware_stub/ supports the board.")
    if len(boards) > 1:
        console.print("--board takes what people call them, too, such as nano, pico2 or blackpill (--json lists all).")


def _show_fits(console: Console, boards: list[Board], needs: dict[str, Needs], smallest: Board | None) -> None:
    from rich.table import Table

    from edgedigits.report.needs_table import needs_by_core, needs_table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("board", no_wrap=True)
    table.add_column("core", no_wrap=True)
    for title in ("flash needed", "left", "RAM needed", "left"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("fits")
    table.add_column("how", no_wrap=True)
    for board in boards:
        need = needs[board.name]
        fit = need.fit(board)
        cells = [f"{value:,}" for value in (need.total_flash, fit.flash_left, need.total_ram, fit.ram_left)]
        verdict = "yes" if fit.fits else "[red]no[/red]"
        table.add_row(board.name, board.core.name, *cells, verdict, need.how.partition(":")[0])
    console.print(table)
    if smallest and len(boards) > 1:
        memory = f"{_size(smallest.flash)} of flash, {_size(smallest.ram)} of RAM"
        console.print(f"The smallest that fits: [bold]{smallest.name}[/bold], {memory}.")
    for what in dict.fromkeys(filter(None, (needs[board.name].unreadable for board in boards))):
        names = ", ".join(board.name for board in boards if needs[board.name].unreadable == what)
        console.print(f"{names}: at least so much, and {what}.", soft_wrap=True)
    console.print("Bytes of the firmware that flash builds, stack included. By part:")
    # One board a core: the first whose own firmware was linked.
    cores: dict[str, Needs] = {}
    for board in boards:
        if len(boards) == 1 or (board.firmware and not needs[board.name].unreadable):
            cores.setdefault(board.core.name, needs[board.name])
    for table in needs_by_core(dict(sorted(cores.items()))) if len(cores) > 1 else map(needs_table, cores.values()):
        console.print()
        console.print(table)
    console.print()
    for how in dict.fromkeys(need.engine.how for need in cores.values()):
        console.print(how, markup=False)
    console.print("Memory of the boards: vendor (--json names the sources).")
