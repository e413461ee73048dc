"""Runs the engine's function on an emulated AVR, image after image, with simavr: the cycles of a real one, exactly.

simavr is a library in C. A small program around it (`native/avr_runner.c`) is compiled for this machine; it lays the
input into the RAM of the MCU, sets the registers as a caller would, and starts at the function. Buffers lie between
painted guards, and what is painted of the stack tells how deep it went.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.cores import Core
from edgedigits.devices.counting import KEEP
from edgedigits.devices.elf import Image
from edgedigits.devices.emulator_unicorn import Emulation
from edgedigits.devices.flashing import flat_of
from edgedigits.devices.host import find_host_compiler
from edgedigits.devices.steps import step_by_address
from edgedigits.devices.stub import Engine
from edgedigits.devices.toolchain import run_tool, toolchain_environment, zig_cache
from edgedigits.errors import CheckFailedError, ConfigError, ToolMissingError
from edgedigits.files.scratch import partial_folder, scratch
from edgedigits.programs import run_program, side_by_side
from edgedigits.progress import SILENT, Progress

RUNNER_SOURCE = Path(__file__).parent / "native" / "avr_runner.c"
CYCLE_LIMIT = 1_000_000_000
"""Cycles of one image after which the engine counts as hung."""
IMAGES_PER_WORKER = 20
TIMEOUT_S = 60.0
TIMEOUT_S_PER_IMAGE = 2.0
HEADER, PACKAGE = "simavr/sim_avr.h", "libsimavr-dev"
_INSTALL = f"Install it (Debian, Ubuntu: apt-get install {PACKAGE})."


def run_simavr(
    core: Core,
    image: Image,
    engine: Engine,
    inputs: NDArray[np.int8],
    *,
    limit: int = CYCLE_LIMIT,
    progress: Progress = SILENT,
) -> Emulation:
    """Run every input through the engine on an emulated AVR; arguments and result as of `run_unicorn`.

    Raises:
        ConfigError: simavr has no such core.
        ToolMissingError: simavr or a compiler for this machine is not installed.
        CheckFailedError: the engine wrote out of bounds, needs more RAM than there is, or hung.
    """
    if not core.simavr:
        raise ConfigError(f"simavr does not emulate {core.name}.", hint=f"Use --emulator {core.emulator}.")
    runner, how = find_runner()
    steps = step_by_address(image.path, engine)
    workers = max(1, min(os.cpu_count() or 1, len(inputs) // IMAGES_PER_WORKER))
    with scratch("simavr") as folder, progress.stage(f"simavr emulates {core.name}"), side_by_side(workers) as threads:
        parts = [
            threads.start(_run_part, runner, core, image, engine, part, steps, folder / str(number), limit)
            for number, part in enumerate(np.array_split(inputs, workers))
        ]
        results = [part.result() for part in parts]
    rows = np.concatenate([rows for rows, _, _ in results])
    counts = np.sum([counts for _, counts, _ in results], axis=0)
    size = engine.facts.output.size
    totals = np.ascontiguousarray(rows[:, size:]).view("<u8").astype(np.int64)
    return Emulation(
        outputs=rows[:, :size].view(np.int8).copy(),
        instructions=totals[:, 1],
        stack=max(stack for _, _, stack in results),
        executions={2 * int(word): int(counts[word]) for word in np.flatnonzero(counts)},
        by_step=totals[:, 2:],
        how=f"{how}, {core.simavr}",
        cycles=totals[:, 0],
    )


def find_runner() -> tuple[Path, str]:
    """Return the program around simavr, compiled for this machine, and what to call simavr.

    Raises:
        ToolMissingError: simavr's headers or a compiler for this machine are not installed.
    """
    digest = hashlib.sha256(RUNNER_SOURCE.read_bytes()).hexdigest()[:12]
    ready = zig_cache() / f"avr-runner-{digest}"
    if not ready.is_file():
        _compile(ready)
    return ready, "simavr"


def _compile(ready: Path) -> None:
    compiler = find_host_compiler()
    with partial_folder(ready.parent, ready.name) as folder:
        fresh = folder / ready.name
        done = run_tool(
            [*compiler.command, "-O2", str(RUNNER_SOURCE), "-lsimavr", "-o", str(fresh)],
            toolchain_environment(compiler),
        )
        if done.returncode != 0 or not fresh.is_file():
            raise ToolMissingError(
                f"The emulator simavr, or its headers for {compiler.version}, are missing.", hint=_INSTALL
            )
        fresh.replace(ready)


def _run_part(
    runner: Path,
    core: Core,
    image: Image,
    engine: Engine,
    inputs: NDArray[np.int8],
    steps: Mapping[int, int],
    folder: Path,
    limit: int,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], int]:
    """Run some of the images in an emulator of their own; return what it wrote of each, executions and stack."""
    folder.mkdir()
    facts, step_count = engine.facts, 1 + max(steps.values(), default=0)
    program = bytes(min((load for load, _, _ in image.segments), default=0)) + flat_of(image)
    by_word = np.full(len(program) // 2 + 1, KEEP, np.uint8)
    for address, step in steps.items():
        by_word[address // 2] = step
    (folder / "flash.bin").write_bytes(program)
    (folder / "steps.bin").write_bytes(by_word.tobytes())
    (folder / "images.bin").write_bytes(np.ascontiguousarray(inputs).tobytes())
    sizes = (facts.input.size, facts.output.size, facts.workspace_bytes, step_count, limit)
    said = _run(
        [str(runner), core.simavr, str(image.address(engine.invoke)), *map(str, sizes)], folder, len(inputs), core
    )
    width = facts.output.size + 8 * (2 + step_count)
    rows = np.frombuffer((folder / "results.bin").read_bytes(), np.uint8).reshape(len(inputs), width)
    counts = np.frombuffer((folder / "counts.bin").read_bytes(), "<u8").astype(np.int64)
    return rows, counts, int(said)


def _run(command: list[str], folder: Path, count: int, core: Core) -> str:
    limit = TIMEOUT_S + TIMEOUT_S_PER_IMAGE * count
    try:
        done = run_program(command, limit, folder=folder)
    except subprocess.TimeoutExpired:
        raise CheckFailedError(
            f"The engine did not finish within {limit:g} s in simavr.",
            hint="It hangs, or the machine is overloaded; try fewer --images.",
        ) from None
    if done.returncode != 0:
        reason = done.stdout.strip() or f"simavr stopped (exit code {done.returncode})"
        raise CheckFailedError(
            f"The engine fails on {core.name} in simavr: {reason}.",
            hint="Choose a core with more memory, a smaller model, or prune and compile with --optimize size.",
        )
    return done.stdout.strip()
