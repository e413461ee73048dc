"""Pages that no other test shows in a browser: axe-core finds nothing serious on them, and nothing is cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgedigits.data.photos.photo import open_photo
from edgedigits.devices.boards import find_board
from edgedigits.pictures.predict import read_picture
from edgedigits.pictures.sheet import render_sheet
from edgedigits.report.engine_page import render_engine_page
from edgedigits.search.report.write import PAGE, write_search
from tests.pictures.test_predict import reader, row  # noqa: F401
from tests.report.accessibility import assert_accessible
from tests.report.test_engine_page import run  # noqa: F401
from tests.report.test_page import page_of
from tests.search.test_front import result  # noqa: F401

Fixture = Callable[[str], Any]


def searched(fixture: Fixture, place: Path) -> str:
    write_search(fixture("result"), place)
    return (place / PAGE).read_text()


def read_sheet(fixture: Fixture, place: Path) -> str:
    return render_sheet("reference", [read_picture(fixture("reader"), open_photo(fixture("row")))])


PAGES: dict[str, Callable[[Fixture, Path], str]] = {
    "build": lambda fixture, place: page_of("usual"),
    "simulation": lambda fixture, place: render_engine_page(fixture("run"), "one", "digits", find_board("nrf52840dk")),
    "search": searched,
    "sheet": read_sheet,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_nobody_out(name: str, browser: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(PAGES[name](request.getfixturevalue, tmp_path))
    tab = browser.new_page(viewport={"width": 390, "height": 900})
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(path.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert_accessible(tab)
    assert said == []
