"""How the figures of a report look, and how they become bytes: the same facts give the same bytes.

Figures are drawn once, in the colours below on nothing. Files get a white background. In the page the same drawing
follows the reader's light or dark colours, since each colour below becomes a CSS variable there.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart in all common kinds of colour blindness; dashes tell lines apart in print.
INK, MUTED, GRID, FILL = "#1c2024", "#60666e", "#d9dce0", "#b3b9c1"
BLUE, RED, GREEN = "#0072b2", "#d55e00", "#009e73"
CSS_NAMES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    FILL: "fill",
    BLUE: "blue",
    RED: "red",
    GREEN: "green",
}
WIDTH = 330
"""Width of a figure in points: a little below a phone's screen in CSS pixels, so that text keeps its size there."""

_PNG_DPI = 200
_RC = {
    "font.family": "DejaVu Sans",  # Comes with Matplotlib, so it is the same on every machine.
    "font.size": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "legend.handlelength": 1.8,
    "text.parse_math": False,  # A dollar sign in a name is a dollar sign.
    "svg.hashsalt": "edgedigits",
}


@dataclass(frozen=True)
class Plot:
    """A figure of a report.

    Attributes:
        name: of its files, without a suffix.
        description: what it shows, for those who cannot see it, with the figures that matter.
        how: how the figures were obtained; a page says so at its end.
        draw: draws it; called inside `drawing_style`.
        caption: how to read it, below it; "" where it says so itself.
        wide: it takes the whole width of the page.
    """

    name: str
    description: str
    how: str
    draw: Callable[[], Figure]
    caption: str = ""
    wide: bool = False


@contextmanager
def drawing_style() -> Iterator[None]:
    """Use the style of the report, whatever the user's own configuration of Matplotlib says."""
    with matplotlib.style.context(["default", _RC]):
        yield


def new_figure(title: str, height: float, margins: tuple[float, float, float, float]) -> tuple[Figure, Axes]:
    """Return a figure of the usual width with one pair of axes.

    Args:
        title: above the axes.
        height: of the figure, in points.
        margins: around the axes in points: left, bottom, right, top.
    """
    left, bottom, right, top = margins
    figure = Figure(figsize=(WIDTH / 72, height / 72), facecolor="none")
    size = ((WIDTH - left - right) / WIDTH, (height - bottom - top) / height)
    axes = figure.add_axes((left / WIDTH, bottom / height, *size), facecolor="none")
    figure.text(4 / WIDTH, 1 - 5 / height, title, va="top", fontsize=11, fontweight="bold")
    axes.tick_params(length=3, width=0.8, labelsize=9.5)
    return figure, axes


def class_grid(axes: Axes, classes: int, *, linewidth: float) -> None:
    """Lay out a confusion matrix: a cell at each pair of classes, within lines of so many points."""
    ticks, borders = range(classes), [place - 0.5 for place in range(classes + 1)]
    axes.set(xlim=(-0.5, classes - 0.5), ylim=(classes - 0.5, -0.5), xticks=ticks, yticks=ticks)
    axes.hlines(borders, borders[0], borders[-1], colors=GRID, linewidth=linewidth)
    axes.vlines(borders, borders[0], borders[-1], colors=GRID, linewidth=linewidth)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("class given", fontsize=9.5, labelpad=3)
    axes.set_ylabel("true class", fontsize=9.5, labelpad=3)


SUFFIXES = (".svg", ".png")
"""Of the files that a figure is written to."""


def plot_files(plot: Plot, *suffixes: str) -> dict[str, bytes]:
    """Return the figure's files on white, by suffix; drawn once for all.

    Args:
        plot: the figure.
        suffixes: of `SUFFIXES`. Letters of an .svg file are outlines, so that no font is needed.
    """
    with drawing_style():
        figure = plot.draw()
        return {suffix: _svg(figure, "path", "white") if suffix == ".svg" else _png(figure) for suffix in suffixes}


def svg_inline(plot: Plot) -> str:
    """Return the figure as an <svg> element for the page.

    Its colours are CSS variables, its letters text in the font of the page, and its ids do not clash with those of
    other figures.
    """
    with drawing_style():
        text = _svg(plot.draw(), "none", "none").decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    view_box = re.search(r'viewBox="[^"]*"', text)
    head = f'<svg {view_box[0] if view_box else ""} role="img" aria-label="{escape(plot.description)}">'
    text = re.sub(r"<svg[^>]*>", lambda _: head, text)
    text = re.sub(r" font-family: [^;\"]*;?| transform=\"rotate\(-?0 [^\"]*\"", "", text)
    text = text.replace("xlink:href", "href")
    text = _own_ids(text, plot.name)
    for colour, name in CSS_NAMES.items():
        text = text.replace(colour, f"var(--{name})")
    return re.sub(r"\s*\n\s*", " ", re.sub(r">\s+<", "><", text)).strip()


def _svg(figure: Figure, letters: str, background: str) -> bytes:
    content = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": letters}):
        nothing = dict.fromkeys(("Date", "Creator", "Type", "Format"))
        figure.savefig(content, format="svg", facecolor=background, metadata=nothing)
    return content.getvalue().encode()


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    # Without the library's version in it, the file only depends on what is drawn.
    figure.savefig(content, format="png", dpi=_PNG_DPI, facecolor="white", metadata={"Software": None})
    return content.getvalue()


def _own_ids(text: str, name: str) -> str:
    """Drop the ids that nothing refers to and put `name` in front of the others."""
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))

    def rename(match: re.Match[str]) -> str:
        return f' id="{name}-{match[1]}"' if match[1] in used else ""

    text = re.sub(r' id="([^"]*)"', rename, text)
    return re.sub(r'(url\(|href=")#', rf"\g<1>#{name}-", text)
