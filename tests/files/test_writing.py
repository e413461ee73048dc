"""One file, whole or not at all: through links, never over what is no plain file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgedigits.artifacts import new_folder
from edgedigits.data.writing import refuse_existing, replacing
from edgedigits.errors import DataError
from edgedigits.files.scratch import parents_of
from edgedigits.report.engine_report import check_place
from edgedigits.study.run.store import Store


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "there" / "real.csv")
    for word in ("first", "second"):
        with replacing(tmp_path / "link.csv", force=True) as partial:
            partial.write_text(word)
        assert (tmp_path / "link.csv").is_symlink()
        assert (tmp_path / "there" / "real.csv").read_text() == word
    with pytest.raises(DataError, match="link.csv exists already"):
        refuse_existing(tmp_path / "link.csv", force=False)


def test_devices_and_pipes_are_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "null.csv").symlink_to(os.devnull)
    for name in ("pipe.csv", "null.csv"):
        with pytest.raises(DataError, match=f"{name} is not a plain file. Choose another name."):
            refuse_existing(tmp_path / name, force=True)
    assert not Path(os.devnull).is_file()


def test_a_name_that_no_file_can_have_is_one_sentence(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / ("n" * 300), tmp_path / "loop" / "x.csv"):
        with pytest.raises(DataError, match="cannot be written"), replacing(path, force=False) as partial:
            partial.write_text("x")


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.csv", force=True) as partial:
        partial.write_text("new")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old"


def test_a_file_where_a_folder_was_meant_is_named(tmp_path):
    (tmp_path / "FILE").write_text("x")
    with pytest.raises(DataError, match=r"FILE/x\.csv cannot be written: .*FILE is a file, not a folder\. Choose an"):
        refuse_existing(tmp_path / "FILE" / "x.csv", force=False)
    for deeper in ("x", "x/y"):
        place = tmp_path / "FILE" / deeper
        with pytest.raises(DataError, match=r"FILE is a file, expected a folder to write in\. Ch"), parents_of(place):
            pass
        with pytest.raises(DataError, match=r"FILE is a file, expected a folder"), new_folder(place, force=True):
            pass
        check_place(place, force=False)
        with pytest.raises(DataError, match=r"FILE is a file, expected a folder"):
            Store(place, create=True)
