"""What firmware takes is measured once: nothing is compiled again until something changes that shapes a figure."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgedigits.devices import needs as room
from edgedigits.devices import needs_cache
from edgedigits.devices.boards import find_board
from edgedigits.devices.needs import Needs, measure_needs
from edgedigits.devices.needs_cache import digest_of
from edgedigits.devices.stub import Engine, find_engine, firmware_stub
from edgedigits.errors import ToolMissingError
from tests.devices.conftest import toolchain_or_skip
from tests.devices.tiny_engine import write_engine

pytest.importorskip("unicorn")

BOARD = find_board("bluepill")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one; what zig keeps of its own stays where it is."""
    monkeypatch.setattr(needs_cache, "zig_cache", lambda: tmp_path)
    return tmp_path / "needs"


def measured(engine: Engine) -> Needs:
    return measure_needs(engine, [BOARD], toolchain_or_skip("zig", BOARD.core))[BOARD.name]


def test_a_second_call_starts_no_program(cache: Path, tiny: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = measured(tiny)
    zig = toolchain_or_skip("zig", BOARD.core)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))

    assert measure_needs(tiny, [BOARD], zig) == {BOARD.name: first}
    assert len(list(cache.iterdir())) == 2, "one file for the core, one for the board"


def test_a_changed_engine_is_measured_anew(cache: Path, tmp_path: Path) -> None:
    write_engine(tmp_path)
    before = measured(find_engine(tmp_path)).engine
    write_engine(tmp_path, outputs=20)

    assert measured(find_engine(tmp_path)).engine.constants == before.constants + 7840


def in_source(engine: Engine) -> None:
    engine.sources[0].write_text(engine.sources[0].read_text() + "\n")


def in_header(engine: Engine) -> None:
    (engine.folder / engine.header).write_text("/* */\n" + (engine.folder / engine.header).read_text())


def in_self_test(engine: Engine) -> None:
    engine.self_test.write_text(engine.self_test.read_text() + "\n")


@pytest.mark.parametrize("change", [in_source, in_header, in_self_test])
def test_each_file_of_the_engine_counts(tmp_path: Path, change: Callable[[Engine], None]) -> None:
    write_engine(tmp_path)
    (tmp_path / "folder.h").mkdir()
    engine, zig = find_engine(tmp_path), toolchain_or_skip("zig", BOARD.core)
    before = digest_of(engine, zig)
    assert digest_of(engine, zig) == before

    change(engine)

    assert digest_of(engine, zig) != before


@pytest.mark.parametrize("file", ["drivers/uart_nrf.c", "src/platform.h", "architectures/arm.json", "firmware.json"])
def test_the_firmwares_own_files_count(
    tmp_path: Path, tiny: Engine, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    zig = toolchain_or_skip("zig", BOARD.core)
    stub = tmp_path / "firmware_stub"
    shutil.copytree(firmware_stub(), stub)
    monkeypatch.setattr(needs_cache, "firmware_stub", lambda: stub)
    before = digest_of(tiny, zig)

    (stub / file).write_text((stub / file).read_text() + "\n")

    assert digest_of(tiny, zig) != before


def test_facts_and_compiler_count(tiny: Engine) -> None:
    zig = toolchain_or_skip("zig", BOARD.core)
    larger = replace(tiny, facts=replace(tiny.facts, workspace_bytes=tiny.facts.workspace_bytes + 4))

    assert len({digest_of(tiny, zig), digest_of(larger, zig), digest_of(tiny, replace(zig, version="zig 99"))}) == 3


@pytest.mark.parametrize("content", [b"\xff", b'{"flash": 1', b'{"flash": -1, "code": "1"}'])
def test_what_is_damaged_is_measured_anew_and_mended(cache: Path, tiny: Engine, content: bytes) -> None:
    first = measured(tiny)
    whole = {file: file.read_bytes() for file in cache.iterdir()}
    for file in whole:
        file.write_bytes(content)

    assert measured(tiny) == first
    assert {file: file.read_bytes() for file in cache.iterdir()} == whole


def test_where_nothing_can_be_kept_everything_is_measured(cache: Path, tiny: Engine) -> None:
    cache.write_text("no folder")

    assert measured(tiny) == measured(tiny)


def test_an_estimate_for_want_of_an_emulator_is_not_kept(
    cache: Path, tiny: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **options: object) -> None:
        raise ToolMissingError("Unicorn is not installed.")

    with monkeypatch.context() as without:
        without.setattr(room, "run_unicorn", missing)
        assert measured(tiny).engine.stack_how == "estimated"

    assert measured(tiny).engine.stack_how == "emulated"


def test_firmware_with_a_driver_of_ones_own_is_always_linked(cache: Path, tmp_path: Path, tiny: Engine) -> None:
    """What such a driver includes, nobody knows."""
    assert BOARD.firmware
    driver = tmp_path / "uart.c"
    shutil.copy(firmware_stub() / BOARD.firmware.uart, driver)
    board = replace(BOARD, firmware=replace(BOARD.firmware, uart=str(driver)))
    zig = toolchain_or_skip("zig", BOARD.core)
    before = measure_needs(tiny, [board], zig)[BOARD.name]

    driver.write_text(driver.read_text() + "\n__attribute__((used)) const int more[100] = {1};\n")

    assert measure_needs(tiny, [board], zig)[BOARD.name].total_flash >= before.total_flash
    assert len(list(cache.iterdir())) == 1
