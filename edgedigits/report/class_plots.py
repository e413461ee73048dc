"""Draws how the classes fared: the confusion matrix, and precision and recall of each digit."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

from edgedigits.report.facts import BuildFacts
from edgedigits.report.style import BLUE, FILL, INK, MUTED, RED, WIDTH, Plot, class_grid, new_figure
from edgedigits.report.words import percent

_WEAKEST, _STRONGEST, _DIAGONAL = 0.1, 0.72, 0.3
"""How opaque a cell is: the rarest error, the most common one, and those on the diagonal."""


def class_plots(facts: BuildFacts) -> tuple[Plot, ...]:
    """Return the confusion matrix and the figure of precision and recall by class."""
    scores = facts.evaluation.scores
    how = f"measured: model.tflite on {facts.evaluation.scored_by}, {scores.count:,} test images"
    weakest = min(range(len(scores.per_class)), key=lambda digit: scores.per_class[digit].recall)
    return (
        Plot(
            "confusion",
            f"Confusion matrix: {scores.errors:,} of {scores.count:,} test images are off the diagonal. "
            + _worst(facts),
            how,
            lambda: _confusion(scores.confusion),
            "the redder, the larger the share of that digit's images",
        ),
        Plot(
            "classes",
            f"Precision and recall by digit; the lowest recall is {percent(scores.per_class[weakest].recall)}, "
            f"for the digit {weakest}.",
            how,
            lambda: _classes(facts),
        ),
    )


def _worst(facts: BuildFacts) -> str:
    cells = [
        (count, true, given)
        for true, row in enumerate(facts.evaluation.scores.confusion)
        for given, count in enumerate(row)
        if true != given and count
    ]
    if not cells:
        return "No image is misclassified."
    count, true, given = max(cells, key=lambda cell: (cell[0], -cell[1], -cell[2]))
    return f"Most often {true} is taken for {given}: {count:,} times."


def _confusion(confusion: tuple[tuple[int, ...], ...]) -> Figure:
    figure, axes = new_figure("Confusion matrix", WIDTH, (36, 34, 8, 26))
    largest = max((_error_share(row, i, j) for i, row in enumerate(confusion) for j in range(len(row))), default=0)
    for true, row in enumerate(confusion):
        for given, count in enumerate(row):
            if count:
                _cell(axes, true, given, count, _error_share(row, true, given) / (largest or 1))
    class_grid(axes, len(confusion), linewidth=0.6)
    return figure


def _cell(axes: Axes, true: int, given: int, count: int, share: float) -> None:
    """Draw one count; `share` is that of an error, 1 for the most common one."""
    diagonal = true == given
    # The square root keeps a single mistake visible beside the most common one.
    strength = _DIAGONAL if diagonal else _WEAKEST + (_STRONGEST - _WEAKEST) * share**0.5
    colour = FILL if diagonal else RED
    axes.add_patch(Rectangle((given - 0.5, true - 0.5), 1, 1, facecolor=colour, alpha=strength, linewidth=0))
    axes.text(
        given,
        true,
        str(count),
        ha="center",
        va="center",
        fontsize=9 if count < 10_000 else 7,
        color=MUTED if diagonal else INK,
        fontweight="normal" if diagonal else "bold",
    )


def _error_share(row: tuple[int, ...], true: int, given: int) -> float:
    return row[given] / max(1, sum(row)) if true != given else 0.0


def _classes(facts: BuildFacts) -> Figure:
    per_class = facts.evaluation.scores.per_class
    figure, axes = new_figure("Precision and recall by digit", WIDTH, (24, 34, 14, 26))
    lowest = min(min(one.precision, one.recall) for one in per_class)
    for digit, one in enumerate(per_class):
        axes.plot([100 * one.precision, 100 * one.recall], [digit, digit], color=FILL, linewidth=2.5, zorder=1)
    digits = range(len(per_class))
    # Where both are the same, the disc shows inside the hollow diamond.
    axes.plot([100 * one.recall for one in per_class], digits, "o", color=BLUE, label="recall", ms=5, clip_on=False)
    axes.plot(
        [100 * one.precision for one in per_class],
        digits,
        "D",
        markeredgecolor=RED,
        markerfacecolor="none",
        markeredgewidth=1.5,
        markersize=8,
        label="precision",
        clip_on=False,
    )
    # A little room to the left of the worst one, and never less than a few percent in all.
    axes.set_xlim(min(100 * lowest - 2, 95.0), 100)
    axes.set_ylim(len(per_class) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(range(len(per_class))))
    axes.xaxis.set_major_formatter("{x:g}%")
    axes.tick_params(axis="y", length=0)
    axes.grid()
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    figure.legend(
        loc="upper right",
        bbox_to_anchor=(1, 1 + 2 / WIDTH),
        ncols=2,
        handletextpad=0.2,
        columnspacing=0.8,
        borderpad=0.3,
    )
    return figure
