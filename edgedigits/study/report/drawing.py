"""What the pictures of a study have in common: colours, wide figures, cells with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgedigits.report.style import BLUE, GREEN, MUTED, RED, WIDTH, new_figure

# Okabe and Ito's colours; dashes and markers tell lines apart where colours do not.
COLOURS = (BLUE, RED, GREEN, "#cc79a7", "#e69f00", "#56b4e9", MUTED, "#8f7a00")
DASHES: tuple[tuple[float | None, float | None], ...] = ((None, None), (4, 1.5), (1.5, 1.5), (6, 1.5))
MARKERS = "osD^vP*X"
BANDS = "lines: means; bands: lowest to highest seed"
"""How the lines of a chart are read."""
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
            place: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "fontsize": 8.5,
                "color": "#ffffff" if dark else "#000000",
            }
            axes.text(column, row, texts[row][column], **place)
    axes.set(xlim=(-0.5, matrix.shape[1] - 0.5), ylim=(matrix.shape[0] - 0.5, -0.5))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@dataclass(frozen=True)
class Curve:
    """A line of a chart with one value a seed at each place: its mean, and a band from the lowest to the highest.

    Attributes:
        label: for the legend.
        x: positions.
        values: one list a seed, in percent.
        number: which colour, dash and marker.
        marker: draw one at each position.
    """

    label: str
    x: Sequence[float]
    values: Any
    number: int
    marker: bool = False


def line_chart(
    title: str, lines: Sequence[Curve], *, x: str, columns: int, right: float = 10.0, both: bool = False
) -> tuple[Figure, Axes]:
    """Return a chart of lines in percent.

    Args:
        title: above it.
        lines: what is drawn.
        x: what the positions are.
        columns: of the legend.
        right: margin in points.
        both: a grid in both directions.
    """
    top = legend_room(len(lines), columns)
    figure, axes = new_figure(title, 200 + top, (42, 34, right, top))
    for line in lines:
        _band(axes, line)
    percent_axis(axes.yaxis)
    finish(figure, axes, x, columns, both=both)
    return figure, axes


def finish(figure: Figure, axes: Axes, x: str, columns: int, *, both: bool) -> None:
    """Add grid, what x is, and the legend between title and axes."""
    axes.grid(axis="both" if both else "y")
    axes.set_xlabel(x, fontsize=9.5, labelpad=2)
    legend(figure, axes.get_legend_handles_labels(), columns)


def legend(figure: Figure, entries: tuple[list[Any], list[Any]], columns: int) -> None:
    """Put a legend between the title and the axes, which `legend_room` leaves room for.

    Args:
        figure: of the usual width.
        entries: handles and labels.
        columns: of the legend.
    """
    height = 72 * figure.get_size_inches()[1]
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (-2 / WIDTH, 1 - 18 / height), "ncols": columns}
    figure.legend(*entries, **place, fontsize=8.5, columnspacing=0.9, labelspacing=0.25, borderpad=0.3)


def _band(axes: Axes, line: Curve) -> None:
    values, number = np.asarray(line.values, float), line.number
    colour, sign = look(number)
    if len(values) > 1:
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        axes.fill_between(line.x, low, high, color=colour, alpha=0.2, linewidth=0)
    style: dict[str, Any] = {"dashes": DASHES[(number // len(COLOURS) + number) % len(DASHES)], "linewidth": 1.6}
    style |= {"marker": sign if line.marker else None, "markersize": 4, "label": line.label}
    axes.plot(line.x, np.nanmean(values, axis=0), color=colour, **style)


def legend_room(entries: int, columns: int) -> float:
    """Return the points above the axes that a title and a legend of so many entries need."""
    return 28 + 14.0 * -(-entries // columns)


def percent_axis(axis: Any) -> None:
    """Label an axis of values 0…100 in percent."""
    axis.set_major_formatter("{x:g}%")
