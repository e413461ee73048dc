"""A pruned network on chips of a few kilobytes, from its file to the bytes of the whole firmware: promised figures."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.digits import Digits
from edgedigits.devices.boards import find_board
from edgedigits.devices.cores import find_core
from edgedigits.devices.firmware import build_firmware
from edgedigits.devices.needs import check_fit
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.engine.source import render_engine
from edgedigits.errors import CheckFailedError
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import Goal, arrange, candidates
from edgedigits.model.reader import Graph, read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.scoring.pixels import engine_map
from tests.devices.conftest import emulator_or_skip, toolchain_or_skip
from tests.engine.engine_program import write

REFERENCE = Path(__file__).parents[2] / "deploy" / "reference" / "model.tflite"


@cache
def reference() -> Graph:
    """784-32-16-10, 80% pruned."""
    return read_tflite(REFERENCE)


def packed_for_size(folder: Path, within: float) -> tuple[Engine, Network]:
    """As `compile --optimize size --most-instructions` writes it."""
    network, packed = arrange(simplify(lower(reference())), Goal.SIZE, within)
    write(render_engine(network, packed, pixels=engine_map(reference())), folder)
    return find_engine(folder), network


@pytest.fixture(scope="module")
def inputs(five_thousand: Digits) -> np.ndarray:
    """100 real digits, ten of each class."""
    return (five_thousand.images.reshape(-1, 784)[::50] ^ 128).view(np.int8)


def test_columns_of_known_lengths_are_smaller_by_a_byte_each() -> None:
    """And unpack to the same; `lists4` has two bytes of place for each and one more."""
    for some in candidates(lower(reference())):
        by_name = {one.encoding.name: one for one in some}
        counted, placed = by_name["counted4"], by_name["lists4"]
        assert placed.nbytes - counted.nbytes == placed.layer.inputs + 2
        assert np.array_equal(
            counted.encoding.unpack(counted.constants, counted.layer.weights.shape), counted.layer.weights
        )


@pytest.mark.slow
def test_a_ch32v003_holds_a_pruned_network_in_12_kib_and_2_of_ram(tmp_path: Path, inputs: np.ndarray) -> None:
    """Within 60,000 instructions an image, without a multiplier."""
    board = find_board("ch32v003")
    compiler = toolchain_or_skip("zig", board.core)
    pytest.importorskip("unicorn")
    engine, network = packed_for_size(tmp_path, 18_000)

    found = simulate_inputs(engine, inputs, board.core, compiler, optimize="-Os", expected=run(network, inputs))
    image = build_firmware(engine, board, compiler, tmp_path / "f.elf")
    needs = check_fit(engine, image, board, compiler)

    assert found.differing == 0 and found.instructions.mean < 60_000
    assert needs.total_flash == image.footprint.flash <= 12 * 1024
    assert needs.total_ram <= 2 * 1024 and all(part.nbytes >= 0 for part in needs.ram)
    assert not any(symbol.name.startswith("__mul") for symbol in image.symbols)


def test_what_does_not_fit_names_the_flags_that_help(tmp_path: Path) -> None:
    board = replace(find_board("ch32v003"), flash_kib=8)
    engine, _ = packed_for_size(tmp_path, 18_000)

    with pytest.raises(CheckFailedError, match=r"bytes more flash.*layer1_entries 8,\d{3} B.*--optimize size"):
        build_firmware(engine, board, toolchain_or_skip("zig", board.core), tmp_path / "f.elf")


def test_sixteen_registers_and_products_take_less_than_half_of_what_additions_take(
    tmp_path: Path, inputs: np.ndarray
) -> None:
    """The core of a CH32V002 against that of a CH32V003: as exact, without a function for products."""
    network, packed = arrange(simplify(lower(reference())), Goal.SPEED)
    write(render_engine(network, packed, pixels=engine_map(reference())), tmp_path)
    pytest.importorskip("unicorn")
    mean = {}
    for core in map(find_core, ("rv32emc", "rv32ec")):
        compiler = toolchain_or_skip("zig", core)
        found = simulate_inputs(find_engine(tmp_path), inputs[:20], core, compiler, expected=run(network, inputs[:20]))
        assert found.differing == 0 and not any(symbol.name.startswith("__mul") for symbol in found.symbols)
        mean[core.name] = found.instructions.mean

    assert 2 * mean["rv32emc"] < mean["rv32ec"] and mean["rv32emc"] < 20_000


@pytest.mark.slow
def test_an_uno_holds_it_with_firmware_and_its_self_test(tmp_path: Path, inputs: np.ndarray) -> None:
    board = find_board("uno")
    emulator_or_skip(board.core)
    compiler = toolchain_or_skip("gcc", board.core)
    network, packed = arrange(simplify(lower(reference())), Goal.SPEED)
    write(render_engine(network, packed, pixels=engine_map(reference())), tmp_path)
    engine = find_engine(tmp_path).on(board.core)

    found = simulate_inputs(engine, inputs, board.core, compiler, expected=run(network, inputs))
    needs = check_fit(engine, build_firmware(engine, board, compiler, tmp_path / "f.elf"), board, compiler)

    assert found.differing == 0 and found.exact_cycles is not None and found.exact_cycles.mean < 130_000
    assert needs.total_flash < 31 * 1024 and needs.total_ram < 1400
    assert found.ram.total - found.ram.input < 700
