"""Runs the engine's function on an emulated core, image after image, with Unicorn.

Nothing but the engine is in the program: the emulator lays the input into memory, sets the registers as a caller would,
and starts at the function. Each buffer ends at the end of a page with nothing mapped behind it, the input is read-only,
and the stack has its own pages, so that a single byte read or written out of bounds is an error and not luck. In front
of a buffer, and in the bytes that alignment leaves behind it, paint tells what was written there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.cores import Core
from edgedigits.devices.counting import CodeMap, Counter, CounterFactory, counter_factory
from edgedigits.devices.elf import Image
from edgedigits.devices.steps import step_by_address
from edgedigits.devices.stub import Engine
from edgedigits.errors import CheckFailedError, ConfigError, ToolMissingError
from edgedigits.programs import check_wanted, side_by_side
from edgedigits.progress import SILENT, Progress, StageProgress

INSTRUCTION_LIMIT = 500_000_000
"""Instructions of one image after which the engine counts as hung."""
STACK_BYTES = 64 * 1024
PAINT = 0xA5
PAGE = 4096
GUARD = 64
IMAGES_PER_STEP = 100

_FLASH_END = 0x08000000
# Cores of Armv7-M and later execute nothing from 0x40000000 on, and so not even return there.
_RETURN_AT = 0x10000000
_INPUT_AT, _OUTPUT_AT, _WORKSPACE_AT, _STACK_AT = 0x20000000, 0x21000000, 0x22000000, 0x23000000


@dataclass(frozen=True, eq=False)
class Emulation:
    """What an emulated core did with a batch of images.

    Attributes:
        outputs: int8 (n, output size), as the engine wrote them.
        instructions: int64 (n,), executed by each image's call, from the first to the return.
        stack: bytes of stack that the deepest call took.
        executions: address → how often the instruction there was executed, over all images; empty where the emulator
            cannot tell.
        by_step: int64 (n, 1 + steps), instructions of each image by step of the engine, first what comes before them;
            no columns where the emulator cannot tell.
        how: emulator and version, such as "unicorn 2.1.4, Cortex-M4".
        cycles: int64 (n,), of each image's call, exactly; None where the emulator counts none.
    """

    outputs: NDArray[np.int8]
    instructions: NDArray[np.int64]
    stack: int
    executions: dict[int, int]
    by_step: NDArray[np.int64]
    how: str
    cycles: NDArray[np.int64] | None = None


def run_unicorn(
    core: Core,
    image: Image,
    engine: Engine,
    inputs: NDArray[np.int8],
    *,
    limit: int = INSTRUCTION_LIMIT,
    factory: CounterFactory | None = None,
    progress: Progress = SILENT,
) -> Emulation:
    """Run every input through the engine on an emulated core.

    Args:
        core: the core the image was compiled for.
        image: the engine, linked with `harness/function.ld`.
        engine: its names and sizes.
        inputs: int8 (n, input size).
        limit: instructions of one image after which the engine counts as hung.
        factory: the counter to use; by default the fastest that works.
        progress: gets one bar.

    Raises:
        ToolMissingError: unicorn is not installed.
        ConfigError: Unicorn has no such core.
        CheckFailedError: the engine read or wrote out of bounds, executed what is no instruction, or hung.
    """
    version = _require_unicorn(core)
    make = factory or counter_factory()
    code = CodeMap(image, core.architecture.name, step_by_address(image.path, engine))
    machines = [_Machine(core, image, engine, code, make, limit) for _ in range(_worker_count(len(inputs)))]
    with progress.stage(f"Emulating {core.name}", len(inputs)) as stage:
        outputs, by_step = _run_side_by_side(machines, inputs, stage)
    totals = np.sum([machine.counter.executions() for machine in machines], axis=0)
    return Emulation(
        outputs=outputs,
        instructions=by_step.sum(axis=1),
        stack=max(machine.stack_used() for machine in machines),
        by_step=by_step,
        executions={code.base + 2 * int(i): int(totals[i]) for i in np.flatnonzero(totals)},
        how=f"unicorn {version}, {core.unicorn_cpu.removeprefix('UC_CPU_')}",
    )


def _require_unicorn(core: Core) -> str:
    """Return Unicorn's version."""
    if not core.unicorn_cpu:
        raise ConfigError(f"Unicorn does not emulate {core.name}.", hint=f"Use --emulator {core.emulator}.")
    try:
        import unicorn
    except ImportError as error:
        raise ToolMissingError(
            "The emulator unicorn is not installed.", hint="Install it: pip install 'edgedigits[mcu]'"
        ) from error
    return str(unicorn.__version__)


