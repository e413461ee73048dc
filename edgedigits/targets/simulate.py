"""Compiles an engine for a core, runs it there on digits, and holds every output byte against the oracle."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import CheckFailedError, ConfigError, nearest
from edgedigits.evaluate.interpreter import Classifier
from edgedigits.progress import SILENT, Progress
from edgedigits.targets.cores import Core
from edgedigits.targets.disassembly import CycleEstimate, dsp_instructions, estimate_m4_cycles
from edgedigits.targets.elf import Footprint, Image, Symbol, read_elf
from edgedigits.targets.emulator_qemu import run_qemu
from edgedigits.targets.emulator_unicorn import Emulation, run_unicorn
from edgedigits.targets.oracle import ORACLES, engine_inputs, oracle_outputs
from edgedigits.targets.stub import Engine, firmware_stub
from edgedigits.targets.toolchain import Program, Toolchain, compile_program

EMULATORS = ("unicorn", "qemu")
SHOWN_DIFFERENCES = 5


@dataclass(frozen=True, slots=True)
class Ram:
    """Bytes of RAM that one inference takes.

    Attributes:
        variables: the engine's own; none in an emitted engine.
        workspace: lent by the caller.
        input: lent by the caller.
        output: lent by the caller.
        stack: the deepest call, by painting.
    """

    variables: int
    workspace: int
    input: int
    output: int
    stack: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.variables + self.workspace + self.input + self.output + self.stack


@dataclass(frozen=True, slots=True)
class Instructions:
    """Instructions executed by one inference, over images."""

    mean: float
    p95: float
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One output byte that is not the oracle's."""

    image: int
    output: int
    engine: int
    oracle: int


@dataclass(frozen=True, eq=False)
class Simulation:
    """Every figure about one engine on one emulated core.

    Attributes:
        core: name of the core.
        toolchain: compiler and version.
        optimize: its optimization flag.
        emulator: emulator, version and machine.
        oracle: what the outputs were compared with; empty where there was no model.
        images: how many ran.
        differing: output bytes that differ from the oracle.
        bytes: output bytes compared.
        differences: the first few that differ.
        footprint: flash by section, of the engine alone.
        biggest: the biggest symbols in flash.
        ram: RAM by part.
        instructions: instructions by image, summarised.
        counts: int64 (n,), the same by image.
        by_function: share of instructions by function, mean per image; empty where the emulator cannot tell.
        cycles: estimate for Cortex-M4; None for other cores and emulators that count no single instructions.
        outputs: int8 (n, output size).
    """

    core: str
    toolchain: str
    optimize: str
    emulator: str
    oracle: str
    images: int
    differing: int
    bytes: int
    differences: tuple[Difference, ...]
    footprint: Footprint
    biggest: tuple[Symbol, ...]
    ram: Ram
    instructions: Instructions
    counts: NDArray[np.int64]
    by_function: dict[str, float]
    cycles: CycleEstimate | None
    outputs: NDArray[np.int8]


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
        linker_scripts=[stub / "harness" / "function.ld"],
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


def simulate_inputs(
    engine: Engine,
    inputs: NDArray[np.int8],
    core: Core,
    toolchain: Toolchain,
    *,
    emulator: str = "unicorn",
    optimize: str = "-O2",
    expected: NDArray[np.int8] | None = None,
    oracle: str = "",
    progress: Progress = SILENT,
) -> Simulation:
    """Run an engine of any size on int8 inputs, without data sets and interpreters.

    Args:
        engine: the engine.
        inputs: int8 (n, input size).
        core: the core to compile for and to emulate.
        toolchain: what to compile with.
        emulator: "unicorn" or "qemu".
        optimize: such as "-O2".
        expected: int8 (n, output size), to compare with; None to compare with nothing.
        oracle: what gave `expected`.
        progress: gets bars.

    Raises:
        ConfigError: unknown emulator, one that lacks the core, or inputs of another size.
        ToolMissingError, DataError, CheckFailedError: as the steps.
    """
    if emulator not in EMULATORS:
        raise ConfigError(f"There is no emulator '{emulator}'.", hint=nearest(emulator, EMULATORS))
    if inputs.ndim != 2 or inputs.shape[1] != engine.input_size or len(inputs) == 0:
        raise ConfigError(
            f"The engine takes {engine.input_size} values an image, and there are {list(inputs.shape)}.",
            hint="Is it the engine of this model?",
        )
    with tempfile.TemporaryDirectory(prefix="edgedigits-simulate-") as folder:
        image = compile_engine(toolchain, core, engine, Path(folder), optimize=optimize)
        if emulator == "qemu":
            run = run_qemu(core, toolchain, engine, inputs, optimize=optimize, progress=progress)
        else:
            run = run_unicorn(core, image, engine, inputs, progress=progress)
    return _summarize(engine, image, run, core, toolchain, optimize, expected, oracle)


