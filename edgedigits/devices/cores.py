"""The processor cores that the engine is compiled for and proven on, and the flags that compilers want for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

from edgedigits.devices.catalogue import Text, read_file, read_folder
from edgedigits.devices.other_chips import find_other_chips
from edgedigits.devices.stub import firmware_stub
from edgedigits.errors import ConfigError, nearest
from edgedigits.model.core_costs import CoreCosts

Factor = Annotated[float, Meta(gt=0)]
Cycles = dict[Text, tuple[Factor, Factor, Factor]]
"""By encoding of weights, as `CoreCosts` has them."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the cores of one instruction set share; a file of `firmware_stub/architectures/`.

    Attributes:
        name: "arm", "riscv" or "avr".
        title: what people call it.
        startup: source of the start-up code, in `firmware_stub/`.
        gcc: how its GCC may be called.
        gcc_package: Debian's package that holds the last of these.
        qemu: QEMU's program.
        qemu_package: Debian's package that holds it.
        qemu_arguments: what QEMU needs besides.
        clock: what `firmware_stub/harness/batch.c` counts with.
        linker_script: of firmware, in `firmware_stub/`.
        function_script: of a program that is nothing but an engine.
        qemu_loads: QEMU's option that takes a program.
        cycles: as of a core, of all whose files say nothing themselves.
    """

    name: Text
    title: Text
    startup: Text
    gcc: tuple[str, ...]
    gcc_package: Text
    qemu: Text
    qemu_package: Text
    qemu_arguments: tuple[str, ...]
    clock: Text
    linker_script: Text
    function_script: Text
    qemu_loads: Text = "-kernel"
    cycles: Cycles = field(default_factory=dict)


Span = tuple[Annotated[float, Meta(ge=0)], Annotated[float, Meta(ge=0)]]
"""The least and the most cycles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Cycles of a core's instructions by class, without wait states; what a file leaves out is as on a Cortex-M4.

    Attributes:
        source: where they are from.
        plain: of all that is named nowhere else.
        multiply, accumulate, long: products of 32 bits, added to something, of 64 bits.
        divide, load, store: the same of others; loads and stores of one register.
        double: of two registers.
        several, each: of several registers, and for each of them.
        refill: what such a load takes longer that jumps.
        branch, conditional: jumps and calls; jumps that may not be taken.
    """

    source: Text
    plain: Span = (1, 1)
    multiply: Span = (1, 1)
    accumulate: Span = (1, 1)
    long: Span = (1, 1)
    divide: Span = (2, 12)
    load: Span = (1, 2)
    store: Span = (1, 2)
    double: Span = (2, 3)
    several: Span = (1, 1)
    each: Span = (1, 1)
    refill: Span = (1, 3)
    branch: Span = (2, 4)
    conditional: Span = (1, 4)


@dataclass(frozen=True, slots=True)
class Core:
    """One processor core; a file of `firmware_stub/cores/`.

    Attributes:
        name: what users call it, such as "cortex-m4".
        architecture: its instruction set.
        gcc: flags that select it in GCC.
        zig: the same for `zig cc`; none where that cannot make programs for it.
        qemu_board: name in the board catalogue of a machine that QEMU emulates and that runs this core's code;
            empty where there is none.
        qemu_defines: macros that make another core of that machine stand in for this one, as "NAME=VALUE".
        unicorn_cpu: name of the CPU model's constant in Unicorn; empty where Unicorn has none.
        simavr: its name in simavr; empty where that lacks it.
        has_dsp: SMLAD and its like exist.
        has_vectors: MVE exists.
        has_armv8: its instructions are those of Armv8-M.
        has_multiplier: it multiplies.
        timing: what its instructions take, for an estimate of cycles; None where that is not known.
        cycles: by encoding, for each instruction of each part of its estimate; `tests/benchmarks/bench_cores.py`
            measures them. Empty where nothing is known.
        notes: for the reader of the file.
    """

    name: Text
    architecture: Architecture
    gcc: tuple[str, ...]
    zig: tuple[str, ...]
    qemu_board: Text = ""
    qemu_defines: tuple[str, ...] = ()
    unicorn_cpu: Text = ""
    simavr: Text = ""
    has_dsp: bool = False
    has_vectors: bool = False
    has_armv8: bool = False
    has_multiplier: bool = True
    timing: Timing | None = None
    cycles: Cycles = field(default_factory=dict)
    notes: Text = ""

    @property
    def costs(self) -> CoreCosts | None:
        """What the engine's kernels take on it; None where that is not known."""
        cycles = self.cycles or self.architecture.cycles
        return CoreCosts(self.name, cycles) if cycles else None

    @property
    def emulator(self) -> str:
        """What emulates it where nobody says otherwise."""
        return "unicorn" if self.unicorn_cpu else "simavr" if self.simavr else "qemu"

    @property
    def toolchain(self) -> str:
        """What compiles for it where nobody says otherwise."""
        return "zig" if self.zig else "gcc"


