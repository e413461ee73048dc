"""An engine that is too large for a board: by parts how much of what is missing, and flags that help as they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgedigits.cli import main as cli
from edgedigits.devices.boards import Board, find_board
from edgedigits.devices.fitting import board_remedies, fitting_firmware
from edgedigits.devices.needs import Needs, measure_needs
from edgedigits.devices.remedies import remedies
from edgedigits.devices.stub import Engine
from edgedigits.errors import CheckFailedError
from edgedigits.model.packing import Goal
from tests.devices.conftest import emulator_or_skip, toolchain_or_skip
from tests.devices.emitted_engine import write_emitted_engine
from tests.tflite_builder import random_mlp

DENSE = random_mlp(1, (784, 32, 16, 10))
PRUNED = random_mlp(1, (784, 32, 16, 10), density=0.3)
PAIRS = ("pairs",) * 3


def needs_of(engine: Engine, board: Board) -> Needs:
    return measure_needs(engine, [board], toolchain_or_skip(board.core.toolchain, board.core))[board.name]


@pytest.fixture
def uno() -> Board:
    board = find_board("uno")
    emulator_or_skip(board.core)
    return board


def test_an_uno_that_is_too_small_is_told_by_parts_what_is_missing(
    uno: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = write_emitted_engine(tmp_path, DENSE, encodings=PAIRS)
    needs = needs_of(engine, uno)

    assert cli.main(["flash", str(tmp_path), "--board", "nano", "--out", str(tmp_path / "f.elf")]) == 1
    said = capsys.readouterr().err

    assert not (tmp_path / "f.elf").exists()
    assert f"uno would need {needs.total_flash - uno.flash:,} B more flash than its 31,744 B (engine: code " in said
    assert "engine: weights, tables 25,992, classify, self-test, vectors " in said and ", firmware 3," in said
    assert "edgedigits build --budget-constants 19400 trains a network for what there is room for." in said


def test_packing_for_size_is_named_where_it_is_enough_and_then_it_is(uno: Board, tmp_path: Path) -> None:
    compiler = toolchain_or_skip("gcc", uno.core)
    large = write_emitted_engine(tmp_path / "large", PRUNED, encodings=PAIRS)
    small = write_emitted_engine(tmp_path / "small", PRUNED, goal=Goal.SIZE)

    with pytest.raises(CheckFailedError, match="would need .* B more flash") as caught:
        fitting_firmware(tmp_path / "large", large, uno, compiler, tmp_path / "f.elf", "uart")

    assert "Compiled with --optimize size it fits: constants of 1" in caught.value.hint
    _, needs = fitting_firmware(tmp_path / "small", small, uno, compiler, tmp_path / "f.elf", "uart")
    assert board_remedies(tmp_path / "small", small, uno, needs) == ""


def test_constants_that_no_avr_reads_are_a_row_with_what_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is compiled: flash that is large enough does not help."""
    board = find_board("mega2560")
    toolchain_or_skip("gcc", board.core)
    engine = write_emitted_engine(tmp_path, random_mlp(1, (784, 50, 10)), encodings=PAIRS[:2])
    needs = needs_of(engine, board)

    assert cli.main(["boards", str(tmp_path), "--board", "mega2560"]) == 1
    said = capsys.readouterr()

    assert needs.total_flash == 39_940 < board.flash and not needs.fit(board).fits
    assert "39,940  214,012" in said.out and "  no    estimated" in said.out
    reason = "edgedigits_model_layer1_weights, 39,200 B, where an AVR reads at most 32,767"
    assert f"mega2560: at least so much, and {reason}." in said.out
    assert f"mega2560 would need a core that reads {reason}. With --optimize size" in said.err
    assert "--budget-constants 32700" in said.err


@pytest.mark.parametrize("target", [["--board", "uno"], ["--core", "atmega328p"]])
def test_simulate_says_so_before_anything_is_compiled(
    target: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toolchain_or_skip("gcc", find_board("uno").core)
    write_emitted_engine(tmp_path, random_mlp(1, (784, 50, 10)), encodings=PAIRS[:2])

    assert cli.main(["simulate", str(tmp_path), *target]) == 1

    assert f"does not fit {target[1]}: edgedigits_model_layer1_weights, 39,200 B, where" in capsys.readouterr().err


def test_what_is_beyond_the_flash_of_any_network_is_said_to_be(tmp_path: Path) -> None:
    engine, core = write_emitted_engine(tmp_path, DENSE, encodings=PAIRS), find_board("ch32v003").core

    said = remedies(tmp_path, engine, core, -25_900, -1)

    assert said.startswith("Beside the rest there is no room for the constants of any network. Fewer neurons")
    assert said.endswith("edgedigits boards tells which boards have more.")


def test_without_its_model_there_is_general_advice(tmp_path: Path) -> None:
    engine, core = write_emitted_engine(tmp_path, PRUNED, encodings=PAIRS), find_board("ch32v003").core
    other = write_emitted_engine(tmp_path / "other", DENSE)

    assert "it fits: constants of " in remedies(tmp_path, engine, core, -100, 0)
    for elsewhere in (replace(engine, facts=replace(engine.facts, model_sha256="0" * 64)), other):
        assert "prune and compile with --optimize size" in remedies(tmp_path, elsewhere, core, -100, 0)
