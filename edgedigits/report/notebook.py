"""A finished build as a small card, for the last line of a notebook's cell."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.report.class_plots import class_plots
from edgedigits.report.curves import training_plots
from edgedigits.report.facts import BuildFacts
from edgedigits.report.headlines import headlines
from edgedigits.report.rendering import png_source, source_of_png
from edgedigits.report.style import Plot, plot_files
from edgedigits.report.words import accuracy_steps, compression_words, loss_words, percent
from edgedigits.scoring.evaluation import evaluation_to_html

if TYPE_CHECKING:
    from edgedigits.teachers.make import TeacherFacts

_MISTAKES = 12
_CELL = 'style="text-align:left;padding:2px 12px 2px 0"'


def build_to_html(facts: BuildFacts) -> str:
    """Return the figures that matter as HTML with inline styles only; the evaluation's own folds out below.

    It takes its colours from the notebook, light or dark.
    """
    steps = " → ".join(f"{step.label} {percent(step.accuracy)}" for step in accuracy_steps(facts))
    rows = [(one.title, one.value, one.detail, one.how) for one in headlines(facts)]
    rows.insert(1, ("by stage", "", steps, "measured: test split"))
    view = facts.evaluation.view
    sees = "" if view.is_plain else f"; sees {view}"
    lines = "".join(_row(*row) for row in rows)
    return (
        f"<p><b>{escape(facts.name)}</b>: {escape(facts.data.source)}, "
        f"{escape(loss_words(facts.config))} loss, {escape(compression_words(facts))}{sees}</p>\n"
        f"<table>{lines}</table>\n"
        f"{_pictures(facts)}"
        f"<details><summary>digit by digit, agreement of runtimes</summary>"
        f"{evaluation_to_html(facts.evaluation)}</details>"
    )


def _pictures(facts: BuildFacts) -> str:
    """Return the curves of accuracy and the confusion matrix, and the worst mistakes."""
    plots = training_plots(facts)[0], class_plots(facts)[0]
    shown = "".join(
        f'<img alt="{escape(plot.description)}" width="400" style="margin:4px" src="{_source(plot)}"/>'
        for plot in plots
    )
    wrong = "".join(
        f'<img title="{one.label} taken for {one.predicted}" alt="{one.label} taken for {one.predicted}" width="56" '
        f'style="margin:2px;image-rendering:pixelated" src="{png_source(one.pixels.reshape(IMAGE_SIDE, IMAGE_SIDE))}"/>'
        for one in facts.mistakes[:_MISTAKES]
        if one.pixels is not None
    )
    return f"<p>{shown}</p>\n<p>{wrong}</p>\n"


def teacher_to_html(facts: TeacherFacts) -> str:
    """Return how often a teacher and its networks are right, as HTML with inline styles only."""
    lines = "".join(
        _row(name, percent(one.test), f"validation {percent(one.validation)}", "") for name, one in facts.rows
    )
    return (
        f"<p><b>{facts.kind}</b>: {facts.parameters:,} parameters, right on the test split</p>\n<table>{lines}</table>"
    )


def _row(title: str, value: str, detail: str, how: str) -> str:
    cells = (f"<b>{escape(value)}</b>", escape(detail), f"<small>{escape(how)}</small>")
    return f"<tr><th {_CELL}>{escape(title)}</th>" + "".join(f"<td {_CELL}>{cell}</td>" for cell in cells) + "</tr>"


def _source(plot: Plot) -> str:
    return source_of_png(plot_files(plot, ".png")[".png"])
