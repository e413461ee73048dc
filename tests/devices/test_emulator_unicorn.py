"""The emulated core computes what it should, and an engine that misbehaves is caught in the act."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices import emulator_unicorn as room
from edgedigits.devices.cores import find_core
from edgedigits.devices.elf import Image
from edgedigits.devices.emulator_unicorn import run_unicorn
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.errors import CheckFailedError, ConfigError
from tests.devices.conftest import UNICORN_CORES
from tests.devices.tiny_engine import deep_on_one_image, expected, random_inputs, write_engine

pytest.importorskip("unicorn")


@pytest.mark.parametrize(
    ("core", "toolchain"),
    [(core, "zig") for core in UNICORN_CORES]
    + [pytest.param(core, "gcc", marks=[] if core == "cortex-m4" else [pytest.mark.slow]) for core in UNICORN_CORES],
)
def test_every_output_byte_is_right(tmp_path: Path, compiled: Callable[..., Image], core: str, toolchain: str) -> None:
    weights = write_engine(tmp_path, inputs=31, outputs=7, seed=4)
    engine, inputs = find_engine(tmp_path), random_inputs(40, 31)

    run = run_unicorn(find_core(core), compiled(engine, core, toolchain), engine, inputs)

    assert np.array_equal(run.outputs, expected(weights, inputs))
    assert run.instructions[0] < run.instructions[1], "all background is skipped, all ink is not"
    assert 0 <= run.stack < 200


def test_many_images_on_several_threads_keep_their_order(tiny: Engine, compiled: Callable[..., Image]) -> None:
    inputs = random_inputs(500)
    run = run_unicorn(find_core("cortex-m4"), compiled(tiny), tiny, inputs)
    again = run_unicorn(find_core("cortex-m4"), compiled(tiny), tiny, inputs[::-1].copy())

    assert np.array_equal(run.outputs, again.outputs[::-1])
    assert np.array_equal(run.instructions, again.instructions[::-1])


def bad(tmp_path: Path, extra: str, **options: int) -> Engine:
    write_engine(tmp_path, extra=extra, **options)
    return find_engine(tmp_path)


OUT_OF_BOUNDS = [
    ("((volatile int8_t *)(uintptr_t)input)[3] = 1;", r"writes 1 bytes .* \(the input is nearest\)"),
    ("(void)((const volatile int8_t *)input)[784];", r"reads 1 bytes .* \(the input is nearest\)"),
    ("((volatile int8_t *)output)[12] = 1;", r"writes 1 bytes .* \(the output is nearest\)"),
    ("((volatile int8_t *)workspace)[16] = 1;", r"writes 1 bytes .* \(the workspace is nearest\)"),
    ("(void)*(const volatile int *)0;", "reads 4 bytes at 0x00000000"),
]
# Where alignment to 4 and to pages leaves room.
BESIDE = [
    ("output[-1] = 1;", "before its output"),
    ("output[10] = 1;", "behind its output"),
    ("((int8_t *)workspace)[-1] = 1;", "before its workspace"),
    ("((int8_t *)workspace)[13] = 1;", "behind its workspace"),
    ("((int8_t *)workspace)[-60] = 1;", "before its workspace"),
]


@pytest.fixture(scope="module")
def tempted(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Engine]:
    """By bytes of workspace, an engine that does what it must not where an input says which: its fifth value, from 1."""
    cases = " ".join(
        f"case {number}: {extra} break;" for number, (extra, _) in enumerate([*OUT_OF_BOUNDS, *BESIDE], start=1)
    )
    extra = f"switch (input[5]) {{ {cases} default: break; }}"
    return {size: bad(tmp_path_factory.mktemp("tempted"), extra, workspace=size) for size in (13, 16, 4096)}


@pytest.mark.parametrize("number", range(len(OUT_OF_BOUNDS)))
def test_a_byte_out_of_bounds_is_an_error(
    tempted: dict[int, Engine], compiled: Callable[..., Image], number: int
) -> None:
    inputs = random_inputs(3)
    inputs[:, 5] = 0, 1 + number, 0

    words = OUT_OF_BOUNDS[number][1]
    with pytest.raises(CheckFailedError, match=f"Image 1: .* in edgedigits_model_invoke .*{words}"):
        run_unicorn(find_core("cortex-m4"), compiled(tempted[16]), tempted[16], inputs)


@pytest.mark.parametrize("size", [13, 4096])
@pytest.mark.parametrize("number", range(len(BESIDE)))
def test_a_byte_written_where_alignment_leaves_room_is_an_error(
    tempted: dict[int, Engine], compiled: Callable[..., Image], number: int, size: int
) -> None:
    """Also where only one image of many does it; a workspace of a page's size leaves no luck either."""
    words = BESIDE[number][1]
    if size == 4096 and words == "behind its workspace":
        pytest.skip("that byte is within")
    inputs = random_inputs(3)
    inputs[:, 5] = 0, 1 + len(OUT_OF_BOUNDS) + number, 0

    with pytest.raises(CheckFailedError, match=f"it writes {words}"):
        run_unicorn(find_core("cortex-m4"), compiled(tempted[size]), tempted[size], inputs)


