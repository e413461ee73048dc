"""One table of what firmware takes: its parts are what is linked, measured and emulated, in every verb that tells them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices import needs as room
from edgedigits.devices import needs_cache
from edgedigits.devices.boards import Board, find_board, load_boards
from edgedigits.devices.cores import find_core, load_cores
from edgedigits.devices.device import Device
from edgedigits.devices.elf import Image
from edgedigits.devices.firmware import build_firmware
from edgedigits.devices.link import ProcessLink, qemu_arguments
from edgedigits.devices.needs import FIRMWARE_STACK, Needs, check_fit, engine_needs, measure_needs
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.errors import CheckFailedError, ToolMissingError
from tests.devices.conftest import toolchain_or_skip
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import deep_on_one_image, random_inputs, write_engine
from tests.tflite_builder import random_mlp

pytest.importorskip("unicorn")

M4 = find_core("cortex-m4")
BOARDS = [
    find_board(name) for name in ("nrf52840dk", "mps2-an386", "microbit-v2", "bluepill", "nucleo-l4r5zi", "esp32-c3")
]


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    model = random_mlp(3, sizes=(784, 12, 10))
    return write_emitted_engine(tmp_path_factory.mktemp("emitted"), model, encodings=("pairs", "lists8"))


@pytest.fixture(scope="module")
def needs(emitted: Engine, own_cache: None) -> dict[str, Needs]:
    return measure_needs(emitted, BOARDS, toolchain_or_skip("zig", M4))


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is remembered from an earlier run."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(needs_cache, "zig_cache", lambda: folder)
        yield


def by_name(needs: Needs) -> dict[str, int]:
    return {part.name: part.nbytes for part in (*needs.flash, *needs.ram)}


def test_the_parts_are_what_simulate_measures_and_the_sum_is_what_flash_links(
    emitted: Engine, needs: dict[str, Needs], tmp_path: Path
) -> None:
    zig = toolchain_or_skip("zig", M4)
    inputs = np.stack([np.full(784, value, np.int8) for value in (-128, 127)])
    run = simulate_inputs(emitted, inputs, M4, zig)
    board = find_board("nrf52840dk")
    firmware = build_firmware(emitted, board, zig, tmp_path / "f.elf")
    found, parts = needs["nrf52840dk"], by_name(needs["nrf52840dk"])

    assert parts["engine: code"] == run.footprint.code and parts["engine: weights, tables"] == run.footprint.constants
    assert parts["stack: engine"] == run.ram.stack and parts["workspace"] == run.ram.workspace
    assert (found.engine.flash, found.engine.ram) == (run.footprint.flash, run.ram.total)
    assert found.total_flash == firmware.footprint.flash
    assert found.total_ram == firmware.footprint.static_ram + run.ram.stack + FIRMWARE_STACK
    assert min(parts.values()) > 0
    assert found == check_fit(emitted, firmware, board, zig)
    # Firmware keeps its constants beside its code, and they are constants all the same.
    kinds = {symbol.name: symbol.kind for symbol in firmware.symbols}
    assert kinds["edgedigits_model_layer1_weights"] == "constant" and kinds["edgedigits_model_invoke"] == "code"


def test_the_self_test_and_its_vectors_are_a_part_of_their_own(emitted: Engine, needs: dict[str, Needs]) -> None:
    """Seven inputs and outputs of 784 and 10 bytes, and the code that runs them; nothing of the firmware's own."""
    vectors = emitted.self_test.read_text().count("/* ")
    assert vectors >= 5

    assert 5 * 794 < by_name(needs["nrf52840dk"])["classify, self-test, vectors"] < 20 * 794
    assert 1500 < by_name(needs["nrf52840dk"])["firmware"] < 7000


def test_each_figure_says_how_it_was_obtained(needs: dict[str, Needs]) -> None:
    own, other = needs["nrf52840dk"], needs["nucleo-l4r5zi"]

    assert [part.how for part in own.flash] == ["measured"] * 4
    assert [part.how for part in own.ram] == ["measured", "measured", "measured", "emulated", "estimated"]
    assert own.how == "measured: linked for nrf52840dk"
    assert [part.how for part in other.flash] == ["measured", "measured", "estimated", "estimated"]
    assert other.how == "estimated: as linked for microbit-v2", "the first of the catalogue with this core and firmware"
    assert needs["esp32-c3"].how == "measured: linked for esp32-c3"
    assert own.engine.how.startswith("measured: zig") and own.engine.how.endswith("-O2; stack emulated")
    assert own.to_json()["flash"]["total"] == sum(part["nbytes"] for part in own.to_json()["flash"]["parts"])


def test_what_is_left_is_the_rest_of_the_boards_memory(needs: dict[str, Needs]) -> None:
    for board in BOARDS:
        fit = needs[board.name].fit(board)
        assert fit.flash_left == board.flash - needs[board.name].total_flash
        assert fit.ram_left == board.ram - needs[board.name].total_ram
        assert fit.fits and needs[board.name].shortage(board) == ""


def test_there_is_a_board_with_firmware_for_every_core_but_one() -> None:
    assert {board.core.name for board in load_boards().values() if board.firmware} == set(load_cores()) - {"rv32emc"}


