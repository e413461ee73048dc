"""Runs the engine over a batch of images in QEMU's emulation of a whole board: the second, independent method.

A small program (`firmware_stub/harness/batch.c`) reads the images and writes the results through semihosting. Under
`-icount shift=6` QEMU takes 64 ns of virtual time for each instruction, so that the board's clock counts them. That
clock has 24 bits on a Cortex-M; where it wraps around, all is run again at 1 ns an instruction: 64 times as far, and as
coarse.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.boards import Board, find_board
from edgedigits.devices.cores import Core
from edgedigits.devices.emulator_unicorn import Emulation
from edgedigits.devices.stub import Engine, firmware_stub
from edgedigits.devices.toolchain import Program, Toolchain, compile_program, macros, run_tool
from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError
from edgedigits.files.scratch import scratch
from edgedigits.programs import run_program, side_by_side
from edgedigits.progress import SILENT, Progress

ICOUNT_SHIFTS = (6, 0)
"""Of the nanoseconds that an instruction takes: the finer first."""
NO_TICKS = 0xFFFFFFFF
"""What harness/batch.c gives for an image that outlasts its clock."""
IMAGES_PER_WORKER = 500
TIMEOUT_S = 60.0
TIMEOUT_S_PER_IMAGE = 0.1

# What harness/batch.c and its start-up code end with.
_EXIT_REASONS = {
    1: "the harness cannot write facts.bin",
    2: "the harness cannot open its files",
    3: "the harness cannot write results.bin; is the disk full?",
    4: "it writes beside its buffers",
    5: "it takes more than 8 KB of stack",
    139: "it faults",
}


def run_qemu(
    core: Core,
    toolchain: Toolchain,
    engine: Engine,
    inputs: NDArray[np.int8],
    *,
    optimize: str = "-O2",
    timeout_s: float | None = None,
    progress: Progress = SILENT,
) -> Emulation:
    """Compile the batch program with the engine and run every input through it.

    Args:
        core: what to compile for; its `qemu_board` runs the code.
        toolchain: what to compile with.
        engine: the engine.
        inputs: int8 (n, input size).
        optimize: such as "-O2".
        timeout_s: seconds after which the emulator counts as hung; by default 60 s and 0.1 s an image.
        progress: gets one bar without steps.

    Returns:
        As `run_unicorn`, with `executions` empty. Instruction counts come from a timer and may be off by one, or by 64
        where an image takes more than ten million.

    Raises:
        ConfigError: no machine of QEMU runs the core.
        ToolMissingError: QEMU is not installed.
        CheckFailedError: the engine faults or hangs, or does not fit.
        DataError: it does not compile, or the results are not whole.
    """
    board = _board_of(core)
    require_qemu(board)
    with scratch("qemu") as folder, progress.stage(f"QEMU emulates {core.name}"):
        program = compile_program(toolchain, core, batch_program(core, board, engine, folder, optimize))
        for shift in ICOUNT_SHIFTS:
            found = _run_parts(board, program, engine, inputs, shift, timeout_s)
            if found is not None:
                return found
    raise CheckFailedError(
        f"One image takes more instructions than the clock of QEMU's {board.qemu} can count.",
        hint="Is the model meant for such a core? Try --emulator unicorn, where it emulates the core.",
    )


def _run_parts(
    board: Board, program: Path, engine: Engine, inputs: NDArray[np.int8], shift: int, timeout_s: float | None
) -> Emulation | None:
    """Share the images out to emulators side by side, whose folders are beside the program.

    Returns None where an image outlasts the board's clock.
    """
    limit = TIMEOUT_S + TIMEOUT_S_PER_IMAGE * len(inputs) if timeout_s is None else timeout_s
    workers = max(1, min(os.cpu_count() or 1, len(inputs) // IMAGES_PER_WORKER))
    with side_by_side(workers) as threads:
        jobs = [
            threads.start(_run_part, board, program, engine, part, program.parent / f"{shift}-{number}", shift, limit)
            for number, part in enumerate(np.array_split(inputs, workers))
        ]
        parts = [part for job in jobs if (part := job.result()) is not None]
    if len(parts) < len(jobs):
        return None
    return Emulation(
        outputs=np.concatenate([part.outputs for part in parts]),
        instructions=np.concatenate([part.instructions for part in parts]),
        stack=max(part.stack for part in parts),
        executions={},
        by_step=np.zeros((len(inputs), 0), dtype=np.int64),
        how=parts[0].how,
    )


def _run_part(
    board: Board, program: Path, engine: Engine, inputs: NDArray[np.int8], folder: Path, shift: int, timeout_s: float
) -> Emulation | None:
    """Run some of the images in an emulator of their own, whose files are in `folder`."""
    folder.mkdir()
    (folder / "images.bin").write_bytes(np.ascontiguousarray(inputs).tobytes())
    _run(board, program, folder, shift, timeout_s)
    return _results(folder, board, engine, len(inputs), shift)


def require_qemu(board: Board) -> str:
    """Return the path of the QEMU that emulates the board's architecture, or raise ToolMissingError."""
    architecture = board.core.architecture
    path = shutil.which(architecture.qemu)
    if path is None:
        raise ToolMissingError(
            f"{architecture.qemu} is not installed.",
            hint=f"Install it (Debian, Ubuntu: apt-get install {architecture.qemu_package}).",
        )
    return path


