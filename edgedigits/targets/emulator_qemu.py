"""Runs the engine over a batch of images in QEMU's emulation of a whole board: the second, independent method.

A small program (`firmware_stub/harness/batch.c`) reads the images and writes the results through semihosting. Under
`-icount shift=6` QEMU takes 64 ns of virtual time for each instruction, so that the board's clock counts them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError
from edgedigits.progress import SILENT, Progress
from edgedigits.targets.boards import Board, find_board
from edgedigits.targets.cores import Core
from edgedigits.targets.emulator_unicorn import Emulation
from edgedigits.targets.stub import STARTUP, Engine, firmware_stub
from edgedigits.targets.toolchain import Program, Toolchain, compile_program

PROGRAMS = {"arm": ("qemu-system-arm", "qemu-system-arm"), "riscv": ("qemu-system-riscv32", "qemu-system-misc")}
"""Of each architecture: QEMU's program, and Debian's package that holds it."""
ICOUNT_SHIFT = 6
IMAGES_PER_WORKER = 500
TIMEOUT_S = 60.0
TIMEOUT_S_PER_IMAGE = 0.1

# What harness/batch.c and its start-up code end with.
_EXIT_REASONS = {
    1: "the harness cannot write facts.bin",
    2: "the harness cannot open its files",
    3: "the harness cannot write results.bin; is the disk full?",
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
        As `run_unicorn`, with `executions` empty. Instruction counts come from a timer and may be off by one.

    Raises:
        ConfigError: no machine of QEMU runs the core.
        ToolMissingError: QEMU is not installed.
        CheckFailedError: the engine faults or hangs, or does not fit.
        DataError: it does not compile, or the results are not whole.
    """
    board = _board_of(core)
    require_qemu(board)
    with tempfile.TemporaryDirectory(prefix="edgedigits-qemu-") as name, progress.stage(f"QEMU emulates {core.name}"):
        program = compile_program(toolchain, core, batch_program(core, board, engine, Path(name), optimize))
        return _run_parts(board, program, engine, inputs, timeout_s)


def _run_parts(
    board: Board, program: Path, engine: Engine, inputs: NDArray[np.int8], timeout_s: float | None
) -> Emulation:
    """Share the images out to emulators side by side, whose folders are beside the program."""
    limit = TIMEOUT_S + TIMEOUT_S_PER_IMAGE * len(inputs) if timeout_s is None else timeout_s
    workers = max(1, min(os.cpu_count() or 1, len(inputs) // IMAGES_PER_WORKER))
    with ThreadPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(_run_part, board, program, engine, part, program.parent / str(number), limit)
            for number, part in enumerate(np.array_split(inputs, workers))
        ]
        parts = [job.result() for job in jobs]
    return Emulation(
        outputs=np.concatenate([part.outputs for part in parts]),
        instructions=np.concatenate([part.instructions for part in parts]),
        stack=max(part.stack for part in parts),
        executions={},
        by_step=np.zeros((len(inputs), 0), dtype=np.int64),
        how=parts[0].how,
    )


def _run_part(
    board: Board, program: Path, engine: Engine, inputs: NDArray[np.int8], folder: Path, timeout_s: float
) -> Emulation:
    """Run some of the images in an emulator of their own, whose files are in `folder`."""
    folder.mkdir()
    (folder / "images.bin").write_bytes(np.ascontiguousarray(inputs).tobytes())
    _run(board, program, folder, timeout_s)
    return _results(folder, board, engine, len(inputs))


def require_qemu(board: Board) -> str:
    """Return the path of the QEMU that emulates the board's architecture, or raise ToolMissingError."""
    program, package = PROGRAMS[board.core.architecture]
    path = shutil.which(program)
    if path is None:
        raise ToolMissingError(
            f"{program} is not installed.",
            hint=f"Install it (Debian, Ubuntu: apt-get install {package}).",
        )
    return path


def machine_arguments(board: Board) -> list[str]:
    """Return how QEMU is started as this board, without a program."""
    # A RISC-V machine would look for a firmware of its own first.
    return [require_qemu(board), "-M", board.qemu, *(["-bios", "none"] if board.core.architecture == "riscv" else [])]


def _board_of(core: Core) -> Board:
    if not core.qemu_board:
        raise ConfigError(f"No machine of QEMU is set up for {core.name}.", hint="Use --emulator unicorn.")
    return find_board(core.qemu_board)


def batch_program(core: Core, board: Board, engine: Engine, folder: Path, optimize: str) -> Program:
    """Return what to compile: harness, start-up and engine, for `board`, as `folder`/batch.elf."""
    stub = firmware_stub()
    sources = ("harness/batch.c", "src/semihosting.c", "src/memory.c", STARTUP[core.architecture])
    # An M3 stands in for the M0+, which has no unaligned access.
    stand_in = {"TRAP_UNALIGNED": "1"} if core is not board.core and core.name == "cortex-m0plus" else {}
    return Program(
        sources=[*engine.sources, *(stub / source for source in sources)],
        output=folder / "batch.elf",
        linker_scripts=[stub / "boards" / board.name / "memory.ld", stub / "src" / "sections.ld"],
        entry="Reset_Handler",
        include=[engine.folder, stub / "src"],
        defines={**engine.defines, **stand_in},
        optimize=optimize,
    )


def _run(board: Board, program: Path, folder: Path, timeout_s: float) -> None:
    command = [
        *(*machine_arguments(board), "-kernel", str(program.resolve())),
        *("-nographic", "-monitor", "none", "-serial", "none"),
        *("-semihosting-config", "enable=on,target=native", "-icount", f"shift={ICOUNT_SHIFT}"),
    ]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout_s
        )
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


def _results(folder: Path, board: Board, engine: Engine, count: int) -> Emulation:
    width = engine.output_size + 4
    content = (folder / "results.bin").read_bytes()
    facts = np.frombuffer((folder / "facts.bin").read_bytes(), dtype="<u4")
    if len(content) != count * width or len(facts) != 3 or facts[2] != count:
        raise DataError(f"QEMU returned {len(content) // width} results of {count}.", hint="Run it again.")
    rows = np.frombuffer(content, dtype=np.uint8).reshape(count, width)
    ticks = np.ascontiguousarray(rows[:, engine.output_size :]).view("<u4").reshape(-1).astype(np.int64)
    clock = "mcycle" if board.core.architecture == "riscv" else "SysTick"
    nanoseconds_per_tick = 1000 / board.clock_mhz
    # An empty function was timed in the same way; it is one instruction, a return, so that one is given back.
    instructions = np.rint((ticks - int(facts[0])) * nanoseconds_per_tick / 2**ICOUNT_SHIFT).astype(np.int64) + 1
    return Emulation(
        outputs=rows[:, : engine.output_size].view(np.int8).copy(),
        instructions=instructions,
        stack=int(facts[1]),
        executions={},
        by_step=np.zeros((count, 0), dtype=np.int64),
        how=f"{_version(board)}, {board.qemu}, -icount shift={ICOUNT_SHIFT}, {clock}",
    )


def _version(board: Board) -> str:
    text = subprocess.run([require_qemu(board), "--version"], capture_output=True, text=True, timeout=30).stdout
    found = re.search(r"version (\S+)", text)
    return f"QEMU {found[1] if found else '?'}"