def test_a_stack_that_grows_without_end_is_an_error(tmp_path: Path, compiled: Callable[..., Image]) -> None:
    engine = bad(tmp_path, "volatile char big[100000]; for (int i = 99999; i >= 0; i--) big[i] = 1; (void)big[0];")

    with pytest.raises(CheckFailedError, match="out of bounds"):
        run_unicorn(find_core("cortex-m4"), compiled(engine), engine, random_inputs(1))


def test_the_stack_is_measured(tmp_path: Path, compiled: Callable[..., Image]) -> None:
    engine = bad(tmp_path, "volatile char some[1000]; for (int i = 0; i < 1000; i++) some[i] = 1; (void)some[0];")

    assert 1000 <= run_unicorn(find_core("cortex-m4"), compiled(engine), engine, random_inputs(1)).stack <= 1100


@pytest.mark.parametrize("worst", [0, 399])
def test_the_stack_is_that_of_the_worst_image_whoever_runs_it(
    tmp_path: Path, compiled: Callable[..., Image], monkeypatch: pytest.MonkeyPatch, worst: int
) -> None:
    monkeypatch.setattr(room.os, "cpu_count", lambda: 4)
    deep_on_one_image(tmp_path, 1000)
    engine, inputs = find_engine(tmp_path), random_inputs(400)
    inputs[:, 0], inputs[worst, 0] = -128, 99

    assert 1000 <= run_unicorn(find_core("cortex-m4"), compiled(engine), engine, inputs).stack < 1200


@pytest.mark.parametrize("core", ["cortex-m4", "rv32imc"])
def test_an_engine_that_hangs_is_stopped(tmp_path: Path, compiled: Callable[..., Image], core: str) -> None:
    engine = bad(tmp_path, "for (volatile int i = 0; ; i = i + 1) { }")

    with pytest.raises(CheckFailedError, match="has not returned after 100,000 instructions"):
        run_unicorn(find_core(core), compiled(engine, core), engine, random_inputs(1), limit=100_000)


@pytest.mark.parametrize(
    ("core", "instruction", "words"),
    [
        ("cortex-m4", "wfi", "it stopped before it returned"),
        ("cortex-m4", "udf #0", "Invalid instruction"),
        ("cortex-m4", "svc #1", "Unhandled CPU exception"),
        ("rv32imc", "wfi", "it stopped before it returned"),
    ],
)
def test_an_engine_that_stops_early_is_an_error(
    tmp_path: Path, compiled: Callable[..., Image], core: str, instruction: str, words: str
) -> None:
    """The emulator stops at some instructions without a word; what lies in the output then is not a result."""
    engine = bad(tmp_path, f'__asm volatile("{instruction}");')

    with pytest.raises(CheckFailedError, match=f"Image 0: the engine fails .* in edgedigits_model_invoke .*{words}"):
        run_unicorn(find_core(core), compiled(engine, core), engine, random_inputs(1))


def test_unaligned_access_faults_on_m0plus_and_not_on_m4(tmp_path: Path, compiled: Callable[..., Image]) -> None:
    engine = bad(tmp_path, "(void)*(const volatile int32_t *)(uintptr_t)(input + 1);")

    run_unicorn(find_core("cortex-m4"), compiled(engine), engine, random_inputs(1))
    with pytest.raises(CheckFailedError):
        run_unicorn(find_core("cortex-m0plus"), compiled(engine, "cortex-m0plus"), engine, random_inputs(1))


@pytest.mark.parametrize("start", [" = 5", ""])
def test_an_engine_with_variables_is_refused(tmp_path: Path, compiled: Callable[..., Image], start: str) -> None:
    engine = bad(tmp_path, f"static volatile int calls{start}; calls = calls + 1;")

    with pytest.raises(CheckFailedError, match="has variables of its own"):
        run_unicorn(find_core("cortex-m4"), compiled(engine), engine, random_inputs(1))


def test_m55_needs_the_other_emulator(tiny: Engine, compiled: Callable[..., Image]) -> None:
    with pytest.raises(ConfigError, match="--emulator qemu"):
        run_unicorn(find_core("cortex-m55"), compiled(tiny, "cortex-m55"), tiny, random_inputs(1))


def test_a_missing_unicorn_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['unicorn'] = None\n"
        "from edgedigits.devices.emulator_unicorn import run_unicorn\n"
        "from edgedigits.devices.cores import find_core\n"
        "from edgedigits.errors import ToolMissingError\n"
        "try:\n    run_unicorn(find_core('cortex-m4'), None, None, [])\n"
        "except ToolMissingError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout

    assert "pip install 'edgedigits[mcu]'" in said
