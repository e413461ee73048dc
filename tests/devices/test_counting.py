"""Counting by stretch of code equals counting instruction by instruction, in C and in Python."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgedigits.devices import counting
from edgedigits.devices.cores import find_core
from edgedigits.devices.counting import CodeMap, PythonCounter, counter_factory, native_library
from edgedigits.devices.disassembly import disassemble
from edgedigits.devices.elf import Image
from edgedigits.devices.emulator_unicorn import run_unicorn
from edgedigits.devices.stub import Engine
from tests.devices.conftest import UNICORN_CORES
from tests.devices.tiny_engine import random_inputs

pytest.importorskip("unicorn")


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "rv32imc"])
def test_instructions_start_where_capstone_says(tiny: Engine, compiled: Callable[..., Image], core: str) -> None:
    image = compiled(tiny, core)
    code = CodeMap(image, find_core(core).architecture.name)

    ours = {code.base + 2 * int(index) for index in np.flatnonzero(code.is_start)}

    assert ours == {instruction.address for instruction in disassemble(image, find_core(core))}


@pytest.mark.parametrize(
    "core", [pytest.param(core, marks=pytest.mark.slow) if core != "cortex-m4" else core for core in UNICORN_CORES]
)
def test_three_ways_of_counting_agree(tiny: Engine, compiled: Callable[..., Image], core: str) -> None:
    image, inputs = compiled(tiny, core), random_inputs(3)
    singles: Counter[int] = Counter()

    class OneByOne(PythonCounter):
        """Also counts every single instruction."""

        def __init__(self, emulator: Any, code: CodeMap, limit: int) -> None:
            super().__init__(emulator, code, limit)
            from unicorn import UC_HOOK_CODE

            emulator.hook_add(UC_HOOK_CODE, lambda _emulator, address, _size, _user: singles.update([address]))

    in_python = run_unicorn(find_core(core), image, tiny, inputs, factory=OneByOne)
    fastest = run_unicorn(find_core(core), image, tiny, inputs)

    assert np.array_equal(in_python.instructions, fastest.instructions)
    assert in_python.executions == fastest.executions
    assert sum(fastest.executions.values()) == fastest.instructions.sum()
    skippable = {found.address for found in disassemble(image, find_core(core)) if is_conditional(found)}
    for address, count in fastest.executions.items():
        # Unicorn's own hook leaves out what an IT block skips. A core fetches it, and QEMU counts it.
        assert singles[address] == count or (address in skippable and singles[address] < count)


def is_conditional(instruction: Any) -> bool:
    """Tell whether an Arm instruction depends on flags; a conditional branch out of an IT block always runs."""
    return (
        instruction.mnemonic[:1] != "b"
        and re.search(r"(eq|ne|[ch]s|c[cs]|lo|mi|pl|v[sc]|hi|ls|[lg][te])(\.w)?$", instruction.mnemonic) is not None
    )


def test_the_native_counter_is_used_where_zig_is(tiny: Engine, compiled: Callable[..., Image]) -> None:
    pytest.importorskip("ziglang")

    assert native_library() is not None
    assert counter_factory() is not PythonCounter


def test_without_zig_python_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "native_library", lambda: None)

    assert counter_factory() is PythonCounter


@pytest.mark.parametrize("native", [True, False])
def test_code_outside_the_program_is_noticed(tiny: Engine, compiled: Callable[..., Image], native: bool) -> None:
    """The counter believes in another program than the one that runs."""
    if native and native_library() is None:
        pytest.skip("no native counter on this host")
    make = counter_factory() if native else PythonCounter

    def shifted(emulator: object, code: CodeMap, limit: int) -> Any:
        code.base -= 2
        return make(emulator, code, limit)

    with pytest.raises(Exception, match="executes what is no code at 0x0001"):
        run_unicorn(find_core("cortex-m4"), compiled(tiny), tiny, random_inputs(1), factory=shifted)
