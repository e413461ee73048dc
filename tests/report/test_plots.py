"""Figures: which there are, that their bytes repeat, and that awkward histories can be drawn."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from edgedigits.report.plots import all_plots, write_plots
from edgedigits.report.scales import share_scale
from edgedigits.report.style import CSS_NAMES, drawing_style, plot_files, svg_inline
from edgedigits.scoring.record import StageSummary
from tests.report.conftest import MakeFacts, build_facts

TRAINING = ["accuracy", "loss", "precision_recall", "sparsity"]
WEIGHTS = ["weights_hidden_1", "weights_hidden_2", "weights_logits"]
PNG_MAGIC = b"\x89PNG\r\n"


def digest_of_plots() -> str:
    """Return a digest over every file of a build's figures; also run in a process of its own."""
    content = hashlib.sha256()
    for plot in all_plots(build_facts(epochs=5, stages=("float", "prune"))):
        content.update(plot_files(plot, ".svg")[".svg"])
    return content.hexdigest()


def test_every_figure_is_written_as_svg_and_png(make_facts: MakeFacts, tmp_path: Path) -> None:
    paths = write_plots(make_facts(), tmp_path / "plots")
    names = [*TRAINING, "confusion", "classes", *WEIGHTS]
    assert [path.name for path in paths] == [f"{name}{suffix}" for name in names for suffix in (".svg", ".png")]
    for path in paths:
        content = path.read_bytes()
        assert len(content) > 5_000, path.name
        if path.suffix == ".png":
            assert content.startswith(PNG_MAGIC)
            assert b"Software" not in content and b"tIME" not in content
        else:
            ElementTree.fromstring(content)
            assert b"<dc:date>" not in content and b"<text" not in content


def test_the_same_facts_give_the_same_files(make_facts: MakeFacts, tmp_path: Path) -> None:
    facts = make_facts(epochs=3, histograms=())
    first, second = write_plots(facts, tmp_path / "a"), write_plots(facts, tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.slow
def test_another_process_gives_the_same_bytes() -> None:
    program = (
        "import sys; from tests.report.test_plots import digest_of_plots; print(digest_of_plots())\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot keeps figures in global state'"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest_of_plots()


def test_the_users_own_matplotlib_settings_change_nothing(make_facts: MakeFacts) -> None:
    plot = all_plots(make_facts(epochs=5))[0]
    before = plot_files(plot, ".svg")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "savefig.dpi": 30, "lines.linewidth": 9}):
        assert plot_files(plot, ".svg") == before


def test_matplotlibs_global_state_is_left_alone(make_facts: MakeFacts) -> None:
    # Asking for the backend would choose one.
    names = set(matplotlib.rcParams) - {"backend"}
    before = {name: matplotlib.rcParams[name] for name in names}
    svg_inline(all_plots(make_facts(epochs=2))[0])
    assert {name: matplotlib.rcParams[name] for name in names} == before


def test_without_pruning_there_is_no_sparsity(make_facts: MakeFacts) -> None:
    assert "sparsity" not in [plot.name for plot in all_plots(make_facts(stages=("float", "qat")))]


def test_the_loss_without_a_value_is_not_drawn(make_facts: MakeFacts) -> None:
    assert "loss" not in [plot.name for plot in all_plots(make_facts(loss={"name": "one-hot"}))]


def test_stages_are_marked_and_named(make_facts: MakeFacts) -> None:
    accuracy = svg_inline(all_plots(make_facts())[0])
    for label in ("float32", "pruned", "QAT", "training", "validation", "epoch"):
        assert f">{label}</text>" in accuracy


def test_names_of_short_stages_do_not_overlap_or_leave_the_axes(make_facts: MakeFacts) -> None:
    facts = make_facts(epochs=40)
    short = tuple(
        dataclasses.replace(stage, epochs=1, history={key: values[:1] for key, values in stage.history.items()})
        for stage in facts.stages[1:]
    )
    plot = all_plots(dataclasses.replace(facts, stages=(facts.stages[0], *short)))[0]
    with drawing_style():
        figure = plot.draw()
        renderer = FigureCanvasAgg(figure).get_renderer()
        boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert len(boxes) == 3
    for left, right in pairwise(boxes):
        assert left.x1 <= right.x0
    assert boxes[-1].x1 <= figure.bbox.x1


