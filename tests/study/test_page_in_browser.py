"""The pages of a study and of a comparison in a real browser: wide, on a phone, dark and printed."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.report.compare import BuildColumn, Comparison
from edgedigits.report.compare_page import render_comparison
from edgedigits.report.paired import Flip, mcnemar
from edgedigits.study.findings.insights import find_insights
from edgedigits.study.report.page import render_study
from edgedigits.study.report.pictures import study_pictures
from tests.report.accessibility import assert_accessible
from tests.study.made_up import varied_table, varied_trials

PHONE, PAPER = 390, 700
"""Widths in CSS pixels; the second is A4's without margins."""
_BEYOND = """() => [...document.querySelectorAll('body *')].filter(one => !one.closest('svg *')
    && one.getBoundingClientRect().width && one.getBoundingClientRect().right > innerWidth + 1).length"""
_COMMANDS = "() => [...document.querySelectorAll('.typed')].map(one => one.innerText)"


def study(name, trials):
    insights = find_insights(name, trials)
    return render_study(insights, study_pictures(insights))


def comparison(place):
    names = (
        "accuracy",
        "float_accuracy",
        "macro_f1",
        "bytes",
        "gzip_bytes",
        "sparsity",
        "engine_bytes",
        "instructions",
    )
    builds = tuple(
        BuildColumn(f"deploy/{name}", "784-10-10", "mse", "QAT", {**dict.fromkeys(names, 1), "arena": None}, (1.0,) * 10, "")
        for name in ("a", "b-with-a-rather-long-name-that-a-phone-has-no-room-for")
    )  # fmt: skip
    flips = tuple(Flip(builds[1].folder, at, 3, 3, 5, np.full((28, 28), at, np.uint8)) for at in range(70))
    test = mcnemar(builds[1].folder, np.zeros(100, bool), np.arange(100) < 70)
    return render_comparison(Comparison(builds, {}, (test,), ("careful",), flips), place)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["grid", "report-table", "comparison"])
def test_a_page_has_no_errors_and_nothing_is_cut(name, browser, tmp_path):
    trials = {"grid": varied_trials, "report-table": varied_table}
    path = tmp_path / "page.html"
    path.write_text(study(name, trials[name]()) if name in trials else comparison(tmp_path))
    said = []
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    assert all("edgedigits build " in one and "\n" not in one for one in page.evaluate(_COMMANDS))
    for width in (PHONE, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": PAPER, "height": 1000})
    page.emulate_media(media="print")
    assert page.evaluate(_BEYOND) == 0
    assert_accessible(page)
    assert said == []