def machine_arguments(board: Board) -> list[str]:
    """Return how QEMU is started as this board, without a program."""
    return [require_qemu(board), "-M", board.qemu, *board.core.architecture.qemu_arguments]


def _board_of(core: Core) -> Board:
    if not core.qemu_board:
        raise ConfigError(f"No machine of QEMU is set up for {core.name}.", hint=f"Use --emulator {core.emulator}.")
    return find_board(core.qemu_board)


def batch_program(core: Core, board: Board, engine: Engine, folder: Path, optimize: str) -> Program:
    """Return what to compile: harness, start-up and engine, for `board`, as `folder`/batch.elf."""
    stub = firmware_stub()
    sources = ("harness/batch.c", "src/semihosting.c", "src/memory.c", core.architecture.startup)
    return Program(
        sources=[*engine.sources, *(stub / source for source in sources)],
        output=folder / "batch.elf",
        linker_script=board.linker_script(),
        entry="Reset_Handler",
        include=[engine.folder, stub / "src"],
        defines={**engine.defines, **macros(core.qemu_defines)},
        optimize=optimize,
    )


def _run(board: Board, program: Path, folder: Path, shift: int, timeout_s: float) -> None:
    command = [
        *(*machine_arguments(board), "-kernel", str(program.resolve())),
        *("-nographic", "-monitor", "none", "-serial", "none"),
        *("-semihosting-config", "enable=on,target=native", "-icount", f"shift={shift}"),
    ]
    try:
        done = run_program(command, timeout_s, folder=folder)
    except subprocess.TimeoutExpired:
        raise CheckFailedError(
            f"The engine did not finish within {timeout_s:g} s in QEMU's {board.qemu}.",
            hint="It hangs, or the machine is overloaded; try fewer --images.",
        ) from None
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [_EXIT_REASONS.get(done.returncode, "QEMU stopped")]
        raise CheckFailedError(
            f"The engine fails in QEMU's {board.qemu} (exit code {done.returncode}): {last[0].rstrip('.')}.",
            hint="Run it with --emulator unicorn, which names the place.",
        )


def _results(folder: Path, board: Board, engine: Engine, count: int, shift: int) -> Emulation | None:
    """Read what the harness wrote; None where the board's clock wrapped around.

    Raises:
        DataError: the files are not whole: the emulator stopped early.
    """
    width = engine.facts.output.size + 4
    content, facts = (_content(folder / name) for name in ("results.bin", "facts.bin"))
    least_ticks, stack, done = np.frombuffer(facts if len(facts) == 12 else bytes(12), dtype="<u4").tolist()
    if len(content) != count * width or done != count:
        done = min(done, len(content) // width)
        raise DataError(f"QEMU stopped early: {done:,} whole results of {count:,}.", hint="Run it again.")
    rows = np.frombuffer(content, dtype=np.uint8).reshape(count, width)
    ticks = np.ascontiguousarray(rows[:, engine.facts.output.size :]).view("<u4").reshape(-1).astype(np.int64)
    if (ticks == NO_TICKS).any():
        return None
    if ticks.min() < least_ticks:
        raise DataError("QEMU timed the engine at less than an empty function takes.", hint="Run it again.")
    nanoseconds_per_tick = 1000 / board.clock_mhz
    # An empty function was timed in the same way; it is one instruction, a return, so that one is given back.
    instructions = np.rint((ticks - least_ticks) * nanoseconds_per_tick / 2**shift).astype(np.int64) + 1
    return Emulation(
        outputs=rows[:, : engine.facts.output.size].view(np.int8).copy(),
        instructions=instructions,
        stack=stack,
        executions={},
        by_step=np.zeros((count, 0), dtype=np.int64),
        how=f"{_version(board)}, {board.qemu}, -icount shift={shift}, {board.core.architecture.clock}",
    )


def _content(path: Path) -> bytes:
    """Return a file's bytes, none where it was not written."""
    return path.read_bytes() if path.is_file() else b""


def _version(board: Board) -> str:
    found = re.search(r"version ([\w.]+)", run_tool([require_qemu(board), "--version"]).stdout)
    return f"QEMU {found[1] if found else '?'}"
