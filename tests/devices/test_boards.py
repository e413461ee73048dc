"""The catalogue holds what it should, and mistakes are met with the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgedigits.devices.boards import find_board, load_boards
from edgedigits.devices.cores import CORES, find_core
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
        assert board.ram >= 16 * 1024 and 64 * 1024 <= board.flash <= 4 << 20
        assert 10 <= board.clock_mhz <= 1000
        assert board.source.startswith("vendor: ")


def test_the_cores_that_qemu_runs_name_a_board_of_qemu() -> None:
    for core in CORES.values():
        assert find_board(core.qemu_board).qemu


def test_a_board_with_firmware_has_its_files() -> None:
    for board in load_boards().values():
        folder = firmware_stub() / "boards" / board.name
        assert (folder / "memory.ld").is_file() == board.firmware


@pytest.mark.parametrize(
    ("wrong", "meant"), [("nrf52840", "nrf52840dk"), ("rp2O40", "rp2040"), ("MPS2-AN386x", "mps2-an386")]
)
def test_a_wrong_board_name_gets_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"Did you mean '{meant}'"):
        find_board(wrong)


def test_names_are_forgiving() -> None:
    assert find_board("NRF52840DK") is find_board("nrf52840dk")
    assert find_core("m4") is find_core("Cortex_M4") is CORES["cortex-m4"]
    assert find_core("m0+") is CORES["cortex-m0plus"]


def test_a_wrong_core_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'cortex-m4'"):
        find_core("cortex-m4f")


@pytest.mark.parametrize(
    "text",
    [
        '[x]\ntitle = "x"\ncore = "cortex-m4"\nflash_kib = 1\nram_kib = 1\nclock_mhz = 1\n',
        '[x]\ntitle = "x"\ncore = "z80"\nflash_kib = 1\nram_kib = 1\nclock_mhz = 1\nsource = "vendor: x"\n',
        '[x]\ntitle = "x"\ncore = "rv32imc"\nflash_kib = "a"\nram_kib = 1\nclock_mhz = 1\nsource = "vendor: x"\n',
        '[x]\ntitle = "x"\ncore = "rv32imc"\nflash_kib = 1\nram_kib = 1\nclock_mhz = 1\nsource = "vendor: x"\nodd = 1\n',
    ],
)
def test_a_catalogue_with_a_mistake_names_the_board(tmp_path: Path, text: str) -> None:
    path = tmp_path / "boards.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match="Board 'x'"):
        load_boards(path)
