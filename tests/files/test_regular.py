"""Texts are read from files alone, and only small ones: nothing waits, nothing is read without end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgedigits.config_file import read_config_file
from edgedigits.errors import DataError
from edgedigits.files.regular import MOST_TEXT_BYTES, read_text
from edgedigits.study.plan.grid import read_grid
from edgedigits.study.report_values import ReportValues

READERS = (read_text, read_config_file, read_grid, ReportValues)
WRITE_FIRST = "Write what comes out of it to a file first."


def _refusal(read: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(path)
    return str(caught.value).replace(f"{path.parent}/", "")


@pytest.mark.parametrize("read", READERS)
def test_a_pipe_is_not_waited_for(read, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.toml")
    assert _refusal(read, tmp_path / "x.toml") == f"x.toml is a pipe, expected a file. {WRITE_FIRST}"
    assert _refusal(read, Path("/dev/zero")) == f"zero is a device, expected a file. {WRITE_FIRST}"
    assert _refusal(read, tmp_path) == f"{tmp_path.name} is a folder, expected a file."


@pytest.mark.parametrize("read", READERS)
def test_a_large_file_is_not_taken_for_text(read, tmp_path: Path) -> None:
    with (tmp_path / "x.toml").open("wb") as file:
        file.truncate(MOST_TEXT_BYTES + 1)
    assert _refusal(read, tmp_path / "x.toml") == "x.toml is larger than 16 MiB. Is this the file that was meant?"


def test_a_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("# Größe\r\n", encoding="utf-8", newline="")
    assert read_text(tmp_path / "x.toml") == "# Größe\r\n"
    with (tmp_path / "x.toml").open("wb") as file:
        file.truncate(MOST_TEXT_BYTES)
    assert len(read_text(tmp_path / "x.toml")) == MOST_TEXT_BYTES
    (tmp_path / "x.toml").write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        read_text(tmp_path / "x.toml")
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none.toml")
