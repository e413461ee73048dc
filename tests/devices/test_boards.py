"""The catalogue holds what it should, and mistakes are met with the nearest name."""

from __future__ import annotations

import pytest

from edgedigits.devices.boards import find_board, load_boards
from edgedigits.devices.cores import find_core, load_cores
from edgedigits.devices.stub import firmware_stub
from edgedigits.errors import ConfigError

PROMISED = [
    "rp2040",
    "rp2350",
    "nrf52840dk",
    "nrf5340dk",
    "bluepill",
    "nucleo-f401re",
    "nucleo-f411re",
    "nucleo-f746zg",
    "nucleo-h743zi",
    "nucleo-l4r5zi",
    "esp32-c3",
    "microbit",
    "uno",
    "mega2560",
    "mps2-an385",
    "mps2-an386",
    "mps2-an500",
    "mps3-an547",
    "qemu-rv32",
]


def test_every_promised_board_is_there_with_sane_figures() -> None:
    boards = load_boards()

    assert set(PROMISED) <= set(boards)
    for board in boards.values():
        assert board.ram >= 2 * 1024 and 16 * 1024 <= board.flash <= 4 << 20
        assert 10 <= board.clock_mhz <= 1000
        assert board.source.startswith("vendor: ")


def test_the_cores_that_qemu_runs_name_a_board_of_qemu() -> None:
    for core in load_cores().values():
        assert not core.qemu_board or find_board(core.qemu_board).qemu
        assert core.qemu_board or core.simavr


def test_a_board_with_firmware_has_its_files() -> None:
    for board in load_boards().values():
        if board.firmware:
            sources = (board.core.architecture.startup, board.firmware.uart, *board.firmware.drivers)
            assert all((firmware_stub() / source).is_file() for source in sources)


def test_what_stands_first_is_no_emulated_board() -> None:
    """Where a board has no firmware, that of the first other with its core stands in for it."""
    emulated = [board.qemu != "" for board in load_boards().values()]

    assert emulated == sorted(emulated)
    cortex = [name for name in load_cores() if name.startswith("cortex-")]
    assert cortex[:4] == ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7"]


def test_a_linker_script_holds_the_boards_memory() -> None:
    script = find_board("mps2-an505").linker_script()

    assert "FLASH (rx) : ORIGIN = 0x10000000, LENGTH = 4096K" in script
    assert "RAM (rwx) : ORIGIN = 0x38000000, LENGTH = 2048K" in script
    assert "@" not in script.split("MEMORY")[1]


@pytest.mark.parametrize(
    ("wrong", "meant"), [("nrf52840", "nrf52840dk"), ("rp2O40", "rp2040"), ("MPS2-AN386x", "mps2-an386")]
)
def test_a_wrong_board_name_gets_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"Did you mean '{meant}'"):
        find_board(wrong)


def test_names_are_forgiving() -> None:
    assert find_board("NRF52840DK") is find_board("nrf52840dk")
    assert find_core("m4") is find_core("Cortex_M4") is find_core("cortex-m4")
    assert find_core("m0+") is find_core("cortex-m0plus")


def test_a_wrong_core_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'cortex-m4'"):
        find_core("cortex-m4f")
