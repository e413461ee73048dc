"""`edgedigits flash` builds what a board starts, says what is left on it, and what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgedigits.cli import main as cli
from edgedigits.devices.boards import find_board
from edgedigits.devices.elf import Image, read_elf
from edgedigits.devices.flashing import write_firmware
from tests.devices.test_intel_hex import read_again
from tests.devices.test_uf2 import read_uf2
from tests.devices.tiny_engine import write_engine

pytest.importorskip("ziglang")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("build")
    write_engine(path / "engine")
    return path


def test_firmware_is_written_as_elf_bin_and_uf2(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.elf", "a.bin", "a.uf2"):
        out = tmp_path / name
        assert cli.main(["flash", str(folder), "--board", "rp2040", "--out", str(out), "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["board"] == "rp2040" and "nothing was programmed" in facts["done"]
        assert facts["firmware"]["flash_left"] == 2 * 1024 * 1024 - facts["firmware"]["flash"]

    image, flat = read_elf(tmp_path / "a.elf"), (tmp_path / "a.bin").read_bytes()
    pages = read_uf2((tmp_path / "a.uf2").read_bytes())
    for load, _, content in image.segments:
        assert flat[load - 0x10000000 :][: len(content)] == content
        assert pages[load // 256 * 256][load % 256] == content[0]


def test_files_for_other_programs_say_how_these_take_them(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As HEX for avrdude, and for drives that take that; the same bytes as in the other files."""
    out = {name: str(tmp_path / f"f.{name}") for name in ("hex", "bin")}
    for file in out.values():
        assert cli.main(["flash", str(folder), "--board", "microbit-v2", "--out", file]) == 0
    flat = Path(out["bin"]).read_bytes()
    found = read_again(Path(out["hex"]).read_text())
    assert min(found) == 0 and all(flat[at] == byte for at, byte in found.items())

    assert "programmed." in capsys.readouterr().out
    board, hexed = replace(find_board("uno"), firmware=None), tmp_path / "u.hex"
    assert write_firmware(hexed, board, read_elf_of(folder, tmp_path)).endswith(
        f" By hand: avrdude -p atmega328p -c arduino -b 115200 -P PORT -U flash:w:{hexed}:i"
    )


def read_elf_of(folder: Path, place: Path) -> Image:
    """Firmware of a board whose compiler is always there."""
    assert cli.main(["flash", str(folder), "--board", "microbit", "--out", str(place / "m.elf"), "--quiet"]) == 0
    return read_elf(place / "m.elf")


def test_a_chip_that_has_a_programmer_of_its_own_names_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["flash", str(folder), "--board", "ch32v003"]) == 2

    assert "Write a file with --out. With a WCH-LinkE on SWIO: wlink flash FILE.bin" in capsys.readouterr().err


def test_a_file_is_replaced_by_force_only(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "f.bin"
    out.write_text("years of work")
    command = ["flash", str(folder), "--board", "nrf52840dk", "--out", str(out), "--quiet"]

    assert cli.main(command) == 3
    assert f"{out} exists already. Choose another name, or overwrite it with --force." in capsys.readouterr().err
    assert out.read_text() == "years of work"
    assert cli.main([*command, "--force"]) == 0
    assert out.stat().st_size > 8000
    assert list(tmp_path.iterdir()) == [out], "nothing half-written lies beside it"


def test_the_text_says_what_is_left(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["flash", str(folder), "--board", "nrf52840dk", "--out", str(tmp_path / "f.elf")]) == 0

    text = capsys.readouterr().out
    assert "firmware for Nordic nRF52840 DK" in text and "B of flash (1,0" in text and "left)" in text


def test_a_model_that_does_not_fit_names_parts_and_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_engine(tmp_path, inputs=2000, outputs=150)

    assert cli.main(["flash", str(tmp_path), "--board", "microbit", "--out", str(tmp_path / "f.elf")]) == 1

    said = capsys.readouterr().err
    assert "B more flash than its 262,144 B (engine: code" in said and "weights, tables 300,000" in said
    assert not (tmp_path / "f.elf").exists()


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--board", "nrf52480dk"], 2, "Did you mean 'nrf52840dk'"),
        (["--board", "nucleo-l4r5zi"], 2, "firmware_stub does not support nucleo-l4r5zi. It supports "),
        (["--board", "nrf52840dk", "--out", "f.s19"], 2, "written as .elf, .bin, .hex or .uf2"),
        (["--board", "nrf52840dk", "--out", "f.uf2"], 2, "takes no UF2 file"),
        (["--board", "nrf52840dk", "--out", "/nowhere/f.elf"], 3, "cannot be written"),
        ([], 2, "--board"),
    ],
)
def test_mistakes_are_told_with_their_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, words: str
) -> None:
    assert cli.main(["flash", str(folder), *flags]) == code
    assert words in capsys.readouterr().err


def test_a_folder_without_an_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["flash", str(tmp_path), "--board", "nrf52840dk"]) == 3
    assert "holds no engine" in capsys.readouterr().err
