"""`edgedigits boards`: the list, what fits, and a wrong name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgedigits.cli import main as cli
from tests.devices.tiny_engine import write_engine


def test_the_list_names_every_board(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["boards"]) == 0

    text = capsys.readouterr().out
    assert all(name in text for name in ("rp2040", "nrf52840dk", "esp32-c3", "mps3-an547", "1,024 KiB"))
    assert max(map(len, text.splitlines())) <= 110


def test_json_names_the_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["boards", "--json"]) == 0

    boards = json.loads(capsys.readouterr().out)["boards"]
    assert len(boards) >= 12 and all(board["source"].startswith("vendor") for board in boards)
    assert next("nano" in board["aliases"] for board in boards if board["name"] == "uno")


def test_a_board_that_was_asked_for_gets_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    write_engine(tmp_path)

    assert cli.main(["boards", str(tmp_path), "--board", "nrf52840dk"]) == 0

    text = capsys.readouterr().out
    assert "engine: weights, tables" in text and "stack: firmware" in text and "measured: zig" in text
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.slow
def test_a_build_says_what_fits_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    write_engine(tmp_path, outputs=100)

    assert cli.main(["boards", str(tmp_path), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    boards = {board["name"]: board for board in found["boards"]}
    fitting = [board for board in boards.values() if board["fits"]]
    assert boards[found["smallest"]] == min(fitting, key=lambda board: (board["flash"], board["ram"], board["name"]))
    assert boards["nrf52840dk"]["fits"] and not boards["bluepill"]["fits"]
    assert -30_000 < boards["bluepill"]["flash_left"] < -12_000
    for board in boards.values():
        assert board["flash_left"] == board["flash"] - board["needs"]["flash"]["total"]
    assert cli.main(["boards", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "…" not in said, "no figure is cut off, however many cores there are"
    assert f"The smallest that fits: {found['smallest']}, " in said


def test_a_board_that_was_asked_for_and_is_too_small_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    write_engine(tmp_path, outputs=100)

    assert cli.main(["boards", str(tmp_path), "--board", "bluepill"]) == 1

    said = capsys.readouterr()
    assert "bluepill would need" in said.err and "B more flash" in said.err
    assert "no" in said.out


def test_a_wrong_board_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["boards", "--board", "bluepil"]) == 2
    assert "Did you mean 'bluepill'" in capsys.readouterr().err
