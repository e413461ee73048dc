"""The page: that it holds every figure, stands alone, is well-formed, and repeats byte for byte."""

from __future__ import annotations

import base64
import dataclasses
import html
import re
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgedigits.report.facts import DataSummary, FirstLayer
from edgedigits.report.headlines import Headline, headlines
from edgedigits.report.page import render_page
from edgedigits.report.plots import all_plots
from edgedigits.report.provenance import obtained_table
from edgedigits.report.rendering import page_templates
from edgedigits.report.weight_pictures import SHOWN
from edgedigits.view import View
from tests.report.conftest import MakeFacts, build_facts, seen_through
from tests.report.page_checker import assert_stands_alone, check_page, page_text

AWKWARD: dict[str, dict[str, Any]] = {
    "usual": {},
    "no pruning": {"stages": ("float", "qat")},
    "float only": {"stages": ("float",), "parity": ("litert-default",)},
    "softmax": {"softmax": True},
    "one-hot": {"loss": {"name": "one-hot"}},
    "hinge": {"loss": {"name": "hinge", "hinge": "crammer-singer"}},
    "weighted": {"loss": {"name": "weighted-cross-entropy", "class_weights": "effective-number"}},
    "no mistakes": {"mistakes": 0},
    "one epoch": {"epochs": 1},
    "no other runtime": {"parity": ()},
    "one mistake": {"mistakes": 1},
    "no engine": {"engine": None},
}


@cache
def page_of(kind: str) -> str:
    """Return the page of a kind of build, which is drawn once for all tests that look at it."""
    return render_page(build_facts(**{"histograms": (), **AWKWARD[kind]}))


@pytest.mark.parametrize("kind", AWKWARD)
def test_every_page_is_well_formed_small_and_stands_alone(kind: str) -> None:
    assert_stands_alone(page_of(kind))


def test_the_engine_is_told_layer_by_layer(make_facts: MakeFacts, usual_page: str) -> None:
    facts = make_facts()
    assert facts.engine is not None
    text = page_text(usual_page)
    for layer in facts.engine.layers:
        assert f"{layer.inputs}-{layer.outputs} {layer.encoding} {layer.nbytes:,} {layer.instructions:,}" in text
    for words in (f"{facts.engine.weight_bytes:,}", f"{facts.engine.workspace_bytes:,} bytes of RAM", "estimated"):
        assert words in text
    assert "The C engine" not in page_text(page_of("no engine"))


@pytest.fixture(scope="module")
def usual_page(make_facts: MakeFacts) -> str:
    """The page of the usual facts."""
    return render_page(make_facts())


def test_every_figure_that_was_asked_for_is_on_the_page(make_facts: MakeFacts, usual_page: str) -> None:
    facts, text = make_facts(), page_text(usual_page)
    scores, size, model = facts.evaluation.scores, facts.evaluation.size, facts.model
    wanted = [f"{stage.test_accuracy:.2%}" for stage in facts.stages]
    wanted += [stage.title for stage in facts.stages]
    wanted += [f"{scores.accuracy:.2%}", f"{scores.loss:.4f}", f"{scores.calibration_error:.2%}"]
    for one in scores.per_class:
        wanted += [f"{one.precision:.2%}", f"{one.recall:.2%}", f"{one.f1:.2%}", str(one.support), f"{one.loss:.4f}"]
    wanted += [f"{size.raw:,} B", f"{size.gzip:,} B", f"{size.float_bytes:,} B"]
    wanted += [f"{size.ratio:.1f}×", f"{size.gzip_ratio:.1f}×", size.float_how]
    for layer in model.layers:
        assert layer.weights and layer.weights.sparsity is not None
        wanted += [layer.name, f"{layer.weights.zeros:,} ({layer.weights.sparsity:.1%})", f"{layer.macs:,}"]
        wanted += [f"{layer.weights.distinct:,}", f"{layer.weights.nbytes + layer.bias_bytes:,}"]
    wanted += [f"{share:.1%}" for share in facts.target_sparsity.values()]
    for row in facts.evaluation.parity:
        wanted += [row.runtime, f"{row.differing_bytes:,} of {row.bytes:,}", f"{row.changed_classes} of {row.images}"]
    wanted += [facts.data.source, facts.data.digest, facts.evaluation.data_digest, model.digest]
    wanted += [f"{count:,}" for count in facts.data.sizes.values()]
    wanted += ["784-32-16-10", "focal (γ = 2)", "pruned to 80%", "trained quantization-aware", "x86_64 Linux, 2 cores"]
    wanted += [*facts.versions, *facts.versions.values(), "edgedigits evaluate FOLDER"]
    assert [figure for figure in wanted if figure not in text] == []


