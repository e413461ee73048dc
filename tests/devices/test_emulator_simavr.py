"""simavr runs the engine on an AVR: the same bytes, exact cycles, and what goes wrong is told."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices import emulator_simavr as room
from edgedigits.devices.boards import find_board
from edgedigits.devices.cores import find_core
from edgedigits.devices.device import Device
from edgedigits.devices.firmware import build_firmware
from edgedigits.devices.flashing import flash
from edgedigits.devices.gates import Limits, check_simulation
from edgedigits.devices.link import emulated_board
from edgedigits.devices.needs import check_fit
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.simulate_folder import SimulationChoices, simulate_folder
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.devices.toolchain import find_toolchain
from edgedigits.errors import CheckFailedError, ConfigError, ToolMissingError
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from tests.devices.conftest import emulator_or_skip, toolchain_or_skip
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import random_inputs, write_engine
from tests.tflite_builder import random_mlp

UNO = find_core("atmega328p")
MODEL = random_mlp(3, sizes=(784, 8, 10), density=0.3)


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    emulator_or_skip(UNO)
    return write_emitted_engine(tmp_path_factory.mktemp("emitted"), MODEL, encodings=("lists8", "pairs"))


@pytest.mark.parametrize("name", ["atmega328p", pytest.param("atmega2560", marks=pytest.mark.slow)])
def test_it_gives_the_same_bytes_and_tells_cycles_and_layers(emitted: Engine, name: str) -> None:
    core, inputs = find_core(name), random_inputs(3)

    found = simulate_inputs(emitted.on(core), inputs, core, toolchain_or_skip("gcc", core))

    assert np.array_equal(found.outputs, run(lower(read_tflite(MODEL)), inputs))
    assert found.exact_cycles is not None
    assert 1.2 < found.exact_cycles.mean / found.instructions.mean < 2.0
    assert sum(layer.instructions.mean for layer in found.layers if layer.instructions) <= found.instructions.mean
    assert found.ram.workspace == 4 * 10 + 12 < emitted.facts.workspace_bytes, "without a list of active inputs"
    assert 30 < found.ram.stack < 256 and found.footprint.static_ram == 0


def test_each_instruction_takes_the_cycles_of_the_data_sheet(tmp_path: Path) -> None:
    """Instructions of 1, 2 and 3 cycles, ten times, beside what is there without them."""
    emulator_or_skip(UNO)
    cycles = []
    for number in (0, 10):
        text = f'__asm volatile(".rept {number}\\nnop\\nrjmp .+0\\nlpm r0, Z\\n.endr" : : : "r0");'
        folder = tmp_path / str(number)
        folder.mkdir()
        write_engine(folder, inputs=8, extra=text)
        found = simulate_inputs(find_engine(folder), random_inputs(1, 8), UNO, toolchain_or_skip("gcc", UNO))
        assert found.exact_cycles is not None
        cycles.append((found.exact_cycles.least, found.instructions.least))

    assert (cycles[1][0] - cycles[0][0], cycles[1][1] - cycles[0][1]) == (60, 30)


@pytest.mark.parametrize(
    ("extra", "workspace", "words"),
    [
        ("output[10] = 1;", 4, "it writes beside its output"),
        ("for (;;) {}", 4, "it does not come to an end"),
        ("", 65_500, "input, workspace and output are more than it has addresses for"),
        ("volatile char deep[4200]; deep[0] = 0;", 4, "its stack runs into its buffers"),
    ],
)
def test_what_goes_wrong_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: str, workspace: int, words: str
) -> None:
    emulator_or_skip(UNO)
    monkeypatch.setattr(room.run_simavr, "__kwdefaults__", {**room.run_simavr.__kwdefaults__, "limit": 200_000})
    write_engine(tmp_path, inputs=8, workspace=workspace, extra=extra)

    with pytest.raises(CheckFailedError, match=f"The engine fails on atmega328p in simavr: {words}"):
        simulate_inputs(find_engine(tmp_path), random_inputs(1, 8), UNO, toolchain_or_skip("gcc", UNO))


@pytest.mark.parametrize(
    ("extra", "inputs", "outputs", "words"),
    [
        (
            "",
            784,
            41,
            r"the engine is \d{3} B too big for the flash of uno: code \d+ B, weights and constants 32,144 B",
        ),
        ("", 2040, 10, r"the engine needs \d{2} B more RAM than uno has: input 2,040 B, output 10 B, stack"),
        ("volatile char deep[1990]; deep[0] = 0;", 100, 10, r"\d{2} B more RAM than uno has: .*, stack 2,0\d\d B"),
    ],
)
def test_what_is_too_big_for_a_chip_runs_all_the_same_so_that_it_is_told_how_much_is_missing(
    tmp_path: Path, extra: str, inputs: int, outputs: int, words: str
) -> None:
    emulator_or_skip(UNO)
    write_engine(tmp_path, inputs=inputs, outputs=outputs, extra=extra)
    run = simulate_inputs(find_engine(tmp_path), random_inputs(2, inputs), UNO, toolchain_or_skip("gcc", UNO))

    [failure] = check_simulation(run, Limits(), find_board("uno"))
    assert re.search(words, failure)


def test_a_core_that_is_a_chip_has_its_memory(tmp_path: Path) -> None:
    emulator_or_skip(UNO)
    engine = write_emitted_engine(tmp_path, random_mlp(3, sizes=(784, 41, 10)), encodings=("rows", "rows"))
    found = simulate_folder(engine.folder, SimulationChoices(core="atmega328p", images=2))

    assert found.board is find_board("uno")
    assert any("too big for the flash of uno" in one for one in check_simulation(found.run, Limits(), found.board))


def test_a_missing_simavr_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(room, "zig_cache", lambda: tmp_path)
    source = tmp_path / "runner.c"
    source.write_text("#include <simavr/no_such_header.h>\n")
    monkeypatch.setattr(room, "RUNNER_SOURCE", source)

    with pytest.raises(ToolMissingError, match="simavr, or its headers for .*, are missing.*libsimavr-dev"):
        room.find_runner()


def test_what_cannot_be_combined_is_told(emitted: Engine) -> None:
    m4 = find_core("cortex-m4")

    with pytest.raises(ConfigError, match="zig makes no programs for atmega328p.*--toolchain gcc"):
        find_toolchain("zig", UNO)
    with pytest.raises(ConfigError, match="simavr does not emulate cortex-m4"):
        simulate_inputs(emitted, random_inputs(1), m4, toolchain_or_skip("zig", m4), emulator="simavr")
    with pytest.raises(ConfigError, match="Unicorn does not emulate atmega328p.*--emulator simavr"):
        simulate_inputs(emitted, random_inputs(1), UNO, toolchain_or_skip("gcc", UNO), emulator="unicorn")


@pytest.mark.slow
def test_firmware_answers_on_an_emulated_uno(qemu: None, emitted: Engine, tmp_path: Path) -> None:
    """Its buffers and its stack take less than the two KiB that there are, the self-test's included."""
    board, inputs = find_board("uno"), random_inputs(2)
    compiler = toolchain_or_skip("gcc", board.core)
    image = build_firmware(emitted, board, compiler, tmp_path / "f.elf")
    assert check_fit(emitted, image, board, compiler).total_ram < 1400

    with emulated_board(board, image.path) as link:
        device = Device(link)
        identity = device.identify()
        found = device.run(inputs, identity)

    assert (identity.self_test, identity.workspace_bytes) == (0, 52)
    assert np.array_equal(found.outputs, run(lower(read_tflite(MODEL)), inputs))