@pytest.mark.parametrize("epochs", [1, 2, 700])
def test_any_length_of_training_can_be_drawn(make_facts: MakeFacts, epochs: int) -> None:
    for plot in all_plots(make_facts(epochs=epochs, stages=("float", "prune")))[:4]:
        assert len(svg_inline(plot)) < 40_000


def _with_history(make_facts: MakeFacts, **figures: list[float]) -> list[str]:
    count = len(next(iter(figures.values())))
    base = make_facts(epochs=count, stages=("float",))
    stage = base.stages[0]
    changed = StageSummary(stage.name, stage.title, count, {**stage.history, **figures}, stage.test_accuracy)
    return [svg_inline(plot) for plot in all_plots(dataclasses.replace(base, stages=(changed,)))[:3]]


def test_a_perfect_model_reaches_100_percent(make_facts: MakeFacts) -> None:
    shares = [f"{prefix}{name}" for prefix in ("", "val_") for name in ("accuracy", "precision", "recall")]
    for values in ([0.5, 0.97, 1.0], [1.0, 1.0, 1.0]):
        accuracy, _, both = _with_history(make_facts, **dict.fromkeys(shares, values))
        assert ">100%</text>" in accuracy
        assert ">100%</text>" in both
    assert re.findall(r">([\d.]+%)</text>", accuracy) == ["100%"]


def test_an_accuracy_that_never_moves_still_has_a_scale(make_facts: MakeFacts) -> None:
    accuracy = _with_history(make_facts, accuracy=[0.9733, 0.9733], val_accuracy=[0.9733, 0.9733])[0]
    assert len(re.findall(r">[\d.]+%</text>", accuracy)) >= 2


@pytest.mark.parametrize(("low", "high"), [(0.8, 0.9747), (0.5, 0.92), (0.9, 0.988), (0.3, 0.9993)])
def test_the_highest_tick_of_a_share_is_near_where_curves_end(low: float, high: float) -> None:
    axes = Figure().add_subplot()
    place = share_scale(axes, [[low, high]])
    bottom, top = axes.get_ylim()
    assert (place([high])[0] - max(axes.get_yticks())) / (top - bottom) < 0.2


def test_a_loss_that_diverged_or_reached_zero_is_drawn(make_facts: MakeFacts) -> None:
    nan = float("nan")
    for values in ([1.0, nan, nan], [nan, nan, nan], [3.0, 0.5, 0.0]):
        assert "Loss" in _with_history(make_facts, loss=values, val_loss=values)[1]


def test_figures_of_the_page_follow_its_colours_and_share_no_ids(make_facts: MakeFacts) -> None:
    texts = [svg_inline(plot) for plot in all_plots(make_facts(epochs=4))]
    everything = "".join(texts)
    assert not [colour for colour in CSS_NAMES if colour in everything]
    assert "var(--ink)" in everything and "#000000" not in everything
    ids = [part.split('"')[0] for part in everything.split(' id="')[1:]]
    assert len(ids) == len(set(ids)) > 0
    used = [part.split(")")[0] for part in everything.split("url(#")[1:]]
    assert set(used) <= set(ids)


def test_zeros_are_told_apart_from_small_weights(make_facts: MakeFacts) -> None:
    facts = make_facts()
    plot = next(plot for plot in all_plots(facts) if plot.name == "weights_hidden_1")
    zeros, count = facts.histograms[0].zeros, sum(facts.histograms[0].after)
    assert f"zeros after: {zeros:,} ({zeros / count:.1%})" in svg_inline(plot)


def test_a_description_says_what_a_figure_shows(make_facts: MakeFacts) -> None:
    confusion = next(plot for plot in all_plots(make_facts(mistakes=0)) if plot.name == "confusion")
    assert "No image is misclassified" in confusion.description
    assert 'aria-label="Confusion matrix' in svg_inline(confusion)