def simulate(
    engine: Engine,
    classifier: Classifier,
    images: NDArray[np.uint8],
    core: Core,
    toolchain: Toolchain,
    *,
    emulator: str = "unicorn",
    optimize: str = "-O2",
    rounding: str = "",
    progress: Progress = SILENT,
) -> Simulation:
    """Run an engine on digits and compare it with the interpreter that it claims to equal.

    Args:
        engine: the engine.
        classifier: the model it was made from.
        images: uint8 (n, 784), white ink on black.
        core: the core to compile for and to emulate.
        toolchain: what to compile with.
        emulator: "unicorn" or "qemu".
        optimize: such as "-O2".
        rounding: "litert" or "tflm"; by default what the engine's header says.
        progress: gets bars.

    Raises:
        As `simulate_inputs` and `oracle_outputs`.
    """
    rounding = rounding or engine.rounding
    inputs = engine_inputs(classifier, images)
    # The interpreter runs in a process of its own, beside the compiler and the emulator.
    with ThreadPoolExecutor(1) as pool:
        awaited = pool.submit(oracle_outputs, classifier, images, rounding)
        run = simulate_inputs(engine, inputs, core, toolchain, emulator=emulator, optimize=optimize, progress=progress)
        expected = awaited.result()
    return with_oracle(run, expected, ORACLES[rounding])


def with_oracle(run: Simulation, expected: NDArray[np.int8], oracle: str) -> Simulation:
    """Return `run` compared with `expected`, int8 (n, output size)."""
    if expected.shape != run.outputs.shape:
        raise CheckFailedError(
            f"The engine gives {list(run.outputs.shape)} outputs, {oracle} {list(expected.shape)}.",
            hint="Is it the engine of this model?",
        )
    rows, columns = np.nonzero(run.outputs != expected)
    first = [
        Difference(int(row), int(column), int(run.outputs[row, column]), int(expected[row, column]))
        for row, column in zip(rows[:SHOWN_DIFFERENCES], columns[:SHOWN_DIFFERENCES], strict=True)
    ]
    return replace(run, oracle=oracle, differing=len(rows), bytes=expected.size, differences=tuple(first))


def _summarize(
    engine: Engine,
    image: Image,
    run: Emulation,
    core: Core,
    toolchain: Toolchain,
    optimize: str,
    expected: NDArray[np.int8] | None,
    oracle: str,
) -> Simulation:
    counts = run.instructions
    is_m4 = core.name == "cortex-m4" and bool(run.executions)
    summary = Simulation(
        core=core.name,
        toolchain=toolchain.version,
        optimize=optimize,
        emulator=run.how,
        oracle="",
        images=len(counts),
        differing=0,
        bytes=0,
        differences=(),
        footprint=image.footprint,
        biggest=image.biggest(),
        ram=Ram(
            variables=image.footprint.static_ram,
            workspace=engine.workspace_bytes,
            input=engine.input_size,
            output=engine.output_size,
            stack=run.stack,
        ),
        instructions=Instructions(
            mean=float(counts.mean()),
            p95=float(np.percentile(counts, 95)),
            least=int(counts.min()),
            most=int(counts.max()),
        ),
        counts=counts,
        by_function=_by_function(image, run),
        cycles=estimate_m4_cycles(image, core, run.executions, len(counts)) if is_m4 else None,
        outputs=run.outputs,
    )
    return summary if expected is None else with_oracle(summary, expected, oracle)


def _by_function(image: Image, run: Emulation) -> dict[str, float]:
    totals: dict[str, int] = {}
    for address, count in run.executions.items():
        name = image.function_at(address)
        totals[name] = totals.get(name, 0) + count
    return {name: total / len(run.instructions) for name, total in sorted(totals.items(), key=lambda item: -item[1])}
