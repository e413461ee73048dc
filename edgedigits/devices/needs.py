"""What an engine, and firmware around it, need of a board: one table of parts, each with how its figure was obtained.

`boards`, `flash` and `simulate` tell the same figures: an engine's own parts are what `simulate` measures, and the sums
are those of the firmware that `flash` builds.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from edgedigits.devices.boards import Board, Fit, load_boards
from edgedigits.devices.cores import Core
from edgedigits.devices.counting import PythonCounter
from edgedigits.devices.elf import Image, read_elf
from edgedigits.devices.emulator_qemu import run_qemu
from edgedigits.devices.emulator_simavr import run_simavr
from edgedigits.devices.emulator_unicorn import run_unicorn
from edgedigits.devices.engine_elf import compile_engine, unreadable
from edgedigits.devices.firmware import firmware_program
from edgedigits.devices.needs_cache import digest_of, remembered
from edgedigits.devices.stub import Engine, firmware_stub
from edgedigits.devices.toolchain import Toolchain, compile_program
from edgedigits.engine.source import MOST_STACK_BYTES, MOST_STACK_BYTES_ADDING, MOST_STACK_BYTES_MVE
from edgedigits.errors import CheckFailedError, ToolMissingError
from edgedigits.files.scratch import scratch
from edgedigits.files.typed import Count
from edgedigits.programs import side_by_side
from edgedigits.progress import SILENT, Progress

MEASURED, EMULATED, ESTIMATED = "measured", "emulated", "estimated"
FIRMWARE_STACK = 224
"""Bytes of stack of the firmware's own functions, above the engine's: 128 to 208 where QEMU runs the board."""
WORKERS = 2
_MOST_AVR_RAM_KIB = 63
"""Beside 256 bytes of registers in 16 bits of address."""
# Firmware is linked as if memory had no end: what it needs is told, whether there is room or not.
_ENDLESS_KIB, _ENDLESS_AVR_KIB, _APART = 1 << 16, 1 << 12, 1 << 27


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """Bytes of one part of a program.

    Attributes:
        name: such as "engine: weights, tables".
        nbytes: how many.
        how: MEASURED in the linked program, EMULATED or ESTIMATED.
    """

    name: str
    nbytes: int
    how: str


@dataclass(frozen=True, slots=True)
class EngineNeeds:
    """What the engine alone takes on a core: what a program of one's own grows by.

    Attributes:
        code, constants: bytes of flash: of `invoke` and what it reaches, and of weights and tables.
        workspace, input, output: bytes of RAM that its caller lends.
        stack: bytes of its deepest call.
        stack_how: EMULATED or ESTIMATED.
        how: all that in a sentence.
    """

    code: Count
    constants: Count
    workspace: Count
    input: Count
    output: Count
    stack: Count
    stack_how: str
    how: str

    @property
    def flash(self) -> int:
        """Bytes of flash."""
        return self.code + self.constants

    @property
    def ram(self) -> int:
        """Bytes of RAM, stack included."""
        return self.workspace + self.input + self.output + self.stack


@dataclass(frozen=True, slots=True)
class Needs:
    """What the firmware with this engine takes on a board.

    Attributes:
        engine: what the engine alone takes.
        flash: parts of the flash.
        ram: parts of the RAM.
        how: whose firmware was linked.
        unreadable: which constants its core cannot read; then nothing was compiled, and only such parts are told as
            the engine's facts say. Empty for none.
    """

    engine: EngineNeeds
    flash: tuple[MemoryPart, ...]
    ram: tuple[MemoryPart, ...]
    how: str
    unreadable: str = ""

    @property
    def total_flash(self) -> int:
        """Bytes of flash."""
        return sum(part.nbytes for part in self.flash)

    @property
    def total_ram(self) -> int:
        """Bytes of RAM, stack included."""
        return sum(part.nbytes for part in self.ram)

    def fit(self, board: Board) -> Fit:
        """Return what is left on a board."""
        return Fit(board, board.flash - self.total_flash, board.ram - self.total_ram, self.unreadable)

    def shortage(self, board: Board) -> str:
        """Return by how much a board is too small, and for what; empty where the firmware fits."""
        fit, short = self.fit(board), []
        if self.unreadable:
            short.append(f"a core that reads {self.unreadable}")
        if fit.flash_left < 0:
            short.append(f"{-fit.flash_left:,} B more flash than its {board.flash:,} B ({_listed(self.flash)})")
        if fit.ram_left < 0:
            short.append(f"{-fit.ram_left:,} B more RAM than its {board.ram:,} B ({_listed(self.ram)})")
        return f"{board.name} would need {'; '.join(short)}." if short else ""

    def to_json(self) -> dict[str, Any]:
        """Return the table as JSON values."""
        return {
            "flash": {"total": self.total_flash, "parts": [asdict(part) for part in self.flash]},
            "ram": {"total": self.total_ram, "parts": [asdict(part) for part in self.ram]},
            "engine": {"flash": self.engine.flash, "ram": self.engine.ram, "how": self.engine.how},
            "how": self.how,
            **({"unreadable": self.unreadable} if self.unreadable else {}),
        }


def _listed(parts: Sequence[MemoryPart]) -> str:
    return ", ".join(f"{part.name} {part.nbytes:,}" for part in parts)


def measure_needs(
    engine: Engine, boards: Sequence[Board], toolchain: Toolchain, progress: Progress = SILENT
) -> dict[str, Needs]:
    """Build the firmware with an engine for each board that has one, and run the engine on each core for its stack.

    A board without firmware gets the figures of one with the same core, as an estimate. What was measured before, with
    the same engine, firmware and compiler, is remembered.

    Returns:
        Needs by name of the board.

    Raises:
        ToolMissingError, DataError, CheckFailedError: as `compile_engine` and `run_unicorn`.
    """
    beyond = {
        board.name: _beyond(engine.on(board.core), board.core, why)
        for board in boards
        if (why := unreadable(engine, board.core))
    }
    boards = [board for board in boards if board.name not in beyond]
    cores = {board.core.name: board for board in boards}
    models = {board.name: _with_firmware(board) for board in boards}
    linked = {model.name: model for model in models.values()}
    digest = digest_of(engine, toolchain)
    with (
        side_by_side(WORKERS) as threads,
        progress.stage("Compiling by core and board", len(cores) + len(linked)) as stage,
    ):
        alone = {
            name: threads.start(_alone, digest, engine, board.core, models[board.name].support().optimize, toolchain)
            for name, board in cores.items()
        }
        images = {name: threads.start(_linked, digest, engine, model, toolchain) for name, model in linked.items()}
        jobs: list[Future[Any]] = [*alone.values(), *images.values()]
        for job in jobs:
            job.result()
            stage.advance()
    measured = {
        board.name: firmware_needs(
            alone[board.core.name].result(), images[models[board.name].name].result(), board, models[board.name]
        )
        for board in boards
    }
    return measured | beyond


def _beyond(engine: Engine, core: Core, why: str) -> Needs:
    """Return the least that firmware takes on a core that cannot read the engine's constants."""
    facts = engine.facts
    alone = EngineNeeds(
        code=0,
        constants=facts.weight_bytes + facts.bias_bytes + facts.table_bytes,
        workspace=facts.workspace_bytes,
        input=facts.input.size,
        output=facts.output.size,
        stack=most_stack(core),
        stack_how=ESTIMATED,
        how=f"{ESTIMATED} for {core.name}, where it does not compile: as its facts and its header say",
    )
    return Needs(
        engine=alone,
        flash=(MemoryPart("engine: weights, tables", alone.constants, ESTIMATED),),
        ram=(
            MemoryPart("input and output", alone.input + alone.output, ESTIMATED),
            MemoryPart("workspace", alone.workspace, ESTIMATED),
            MemoryPart("stack: engine", alone.stack, ESTIMATED),
            MemoryPart("stack: firmware", FIRMWARE_STACK, ESTIMATED),
        ),
        how=f"{ESTIMATED}: at least; its code and the firmware come besides",
        unreadable=why,
    )