def test_where_no_board_has_the_core_that_of_another_stands_in_for_its_firmware(
    emitted: Engine, own_cache: None
) -> None:
    core = find_core("rv32emc")
    board = replace(find_board("ch32v003"), name="own", core=core, firmware=None)

    found = measure_needs(emitted, [board], toolchain_or_skip("zig", core))["own"]

    own = engine_needs(emitted, core, toolchain_or_skip("zig", core), "-Os")
    assert found.how == "estimated: as linked for ch32v003"
    assert found.engine.code == own.code and min(part.nbytes for part in found.flash) >= 0


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [("bluepill", 784, 100), pytest.param("esp32-c3", 6000, 1000, marks=pytest.mark.slow)],
)
def test_what_does_not_fit_is_measured_all_the_same(tmp_path: Path, name: str, inputs: int, outputs: int) -> None:
    """More weights than there is flash, eight megabytes of workspace."""
    write_engine(tmp_path, inputs=inputs, outputs=outputs, workspace=8 << 20)
    board, weights = find_board(name), inputs * outputs

    needs = measure_needs(find_engine(tmp_path), [board], toolchain_or_skip("zig", board.core))[name]

    assert weights < needs.total_flash < weights + 10_000 and needs.total_ram > 8 << 20
    short = needs.shortage(board)
    assert f"{needs.total_flash - board.flash:,} B more flash than its {board.flash:,} B (engine: code" in short
    assert f"B more RAM than its {board.ram:,} B (input and output {inputs + outputs:,}, workspace 8,388,608" in short


def test_firmware_that_links_and_leaves_no_room_for_its_stack_does_not_fit(tmp_path: Path) -> None:
    write_engine(tmp_path, workspace=15_500)
    engine, board = find_engine(tmp_path), find_board("microbit")
    zig = toolchain_or_skip("zig", board.core)
    image = build_firmware(engine, board, zig, tmp_path / "f.elf")
    assert image.footprint.static_ram < board.ram

    with pytest.raises(CheckFailedError, match=r"microbit would need \d+ B more RAM than its 16,384 B .*stack: engine"):
        check_fit(engine, image, board, zig)


@pytest.mark.parametrize("value", [-128, 127])
def test_the_stack_is_that_of_the_worse_of_two_extreme_inputs(tmp_path: Path, value: int) -> None:
    deep_on_one_image(tmp_path, 1000, value)

    assert engine_needs(find_engine(tmp_path), M4, toolchain_or_skip("zig", M4)).stack > 1000


@pytest.mark.parametrize(("core", "most"), [("cortex-m4", 256), ("cortex-m55", 512)])
def test_where_no_emulator_is_at_hand_the_stack_is_the_most_that_the_header_says(
    monkeypatch: pytest.MonkeyPatch, tiny: Engine, core: str, most: int
) -> None:
    def missing(*_: object, **options: object) -> None:
        raise ToolMissingError("The emulator is not installed.")

    monkeypatch.setattr(room, "run_unicorn", missing)
    monkeypatch.setattr(room, "run_qemu", missing)

    found = engine_needs(tiny, find_core(core), toolchain_or_skip("zig", find_core(core)))

    assert (found.stack, found.stack_how) == (most, "estimated")
    assert f"stack estimated for {core}, as its header says at most: The emulator is not installed" in found.how


def test_the_m55_is_measured_in_qemu(qemu: None, tiny: Engine, compiled: Callable[..., Image]) -> None:
    found = engine_needs(tiny, find_core("cortex-m55"), toolchain_or_skip("zig", find_core("cortex-m55")))

    assert found.stack_how == "emulated" and 0 < found.stack < 512
    assert found.flash == compiled(tiny, "cortex-m55").footprint.flash


def stack_of(board: Board, image: Image, folder: Path) -> int:
    """Run every command in QEMU, whose RAM begins as zeros, and return how far down the stack wrote."""
    arguments = qemu_arguments(board, image.path, "stdio")
    arguments[arguments.index("-monitor") + 1] = f"unix:{folder / 'monitor'},server=on,wait=off"
    link = ProcessLink("QEMU", subprocess.Popen(arguments, stdin=-1, stdout=-1))
    device = Device(link)
    device.run(random_inputs(3), device.identify())
    device.bench(3)
    for line in (b"hello", b"run 00", b"run zz", b"bench x", b"selftest"):
        link.write(line + b"\n")
    device.identify()
    top = 0x80800000 if board.core.architecture.name == "riscv" else int.from_bytes(image.segments[0][2][:4], "little")
    dump = folder / "dump"
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(folder / "monitor"))
        monitor.sendall(f'memsave {top - 8192:#x} 8192 "{dump}"\n'.encode())
        wait_for(dump, 8192)
    link.close()
    return 8192 - int(np.flatnonzero(np.frombuffer(dump.read_bytes(), np.uint8))[0])


def wait_for(file: Path, size: int) -> None:
    end = time.monotonic() + 10
    while not file.is_file() or file.stat().st_size < size:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("name", "toolchain"),
    [
        ("mps2-an386", "zig"),
        pytest.param("mps2-an386", "gcc", marks=pytest.mark.slow),
        pytest.param("microbit", "zig", marks=pytest.mark.slow),
        pytest.param("qemu-rv32", "zig", marks=pytest.mark.slow),
    ],
)
def test_the_firmwares_own_stack_is_within_its_estimate(
    qemu: None, emitted: Engine, tmp_path: Path, name: str, toolchain: str
) -> None:
    board = find_board(name)
    compiler = toolchain_or_skip(toolchain, board.core)
    image = build_firmware(emitted, board, compiler, tmp_path / "f.elf")

    engine = engine_needs(emitted, board.core, compiler).stack

    assert FIRMWARE_STACK / 2 < stack_of(board, image, tmp_path) - engine <= FIRMWARE_STACK
