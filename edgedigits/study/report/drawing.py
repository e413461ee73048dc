"""What the pictures of a study have in common: colours, wide figures, cells with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgedigits.report.style import BLUE, GREEN, MUTED, RED, WIDTH

# Okabe and Ito's colours; dashes and markers tell lines apart where colours do not.
COLOURS = (BLUE, RED, GREEN, "#cc79a7", "#e69f00", "#56b4e9", MUTED, "#8f7a00")
DASHES: tuple[tuple[float | None, float | None], ...] = ((None, None), (4, 1.5), (1.5, 1.5), (6, 1.5))
MARKERS = "osD^vP*X"
WIDE = 700
"""Width of a wide figure in points: the width of the page."""


def look(number: int) -> tuple[str, str]:
    """Return colour and marker of the n-th thing drawn; no pair comes twice among the first 64."""
    return COLOURS[number % len(COLOURS)], MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]


def wide_figure(title: str, height: float) -> Figure:
    """Return an empty figure as wide as the page, with a title."""
    figure = Figure(figsize=(WIDE / 72, height / 72), facecolor="none")
    figure.text(4 / WIDE, 1 - 5 / height, title, va="top", fontsize=11, fontweight="bold")
    return figure


def panel(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes at a place in points."""
    wide, high = (72 * size for size in figure.get_size_inches())
    axes = figure.add_axes((left / wide, bottom / high, width / wide, height / high), facecolor="none")
    axes.tick_params(length=3, width=0.8, labelsize=9)
    return axes


def heat_cells(
    axes: Axes, values: Any, *, low: float, high: float, texts: Sequence[Sequence[str]], map_name: str
) -> None:
    """Draw a matrix as coloured cells with a text in each; NaN stays empty.

    Args:
        axes: where.
        values: float (rows, columns).
        low, high: ends of the colour scale.
        texts: what to write, by row and column.
        map_name: of a colour map of Matplotlib.
    """
    colours = matplotlib.colormaps[map_name]
    matrix = np.asarray(values, float)
    for row, line in enumerate(matrix):
        for column, value in enumerate(line):
            if not np.isfinite(value):
                continue
            colour = colours((value - low) / (high - low))
            dark = np.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.5
            axes.add_patch(matplotlib.patches.Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour, linewidth=0))
            axes.text(
                column,
                row,
                texts[row][column],
                ha="center",
                va="center",
                fontsize=8.5,
                color="#ffffff" if dark else "#000000",
            )
    axes.set(xlim=(-0.5, matrix.shape[1] - 0.5), ylim=(matrix.shape[0] - 0.5, -0.5))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def band(
    axes: Axes, x: Sequence[float], lines: Sequence[Sequence[float]], *, label: str, number: int, marker: bool = False
) -> None:
    """Draw the mean of lines, one a seed, and the span from the lowest to the highest of them.

    Args:
        axes: where.
        x: positions.
        lines: one a seed.
        label: for the legend.
        number: which colour, dash and marker.
        marker: draw one at each position.
    """
    values = np.asarray(lines, float)
    colour, sign = look(number)
    mean = np.nanmean(values, axis=0)
    if len(values) > 1:
        axes.fill_between(x, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=colour, alpha=0.2, linewidth=0)
    dashes = DASHES[(number // len(COLOURS) + number) % len(DASHES)]
    axes.plot(
        x,
        mean,
        color=colour,
        dashes=dashes,
        label=label,
        marker=sign if marker else None,
        markersize=4,
        linewidth=1.6,
    )


def legend_room(entries: int, columns: int) -> float:
    """Return the points above the axes that a title and a legend of so many entries need."""
    return 28 + 14.0 * -(-entries // columns)


def legend_above(figure: Figure, columns: int) -> None:
    """Put the legend between the title and the axes of a narrow figure."""
    height = 72 * figure.get_size_inches()[1]
    figure.legend(
        loc="upper left",
        bbox_to_anchor=(-2 / WIDTH, 1 - 18 / height),
        ncols=columns,
        fontsize=8.5,
        columnspacing=0.9,
        labelspacing=0.25,
        borderpad=0.3,
    )


def percent_axis(axis: Any) -> None:
    """Label an axis of values 0…100 in percent."""
    axis.set_major_formatter("{x:g}%")
