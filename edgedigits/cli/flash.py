"""`edgedigits flash`: build firmware around an engine, check that it fits, put it onto a board."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edgedigits.cli.flags import refuse_idle
from edgedigits.cli.outcome import Outcome
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.devices.boards import Board
    from edgedigits.devices.needs import Needs
    from edgedigits.progress import Progress

HELP = "build firmware for a board and program it: through a debug probe, UF2, avrdude or esptool"
EXAMPLES = ("edgedigits flash deploy/focal-qat-prune --board rp2040",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("path", metavar="PATH", type=build_path, help="a build's folder, or one that holds an engine")
    parser.add_argument("--board", metavar="BOARD", required=True, help="see edgedigits boards")
    parser.add_argument("--toolchain", choices=("zig", "gcc"), help="compiler (default zig, for AVR gcc)")
    parser.add_argument("--console", choices=("uart", "semihosting"), default="uart", help="default uart")
    parser.add_argument("--probe", metavar="ID", default="", help="which debug probe, by the start of its id")
    parser.add_argument("--port", metavar="PORT", default="", help="serial port of an Arduino's or ESP32's boot loader")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=user_path,
        help="write the firmware here (.elf, .bin, .hex, .uf2), program nothing",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Build, check, program."""
    from edgedigits.devices.boards import find_board
    from edgedigits.devices.fitting import fitting_firmware
    from edgedigits.devices.flashing import check_file, flash, write_firmware
    from edgedigits.devices.stub import find_engine
    from edgedigits.devices.toolchain import find_toolchain
    from edgedigits.files.scratch import scratch

    refuse_idle("--force", args.force, "--out", args.out)
    refuse_idle("--probe", args.probe, "--out: nothing is programmed", args.out, without=False)
    refuse_idle("--port", args.port, "--out: nothing is programmed", args.out, without=False)
    board = find_board(args.board)
    board.support()
    if args.out:
        check_file(args.out, board, force=args.force)
    engine = find_engine(args.path)
    toolchain = find_toolchain(args.toolchain or board.core.toolchain, board.core)
    with scratch("flash") as folder:
        output = folder / "firmware.elf"
        image, needs = fitting_firmware(args.path, engine, board, toolchain, output, args.console)
        if args.out:
            done = write_firmware(args.out, board, image, force=args.force)
        else:
            done = flash(board, image, probe=args.probe, port=args.port, progress=progress)
    payload = {"board": board.name, "done": done, "firmware": _facts(board, needs)}
    return Outcome(payload, lambda console: _show(console, board, needs, done))


def _facts(board: Board, needs: Needs) -> dict[str, Any]:
    fit = needs.fit(board)
    left = {"flash_left": fit.flash_left, "ram_left": fit.ram_left}
    return {"flash": needs.total_flash, "ram": needs.total_ram, **left, "needs": needs.to_json()}


def _show(console: Console, board: Board, needs: Needs, done: str) -> None:
    from edgedigits.report.needs_table import needs_table

    fit = needs.fit(board)
    console.print(done, markup=False, soft_wrap=True)
    console.print(
        f"firmware for {board.title}: {needs.total_flash:,} B of flash ({fit.flash_left:,} left), "
        f"{needs.total_ram:,} B of RAM with the stack ({fit.ram_left:,} left)",
        markup=False,
        soft_wrap=True,
    )
    console.print(needs_table(needs))
