"""Draws how training went: accuracy, loss, precision, recall and sparsity, all stages one after another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgedigits.report.facts import BuildFacts
from edgedigits.report.scales import Scale, loss_scale, share_scale, zeros_scale
from edgedigits.report.style import BLUE, GREEN, INK, MUTED, RED, WIDTH, Plot, new_figure
from edgedigits.report.words import percent, sparsity, stage_label
from edgedigits.scoring.record import StageSummary

# More points than a figure has room for: a long training is thinned out, its last epoch kept.
MOST_POINTS = 300
_LEFT, _BOTTOM, _RIGHT, _TOP, _HEIGHT = 42.0, 34.0, 10.0, 52.0, 250.0
_POINTS_PER_LETTER = 5.6
_HOW = "measured by Keras at the end of each epoch"
_LOGARITHMIC = "logarithmic in the errors"

_UNDER = 3.8
"""Width of a line that shows on both sides of the one over it."""


class HistoryLine(NamedTuple):
    """A line of a figure: its key in the history, and how it is drawn; `under` is for one that another may hide."""

    key: str
    label: str
    colour: str
    dashed: bool = False
    under: bool = False

    @property
    def style(self) -> dict[str, Any]:
        """What Matplotlib is to draw it with."""
        width = _UNDER if self.under else 1.2 if self.dashed else 1.8
        return {"color": self.colour, "dashes": (2.5, 1.5) if self.dashed else (None, None), "linewidth": width}


def training_plots(facts: BuildFacts) -> tuple[Plot, ...]:
    """Return the figures that the histories hold: no loss for "one-hot", no sparsity without pruning."""
    plots = [_accuracy(facts)]
    if has_loss(facts):
        plots.append(_loss(facts))
    plots.append(_precision_recall(facts))
    if any("sparsity" in stage.history for stage in facts.stages):
        plots.append(_sparsity(facts))
    return tuple(plots)


def has_loss(facts: BuildFacts) -> bool:
    """Tell whether the loss has a value; that of "one-hot" is 0 throughout."""
    return any(any(stage.history.get(key, ())) for stage in facts.stages for key in ("loss", "val_loss"))


def _accuracy(facts: BuildFacts) -> Plot:
    lines = (HistoryLine("accuracy", "training", RED, dashed=True), HistoryLine("val_accuracy", "validation", BLUE))
    return Plot(
        "accuracy",
        f"Accuracy by epoch over {_stage_names(facts)}. {_ends(facts, 'val_accuracy', 'validation accuracy')}",
        _HOW,
        lambda: _curves(facts, "Accuracy", lines, share_scale),
        _LOGARITHMIC,
    )


def _precision_recall(facts: BuildFacts) -> Plot:
    lines = (
        HistoryLine("precision", "precision, training", GREEN, dashed=True, under=True),
        HistoryLine("val_precision", "precision, validation", GREEN, under=True),
        HistoryLine("recall", "recall, training", BLUE, dashed=True),
        HistoryLine("val_recall", "recall, validation", BLUE),
    )
    return Plot(
        "precision_recall",
        f"Macro precision and recall by epoch over {_stage_names(facts)}. "
        + _ends(facts, "val_recall", "validation recall"),
        _HOW,
        lambda: _curves(facts, "Precision and recall, mean of classes", lines, share_scale),
        _LOGARITHMIC,
    )


def _loss(facts: BuildFacts) -> Plot:
    name = str(facts.config.get("loss", {}).get("name", ""))
    lines = (HistoryLine("loss", "training", RED, dashed=True), HistoryLine("val_loss", "validation", BLUE))
    return Plot(
        "loss",
        f"The loss {name} by epoch over {_stage_names(facts)}.",
        _HOW,
        lambda: _curves(facts, f"Loss: {name}", lines, loss_scale),
    )


def _sparsity(facts: BuildFacts) -> Plot:
    final = sparsity(facts)
    return Plot(
        "sparsity",
        f"Share of zeros among the pruned weights by epoch; {percent(final, 1)} of all weights of the file are 0.",
        "zeros counted on the masks of the pruned layers",
        lambda: _draw_sparsity(facts),
    )


def _draw_sparsity(facts: BuildFacts) -> Figure:
    figure = _curves(facts, "Zeros among the pruned weights", (HistoryLine("sparsity", "", BLUE),), zeros_scale)
    axes = figure.axes[0]
    for target in sorted(set(facts.target_sparsity.values())):
        axes.axhline(100 * target, color=MUTED, linewidth=0.9, dashes=(4, 3), zorder=1)
        axes.annotate(
            f"target {100 * target:g}%",
            (0, 100 * target),
            xycoords=axes.get_yaxis_transform(),
            xytext=(3, 3),
            textcoords="offset points",
            color=MUTED,
            fontsize=9.5,
        )
    return figure


def _curves(facts: BuildFacts, title: str, lines: Sequence[HistoryLine], scale: Scale) -> Figure:
    figure, axes = new_figure(title, _HEIGHT, (_LEFT, _BOTTOM, _RIGHT, _TOP if len(lines) <= 2 else _TOP + 14))
    series = [
        stage.history[line.key]
        for stage in facts.stages
        for line in lines
        if any(map(math.isfinite, stage.history.get(line.key, ())))
    ]
    place = scale(axes, series)
    for stage, start in _starts(facts):
        for line in lines:
            if values := stage.history.get(line.key, ()):
                label, marker = line.label if start == 0 else None, "o" if len(values) == 1 else None
                axes.plot(*_thin(start, place(values)), label=label, marker=marker, markersize=4, **line.style)
    _epoch_axis(axes, facts)
    if len(lines) > 1:
        _legend(figure, axes, len(lines))
    return figure


def _legend(figure: Figure, axes: Axes, entries: int) -> None:
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="upper right" if entries == 2 else "upper left",
        bbox_to_anchor=(1 - 4 / WIDTH, 1.0 + 2 / _HEIGHT) if entries == 2 else (-2 / WIDTH, 1 - 18 / _HEIGHT),
        ncols=2,
        columnspacing=1.2,
        borderpad=0.3,
        labelspacing=0.2,
    )


def _epoch_axis(axes: Axes, facts: BuildFacts) -> None:
    total = sum(stage.epochs for stage in facts.stages)
    axes.set_xlim(0.5, total + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch", fontsize=9.5, labelpad=2)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    for _, start in _starts(facts):
        if start:
            axes.axvline(start + 0.5, color=MUTED, linewidth=0.9, zorder=0.5)
    for text, left in _stage_labels(facts, total):
        axes.annotate(
            text,
            (left, 1.0),
            xycoords="axes fraction",
            xytext=(0, 4),
            textcoords="offset points",
            color=INK,
            fontsize=9.5,
        )


def _stage_labels(facts: BuildFacts, total: int) -> list[tuple[str, float]]:
    """Return the names of the stages and where they begin, 0…1; short stages move their names out of the way."""
    width = WIDTH - _LEFT - _RIGHT
    names = [stage_label(stage) for stage in facts.stages]
    lengths = [(_POINTS_PER_LETTER * len(name) + 8) / width for name in names]
    lefts: list[float] = []
    earliest = 0.0
    for (_, start), length in zip(_starts(facts), lengths, strict=True):
        lefts.append(max(start / total + 0.008, earliest))
        earliest = lefts[-1] + length
    latest = 1.0
    for index in reversed(range(len(lefts))):
        lefts[index] = min(lefts[index], latest - lengths[index])
        latest = lefts[index]
    return list(zip(names, lefts, strict=True))


def _starts(facts: BuildFacts) -> Iterator[tuple[StageSummary, int]]:
    start = 0
    for stage in facts.stages:
        yield stage, start
        start += stage.epochs


def _thin(start: int, values: Sequence[float]) -> tuple[list[int], list[float]]:
    count = len(values)
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int)).tolist()
    return [start + 1 + index for index in chosen], [values[index] for index in chosen]


def _stage_names(facts: BuildFacts) -> str:
    names = [stage_label(stage) for stage in facts.stages]
    return f"the stages {', '.join(names)}" if len(names) > 1 else f"the {names[0]} stage"


def _ends(facts: BuildFacts, key: str, words: str) -> str:
    values = [(stage, stage.history[key][-1]) for stage in facts.stages if stage.history.get(key)]
    ends = ", ".join(f"{percent(value)} after {stage_label(s)}" for s, value in values)
    return f"The {words} ends at {ends}." if ends else ""
