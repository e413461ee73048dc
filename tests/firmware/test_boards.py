"""Firmware for every supported board compiles without a warning, and runs in QEMU where it emulates the board."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices import toolchain as toolchains
from edgedigits.devices.boards import find_board, load_boards
from edgedigits.devices.cores import load_recipe
from edgedigits.devices.device import Device
from edgedigits.devices.firmware import build_firmware
from edgedigits.devices.link import emulated_board
from edgedigits.devices.stub import Engine, find_engine, firmware_stub
from edgedigits.errors import CheckFailedError, ConfigError
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run as run_numpy
from edgedigits.model.reader import read_tflite
from tests.devices.conftest import toolchain_or_skip
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import random_inputs, write_engine
from tests.tflite_builder import random_mlp

pytestmark = pytest.mark.slow

SUPPORTED = [name for name, board in load_boards().items() if board.firmware]
Made = tuple[Engine, np.ndarray, np.ndarray]
# One board for each driver of a console, and one for each core, with both compilers; the rest in CI. Semihosting is the same
# on all boards of an architecture.
ALWAYS = ("rp2040", "microbit", "nucleo-f401re", "mps2-an386", "mps3-an547", "qemu-rv32")
COMPILED = [
    pytest.param(name, toolchain, marks=[] if name in ALWAYS else [pytest.mark.slow])
    for name in SUPPORTED
    for toolchain in ("zig", "gcc")
]
SEMIHOSTED = ("mps2-an386", "qemu-rv32")
# One for each driver of a console, and the M55; the rest differ by nothing but the core.
RUN_ALWAYS = ("microbit", "netduinoplus2", "mps2-an386", "mps3-an547", "qemu-rv32")
EMULATED = [
    pytest.param(name, marks=[] if name in RUN_ALWAYS else [pytest.mark.slow])
    for name in SUPPORTED
    if load_boards()[name].qemu
]


@pytest.mark.parametrize(("name", "toolchain"), COMPILED)
def test_it_compiles_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, toolchain: str
) -> None:
    write_engine(tmp_path, prefix="my_net", inputs=20)
    recipe = load_recipe()
    strict = replace(recipe, flags=(*recipe.flags, *toolchains.STRICT, "-Werror"))
    monkeypatch.setattr(toolchains, "load_recipe", lambda: strict)
    board = find_board(name)
    compiler = toolchain_or_skip(toolchain, board.core)

    for console in ("uart", "semihosting") if name in SEMIHOSTED else ("uart",):
        image = build_firmware(find_engine(tmp_path), board, compiler, tmp_path / f"{console}.elf", console=console)
        assert image.footprint.flash < 9000 and image.footprint.static_ram < 200
        assert all(address >= 0x0 and content for address, _, content in image.segments)


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The engine of a random 784-12-10, four images, and what the network gives for them."""
    model = random_mlp(8, sizes=(784, 12, 10), density=0.5)
    inputs = random_inputs(4)
    outputs = run_numpy(lower(read_tflite(model, "model.tflite")), inputs)
    return write_emitted_engine(tmp_path_factory.mktemp("emitted"), model), inputs, outputs


@pytest.mark.parametrize("name", EMULATED)
def test_it_answers_in_qemu(qemu: None, tmp_path: Path, emitted: Made, name: str) -> None:
    engine, inputs, outputs = emitted
    board = find_board(name)
    image = build_firmware(engine, board, toolchain_or_skip(board.core.toolchain, board.core), tmp_path / "f.elf")

    with emulated_board(board, image.path) as link:
        device = Device(link)
        identity = device.identify()
        run = device.run(inputs, identity)
        ticks = device.bench(3)

    assert np.array_equal(run.outputs, outputs) and run.resent == 0
    assert np.array_equal(run.classes, outputs.argmax(axis=1))
    assert (run.ticks > 0).all() and ticks > 0
    start, end = image.address("__flash_start"), image.address("__flash_end")
    flash = next(content for _, run_at, content in image.segments if run_at <= start < run_at + len(content))
    assert identity.flash_bytes == end - start
    assert identity.flash_crc == zlib.crc32(flash[: end - start])