def _worker_count(images: int) -> int:
    return max(1, min(os.cpu_count() or 1, images // IMAGES_PER_STEP))


def _run_side_by_side(
    machines: Sequence[_Machine], inputs: NDArray[np.int8], stage: StageProgress
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Share the inputs out to the machines; return outputs (n, output size) and instructions (n, steps)."""
    parts = np.array_split(inputs, len(machines))
    firsts = np.cumsum([0, *map(len, parts[:-1])]).tolist()
    # Emulation in C releases Python's lock, so threads run side by side.
    with side_by_side(len(machines)) as threads:
        jobs = [
            threads.start(machine.run, part, first, stage)
            for machine, part, first in zip(machines, parts, firsts, strict=True)
        ]
        results = [job.result() for job in jobs]
    return np.concatenate([outputs for outputs, _ in results]), np.concatenate([counts for _, counts in results])


class _Machine:
    """One emulator with the engine in its memory."""

    def __init__(
        self, core: Core, image: Image, engine: Engine, code: CodeMap, make: CounterFactory, limit: int
    ) -> None:
        self._image, self._engine, self._limit, self._step_count = image, engine, limit, code.step_count
        self._emulator, self._registers = _new_emulator(core)
        self._fault = ""
        self._beside: list[tuple[str, int, int]] = []
        self._input = self._map_buffer("input", _INPUT_AT, engine.facts.input.size, writable=False)
        self._output = self._map_buffer("output", _OUTPUT_AT, engine.facts.output.size)
        self._workspace = self._map_buffer("workspace", _WORKSPACE_AT, engine.facts.workspace_bytes)
        self._load()
        self._start = image.address(engine.invoke)
        # The counter comes before the first run: code that is translated already would go uncounted.
        self.counter: Counter = make(self._emulator, code, limit)
        self._emulator.hook_add(_invalid_memory_hooks(), self._on_invalid_memory)

    def _map_buffer(self, name: str, base: int, size: int, *, writable: bool = True) -> int:
        """Map pages for `size` bytes that end, but for alignment to 4, where the pages end; return the address.

        There is room for a guard in front. The rest of the pages is painted.
        """
        from unicorn import UC_PROT_READ, UC_PROT_WRITE

        pages = -(-(size + GUARD) // PAGE) * PAGE
        start, end = base + pages - -(-size // 4) * 4, base + pages
        self._emulator.mem_map(base, pages, UC_PROT_READ | (UC_PROT_WRITE if writable else 0))
        self._emulator.mem_write(base, bytes([PAINT]) * pages)
        self._beside += [(f"before its {name}", base, start), (f"behind its {name}", start + size, end)]
        return start

    def _load(self) -> None:
        from unicorn import UC_PROT_EXEC, UC_PROT_READ, UC_PROT_WRITE

        emulator = self._emulator
        end = max(run + len(content) for _, run, content in self._image.segments)
        start = min(run for _, run, _ in self._image.segments) // PAGE * PAGE
        if end > _FLASH_END or self._image.footprint.static_ram:
            raise CheckFailedError(
                f"The engine has variables of its own ({self._image.footprint.static_ram} bytes).",
                hint="An engine keeps its state in the workspace; build it again.",
            )
        emulator.mem_map(start, -(-(end - start) // PAGE) * PAGE, UC_PROT_READ | UC_PROT_EXEC)
        for _, run, content in self._image.segments:
            emulator.mem_write(run, content)
        emulator.mem_map(_STACK_AT, STACK_BYTES, UC_PROT_READ | UC_PROT_WRITE)
        emulator.mem_write(_STACK_AT, bytes([PAINT]) * STACK_BYTES)
        emulator.mem_map(_RETURN_AT, PAGE, UC_PROT_READ | UC_PROT_EXEC)

    def run(
        self, inputs: NDArray[np.int8], first: int, stage: StageProgress
    ) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Return outputs (n, output size) and instructions (n, steps); `first` is the number of inputs[0]."""
        outputs = np.empty((len(inputs), self._engine.facts.output.size), dtype=np.int8)
        counts = np.empty((len(inputs), self._step_count), dtype=np.int64)
        for i, row in enumerate(inputs):
            check_wanted()
            self._emulator.mem_write(self._input, row.tobytes())
            self._call(first + i)
            outputs[i] = np.frombuffer(self._emulator.mem_read(self._output, outputs.shape[1]), dtype=np.int8)
            counts[i] = self.counter.by_step()
            if (i + 1) % IMAGES_PER_STEP == 0:
                stage.advance(IMAGES_PER_STEP)
        self._check_beside()
        stage.advance(len(inputs) % IMAGES_PER_STEP)
        return outputs, counts

    def _check_beside(self) -> None:
        for where, start, end in self._beside:
            if bytes(self._emulator.mem_read(start, end - start)).strip(bytes([PAINT])):
                raise CheckFailedError(
                    f"The engine fails on the emulated core: it writes {where}.",
                    hint="The engine is damaged or has a bug; build it again, and report it if it stays.",
                )

    def _call(self, number: int) -> None:
        from unicorn import UcError

        arguments, stack, link, counter, thumb = self._registers
        for register, value in zip(arguments, (self._input, self._output, self._workspace), strict=True):
            self._emulator.reg_write(register, value)
        self._emulator.reg_write(stack, _STACK_AT + STACK_BYTES)
        self._emulator.reg_write(link, _RETURN_AT | thumb)
        self.counter.reset()
        try:
            self._emulator.emu_start(self._start | thumb, _RETURN_AT)
        except UcError as error:
            raise self._broken(number, self._fault or str(error)) from error
        if self.counter.astray is not None:
            raise self._broken(number, f"it executes what is no code at {self.counter.astray:#010x}")
        if self.counter.instructions > self._limit:
            raise self._broken(number, f"it has not returned after {self._limit:,} instructions")
        if self._emulator.reg_read(counter) & ~1 != _RETURN_AT:
            raise self._broken(number, "it stopped before it returned")

    def _broken(self, number: int, what: str) -> CheckFailedError:
        at = self._emulator.reg_read(self._registers[3]) & ~1
        where = self._image.function_at(at) or self._engine.invoke
        return CheckFailedError(
            f"Image {number}: the engine fails on the emulated core in {where} at {at:#010x}: {what}.",
            hint="The engine is damaged or has a bug; build it again, and report it if it stays.",
        )

    def _on_invalid_memory(self, _emulator: Any, kind: int, address: int, size: int, _value: int, _user: Any) -> bool:
        from unicorn import UC_MEM_WRITE_PROT, UC_MEM_WRITE_UNMAPPED

        verb = "writes" if kind in (UC_MEM_WRITE_PROT, UC_MEM_WRITE_UNMAPPED) else "reads"
        buffers = {"input": self._input, "output": self._output, "workspace": self._workspace, "stack": _STACK_AT}
        name = min(buffers, key=lambda buffer: abs(address - buffers[buffer]))
        self._fault = f"it {verb} {size} bytes at {address:#010x}, out of bounds (the {name} is nearest)"
        return False

    def stack_used(self) -> int:
        """Return how many bytes below the stack's top no longer hold the paint."""
        content = np.frombuffer(self._emulator.mem_read(_STACK_AT, STACK_BYTES), dtype=np.uint8)
        touched = np.flatnonzero(content != PAINT)
        return STACK_BYTES - int(touched[0]) if len(touched) else 0


def _new_emulator(core: Core) -> tuple[Any, tuple[tuple[int, ...], int, int, int, int]]:
    """Return an emulator and its registers: arguments, stack pointer, return address, program counter; Thumb bit."""
    import unicorn

    if core.architecture.name == "riscv":
        from unicorn import riscv_const as riscv

        emulator = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        emulator.ctl_set_cpu_model(getattr(riscv, core.unicorn_cpu))
        arguments = (riscv.UC_RISCV_REG_A0, riscv.UC_RISCV_REG_A1, riscv.UC_RISCV_REG_A2)
        return emulator, (arguments, riscv.UC_RISCV_REG_SP, riscv.UC_RISCV_REG_RA, riscv.UC_RISCV_REG_PC, 0)
    from unicorn import arm_const as arm

    # UC_MODE_MCLASS would turn every model into an M33.
    emulator = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
    emulator.ctl_set_cpu_model(getattr(arm, core.unicorn_cpu))
    arguments = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2)
    return emulator, (arguments, arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR, arm.UC_ARM_REG_PC, 1)


def _invalid_memory_hooks() -> int:
    import unicorn

    return int(unicorn.UC_HOOK_MEM_INVALID)
