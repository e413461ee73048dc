"""Builds the firmware of `firmware_stub/` around an engine, without CMake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgedigits.devices.boards import Board, load_boards
from edgedigits.devices.elf import Image, read_elf
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.stub import STARTUP, Engine, firmware_stub
from edgedigits.devices.toolchain import Program, Toolchain, compile_program
from edgedigits.errors import CheckFailedError, ConfigError

CONSOLES = ("uart", "semihosting")
# What every firmware holds; the same list is in firmware_stub/CMakeLists.txt.
COMMON_SOURCES = ("src/main.c", "src/protocol.c", "src/crc32.c", "src/memory.c")
SEMIHOSTING_SOURCES = ("drivers/console_semihosting.c", "src/semihosting.c")


@dataclass(frozen=True, slots=True)
class Support:
    """What `firmware_stub/boards/<name>/board.cmake` says.

    Attributes:
        folder: the board's folder.
        uart: driver of its serial port.
        sources: its other sources.
    """

    folder: Path
    uart: str
    sources: tuple[str, ...]


def board_support(board: Board) -> Support:
    """Return what `firmware_stub/` has for a board.

    Raises:
        ConfigError: nothing; the hint lists the boards that it supports.
    """
    folder = firmware_stub() / "boards" / board.name
    if not (folder / "board.cmake").is_file():
        names = ", ".join(name for name, other in load_boards().items() if other.firmware)
        raise ConfigError(f"firmware_stub does not support {board.name}.", hint=f"It supports {names}.")
    settings = dict(re.findall(r"^set\((\w+) ([^)]*)\)", (folder / "board.cmake").read_text(), re.MULTILINE))
    return Support(folder, settings["BOARD_UART"], tuple(settings["BOARD_SOURCES"].split()))


def build_firmware(
    engine: Engine, board: Board, toolchain: Toolchain, output: Path, *, console: str = "uart", optimize: str = "-O2"
) -> Image:
    """Compile firmware with this engine for a board.

    Args:
        engine: the engine.
        board: one that `firmware_stub/` supports.
        toolchain: what to compile with.
        output: the ELF to write.
        console: "uart" or "semihosting".
        optimize: such as "-O2".

    Raises:
        ConfigError: the board is not supported, or there is no such console.
        CheckFailedError: it does not fit: which memory, by how many bytes, and the biggest symbols.
        DataError: it does not compile.
    """
    if console not in CONSOLES:
        raise ConfigError(f"There is no console '{console}'.", hint=f"Known: {', '.join(CONSOLES)}.")
    program = firmware_program(engine, board, output, console, optimize)
    try:
        return read_elf(compile_program(toolchain, board.core, program))
    except CheckFailedError as error:
        biggest = _biggest_symbols(engine, board, toolchain, output)
        raise CheckFailedError(f"{error.message} Biggest on {board.name}: {biggest}.", hint=error.hint) from error


def firmware_program(engine: Engine, board: Board, output: Path, console: str, optimize: str) -> Program:
    """Return what to compile."""
    stub, support = firmware_stub(), board_support(board)
    consoles = (support.uart,) if console == "uart" else SEMIHOSTING_SOURCES
    sources = (*COMMON_SOURCES, STARTUP[board.core.architecture], *consoles, *support.sources)
    return Program(
        sources=[*engine.sources, engine.self_test, *(stub / source for source in sources)],
        output=output,
        linker_scripts=[support.folder / "memory.ld", stub / "src" / "sections.ld"],
        entry="Reset_Handler",
        include=[engine.folder, stub / "src", support.folder],
        defines=engine.defines,
        optimize=optimize,
    )


def _biggest_symbols(engine: Engine, board: Board, toolchain: Toolchain, output: Path) -> str:
    image = compile_engine(toolchain, board.core, engine, output.parent)
    return ", ".join(f"{symbol.name} {symbol.size:,} B" for symbol in image.biggest())
