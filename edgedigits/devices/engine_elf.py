"""Compiles nothing but an engine for a core: what a user's program grows by, and what an emulator calls."""

from __future__ import annotations

from pathlib import Path

from edgedigits.devices.cores import Core
from edgedigits.devices.disassembly import dsp_instructions
from edgedigits.devices.elf import Image, read_elf
from edgedigits.devices.stub import Engine, firmware_stub
from edgedigits.devices.toolchain import Program, Toolchain, compile_program
from edgedigits.errors import CheckFailedError


def compile_engine(toolchain: Toolchain, core: Core, engine: Engine, folder: Path, *, optimize: str = "-O2") -> Image:
    """Compile nothing but the engine into `folder`/engine.elf: what invoke() reaches and no more.

    Raises:
        DataError: it does not compile.
        CheckFailedError: it holds instructions that the core lacks.
    """
    stub = firmware_stub()
    program = Program(
        sources=[*engine.sources, stub / "src" / "memory.c"],
        output=folder / "engine.elf",
        linker_script=(stub / core.architecture.function_script).read_text(encoding="utf-8"),
        entry=engine.invoke,
        include=[engine.folder],
        optimize=optimize,
    )
    image = read_elf(compile_program(toolchain, core, program))
    foreign = () if core.has_dsp else dsp_instructions(image, core)
    if foreign:
        raise CheckFailedError(
            f"The engine for {core.name} holds {len(foreign)} instructions that the core lacks: {foreign[0]}.",
            hint="The emitted kernels or the compiler's flags are wrong for this core; please report it.",
        )
    return image