def test_every_choice_is_on_the_page_but_not_those_of_steps_left_out() -> None:
    text = page_text(page_of("float only"))
    for key in ("batch_size", "optimizer", "learning_rate", "augment", "seed", "validation_fraction", "hidden"):
        assert key in text
    assert "initial_sparsity" not in text


def test_how_figures_were_obtained_is_told_in_one_place(make_facts: MakeFacts, usual_page: str) -> None:
    assert usual_page.count("<svg") == usual_page.count('role="img"')
    assert usual_page.count("<svg") - usual_page.count('<svg class="outputs"') == 9
    before, _, told = page_text(usual_page).partition("How the figures were obtained")
    assert not re.search("measured:|emulated:|estimated:|counted in", before)
    facts = make_facts()
    for how in (*(one.how for one in headlines(facts)), *(plot.how for plot in all_plots(facts))):
        assert how in told
    for section in ("Training", "Digit by digit; The worst mistakes", "Size", "The C engine", "Agreement of runtimes"):
        assert section in told


def test_what_was_obtained_alike_shares_a_row() -> None:
    table = obtained_table([("a", "x"), ("b", ""), ("c", "x"), ("d", "y"), ("d", "z"), ("d", "y")])
    assert table.rows == (("a; c", "x"), ("d", "y; z"))


def test_the_loss_is_named_with_its_parameters(make_facts: MakeFacts) -> None:
    text = page_text(render_page(make_facts(loss={"name": "focal", "gamma": 1.5, "alpha": (0.25,)}, epochs=2)))
    assert "with the loss focal (γ = 1.5, α = 0.25), pruned" in text
    assert "−α(1 − p) γ log p" in text, "without a caret: γ is raised"


def test_what_the_network_sees_is_told_and_what_makes_the_task_another_one_above_the_figures(
    make_facts: MakeFacts, usual_page: str
) -> None:
    assert "it sees" not in page_text(usual_page)
    cut = page_text(render_page(seen_through(make_facts(), View(window=24, size=12))))
    assert "Of an image it sees 12×12, averaged over the central 24×24." in cut and "another task" not in cut
    text = page_text(render_page(seen_through(make_facts(), View(deskew=True))))
    assert text.count("that is another task than with raw digits") == 1
    assert text.index("another task") < text.index("Accuracy, int8")


def test_a_loss_without_a_value_is_said_to_have_none() -> None:
    text = page_text(page_of("one-hot"))
    assert "no curve of the loss" in text and "Loss: one-hot" not in text


def test_mistakes_are_shown_as_the_pictures_they_are(make_facts: MakeFacts) -> None:
    facts = make_facts(mistakes=3)
    page = render_page(facts)
    images = check_page(page).images
    assert len(images) == 3
    for image, mistake in zip(images, facts.mistakes, strict=True):
        content = base64.b64decode(str(image["src"]).partition(",")[2])
        np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(content))).ravel(), mistake.pixels)
        assert image["alt"] == f"Test image {mistake.index}: a {mistake.label} taken for a {mistake.predicted}"
        shown = page.partition(f"<b>{mistake.label} → {mistake.predicted}</b>")[2].partition("</figcaption>")[0]
        assert f"<span>margin {mistake.margin}</span>" in shown, "and the true one is second"
        assert f'aria-label="Scores of 0 to 9: {", ".join(map(str, mistake.scores))}"' in shown
        assert re.findall(r'<rect class="(given|true)"[^>]*><title>(\d)', shown) == sorted(
            [("given", str(mistake.predicted)), ("true", str(mistake.label))], key=lambda one: one[1]
        )


def test_a_digit_between_the_given_one_and_the_true_one_is_named(make_facts: MakeFacts) -> None:
    """Of the second mistake no scores are known, as in a report from before they were kept: it has no bars."""
    facts = make_facts(mistakes=2)
    mistake, old = facts.mistakes
    second = next(digit for digit in range(10) if digit not in (mistake.label, mistake.predicted))
    scores = tuple(mistake.margin - 1 if digit == second else score for digit, score in enumerate(mistake.scores))
    shown = dataclasses.replace(mistake, scores=scores), dataclasses.replace(old, scores=())
    page = render_page(dataclasses.replace(facts, mistakes=shown))
    assert f"<span>margin {mistake.margin}</span><span>before {second}</span>" in page
    assert f"<b>{old.label} → {old.predicted}</b><span>margin {old.margin}</span><span>image" in page


def test_every_section_is_in_the_navigation_in_its_order(usual_page: str) -> None:
    headings = re.findall(r'<h2 id="([^"]+)"', usual_page)
    assert "engine" in headings
    assert re.findall(r'<li><a href="#([^"]+)"', usual_page) == headings


