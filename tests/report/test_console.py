"""What a terminal shows of a build: every figure, on one screen, at any width from 80 columns on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from edgedigits.report.console import show_build
from edgedigits.report.facts import BuildFacts, DataSummary
from edgedigits.scoring.latency import Latency
from edgedigits.view import View
from tests.report.conftest import MakeFacts, seen_through

LATENCY = Latency(2.13, 2.4, 5.91, 2000, 100, 1, "default", "2.3.0", "measured: invoke() on this host")
NEXT = "edgedigits evaluate deploy/focal-qat-prune"
ONE_SCREEN = 24
MOST_LINES = 40


def _shown(facts: BuildFacts, width: int = 110, **changes: Any) -> str:
    stream = io.StringIO()
    arguments = {"folder": Path("deploy/focal-qat-prune"), "latency": LATENCY, "next_command": NEXT, **changes}
    show_build(Console(file=stream, width=width, highlight=False), facts, **arguments)
    return stream.getvalue()


def _words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [80, 110])
def test_every_figure_is_there_on_one_screen(make_facts: MakeFacts, width: int) -> None:
    facts = make_facts()
    shown = _shown(facts, width)
    assert len(shown.splitlines()) <= ONE_SCREEN
    assert max(map(len, shown.splitlines())) <= width
    text, size = _words(shown), facts.evaluation.size
    for stage in facts.stages:
        assert f"{stage.test_accuracy:.2%} →" in text
    for figure in (
        f"int8 {facts.evaluation.scores.accuracy:.2%}",
        "3,825 train, 425 validation, 750 test",
        f"{size.raw:,} B, gzip {size.gzip:,} B: {size.ratio:.1f}× and {size.gzip_ratio:.1f}× below float32",
        "p50 2.13, p90 2.4, p99 5.91 µs on x86_64 Linux, 2 cores, 1 thread",
        f"of {facts.model.weights:,} weights",
        f"engine {facts.engine.weight_bytes:,} B of packed weights" if facts.engine else "",
        "written deploy/focal-qat-prune",
        f"next {NEXT}",
    ):
        assert figure in text


def test_what_the_network_sees_is_told_where_it_is_not_all(make_facts: MakeFacts) -> None:
    assert "\nsees" not in _shown(make_facts())
    shown = _words(_shown(seen_through(make_facts(), View(window=24, size=12, centre=True))))
    assert "sees 12×12, averaged over the central 24×24, centred by mass done" in shown
    assert "note Digits are centred by mass before the network sees them: that is another task" in shown


@pytest.mark.parametrize("title", ["precision", "recall"])
def test_classes_have_a_column_each(make_facts: MakeFacts, title: str) -> None:
    facts = make_facts()
    line = next(line for line in _shown(facts, 80).splitlines() if line.startswith(title))
    assert line.split()[2:] == [f"{100 * getattr(one, title):.1f}" for one in facts.evaluation.scores.per_class]


@pytest.mark.parametrize(
    "changes",
    [
        {"stages": ("float",)},
        {"mistakes": 0},
        {"softmax": True},
        {"parity": ()},
        {"loss": {"name": "one-hot"}, "epochs": 1},
    ],
)
def test_other_builds_fit_as_well(make_facts: MakeFacts, changes: dict[str, Any]) -> None:
    assert len(_shown(make_facts(**changes), 80).splitlines()) <= MOST_LINES


def test_latency_that_was_not_measured_is_not_there(make_facts: MakeFacts) -> None:
    assert "latency" not in _shown(make_facts(), latency=None)


def test_threads_are_counted(make_facts: MakeFacts) -> None:
    two = Latency(2.0, 2.0, 2.0, 2000, 100, 2, "default", "2.3.0", "measured")
    assert "2 threads" in _words(_shown(make_facts(), latency=two))


def test_notes_are_shown(make_facts: MakeFacts) -> None:
    data = DataSummary("mnist-5k", "mnist was not reachable, so mnist-5k was taken.", "", {"train": 1})
    text = _words(_shown(make_facts(data=data, parity=("litert-default",))))
    assert "note mnist was not reachable, so mnist-5k was taken." in text
    assert "note TFLM was left out: it is not installed." in text
    assert "note Inverted, more are right." in _words(_shown(make_facts(advice="Inverted, more are right.")))


def test_what_was_written_is_listed(make_facts: MakeFacts, tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    (tmp_path / "model.tflite").touch()
    shown = _words(_shown(make_facts(), folder=tmp_path, width=200))
    assert f"{tmp_path}: model.tflite, plots/" in shown


def test_markup_in_names_is_text(make_facts: MakeFacts) -> None:
    facts = make_facts(name="[red]x[/red]", data=DataSummary("[bold]y.csv", "", "", {"train": 1}))
    text = _shown(facts)
    assert "[red]x[/red]" in text and "[bold]y.csv" in text


def test_it_is_plain_text_where_there_is_no_terminal(make_facts: MakeFacts) -> None:
    assert "\x1b" not in _shown(make_facts())