def test_a_fault_ends_semihosted_firmware(qemu: None, tmp_path: Path) -> None:
    write_engine(tmp_path, self_test=0, extra="")
    source = tmp_path / "edgedigits_model_self_test.c"
    source.write_text(source.read_text().replace("return 0;", "return *(volatile int *)0xF0000000u;"))
    board = find_board("mps2-an386")
    compiler = toolchain_or_skip("zig", board.core)
    image = build_firmware(find_engine(tmp_path), board, compiler, tmp_path / "f.elf", console="semihosting")

    command = ["qemu-system-arm", "-M", board.qemu, "-kernel", image.path, "-display", "none", "-monitor", "none"]
    done = subprocess.run(
        [*command, "-serial", "none", "-semihosting-config", "enable=on,target=native"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=30,
    )
    assert done.returncode == 139


def test_a_model_that_does_not_fit_says_which_symbol_and_by_how_much(tmp_path: Path) -> None:
    write_engine(tmp_path, inputs=2000, outputs=150)
    board = find_board("microbit")

    with pytest.raises(CheckFailedError, match=r"needs (3|4)\d,\d\d\d bytes more flash .*weights 300,000 B"):
        build_firmware(
            find_engine(tmp_path), board, toolchain_or_skip(board.core.toolchain, board.core), tmp_path / "f.elf"
        )


def test_a_model_that_needs_too_much_ram_says_so(tmp_path: Path) -> None:
    write_engine(tmp_path, workspace=20000)
    board = find_board("microbit")

    with pytest.raises(CheckFailedError, match="bytes more RAM"):
        build_firmware(
            find_engine(tmp_path), board, toolchain_or_skip(board.core.toolchain, board.core), tmp_path / "f.elf"
        )


def test_a_board_without_support_and_a_console_that_is_none(tmp_path: Path) -> None:
    write_engine(tmp_path)
    engine, board = find_engine(tmp_path), find_board("nrf52840dk")
    compiler = toolchain_or_skip("zig", board.core)

    with pytest.raises(ConfigError, match=r"does not support nucleo-l4r5zi\. It supports .*nrf52840dk, nucleo-f401re"):
        build_firmware(engine, find_board("nucleo-l4r5zi"), compiler, tmp_path / "f.elf")
    with pytest.raises(ConfigError, match="no console 'usb'"):
        build_firmware(engine, board, compiler, tmp_path / "f.elf", console="usb")
    with pytest.raises(ConfigError, match=r"uno has no semihosting.*Leave out --console"):
        build_firmware(engine, find_board("uno"), compiler, tmp_path / "f.elf", console="semihosting")


@pytest.mark.parametrize(
    ("compiler", "name", "prefix"),
    [
        ("gcc", "mps2-an386", "edgedigits_model"),
        ("zig", "qemu-rv32", "my_net"),
        pytest.param("zig", "mps2-an386", "my_net", marks=pytest.mark.slow),
    ],
)
def test_cmake_builds_what_runs(qemu: None, tmp_path: Path, compiler: str, name: str, prefix: str) -> None:
    """As the README types it, with a relative path; the engine's prefix is found."""
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    board = find_board(name)
    toolchain_or_skip(compiler, board.core)
    model, inputs = random_mlp(8, sizes=(784, 12, 10)), random_inputs(3)
    write_emitted_engine(tmp_path / "deploy" / "NAME", model, prefix=prefix)
    outputs = run_numpy(lower(read_tflite(model, "model.tflite")), inputs)
    environment = {**toolchains.toolchain_environment(toolchains.Toolchain("zig", "", ())), **_path_with_this_python()}
    command = ["cmake", "-S", str(firmware_stub()), "-B", "b", "-DEDGEDIGITS_MODEL=deploy/NAME", f"-DBOARD={name}"]
    command += [f"-DEDGEDIGITS_COMPILER={compiler}", "-DCMAKE_C_FLAGS=-Werror"]

    for step in (command, ["cmake", "--build", "b"]):
        done = subprocess.run(step, cwd=tmp_path, capture_output=True, text=True, timeout=200, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr

    with emulated_board(board, tmp_path / "b" / "firmware.elf") as link:
        device = Device(link)
        identity = device.identify()
        run = device.run(inputs, identity)
    assert identity.model == prefix
    assert np.array_equal(run.outputs, outputs)
    assert (tmp_path / "b" / "firmware.bin").is_file() == (compiler == "gcc")


def _path_with_this_python() -> dict[str, str]:
    import os
    import sys

    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-DBOARD=mps2-an396"], "There is no board 'mps2-an396'.  Known: atmega1284p, bluepill, ch32v003"),
        (["-DBOARD=rp2040", "-DEDGEDIGITS_MODEL=nowhere"], "does not hold one engine"),
        ([], "Choose one with -DBOARD=NAME"),
    ],
)
def test_cmake_tells_what_is_wrong(tmp_path: Path, flags: list[str], words: str) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    command = ["cmake", "-S", str(firmware_stub()), "-B", str(tmp_path / "b"), *flags]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode != 0
    assert " ".join(words.split()) in " ".join(done.stderr.split())
