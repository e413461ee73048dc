"""Builds the firmware of `firmware_stub/` around an engine, without CMake."""

from __future__ import annotations

from pathlib import Path

from edgedigits.devices.boards import Board
from edgedigits.devices.cores import load_recipe
from edgedigits.devices.elf import Image, read_elf
from edgedigits.devices.engine_elf import check_constants, compile_engine
from edgedigits.devices.stub import Engine, firmware_stub
from edgedigits.devices.toolchain import Program, Toolchain, compile_program, macros
from edgedigits.errors import CheckFailedError, ConfigError

CONSOLES = ("uart", "semihosting")


def build_firmware(
    engine: Engine, board: Board, toolchain: Toolchain, output: Path, *, console: str = "uart", optimize: str = ""
) -> Image:
    """Compile firmware with this engine for a board.

    Args:
        engine: the engine.
        board: one that `firmware_stub/` supports.
        toolchain: what to compile with.
        output: the ELF to write.
        console: "uart" or "semihosting".
        optimize: such as "-O2"; by default what the board says.

    Raises:
        ConfigError: the board is not supported, or there is no such console.
        CheckFailedError: it does not fit: which memory, by how many bytes, and the biggest symbols.
        DataError: it does not compile.
    """
    if console not in CONSOLES:
        raise ConfigError(f"There is no console '{console}'.", hint=f"Known: {', '.join(CONSOLES)}.")
    if console == "semihosting" and board.core.simavr:
        raise ConfigError(f"{board.name} has no semihosting: AVR debuggers know none.", hint="Leave out --console.")
    check_constants(engine, board.core)
    program = firmware_program(engine, board, output, console, optimize)
    try:
        return read_elf(compile_program(toolchain, board.core, program))
    except CheckFailedError as error:
        biggest = _biggest_symbols(engine, board, toolchain, output)
        raise CheckFailedError(f"{error.message} Biggest on {board.name}: {biggest}.", hint=error.hint) from error


def firmware_program(engine: Engine, board: Board, output: Path, console: str, optimize: str) -> Program:
    """Return what to compile."""
    stub, support, recipe = firmware_stub(), board.support(), load_recipe()
    consoles = (support.uart,) if console == "uart" else recipe.semihosting
    sources = (*(support.sources or recipe.sources), board.core.architecture.startup, *consoles, *support.drivers)
    return Program(
        sources=[*engine.sources, engine.self_test, *(stub / source for source in sources)],
        output=output,
        linker_script=board.linker_script(),
        entry="Reset_Handler",
        include=[engine.folder, stub / "src"],
        defines={**engine.defines, **macros(support.defines)},
        optimize=optimize or support.optimize,
    )


def _biggest_symbols(engine: Engine, board: Board, toolchain: Toolchain, output: Path) -> str:
    image = compile_engine(toolchain, board.core, engine, output.parent)
    return ", ".join(f"{symbol.name} {symbol.size:,} B" for symbol in image.biggest())