def check_fit(engine: Engine, image: Image, board: Board, toolchain: Toolchain) -> Needs:
    """Return what firmware that was linked for a board needs, its stack included.

    Args:
        engine: the engine in it.
        image: the firmware.
        board: what it was linked for.
        toolchain: what it was compiled with.

    Raises:
        CheckFailedError: the board has not as much; says how much of what.
        ToolMissingError, DataError: as `engine_needs`.
    """
    alone = engine_needs(engine, board.core, toolchain, board.support().optimize)
    needs = firmware_needs(alone, footprints(engine, image), board, board)
    if not needs.fit(board).fits:
        raise CheckFailedError(
            needs.shortage(board),
            hint="Choose a board with more, a smaller model, or prune and compile with --optimize size.",
        )
    return needs


def _with_firmware(board: Board) -> Board:
    """Return the board, or the first with firmware and the same core, or else the same architecture."""
    known = [one for one in (board, *load_boards().values()) if one.firmware]
    same = [one for one in known if one.core is board.core]
    return same[0] if same else next(one for one in known if one.core.architecture is board.core.architecture)


def _alone(digest: str, engine: Engine, core: Core, optimize: str, toolchain: Toolchain) -> EngineNeeds:
    """Return what an engine alone takes on a core, as firmware is compiled."""
    return remembered(
        digest,
        (core, optimize),
        EngineNeeds,
        lambda: engine_needs(engine, core, toolchain, optimize),
        # Where an emulator is missing, it may be there the next time.
        lambda found: found.stack_how == EMULATED,
    )


def _linked(digest: str, engine: Engine, board: Board, toolchain: Toolchain) -> Footprints:
    lasting = _is_of_stub(board)
    return remembered(digest, board, Footprints, lambda: _link(engine, board, toolchain), lambda _: lasting)


def _is_of_stub(board: Board) -> bool:
    """Tell whether nothing of a board's firmware lies elsewhere, where `digest_of` does not look."""
    support, stub = board.support(), firmware_stub().resolve()
    own = (support.uart, support.linker_script, *support.drivers, *support.sources)
    return all((stub / file).resolve().is_relative_to(stub) for file in own)