def test_the_engine_is_among_the_headlines_and_the_sizes(usual_page: str, make_facts: MakeFacts) -> None:
    engine = make_facts().engine
    assert engine is not None
    assert f'<dt>C engine</dt><dd class="value">{engine.constant_bytes:,} B</dd>' in usual_page
    assert re.search(rf'<dt>C engine</dt><dd><i style="[^"]+"></i>{engine.constant_bytes:,} B</dd>', usual_page)
    ratio = make_facts().evaluation.size.float_bytes / engine.constant_bytes
    assert re.search(rf"C engine {engine.constant_bytes:,} \S+ \S+ {ratio:.1f}× all its arrays", page_text(usual_page))


@pytest.mark.parametrize(("count", "columns"), [(3, 3), (4, 4), (5, 3), (6, 3), (7, 4), (8, 4), (9, 3)])
def test_no_row_of_tiles_holds_a_single_one(count: int, columns: int) -> None:
    parts: Any = page_templates().get_template("parts.html.j2").module
    assert f"--columns: {columns}" in parts.cards([Headline("", "", "", "")] * count)
    assert count % columns != 1


def test_the_first_layer_is_shown_before_and_after(make_facts: MakeFacts) -> None:
    """What does not weigh is transparent; of neurons the strongest are shown, in their order."""
    random = np.random.default_rng(3)
    before = random.normal(size=(20, 784)).astype(np.float32)
    after = np.where(np.abs(before) > 1, before, 0) * np.arange(20)[:, None].astype(np.float32)
    page = render_page(dataclasses.replace(make_facts(mistakes=0), first_layer=FirstLayer(before, after)))
    pictures = [
        np.asarray(Image.open(BytesIO(base64.b64decode(str(image["src"]).partition(",")[2]))))
        for image in check_page(page).images
    ]
    assert len(pictures) == 2 * SHOWN
    for neuron, was, now in zip(range(20 - SHOWN, 20), pictures[::2], pictures[1::2], strict=True):
        np.testing.assert_array_equal(
            now[:, :, 3].ravel() > 0, np.abs(after[neuron]) > np.abs(after[neuron]).max() / 510
        )
        assert was[:, :, 3].max() == now[:, :, 3].max() == 255
        blue = now[:, :, 2].ravel() > now[:, :, 0].ravel()
        np.testing.assert_array_equal(blue, after[neuron] > 0)
        assert f"neuron {neuron}: {np.count_nonzero(after[neuron])} of 784" in page


def test_a_perfect_model_has_no_mistakes_to_show() -> None:
    page = page_of("no mistakes")
    assert "No test image is misclassified." in page and "<img" not in page
    assert "100.00%" in page


def test_a_runtime_that_was_left_out_is_told() -> None:
    text = page_text(page_of("float only"))
    assert "TFLM was left out: it is not installed." in text
    assert "RAM for TFLM" not in text and "float32 twin" not in text


def test_what_is_unusual_about_the_digits_stands_above_the_figures(make_facts: MakeFacts, usual_page: str) -> None:
    assert "What to know of the digits" not in page_text(usual_page)
    data = DataSummary("x", "", "", {"train": 1, "validation": 1, "test": 1}, findings=("They are dark.", "They lie."))
    page = render_page(make_facts(data=data, advice="Inverted, more are right."))
    assert_stands_alone(page)
    text = page_text(page)
    box = text.index("What to know of the digits: Inverted, more are right. They are dark. They lie.")
    assert box < text.index("Accuracy, int8")


def test_text_from_outside_is_escaped(make_facts: MakeFacts) -> None:
    evil = '<script>alert("x")</script>&amp;'
    facts = make_facts(name=evil, versions={evil: evil})
    facts = dataclasses.replace(
        facts,
        data=DataSummary(evil, evil, evil, facts.data.sizes, findings=(evil,)),
        advice=evil,
        config={"data": {"source": evil}, "loss": {"name": evil}},
        evaluation=dataclasses.replace(facts.evaluation, scored_by=evil, host=evil, notes=(evil,)),
    )
    page = render_page(facts)
    assert "<script" not in page
    assert html.escape(evil, quote=False)[:20] in page
    assert evil in page_text(page)


def test_the_same_facts_give_the_same_page(make_facts: MakeFacts, usual_page: str) -> None:
    assert render_page(make_facts()) == usual_page


def test_there_is_no_clock_time_on_the_page(usual_page: str) -> None:
    text = page_text(usual_page)
    assert "µs" not in text and not re.search(r"\b20\d\d-\d\d-\d\d|\d\d:\d\d:\d\d", text)


def test_the_page_knows_dark_print_and_phones(usual_page: str) -> None:
    for rule in ("prefers-color-scheme: dark", "@media print", "width=device-width", "overflow-x: auto"):
        assert rule in usual_page