@dataclass(frozen=True, slots=True)
class Compiler:
    """What one compiler is told for every core.

    Attributes:
        flags: before the sources.
        libraries: behind them.
    """

    flags: tuple[str, ...]
    libraries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FirmwareRecipe:
    """How programs are made, `firmware_stub/firmware.json`.

    Attributes:
        sources: of every firmware, in `firmware_stub/`.
        semihosting: those of the console that talks through the debugger.
        flags: of every program: C99 without a library, unused functions dropped, no tables for unwinding.
        gcc, zig: more for the compilers.
    """

    sources: tuple[str, ...]
    semihosting: tuple[str, ...]
    flags: tuple[str, ...]
    gcc: Compiler
    zig: Compiler


@lru_cache
def load_recipe() -> FirmwareRecipe:
    """Return how programs are made; raises DataError as `read_file`."""
    return read_file(firmware_stub() / "firmware.json", FirmwareRecipe)


@lru_cache
def load_cores() -> Mapping[str, Core]:
    """Return the cores by name; raises DataError as `read_folder`."""
    stub = firmware_stub()
    return read_folder(stub / "cores", Core, architecture=read_folder(stub / "architectures", Architecture))


def known_core(name: str) -> Core | None:
    """Return the core of that name; "m4" and "cortex_m4" are understood too. None where there is none."""
    cores = load_cores()
    plain = name.lower().replace("_", "-").replace("+", "plus")
    return cores.get(plain) or cores.get(f"cortex-{plain}")


def find_core(name: str) -> Core:
    """Return the core of that name, as `known_core` understands it.

    Raises:
        ConfigError: there is none; the hint names that of the board that is called so, or the nearest.
    """
    core = known_core(name)
    if core is None:
        raise ConfigError(f"There is no core '{name}'.", hint=_core_meant(name))
    return core


def _core_meant(name: str) -> str:
    # Boards are made of cores: their file is read only where a name is none of a core's.
    from edgedigits.devices.boards import find_board

    try:
        board = find_board(name)
    except ConfigError:
        other = find_other_chips(name)
        return other.answer if other else nearest(name.lower().replace("_", "-"), load_cores())
    return f"{board.title} is a board: --core {board.core.name} is its core."


def find_costs(names: Sequence[str]) -> tuple[CoreCosts, ...]:
    """Return what the kernels take on each of these cores.

    Raises:
        ConfigError: there is no such core, or nothing is known of its cycles; the hint names those that there are.
    """
    found = []
    for core in map(find_core, names):
        if core.costs is None:
            known = ", ".join(name for name, one in load_cores().items() if one.costs)
            raise ConfigError(
                f"What the engine's kernels take on {core.name} is not known: nothing can be chosen for it.",
                hint=f"Take one of {known}, or leave --core out.",
            )
        found.append(core.costs)
    return tuple(found)
