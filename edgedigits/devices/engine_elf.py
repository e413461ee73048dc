"""Compiles nothing but an engine for a core: what a user's program grows by, and what an emulator calls."""

from __future__ import annotations

from pathlib import Path

from edgedigits.devices.avr import LARGEST_ON_AVR, MOST_ON_AVR
from edgedigits.devices.cores import Core
from edgedigits.devices.disassembly import dsp_instructions
from edgedigits.devices.elf import Image, read_elf
from edgedigits.devices.stub import Engine, firmware_stub
from edgedigits.devices.toolchain import Program, Toolchain, compile_program
from edgedigits.errors import CheckFailedError


def unreadable(engine: Engine, core: Core) -> str:
    """Return which constants of an engine cannot be read on a core, as a part of a sentence; empty where all can."""
    if core.architecture.name != "avr":
        return ""
    facts = engine.facts
    total = facts.weight_bytes + facts.bias_bytes + facts.table_bytes
    arrays = {name: size for step in facts.steps for name, size in step.stored.plain.bytes.items()}
    name = max(arrays, key=lambda one: arrays[one], default="")
    for what, size, most in (
        (name, arrays.get(name, 0), LARGEST_ON_AVR),
        ("all constants together", total, MOST_ON_AVR),
    ):
        if size > most:
            return f"{what}, {size:,} B, where an AVR reads at most {most:,}"
    return ""


def check_constants(engine: Engine, core: Core) -> None:
    """Check that the constants of an engine can be read on a core.

    Raises:
        CheckFailedError: there are too many for an AVR; says how many of what.
    """
    if what := unreadable(engine, core):
        raise CheckFailedError(
            f"The engine does not fit {core.name}: {what}.",
            hint="Prune and compile with --optimize size, or choose fewer hidden neurons; other cores read more.",
        )


def compile_engine(toolchain: Toolchain, core: Core, engine: Engine, folder: Path, *, optimize: str = "-O2") -> Image:
    """Compile nothing but the engine into `folder`/engine.elf: what invoke() reaches and no more.

    Raises:
        DataError: it does not compile.
        CheckFailedError: it holds instructions that the core lacks, or more constants than it reads.
    """
    check_constants(engine, core)
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
