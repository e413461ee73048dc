"""QEMU, an independent emulator with a timer, finds the same outputs and the same number of instructions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices import emulator_qemu as room
from edgedigits.devices.boards import find_board
from edgedigits.devices.cores import find_core
from edgedigits.devices.elf import Image
from edgedigits.devices.emulator_qemu import run_qemu
from edgedigits.devices.emulator_unicorn import run_unicorn
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError
from tests.devices.conftest import QEMU_CORES, toolchain_or_skip
from tests.devices.tiny_engine import deep_on_one_image, expected, random_inputs, write_engine

pytestmark = pytest.mark.slow

M4 = find_core("cortex-m4")
# A core of each kind; the rest in CI.
ALWAYS = [(name, "zig") for name in ("cortex-m0plus", "cortex-m4", "cortex-m55", "rv32imc")] + [("cortex-m55", "gcc")]


@pytest.mark.parametrize(
    ("name", "toolchain"),
    [
        pytest.param(name, toolchain, marks=[] if (name, toolchain) in ALWAYS else [pytest.mark.slow])
        for name in QEMU_CORES
        for toolchain in ("zig", "gcc")
    ],
)
def test_both_emulators_agree(
    qemu: None, tmp_path: Path, compiled: Callable[..., Image], name: str, toolchain: str
) -> None:
    core, weights = find_core(name), write_engine(tmp_path)
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
        run_qemu(find_core(name), toolchain_or_skip("zig", find_core(name)), find_engine(tmp_path), random_inputs(1))


def test_an_engine_that_hangs(qemu: None, tmp_path: Path) -> None:
    write_engine(tmp_path, extra="for (volatile int i = 0; ; i = i + 1) { }")

    with pytest.raises(CheckFailedError, match="did not finish within 1 s"):
        run_qemu(M4, toolchain_or_skip("zig", M4), find_engine(tmp_path), random_inputs(1), timeout_s=1)


def test_a_model_too_big_for_the_board(qemu: None, tmp_path: Path) -> None:
    core = find_core("cortex-m55")
    write_engine(tmp_path, inputs=3000, outputs=200)

    with pytest.raises(CheckFailedError, match="bytes more flash"):
        run_qemu(core, toolchain_or_skip("zig", core), find_engine(tmp_path), random_inputs(1, 3000))


@pytest.mark.parametrize(
    "extra", ["output[-1] = 1;", "output[10] = 1;", "((int8_t *)workspace)[-1] = 1;", "((int8_t *)workspace)[16] = 1;"]
)
@pytest.mark.parametrize("name", ["cortex-m55", pytest.param("rv32imc", marks=pytest.mark.slow)])
def test_an_engine_that_writes_beside_its_buffers(qemu: None, tmp_path: Path, name: str, extra: str) -> None:
    """One byte, on one image of three."""
    write_engine(tmp_path, workspace=16, extra=f"if (input[5] == 77) {{ {extra} }}")
    inputs = random_inputs(3)
    inputs[:, 5] = 76, 77, 78

    with pytest.raises(CheckFailedError, match=r"\(exit code 4\): it writes beside its buffers"):
        run_qemu(find_core(name), toolchain_or_skip("zig", find_core(name)), find_engine(tmp_path), inputs)


@pytest.mark.parametrize("worst", [0, 7])
def test_the_stack_is_that_of_the_worst_image_whoever_runs_it(
    qemu: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worst: int
) -> None:
    monkeypatch.setattr(room, "IMAGES_PER_WORKER", 2)
    monkeypatch.setattr(room.os, "cpu_count", lambda: 4)
    deep_on_one_image(tmp_path, 1000)
    engine, inputs = find_engine(tmp_path), random_inputs(8)
    inputs[:, 0], inputs[worst, 0] = -128, 99

    assert 1000 <= run_qemu(M4, toolchain_or_skip("zig", M4), engine, inputs).stack < 1200


def test_a_stack_deeper_than_what_is_painted_is_an_error_and_no_figure(qemu: None, tmp_path: Path) -> None:
    deep_on_one_image(tmp_path, 9000)
    engine, inputs = find_engine(tmp_path), random_inputs(2)
    inputs[1, 0] = 99

    with pytest.raises(CheckFailedError, match="takes more than 8 KB of stack"):
        run_qemu(M4, toolchain_or_skip("zig", M4), engine, inputs)


LONG = "for (volatile int i = 0; i < 3000000; i = i + 1) { }"


def test_more_instructions_than_the_clock_can_count_are_counted_more_coarsely(
    qemu: None, tmp_path: Path, compiled: Callable[..., Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SysTick has 24 bits; at 64 ns an instruction it wraps around after ten million."""
    write_engine(tmp_path, inputs=8, outputs=2, extra=LONG)
    engine, inputs = find_engine(tmp_path), random_inputs(1, 8)
    truth = run_unicorn(M4, compiled(engine), engine, inputs).instructions[0]
    assert truth > 10_500_000

    run = run_qemu(M4, toolchain_or_skip("zig", M4), engine, inputs)

    assert abs(run.instructions[0] - truth) <= 64 and "shift=0" in run.how
    monkeypatch.setattr(room, "ICOUNT_SHIFTS", (6,))
    with pytest.raises(CheckFailedError, match="more instructions than the clock of QEMU's mps2-an386 can count"):
        run_qemu(M4, toolchain_or_skip("zig", M4), engine, inputs)


def test_an_emulator_that_stops_early_gives_no_result(qemu: None, tmp_path: Path) -> None:
    """With exit code 0, in the middle of its images."""
    write_engine(
        tmp_path, extra="extern void semihosting_exit(int status); if (input[0] == 5) { semihosting_exit(0); }"
    )
    inputs = random_inputs(3)
    inputs[:, 0] = 4, 5, 6

    with pytest.raises(DataError, match="QEMU stopped early: 0 whole results of 3"):
        run_qemu(M4, toolchain_or_skip("zig", M4), find_engine(tmp_path), inputs)


FACTS = np.array([7, 100, 2], dtype="<u4").tobytes()
ROW = bytes(10) + (5007).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("results", "facts", "words"),
    [
        (None, None, "early: 0 whole results of 2"),
        (ROW, FACTS, "early: 1 whole results of 2"),
        (ROW * 2, None, "early: 0 whole results"),
        (ROW * 2, FACTS[:11], "early: 0 whole results"),
        (ROW * 2, FACTS + bytes(4), "early: 0 whole results"),
        (ROW * 2 + b"x", FACTS, "early: 2 whole results of 2"),
        (ROW * 3, FACTS, "early: 2 whole results of 2"),
        (ROW * 2, FACTS[:8] + bytes([3, 0, 0, 0]), "early: 2 whole results of 2"),
        (bytes(28), FACTS, "less than an empty function takes"),
    ],
)
def test_results_that_are_not_whole(
    tmp_path: Path, tiny: Engine, results: bytes | None, facts: bytes | None, words: str
) -> None:
    for name, content in (("results.bin", results), ("facts.bin", facts)):
        if content is not None:
            (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError, match=words):
        room._results(tmp_path, room._board_of(M4), tiny, 2, 6)


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
