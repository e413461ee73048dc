"""Draws the weights of each layer before and after compression."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from edgedigits.report.facts import BuildFacts, WeightHistogram
from edgedigits.report.style import BLUE, FILL, RED, WIDTH, Plot, new_figure
from edgedigits.report.words import percent

_HEIGHT = 220.0


def weight_plots(facts: BuildFacts) -> tuple[Plot, ...]:
    """Return a histogram for each layer."""
    return tuple(_plot(histogram) for histogram in facts.histograms)


def _plot(histogram: WeightHistogram) -> Plot:
    count = sum(histogram.after)
    return Plot(
        f"weights_{histogram.layer}",
        f"Histogram of the {count:,} weights of {histogram.layer} before and after compression; after it "
        f"{histogram.zeros:,} are exactly 0 ({percent(histogram.zeros / max(1, count), 1)}).",
        "counted: float32 model before, int8 weights of model.tflite times their scale after",
        lambda: _draw(histogram),
    )


def _draw(histogram: WeightHistogram) -> Figure:
    figure, axes = new_figure(f"Weights of {histogram.layer}", _HEIGHT, (42, 34, 10, 44))
    edges = np.array(histogram.edges)
    after = np.array(histogram.after)
    inside = np.flatnonzero((edges[:-1] <= 0) & (edges[1:] > 0))
    # The zeros get a line of their own: in their bin they would hide how many small weights there are.
    after[inside[:1]] -= histogram.zeros
    axes.stairs(np.array(histogram.before), edges, color=FILL, fill=True, label="before", baseline=0.5)
    axes.stairs(np.maximum(after, 0), edges, color=BLUE, linewidth=1.4, label="after", baseline=0.5)
    axes.set_yscale("log")
    tallest = max(*histogram.before, *histogram.after, histogram.zeros, 1)
    axes.set_ylim(0.7, tallest * 2)
    axes.set_xlim(edges[0], edges[-1])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(7, symmetric=True))
    axes.set_xlabel("weight", fontsize=9.5, labelpad=2)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    if histogram.zeros:
        _mark_zeros(axes, histogram)
    figure.legend(
        loc="upper left",
        bbox_to_anchor=(-2 / WIDTH, 1 - 17 / _HEIGHT),
        ncols=3,
        columnspacing=1.2,
        borderpad=0.3,
    )
    return figure


def _mark_zeros(axes: Axes, histogram: WeightHistogram) -> None:
    share = percent(histogram.zeros / max(1, sum(histogram.after)), 1)
    axes.plot(
        [0, 0], [0.7, histogram.zeros], color=RED, linewidth=2, label=f"zeros after: {histogram.zeros:,} ({share})"
    )
    axes.plot([0], [histogram.zeros], "o", color=RED, markersize=5)
