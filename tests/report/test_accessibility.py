"""Pages that no other test shows in a browser: axe-core finds nothing serious on them, and nothing is cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.data.photos.photo import open_photo
from edgedigits.devices.boards import find_board
from edgedigits.devices.simulation import CrossCheck
from edgedigits.pictures.predict import read_picture
from edgedigits.pictures.sheet import render_sheet
from edgedigits.report.engine_page import render_engine_page
from edgedigits.report.facts import FirstLayer
from edgedigits.report.page import render_page
from edgedigits.search.report.write import PAGE, write_search
from tests.pictures.test_predict import reader, row  # noqa: F401
from tests.report.accessibility import assert_accessible
from tests.report.conftest import build_facts
from tests.report.test_confidence_section import REFUSING
from tests.report.test_engine_page import run  # noqa: F401
from tests.search.test_front import result  # noqa: F401

PAPERS = (700, 717)
"""Pixels of A4 between usual margins."""
_EDGES = """() => [...new Set([...document.querySelectorAll('main > section table')]
    .filter(one => !one.closest('.choices')).map(one => Math.round(one.getBoundingClientRect().right)))]"""
_BROKEN = """() => [...document.querySelectorAll('table:not(.pairs) tbody th')].filter(one => {
    const range = document.createRange(); range.selectNodeContents(one);
    return !/[ -]/.test(one.textContent) && range.getClientRects().length > 1;
}).map(one => one.textContent)"""
_NEURONS = """() => new Set([...document.querySelectorAll('.neurons li')].map(one => one.offsetLeft)).size"""
Fixture = Callable[[str], Any]


def searched(fixture: Fixture, place: Path) -> str:
    write_search(fixture("result"), place)
    return (place / PAGE).read_text()


def read_sheet(fixture: Fixture, place: Path) -> str:
    return render_sheet("reference", [read_picture(fixture("reader"), open_photo(fixture("row")))])


def rejecting_build(fixture: Fixture, place: Path) -> str:
    weights = np.random.default_rng(0).normal(size=(6, 784)).astype(np.float32)
    facts = build_facts(confidence=REFUSING, epochs=2)
    return render_page(replace(facts, first_layer=FirstLayer(weights, weights)))


def rejecting_simulation(fixture: Fixture, place: Path) -> str:
    """One with every line that a table may have."""
    what = "classify on the emulated core, which refuses below a margin of 13"
    others = (CrossCheck(what, "unicorn 2.1.4, ARM_CORTEX_M4", 10_116, 0, 20_232), *fixture("run").others)
    return render_engine_page(replace(fixture("run"), others=others), "one", "digits", find_board("nrf52840dk"))


PAGES: dict[str, Callable[[Fixture, Path], str]] = {
    "build": rejecting_build,
    "simulation": rejecting_simulation,
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
    assert tab.evaluate(_BROKEN) == []
    assert tab.evaluate(_NEURONS) in (0, 3), "three in a row"
    tab.set_viewport_size({"width": 1200, "height": 900})
    assert len(tab.evaluate(_EDGES)) <= 2, "tables end at the edge of the text or at that of the page"
    tab.emulate_media(media="print")
    for width in PAPERS:
        tab.set_viewport_size({"width": width, "height": 900})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert_accessible(tab)
    assert said == []
