"""A study's report replaces an earlier one, and nothing else that lies where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgedigits.errors import DataError
from edgedigits.files.listing import REPORT, SCHEMA, TOOL, list_files, seal
from edgedigits.files.writing import write_json, write_text
from edgedigits.study.report.write import LIST, PAGE, _put_in_place, _refuse_foreign

NAMES = (PAGE, "plots/a.svg", "plots/b.svg")


def write(folder: Path, word: str, names: tuple[str, ...] = NAMES) -> None:
    _refuse_foreign(folder, (*names, LIST))
    partial = folder.parent / f"{word}.part"
    (partial / "plots").mkdir(parents=True)
    folder.mkdir(exist_ok=True)
    for name in names:
        write_text(partial / name, word)
    write_json(
        partial / LIST,
        seal({"schema": SCHEMA, "kind": REPORT, "tool": TOOL, "files": list_files(partial, names)}),
    )
    _put_in_place(partial, folder, names)


def test_a_report_takes_the_place_of_an_earlier_one_and_of_its_pictures(tmp_path):
    write(tmp_path / "it", "first")
    (tmp_path / "it" / "plots" / "holiday.png").write_text("mine")
    write(tmp_path / "it", "second", NAMES[:2])
    plots = {path.name: path.read_text() for path in (tmp_path / "it" / "plots").iterdir()}
    assert plots == {"a.svg": "second", "holiday.png": "mine"}
    assert (tmp_path / "it" / PAGE).read_text() == "second"


@pytest.mark.parametrize("name", [*NAMES, LIST])
def test_a_file_of_somebody_elses_is_named_and_stays(tmp_path, name):
    (tmp_path / "it" / "plots").mkdir(parents=True)
    (tmp_path / "it" / name).write_text("years of work")
    with pytest.raises(DataError, match=f"it holds what this tool did not write, or not so: {name}. Move that away"):
        write(tmp_path / "it", "first")
    assert (tmp_path / "it" / name).read_text() == "years of work"


def test_a_page_with_remarks_is_not_written_over_and_a_picture_with_remarks_stays(tmp_path):
    write(tmp_path / "it", "first")
    (tmp_path / "it" / "plots" / "b.svg").write_text("mine")
    write(tmp_path / "it", "second", NAMES[:2])
    assert (tmp_path / "it" / "plots" / "b.svg").read_text() == "mine"
    (tmp_path / "it" / PAGE).write_text("mine")
    with pytest.raises(DataError, match=f"or not so: {PAGE}."):
        write(tmp_path / "it", "third", NAMES[:2])
