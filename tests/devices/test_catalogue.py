"""A board and a core are one file each, which Python and CMake read; a damaged file is told with the field that is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgedigits.devices.boards import read_boards
from edgedigits.devices.cores import find_core
from edgedigits.devices.stub import firmware_stub
from edgedigits.errors import DataError
from tests.devices.conftest import toolchain_or_skip
from tests.devices.tiny_engine import write_engine

FIRMWARE = {
    "notes": "a toy",
    "flash_at": "0x00000000",
    "ram_at": "0x20000000",
    "uart": "drivers/uart_cmsdk.c",
    "drivers": [],
    "defines": [],
}
BOARD: dict[str, Any] = {
    "title": "A toy",
    "core": "cortex-m4",
    "flash_kib": 64,
    "ram_kib": 16,
    "clock_mhz": 1.5,
    "source": "vendor: nobody",
    "firmware": FIRMWARE,
}


def write(folder: Path, text: str) -> None:
    (folder / "x.json").write_text(text, encoding="utf-8")


def test_what_a_file_says_is_read(tmp_path: Path) -> None:
    write(tmp_path, json.dumps(BOARD))

    board = read_boards(tmp_path)["x"]

    assert (board.name, board.core, board.flash, board.ram) == ("x", find_core("m4"), 65536, 16384)
    assert (board.clock_mhz, board.qemu, board.uf2) == (1.5, "", "")
    assert board.support().flash_at == "0x00000000"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flash_kib": None}, "flash_kib is None, expected an integer"),
        ({"flash_kib": True}, "flash_kib is True, expected an integer"),
        ({"flash_kib": "64"}, "flash_kib is '64', expected an integer"),
        ({"clock_mhz": 0}, "clock_mhz is 0, expected an integer >= 1"),
        ({"clock_mhz": float("nan")}, "clock_mhz is nan, expected a number"),
        ({"core": "z80"}, "core is 'z80', expected one of .*cortex-m0plus, cortex-m3"),
        ({"core": []}, r"core is \[\], expected one of .*cortex"),
        ({"title": "\x1b[2J"}, r"title is '\\x1b\[2J', expected a text"),
        ({"uf2": 1}, "uf2 is 1, expected a text"),
        ({"uf2": "rp2041"}, r"uf2 is 'rp2041', expected a text like '\^\(\|rp2040\|rp2350\)"),
        ({"flash": 64}, "unknown field 'flash'. Did you mean 'flash_kib'"),
        ({"firmware": True}, "firmware is True, expected an object or null"),
        ({"firmware": {**FIRMWARE, "drivers": "a.c"}}, "firmware.drivers is 'a.c', expected a list"),
        ({"firmware": {**FIRMWARE, "ram_at": "512"}}, r"firmware.ram_at is '512', expected a text like '.0x"),
        ({"firmware": {**FIRMWARE, "odd": 1}}, "unknown field 'firmware.odd'"),
    ],
)
def test_a_wrong_field_is_told(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    write(tmp_path, json.dumps({**BOARD, **changes}))

    with pytest.raises(DataError, match=rf"x\.json.*{words}.*Compare another file of the catalogue"):
        read_boards(tmp_path)


@pytest.mark.parametrize("lacking", ["title", "core", "source", "firmware.uart"])
def test_a_missing_field_is_told(tmp_path: Path, lacking: str) -> None:
    board = json.loads(json.dumps(BOARD))
    del (board["firmware"] if "." in lacking else board)[lacking.split(".")[-1]]
    write(tmp_path, json.dumps(board))

    with pytest.raises(DataError, match=rf"x\.json: {lacking} is missing\. Compare another"):
        read_boards(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "[" * 100_000, "\ud800"])
def test_a_file_that_is_no_object_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(DataError, match=r"x\.json(: it is .*, expected an object| cannot be read)"):
        read_boards(tmp_path)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the firmware's sources, with a file for a toy core and one for a toy board."""
    stub = Path(shutil.copytree(firmware_stub(), tmp_path / "firmware_stub"))
    shutil.copy(stub / "cores" / "cortex-m4.json", stub / "cores" / "toy-core.json")
    board = json.loads((stub / "boards" / "mps2-an386.json").read_text(encoding="utf-8"))
    (stub / "boards" / "toy-board.json").write_text(json.dumps({**board, "core": "toy-core"}), encoding="utf-8")
    return tmp_path


def cmake(house: Path, board: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    command = ["cmake", "-S", "firmware_stub", "-B", "b", "-DEDGEDIGITS_MODEL=built", f"-DBOARD={board}"]
    return subprocess.run(command, cwd=house, capture_output=True, text=True, timeout=120)


def test_cmake_finds_a_core_by_its_file_and_a_board_by_a_path(house: Path) -> None:
    toolchain_or_skip("gcc", find_core("m4"))
    write_engine(house / "built")

    (house / "mine").mkdir()
    shutil.move(house / "firmware_stub" / "boards" / "toy-board.json", house / "mine")
    assert cmake(house, "mine/none.json").returncode != 0
    assert cmake(house, "mine/toy-board.json").returncode == 0
    done = subprocess.run(["cmake", "--build", "b"], cwd=house, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (house / "b" / "firmware.elf").is_file()


def test_cmake_tells_which_field_of_which_file_is_wrong(house: Path) -> None:
    """It takes a board by what it is called besides, too."""
    file = house / "firmware_stub" / "boards" / "toy-board.json"
    board = json.loads(file.read_text(encoding="utf-8"))
    del board["firmware"]["uart"]
    file.write_text(json.dumps({**board, "aliases": ["first", "toy"]}), encoding="utf-8")

    words = " ".join(cmake(house, "toy").stderr.split())

    assert "boards/toy-board.json, field 'firmware.uart': member 'firmware uart' not found" in words
    assert "Compare another file of the catalogue." in words
