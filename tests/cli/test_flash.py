"""`edgedigits flash` builds what a board starts, says what is left on it, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgedigits.cli import main as cli
from edgedigits.devices.elf import read_elf
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
        (["--board", "nrf52840dk", "--out", "f.hex"], 2, "written as .elf, .bin or .uf2"),
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
