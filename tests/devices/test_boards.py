"""The catalogue holds what it should, and mistakes are met with the nearest name."""

from __future__ import annotations

import re

import pytest

from edgedigits.devices.boards import find_board, load_boards
from edgedigits.devices.cores import find_core, load_cores
from edgedigits.devices.other_chips import load_other_chips, squeezed
from edgedigits.devices.stub import firmware_stub
from edgedigits.errors import ConfigError
from edgedigits.exports.catalogue import EXPORTS

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
    ("wrong", "meant"), [("nrf52840dq", "nrf52840dk"), ("rp2O40", "rp2040"), ("MPS2-AN386x", "mps2-an386")]
)
def test_a_wrong_board_name_gets_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"Did you mean '{meant}'"):
        find_board(wrong)


@pytest.mark.parametrize(
    ("typed", "board"),
    [
        ("nano", "uno"),
        ("Arduino Nano", "uno"),
        ("mega", "mega2560"),
        ("pico", "rp2040"),
        ("pico2", "rp2350"),
        ("pico_w", "rp2040"),
        ("stm32f103c8", "bluepill"),
        ("STM32F103C8T6", "bluepill"),
        ("blue-pill", "bluepill"),
        ("blackpill", "nucleo-f411re"),
        ("microbit-v1", "microbit"),
        ("micro:bit v2", "microbit-v2"),
        ("Nucleo-H743", "nucleo-h743zi"),
        ("nucleo-l4r5", "nucleo-l4r5zi"),
        ("esp32c3", "esp32-c3"),
    ],
)
def test_boards_are_known_by_what_people_call_them(typed: str, board: str) -> None:
    assert find_board(typed) is find_board(board)


def test_no_two_boards_have_a_name_in_common() -> None:
    boards = load_boards().values()
    names = [squeezed(name) for board in boards for name in (board.name, *board.aliases)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("typed", "family", "remedy"),
    [
        ("esp32", "ESP32, ESP32-S2, ESP32-S3", "--to esp-idf"),
        ("ESP32-S3-DevKitC-1", "ESP32, ESP32-S2, ESP32-S3", "--to esp-idf"),
        ("esp32-c6", "ESP32-C2, C5, C6, H2, P4", "--core rv32imc"),
        ("esp32-c3-weact", "an ESP32-C3", "Take --board esp32-c3"),
        ("esp8266", "ESP8266", "--to arduino"),
        ("nodemcu", "ESP8266", "--to arduino"),
        ("rp2350-riscv", "Hazard3", "Take --board rp2350"),
        ("attiny85", "other AVRs", "--core atmega328p"),
        ("Arduino Zero", "SAMD21", "--to arduino"),
        ("nucleo-g071rb", "STM32 with Cortex-M0", "--core cortex-m0plus"),
        ("stm32f407", "STM32 with Cortex-M4", "--core cortex-m4"),
        ("stm32u585", "STM32 with Cortex-M33", "custom_board.json"),
        ("raspberry-pi-5", "Raspberry Pi", "--to cmake"),
    ],
)
def test_a_board_of_no_known_kind_is_told_why_and_what_to_do(typed: str, family: str, remedy: str) -> None:
    with pytest.raises(ConfigError, match=rf"There is no board '{typed}' \(.*{re.escape(family)}.*\): .*\.") as caught:
        find_board(typed)

    assert remedy in caught.value.hint


def test_what_is_said_of_other_chips_names_boards_cores_and_exports_that_there_are() -> None:
    for family in load_other_chips().values():
        words = f"{family.why} {family.instead}"
        for board in re.findall(r"--board ([\w-]+)", words):
            assert board in load_boards()
        for core in re.findall(r"--core ([\w-]+)", words):
            assert core in load_cores()
        for export in re.findall(r"--to ([\w-]+)", words):
            assert export in EXPORTS
        assert all(name == squeezed(name) for name in family.names)


def test_an_unknown_board_is_not_answered_with_a_list_of_all() -> None:
    with pytest.raises(ConfigError, match=r"There is no board 'zx81'\.") as caught:
        find_board("zx81")

    assert "edgedigits boards lists" in caught.value.hint and "nrf52840dk" not in caught.value.hint


def test_a_core_and_a_board_that_are_taken_for_each_other_are_told_apart() -> None:
    with pytest.raises(ConfigError, match=r"'m0\+': cortex-m0plus is a core\. Boards with it: rp2040, microbit\."):
        find_board("m0+")
    with pytest.raises(ConfigError, match=r"There is no core 'Nano'\. Arduino Uno.*--core atmega328p is its core\."):
        find_core("Nano")
    with pytest.raises(ConfigError, match=r"There is no core 'esp32'\. ESP32, .* --to esp-idf"):
        find_core("esp32")


def test_names_are_forgiving() -> None:
    assert find_board("NRF52840DK") is find_board("nrf52840dk")
    assert find_core("m4") is find_core("Cortex_M4") is find_core("cortex-m4")
    assert find_core("m0+") is find_core("cortex-m0plus")


def test_a_wrong_core_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'cortex-m4'"):
        find_core("cortex-m4f")
