"""Firmware that fits its board; where none does, by parts why not, and what would help."""

from __future__ import annotations

from pathlib import Path

from edgedigits.devices.boards import Board
from edgedigits.devices.elf import Image
from edgedigits.devices.firmware import build_firmware
from edgedigits.devices.needs import Needs, check_fit, measure_needs
from edgedigits.devices.remedies import remedies
from edgedigits.devices.stub import Engine
from edgedigits.devices.toolchain import Toolchain
from edgedigits.errors import CheckFailedError


def fitting_firmware(
    path: Path, engine: Engine, board: Board, toolchain: Toolchain, output: Path, console: str
) -> tuple[Image, Needs]:
    """Compile firmware for a board, and return it with what it needs.

    Args:
        path: where the engine is, and its model where that is at hand.
        engine: the engine.
        board: one that `firmware_stub/` supports.
        toolchain: what to compile with.
        output: the ELF to write.
        console: "uart" or "semihosting".

    Raises:
        CheckFailedError: it does not fit: how much of what is missing for which parts, and what would help.
        ConfigError, DataError, ToolMissingError: as `build_firmware` and `check_fit`.
    """
    try:
        image = build_firmware(engine, board, toolchain, output, console=console)
        return image, check_fit(engine, image, board, toolchain)
    except CheckFailedError as error:
        needs = measure_needs(engine, [board], toolchain)[board.name]
        if not needs.shortage(board):
            # Another reason, or the console that was asked for takes more.
            raise
        raise CheckFailedError(needs.shortage(board), hint=board_remedies(path, engine, board, needs)) from error


def board_remedies(path: Path, engine: Engine, board: Board, needs: Needs) -> str:
    """Return what would make firmware fit a board, in sentences; nothing where it does."""
    fit = needs.fit(board)
    return "" if fit.fits else remedies(path, engine, board.core, fit.flash_left, fit.ram_left)
