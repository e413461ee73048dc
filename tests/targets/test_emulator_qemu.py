"""QEMU, an independent emulator with a timer, finds the same outputs and the same number of instructions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError
from edgedigits.targets import emulator_qemu as room
from edgedigits.targets.boards import find_board
from edgedigits.targets.cores import CORES
from edgedigits.targets.elf import Image
from edgedigits.targets.emulator_qemu import run_qemu
from edgedigits.targets.emulator_unicorn import run_unicorn
from edgedigits.targets.stub import Engine, find_engine
from tests.targets.conftest import QEMU_CORES, toolchain_or_skip
from tests.targets.tiny_engine import expected, random_inputs, write_engine

M4 = CORES["cortex-m4"]


@pytest.mark.parametrize(
    ("name", "toolchain"),
    [(name, "zig") for name in QEMU_CORES]
    + [
        pytest.param(name, "gcc", marks=[] if name in ("cortex-m4", "cortex-m55") else [pytest.mark.slow])
        for name in QEMU_CORES
    ],
)
def test_both_emulators_agree(
    qemu: None, tmp_path: Path, compiled: Callable[..., Image], name: str, toolchain: str
) -> None:
    core, weights = CORES[name], write_engine(tmp_path)
    engine, inputs = find_engine(tmp_path), random_inputs(30)

    run = run_qemu(core, toolchain_or_skip(toolchain, core), engine, inputs)

    assert np.array_equal(run.outputs, expected(weights, inputs))
    if not core.unicorn_cpu:
        return
    other = run_unicorn(core, compiled(engine, name, toolchain), engine, inputs)
    assert np.array_equal(run.outputs, other.outputs)
    assert np.abs(run.instructions - other.instructions).max() <= 1, "the timer's grain"
    assert run.stack == other.stack


@pytest.mark.parametrize("name", ["cortex-m0plus", "cortex-m55", "rv32imc"])
def test_an_engine_that_faults(qemu: None, tmp_path: Path, name: str) -> None:
    extra = "(void)*(const volatile int32_t *)(uintptr_t)(input + 1);"
    if name != "cortex-m0plus":
        extra = "(void)*(const volatile int32_t *)0xF0000000u;"
    write_engine(tmp_path, extra=extra)

    with pytest.raises(CheckFailedError, match=r"fails in QEMU's (mps|virt).*\(exit code 139\): it faults"):
        run_qemu(CORES[name], toolchain_or_skip("zig", CORES[name]), find_engine(tmp_path), random_inputs(1))


def test_an_engine_that_hangs(qemu: None, tmp_path: Path) -> None:
    write_engine(tmp_path, extra="for (volatile int i = 0; ; i = i + 1) { }")

    with pytest.raises(CheckFailedError, match="did not finish within 1 s"):
        run_qemu(M4, toolchain_or_skip("zig", M4), find_engine(tmp_path), random_inputs(1), timeout_s=1)


def test_a_model_too_big_for_the_board(qemu: None, tmp_path: Path) -> None:
    core = CORES["cortex-m55"]
    write_engine(tmp_path, inputs=3000, outputs=200)

    with pytest.raises(CheckFailedError, match="bytes more flash"):
        run_qemu(core, toolchain_or_skip("zig", core), find_engine(tmp_path), random_inputs(1, 3000))


def test_results_that_are_not_whole(tmp_path: Path, tiny: Engine) -> None:
    (tmp_path / "results.bin").write_bytes(bytes(14))
    (tmp_path / "facts.bin").write_bytes(bytes(12))

    with pytest.raises(DataError, match="returned 1 results of 2"):
        room._results(tmp_path, room._board_of(M4), tiny, 2)


def test_a_missing_qemu_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.shutil, "which", lambda name: None)

    with pytest.raises(ToolMissingError, match="apt-get install qemu-system-arm"):
        room.require_qemu(find_board("mps2-an386"))
    with pytest.raises(ToolMissingError, match="apt-get install qemu-system-misc"):
        room.require_qemu(find_board("qemu-rv32"))


def test_a_core_without_a_machine(tiny: Engine) -> None:
    core = replace(M4, name="cortex-m4x", qemu_board="")

    with pytest.raises(ConfigError, match="No machine of QEMU is set up for cortex-m4x.*--emulator unicorn"):
        run_qemu(core, toolchain_or_skip("zig", M4), tiny, random_inputs(1))