def _link(engine: Engine, board: Board, toolchain: Toolchain) -> Footprints:
    """Link the firmware, whether it fits or not; return the bytes of all of it, and of the engine's files in it."""
    with scratch("needs") as folder:
        program = firmware_program(engine, _endless(board), folder / "firmware.elf", "uart", "")
        return footprints(engine, read_elf(compile_program(toolchain, board.core, program)))


def _endless(board: Board) -> Board:
    support = board.support()
    if board.core.simavr:
        return replace(board, flash_kib=_ENDLESS_AVR_KIB, ram_kib=_MOST_AVR_RAM_KIB)
    apart = replace(support, ram_at=f"{int(support.ram_at, 16) + _APART:#010x}")
    return replace(board, flash_kib=_ENDLESS_KIB, ram_kib=_ENDLESS_KIB, firmware=apart)


@dataclass(frozen=True, slots=True)
class Footprints:
    """Bytes of linked firmware.

    Attributes:
        flash, static_ram: all of it, without the stack.
        engine: of flash, by the engine's files, its self-test included.
    """

    flash: Count
    static_ram: Count
    engine: Count


def footprints(engine: Engine, image: Image) -> Footprints:
    """Return the bytes of linked firmware, of the engine's part by its symbols, which all begin with its prefix."""
    own = {(one.address, one.size) for one in image.symbols if one.name.startswith(f"{engine.prefix}_")}
    return Footprints(image.footprint.flash, image.footprint.static_ram, sum(size for _, size in own))


def firmware_needs(alone: EngineNeeds, linked: Footprints, board: Board, model: Board) -> Needs:
    """Return the table for a board.

    Args:
        alone: what the engine takes on the board's core.
        linked: firmware of `model`.
        board: the board.
        model: itself, or the board whose firmware stands in for its own.
    """
    how = MEASURED if model is board else ESTIMATED
    # The rest of the engine's files: classify, the check of its weights, and the self-test with its vectors.
    rest = max(0, linked.engine - alone.flash)
    # A board's own firmware keeps none of its pixels, or them alone: they are its variables.
    lent = 0 if model.support().sources else alone.input + alone.output
    return Needs(
        engine=alone,
        flash=(
            MemoryPart("engine: code", alone.code, MEASURED),
            MemoryPart("engine: weights, tables", alone.constants, MEASURED),
            MemoryPart("classify, self-test, vectors", rest, how),
            MemoryPart("firmware", linked.flash - alone.flash - rest, how),
        ),
        ram=(
            MemoryPart("input and output", lent, MEASURED),
            MemoryPart("workspace", alone.workspace, MEASURED),
            MemoryPart("variables of the firmware", linked.static_ram - alone.workspace - lent, how),
            MemoryPart("stack: engine", alone.stack, alone.stack_how),
            MemoryPart("stack: firmware", FIRMWARE_STACK, ESTIMATED),
        ),
        how=f"{MEASURED}: linked for {board.name}" if model is board else f"{ESTIMATED}: as linked for {model.name}",
    )


def engine_needs(engine: Engine, core: Core, toolchain: Toolchain, optimize: str = "-O2") -> EngineNeeds:
    """Compile an engine for a core, and run it there on two extreme inputs, for its stack.

    Raises:
        ToolMissingError, DataError, CheckFailedError: as `compile_engine` and `run_unicorn`.
    """
    engine = engine.on(core)
    with scratch("needs") as folder:
        image = compile_engine(toolchain, core, engine, folder, optimize=optimize)
        stack, how = _stack(engine, core, image, toolchain)
    return EngineNeeds(
        code=image.footprint.code,
        constants=image.footprint.constants + image.footprint.data,
        workspace=engine.facts.workspace_bytes,
        input=engine.facts.input.size,
        output=engine.facts.output.size,
        stack=stack,
        stack_how=EMULATED if how.startswith(EMULATED) else ESTIMATED,
        how=f"{MEASURED}: {toolchain.version} {optimize}; stack {how}",
    )


def most_stack(core: Core) -> int:
    """Return the bytes of stack that an engine's header promises to keep within on a core."""
    if core.has_vectors:
        return MOST_STACK_BYTES_MVE
    return MOST_STACK_BYTES if core.has_multiplier else MOST_STACK_BYTES_ADDING


def _stack(engine: Engine, core: Core, image: Image, toolchain: Toolchain) -> tuple[int, str]:
    """Return bytes of stack on a core, and how they were obtained."""
    extremes = np.stack([np.full(engine.facts.input.size, value, dtype=np.int8) for value in (-128, 127)])
    try:
        if core.unicorn_cpu:
            # Two inputs are not worth a counter that is compiled first.
            return run_unicorn(core, image, engine, extremes, factory=PythonCounter).stack, EMULATED
        if core.simavr:
            return run_simavr(core, image, engine, extremes).stack, EMULATED
        return run_qemu(core, toolchain, engine, extremes).stack, EMULATED
    except ToolMissingError as error:
        return most_stack(core), f"{ESTIMATED} for {core.name}, as its header says at most: {error.message.rstrip('.')}"
