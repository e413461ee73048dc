"""What an engine needs of a board, by core, without any digits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edgedigits.files.scratch import scratch
from edgedigits.progress import SILENT, Progress
from edgedigits.targets.boards import Board, Fit
from edgedigits.targets.cores import CORES, Core
from edgedigits.targets.emulator_unicorn import run_unicorn
from edgedigits.targets.engine_elf import compile_engine
from edgedigits.targets.stub import Engine
from edgedigits.targets.toolchain import Toolchain

STACK_STAND_IN = "cortex-m33"


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes that an engine needs on a core.

    Attributes:
        flash: code and constants.
        ram: workspace, input, output and stack.
        how: how they were obtained.
    """

    flash: int
    ram: int
    how: str


def measure_needs(
    engine: Engine, cores: Iterable[Core], toolchain: Toolchain, progress: Progress = SILENT
) -> dict[str, Needs]:
    """Compile an engine for each core and run it there on two extreme inputs, for its stack.

    Returns:
        Needs by name of the core. Where Unicorn does not emulate a core, another core's stack stands in, and `how`
        says so.

    Raises:
        ToolMissingError, DataError, CheckFailedError: as `compile_engine` and `run_unicorn`.
    """
    wanted = list(dict.fromkeys(cores))
    found = {}
    with progress.stage("Compiling by core", len(wanted)) as stage:
        for core in wanted:
            found[core.name] = _needs(engine, core, toolchain)
            stage.advance(note=core.name)
    return found


def _needs(engine: Engine, core: Core, toolchain: Toolchain) -> Needs:
    runner = core if core.unicorn_cpu else CORES[STACK_STAND_IN]
    extremes = np.stack([np.full(engine.input_size, value, dtype=np.int8) for value in (-128, 127)])
    with scratch("needs") as folder:
        image = compile_engine(toolchain, core, engine, folder)
        running = image if runner is core else compile_engine(toolchain, runner, engine, folder)
        stack = run_unicorn(runner, running, engine, extremes).stack
    lent = engine.workspace_bytes + engine.input_size + engine.output_size
    stack_how = (
        "stack emulated" if runner is core else f"stack estimated for {core.name}: as on {runner.name}, emulated"
    )
    how = f"measured: {toolchain.version} -O2; {stack_how}"
    return Needs(image.footprint.flash, image.footprint.static_ram + lent + stack, how)


def fits(boards: Iterable[Board], needs: dict[str, Needs]) -> list[Fit]:
    """Return what is left on each board whose core is in `needs`."""
    return [
        Fit(board, board.flash - needs[board.core.name].flash, board.ram - needs[board.core.name].ram)
        for board in boards
        if board.core.name in needs
    ]