def test_a_model_that_is_too_big_says_for_what(tmp_path: Path) -> None:
    write_engine(tmp_path, inputs=784, outputs=40)

    with pytest.raises(CheckFailedError, match=r"bytes more flash than there are\. Biggest on uno: weights 31,360 B"):
        build_firmware(find_engine(tmp_path), find_board("uno"), toolchain_or_skip("gcc", UNO), tmp_path / "f.elf")


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (
            (784, 64, 10),
            r"edgedigits_model_layer1_weights, 50,176 B, where an AVR reads at most 32,767.*--optimize size",
        ),
        ((784, 40, 600, 50, 10), r"all constants together, 8\d,\d{3} B, where an AVR reads at most 65,520"),
    ],
)
def test_constants_that_an_avr_cannot_read_are_refused(tmp_path: Path, sizes: tuple[int, ...], words: str) -> None:
    encodings = ("pairs",) * (len(sizes) - 1)
    engine = write_emitted_engine(tmp_path, random_mlp(3, sizes=sizes), encodings=encodings)

    with pytest.raises(CheckFailedError, match=f"does not fit atmega2560: {words}"):
        simulate_inputs(engine, random_inputs(1), find_core("atmega2560"), toolchain_or_skip("gcc", UNO))


def test_avrdude_wants_a_port_and_says_what_is_wrong(
    emitted: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = find_board("uno")
    image = build_firmware(emitted, board, toolchain_or_skip("gcc", UNO), tmp_path / "f.elf")
    called, tool = tmp_path / "called", tmp_path / "bin" / "avrdude"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho $@ >> {called}\n")
    tool.chmod(0o755)

    with pytest.raises(ConfigError, match="serial port. Name it, such as --port"):
        flash(board, image)
    with pytest.raises(ConfigError, match="rp2040 is programmed through no port"):
        flash(find_board("rp2040"), image, port="/dev/ttyACM0")
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    assert flash(board, image, port="/dev/ttyACM0") == "Programmed uno through avrdude."
    words = called.read_text().split()
    assert words[:6] == ["-p", "atmega328p", "-c", "arduino", "-b", "115200"]
    assert words[-4:] == ["-P", "/dev/ttyACM0", "-U", f"flash:w:{image.path}:e"]
    tool.write_text("#!/bin/sh\necho 'avrdude OS error: cannot open port /dev/x: gone' >&2\nexit 1\n")
    with pytest.raises(CheckFailedError, match=r"cannot program uno at /dev/x: cannot open port /dev/x: gone\."):
        flash(board, image, port="/dev/x")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="avrdude is not installed.*apt-get install avrdude"):
        flash(board, image, port="/dev/x")
