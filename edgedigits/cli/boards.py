"""`edgedigits boards`: the boards that are known, and what fits where."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.outcome import Outcome

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress
    from edgedigits.targets.boards import Board, Fit
    from edgedigits.targets.needs import Needs

HELP = "list the known boards and, given a build, what fits where with how much to spare"
KIB = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("path", metavar="PATH", nargs="?", type=Path, help="a build's folder, or one with an engine")
    parser.add_argument("--board", metavar="BOARD", help="this board only")
    parser.add_argument("--toolchain", choices=("zig", "gcc"), default="zig", help="compiler (default zig)")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """List the boards; with a build, compile its engine for each core among them."""
    from edgedigits.targets.boards import find_board, load_boards

    boards = [find_board(args.board)] if args.board else list(load_boards().values())
    if args.path is None:
        payload: dict[str, Any] = {"boards": [_facts(board) for board in boards]}
        return Outcome(payload, lambda console: _show_list(console, boards))
    needs, found = _measure(args, boards, progress)
    payload = {
        "needs": {core: {"flash": need.flash, "ram": need.ram, "how": need.how} for core, need in needs.items()},
        "boards": [
            {**_facts(fit.board), "fits": fit.fits, "flash_left": fit.flash_left, "ram_left": fit.ram_left}
            for fit in found
        ],
    }
    # One board that was asked for is a check; a list is information.
    failures = tuple(_failure(fit, needs) for fit in found if args.board and not fit.fits)
    return Outcome(payload, lambda console: _show_fits(console, found, needs), failures)


def _measure(args: argparse.Namespace, boards: list[Board], progress: Progress) -> tuple[dict[str, Needs], list[Fit]]:
    from edgedigits.errors import ToolMissingError
    from edgedigits.targets.needs import fits, measure_needs
    from edgedigits.targets.stub import find_engine
    from edgedigits.targets.toolchain import find_toolchain

    engine = find_engine(args.path)
    cores = [board.core for board in boards]
    if not args.board and args.toolchain == "gcc":
        # A GCC for Arm alone still tells about most boards.
        try:
            find_toolchain("gcc", next(core for core in cores if core.architecture == "riscv"))
        except ToolMissingError as error:
            progress.say(f"Boards with RISC-V are left out: {error.message}")
            cores = [core for core in cores if core.architecture != "riscv"]
    toolchain = find_toolchain(args.toolchain, cores[0])
    needs = measure_needs(engine, cores, toolchain, progress)
    return needs, fits(boards, needs)


def _facts(board: Board) -> dict[str, Any]:
    return {
        "name": board.name,
        "title": board.title,
        "core": board.core.name,
        "flash": board.flash,
        "ram": board.ram,
        "clock_mhz": board.clock_mhz,
        "source": board.source,
        "firmware": board.firmware,
        "qemu": board.qemu,
        "pyocd": board.pyocd,
    }


def _failure(fit: Fit, needs: dict[str, Needs]) -> str:
    need = needs[fit.board.core.name]
    short = []
    if fit.flash_left < 0:
        has, takes = fit.board.flash, need.flash
        short.append(f"{-fit.flash_left:,} B more flash than its {has:,} B (the engine takes {takes:,})")
    if fit.ram_left < 0:
        short.append(f"{-fit.ram_left:,} B more RAM than its {fit.board.ram:,} B (the engine takes {need.ram:,})")
    return f"{fit.board.name} would need {' and '.join(short)}."


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


def _show_fits(console: Console, found: list[Fit], needs: dict[str, Needs]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("board", no_wrap=True)
    table.add_column("core", no_wrap=True)
    for title in ("flash needed", "left", "RAM needed", "left"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("fits")
    for fit in found:
        need = needs[fit.board.core.name]
        cells = [f"{value:,}" for value in (need.flash, fit.flash_left, need.ram, fit.ram_left)]
        table.add_row(fit.board.name, fit.board.core.name, *cells, "yes" if fit.fits else "[red]no[/red]")
    console.print(table)
    console.print("Bytes of the engine alone; RAM with input, output, workspace and stack.")
    for how in dict.fromkeys(need.how for need in needs.values()):
        console.print(how, markup=False)
