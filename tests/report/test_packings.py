"""What a byte less costs in instructions: its figure, and where its points come from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from edgedigits.cli.main import main
from edgedigits.frontier import frontier
from edgedigits.model.front import Packing
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, arrange
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.report.facts import BuildFacts, read_report
from edgedigits.report.packing_plots import _ticks, packing_plots
from edgedigits.report.page import render_page
from edgedigits.report.style import drawing_style, svg_inline
from tests.report.conftest import MakeFacts
from tests.report.page_checker import assert_stands_alone, page_text
from tests.test_reference import REFERENCE

FRONT = (
    Packing(("stream", "stream", "stream"), 5687, 6227, 382_814),
    Packing(("fields", "fields", "fields"), 6689, 7519, 81_164),
    Packing(("lists8", "lists8", "pairs"), 14_624, 15_714, 23_267),
)
SMALLEST = frontier()["frontier-848"]


def packed(facts: BuildFacts, nbytes: int, *encodings: str, limit: int = 0) -> BuildFacts:
    """Return facts whose engine is packed so, beside that front."""
    assert facts.engine is not None
    layers = tuple(
        replace(layer, encoding=encoding) for layer, encoding in zip(facts.engine.layers, encodings, strict=True)
    )
    choices = {**facts.config, "engine": {**facts.config["engine"], "most_instructions": limit}}
    engine = replace(facts.engine, layers=layers, weight_bytes=nbytes)
    return replace(facts, engine=engine, packings=FRONT, config=choices)


def test_a_build_for_size_draws_what_a_byte_less_costs_and_where_it_is(make_facts: MakeFacts) -> None:
    facts = packed(make_facts(histograms=(), epochs=2), 6689, "fields", "fields", "fields", limit=83_439)
    (plot,) = packing_plots(facts)
    assert (
        "3 packings: from 382,814 in 6,227 B (stream) to 23,267 in 15,714 B (lists8, lists8, pairs)" in plot.description
    )
    assert "This build: 81,164 in 7,519 B (fields)." in plot.description
    assert "dashed: the estimate that it had to keep, 83,439" in plot.caption
    drawn = svg_inline(plot)
    for words in ("Instructions by bytes of flash", "this build", "within 83,439", "lists8, lists8, pairs", "500,000"):
        assert f">{words}</text>" in drawn
    page = render_page(facts)
    assert_stands_alone(page)
    assert "inspect --packings" in page_text(page).partition("The C engine")[2]
    assert facts.to_json()["packings"][1]["flash"] == 7519


@pytest.mark.parametrize("limit", [0, 90_000, 1_000_000])
@pytest.mark.parametrize("encodings", [("stream", "fields", "marked"), ("stream", "stream", "stream")])
def test_nothing_leaves_the_figure_or_overlaps(make_facts: MakeFacts, encodings: tuple[str, ...], limit: int) -> None:
    facts = packed(make_facts(histograms=(), epochs=2), 5687, *encodings, limit=limit)
    (plot,) = packing_plots(facts)
    with drawing_style():
        figure = plot.draw()
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        axes = figure.axes[0]
        texts = [*axes.get_xticklabels(), *axes.get_yticklabels(), *figure.legends[0].get_texts(), *axes.texts]
        boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1
    assert not [1 for one in boxes for other in boxes if one is not other and one.overlaps(other)]


def test_ticks_are_few_and_round() -> None:
    assert _ticks(18_000, 550_000) == [18_000, 40_000, 80_000, 180_000, 400_000]
    assert _ticks(900, 1000) == [900, 1000]


def test_a_build_for_something_else_draws_none(make_facts: MakeFacts) -> None:
    facts = make_facts(histograms=(), epochs=2)
    assert packing_plots(facts) == () and "packings" not in facts.to_json()
    assert packing_plots(replace(facts, packings=FRONT[:1])) == ()
    assert packing_plots(replace(facts, packings=FRONT, engine=None)) == ()


def test_the_page_of_an_older_build_for_size_has_its_curve(tmp_path: Path, capsys) -> None:
    assert main(["report", str(SMALLEST), "--out", str(tmp_path / "page.html")]) == 0
    assert "Instructions by bytes of flash" in page_text((tmp_path / "page.html").read_text(encoding="utf-8"))


def inspected(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict, str]:
    assert main(["inspect", str(folder), "--packings", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["inspect", str(folder), "--packings"]) == 0
    return told, capsys.readouterr().out


def test_inspect_marks_how_a_build_is_packed(capsys) -> None:
    told, shown = inspected(SMALLEST, capsys)
    _, packing = arrange(simplify(lower(read_tflite(SMALLEST / "model.tflite"))), Goal.SIZE)
    assert told["packing"] == told["packings"][0]
    assert told["packing"]["encodings"] == [one.encoding.name for one in packing]
    (here,) = [line for line in shown.splitlines() if " here " in line]
    assert here.split()[0] == f"{told['packing']['flash']:,}"


def test_inspect_tells_what_the_build_measured_or_where_nothing_is_known_what_is_expected(
    tmp_path: Path, capsys
) -> None:
    report = json.loads((SMALLEST / "report.json").read_text())
    measured = [{"encodings": ["stream", "stream"], "weight_bytes": 700, "flash": 1240, "instructions": 999}]
    (tmp_path / "model.tflite").write_bytes((SMALLEST / "model.tflite").read_bytes())
    (tmp_path / "report.json").write_text(json.dumps({**report, "packings": measured}))
    assert read_report(tmp_path).packings == (Packing(("stream", "stream"), 700, 1240, 999),)
    assert inspected(tmp_path, capsys)[0]["packings"] == measured
    other = {**report["model"], "digest": "5e" * 32}
    (tmp_path / "report.json").write_text(json.dumps({**report, "packings": measured, "model": other}))
    told, shown = inspected(tmp_path, capsys)
    assert len(told["packings"]) > 5 and "packing" not in told and " here " not in shown
    assert "packing" not in inspected(REFERENCE, capsys)[0]
