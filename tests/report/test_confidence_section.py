"""What a build's page, console and plots say of its confidence, and that nothing is said where nothing is known."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from edgedigits.report.confidence_plots import confidence_plots
from edgedigits.report.console import show_build
from edgedigits.report.facts import BuildFacts
from edgedigits.report.page import render_page
from edgedigits.report.style import plot_files, svg_inline
from edgedigits.scoring.confidence import Confidence, Reject
from edgedigits.scoring.non_digits import Refusals
from edgedigits.scoring.reject import Decisions, RiskCurve
from edgedigits.scoring.temperature import Calibration, Temperature
from tests.report.conftest import MakeFacts
from tests.report.page_checker import assert_stands_alone, page_text

TEMPERATURE = Temperature(
    0.5706, 4.82, Calibration(425, 0.13, 0.09, 0.0566, 0.0062), Calibration(750, 0.12, 0.08, 0.056, 0.005)
)
CURVE = RiskCurve(750, (0, 1, 9, 16, 30, 60), (750, 746, 700, 640, 500, 20), (22, 20, 9, 3, 0, 0))
REJECT = Reject(
    0.005,
    16,
    0.0049,
    True,
    Decisions(425, 50, 1),
    Decisions(750, 110, 3),
    (Refusals("blank", 1, 1), Refusals("noise", 500, 268)),
)
REFUSING = Confidence(TEMPERATURE, CURVE, REJECT)
UNMET = Confidence(TEMPERATURE, CURVE, replace(REJECT, is_met=False, bound=0.0216))
NEVER = Confidence(TEMPERATURE, CURVE, None)
PROBABILITIES = replace(NEVER, temperature=replace(TEMPERATURE, steps=None))
PERFECT = replace(REFUSING, curve=RiskCurve(750, (255,), (750,), (0,)))
ALL = {"refusing": REFUSING, "unmet": UNMET, "never": NEVER, "probabilities": PROBABILITIES, "perfect": PERFECT}


@pytest.fixture(params=ALL)
def facts(request: pytest.FixtureRequest, make_facts: MakeFacts) -> BuildFacts:
    return make_facts(confidence=ALL[request.param], histograms=(), epochs=2)


def console(facts: BuildFacts) -> str:
    stream = io.StringIO()
    show_build(Console(file=stream, width=110), facts, folder=Path("deploy/it"), latency=None, next_command="none")
    return " ".join(stream.getvalue().split())


def test_the_page_is_well_formed_and_stands_alone(facts: BuildFacts) -> None:
    page = render_page(facts)
    assert_stands_alone(page)
    text = page_text(page)
    for figure in ("0.1300", "0.0900", "5.66%", "0.62%", "5.60%", "0.50%", "Wrong among the accepted"):
        assert figure in text


def test_every_figure_of_a_refusing_build_is_told(make_facts: MakeFacts) -> None:
    facts = make_facts(confidence=REFUSING, histograms=(), epochs=2)
    text = page_text(render_page(facts))
    for words in (
        "when it says 90%, it is right 90% ± 0.5% of the time",
        "divided by 4.82 before the softmax",
        "less than 16 steps of the int8 output. That is the least margin with which",
        "at most 0.50% of those accepted are wrong: the limit is 0.49%.",
        "validation 425 50 88.24% 1 0.27%",
        "test 750 110 85.33% 3 0.47%",
        "noise 500 268 53.6%",
        "Refused 14.7% of those accepted 0.47% wrong; wished 0.50%",
    ):
        assert words in text
    told = console(facts)
    assert (
        "refused 110 of 750 digits (14.7%); of the 640 accepted 3 wrong (0.47%); wished 0.50%, margin 16 steps" in told
    )
    assert facts.to_json()["confidence"]["reject"]["non_digits"][1] == {"kind": "noise", "images": 500, "refused": 268}


def test_a_wish_that_is_not_kept_is_told_on_page_and_console(make_facts: MakeFacts) -> None:
    facts = make_facts(confidence=UNMET, histograms=(), epochs=2)
    words = "No margin keeps the wish of 0.50% wrong among those accepted, by 425 validation digits"
    assert words in page_text(render_page(facts)) and f"note {words}" in console(facts)
    assert "That is the least margin" not in page_text(render_page(facts))


def test_a_build_that_never_refuses_says_nothing_of_refusing(make_facts: MakeFacts) -> None:
    facts = make_facts(confidence=NEVER, histograms=(), epochs=2)
    text = page_text(render_page(facts))
    assert "Confidence" in text and "refuse" not in text and "no digits" not in text
    assert "refused" not in console(facts)
    assert "the logarithms of its probabilities are divided" in page_text(
        render_page(make_facts(confidence=PROBABILITIES, histograms=(), epochs=2, softmax=True))
    )


def test_without_a_confidence_there_is_no_section(make_facts: MakeFacts) -> None:
    facts = make_facts(histograms=(), epochs=2)
    assert 'id="confidence"' not in render_page(facts)
    assert facts.to_json()["confidence"] is None and confidence_plots(facts) == ()


def test_the_curve_says_its_ends_in_words_and_repeats(facts: BuildFacts) -> None:
    (plot,) = confidence_plots(facts)
    assert plot.name == "risk_coverage" and plot.how.startswith("measured")
    assert plot_files(plot, ".svg") == plot_files(plot, ".svg")
    inline = svg_inline(plot)
    assert "var(--blue)" in inline and ("margin 16" in inline) == (
        facts.confidence is not None and facts.confidence.reject is not None
    )
    if facts.confidence is REFUSING:
        assert "2.93% where all are. 0.47% with the margin of 16" in plot.description
