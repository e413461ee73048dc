"""The card of a build in a notebook."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from edgedigits.api import BuildResult
from edgedigits.errors import ConfigError
from edgedigits.report.notebook import build_to_html
from edgedigits.view import View
from tests.report.conftest import MakeFacts, seen_through


def test_the_card_holds_the_figures_that_matter(make_facts: MakeFacts) -> None:
    facts = make_facts()
    card = build_to_html(facts)
    ElementTree.fromstring(f"<div>{card}</div>")
    for figure in (
        "focal-qat-prune",
        "float32 97.33% → pruned 97.07% → QAT 97.20% → int8",
        f"{facts.evaluation.size.raw:,} B",
        "784-32-16-10",
        "measured: 750 test images",
    ):
        assert figure in card


def test_the_card_says_what_the_network_sees(make_facts: MakeFacts) -> None:
    card = build_to_html(seen_through(make_facts(), View(deskew=True)))
    assert "; sees 28×28, upright by its moments</p>" in card and "that is another task" in card
    assert "sees" not in build_to_html(make_facts())


def test_text_from_outside_is_escaped(make_facts: MakeFacts) -> None:
    assert "<script" not in build_to_html(make_facts(name="<script>"))


def test_the_card_shows_the_curves_the_confusions_and_the_worst_mistakes(make_facts: MakeFacts) -> None:
    facts = make_facts(mistakes=20)
    images = ElementTree.fromstring(f"<div>{build_to_html(facts)}</div>").findall(".//img")
    assert all(image.attrib["src"].startswith("data:image/png;base64,") for image in images)
    worst = [f"{one.label} taken for {one.predicted}" for one in facts.mistakes[:12]]
    assert [image.attrib["alt"] for image in images[2:]] == worst


def test_a_result_plots_by_name_and_does_not_print_pixels(make_facts: MakeFacts, tmp_path: Path) -> None:
    facts = make_facts()
    result = BuildResult(tmp_path, facts, None)
    assert {"accuracy", "confusion", "weights_hidden_1"} <= set(result.plots)
    for name in result.plots:
        assert isinstance(result.plot(name), Figure)
    with pytest.raises(ConfigError, match=r"no plot 'confusoin'. Did you mean 'confusion'"):
        result.plot("confusoin")
    assert "array(" not in repr(result)
