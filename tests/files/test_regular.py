"""Texts are read from files alone, and only small ones: nothing waits, nothing is read without end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgedigits.config_file import read_config_file
from edgedigits.errors import DataError
from edgedigits.files.regular import MOST_TEXT_BYTES, read_text
from edgedigits.files.toml import read_toml
from edgedigits.files.typed import read_json
from edgedigits.study.plan.grid import read_grid


def report_at(path: Path) -> object:
    return read_json(path, "Build it again.")


READERS = (read_text, read_config_file, read_grid, report_at)
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


def test_the_mark_that_windows_puts_in_front_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('[loss]\nname = "focal"\n', encoding="utf-8-sig")
    assert read_config_file(path) == {"loss": {"name": "focal"}}
    path = tmp_path / "x.json"
    path.write_text('{"config": {"loss": {"name": "focal"}}}', encoding="utf-8-sig")
    assert read_config_file(path) == {"loss": {"name": "focal"}}
    path.write_text("\ufeff\ufeffx", encoding="utf-8")
    assert read_text(path) == "\ufeffx"


KEYS = {
    "bare": ".".join(["a"] * 20_000) + " = 1",
    "quoted": ".".join(['"a b"', "'c'"] * 10_000) + " = 1",
    "spaced": " . \t".join(["a-b_c"] * 20_000) + " = 1",
    "table": f"[{'.'.join(['a'] * 20_000)}]",
    "array": f"[[{'.'.join(['a'] * 20_000)}]]",
    "inline": f"x = {{ {'.'.join(['a'] * 20_000)} = 1 }}",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("read", [read_config_file, read_grid])
def test_a_key_of_thousands_of_parts_is_refused_before_it_is_parsed(
    read, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parser takes seconds for 20,000 of them, and four times as long for twice as many."""
    monkeypatch.setattr("tomllib.loads", lambda _: pytest.fail("it was parsed"))
    (tmp_path / "x.toml").write_text(f"# a\n{key}\n")
    sentence = "x.toml, line 2: a key of more than 64 parts. Is this the file that was meant?"
    assert _refusal(read, tmp_path / "x.toml") == sentence


def test_what_is_long_and_no_key_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    for text in (
        f"k = [{'0.1, ' * 500}]",
        f"k = '{'a b. ' * 500}'",
        "k = 1  # " + "." * 500,
        ".".join(["a"] * 64) + " = 1",
        f"{'a' * 5000} = 1",
    ):
        path.write_text(text)
        assert read_toml(path)
