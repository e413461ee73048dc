"""The engine on this machine: right outputs, and undefined behaviour that an emulated core would let pass."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices import host as room
from edgedigits.devices.cores import find_core
from edgedigits.devices.host import host_compiler, run_host
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.devices.toolchain import Toolchain
from edgedigits.errors import CheckFailedError, DataError, ToolMissingError
from tests.devices.conftest import toolchain_or_skip
from tests.devices.tiny_engine import expected, random_inputs, write_engine

TOOLCHAINS = ("zig", "gcc")
GCC = Toolchain("gcc", "gcc", ("arm-none-eabi-gcc",))


def compiler(name: str) -> Toolchain:
    if name == "zig":
        return toolchain_or_skip("zig", find_core("cortex-m4"))
    if not any(map(shutil.which, room.COMPILERS)):
        pytest.skip("no C compiler on this host")
    return GCC


def engine(folder: Path, **options: str | int) -> Engine:
    write_engine(folder, inputs=31, outputs=7, **options)
    return find_engine(folder)


@pytest.mark.parametrize("name", TOOLCHAINS)
def test_every_output_byte_is_right(tmp_path: Path, name: str) -> None:
    weights, inputs = write_engine(tmp_path, inputs=31, outputs=7), random_inputs(300, 31)

    outputs, how = run_host(compiler(name), find_engine(tmp_path), inputs)

    assert np.array_equal(outputs, expected(weights, inputs))
    assert how.endswith("UBSan") and how.startswith("zig" if name == "zig" else ("gcc", "clang"))


@pytest.mark.parametrize("name", TOOLCHAINS)
@pytest.mark.parametrize(
    "extra",
    [
        "volatile int big = 2147483647; big = big + input[0] + 129; (void)big;",
        "volatile int by = 40; volatile int one = 1 << by; (void)one;",
    ],
)
def test_undefined_behaviour_is_an_error(tmp_path: Path, name: str, extra: str) -> None:
    with pytest.raises(CheckFailedError, match="The engine fails on this machine"):
        run_host(compiler(name), engine(tmp_path, extra=extra), random_inputs(2, 31))


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("((volatile int8_t *)output)[7] = 1;", "heap-buffer-overflow"),
        ("(void)((const volatile int8_t *)input)[31];", "heap-buffer-overflow"),
        ("((volatile int8_t *)workspace)[16] = 1;", "heap-buffer-overflow"),
    ],
)
def test_a_byte_out_of_bounds_is_an_error(tmp_path: Path, extra: str, words: str) -> None:
    """The address sanitizer comes with GCC and clang, not with zig; emulators see the same by their page's ends."""
    with pytest.raises(CheckFailedError, match=words):
        run_host(compiler("gcc"), engine(tmp_path, extra=extra, workspace=16), random_inputs(1, 31))


@pytest.mark.parametrize("name", TOOLCHAINS)
@pytest.mark.parametrize("extra", ["((int8_t *)workspace)[13] = 1;", "((int8_t *)workspace)[-5] = 1;"])
def test_a_byte_written_beside_a_buffer_is_an_error_with_every_compiler(tmp_path: Path, name: str, extra: str) -> None:
    """Where there is no address sanitizer a guard tells; one image of three is enough."""
    inputs = random_inputs(3, 31)
    inputs[:, 5] = 76, 77, 78

    with pytest.raises(
        CheckFailedError, match="heap-buffer-overflow" if name == "gcc" else "it writes beside its buffers"
    ):
        run_host(compiler(name), engine(tmp_path, extra=f"if (input[5] == 77) {{ {extra} }}", workspace=13), inputs)


def test_a_failed_self_test_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckFailedError, match="its self-test fails"):
        run_host(compiler("zig"), engine(tmp_path, self_test=3), random_inputs(1, 31))


def test_a_class_that_the_scores_do_not_give_is_an_error(tmp_path: Path) -> None:
    wrong = engine(tmp_path)
    source = wrong.sources[0]
    source.write_text(source.read_text().replace("return best;", "return (best + 1) % 7;"))

    with pytest.raises(CheckFailedError, match="classify gives another class"):
        run_host(compiler("zig"), wrong, random_inputs(1, 31))


def test_an_engine_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "TIMEOUT_S", 0.5)

    with pytest.raises(CheckFailedError, match="did not finish within"):
        run_host(
            compiler("zig"), engine(tmp_path, extra="for (volatile int i = 0; ; i = i ^ 1) { }"), random_inputs(1, 31)
        )


def test_an_engine_that_does_not_compile(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot compile the engine for this machine.*nonsense"):
        run_host(compiler("zig"), engine(tmp_path, extra="nonsense;"), random_inputs(1, 31))


def test_no_compiler_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.shutil, "which", lambda name: None)

    with pytest.raises(ToolMissingError, match=r"apt-get install gcc\), or use --toolchain zig"):
        host_compiler(GCC)
