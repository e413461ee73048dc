"""Draws the models of the frontier beside what others have published: accuracy on MNIST's test images by bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from edgedigits.report.style import BLUE, GREEN, MUTED, Plot, new_figure
from edgedigits.report.words import percent

_HEIGHT = 262.0
_TICKS = (500, 1000, 2000, 4000, 8000, 16000, 32000)
_SHARES = (90, 95, 97, 98, 99, 99.5)


@dataclass(frozen=True)
class Published:
    """A network of somebody else's, with the figures of its author.

    Attributes:
        nbytes: of its parameters.
        accuracy: share of the 10,000 test images, most of them chosen on these.
        name: to be drawn beside it; "" for none.
        source: where the figures are from.
    """

    nbytes: int
    accuracy: float
    name: str
    source: str


_PDK = "BitNetPDK, 8×8 or 16×16 inputs"
DENSE = (
    Published(424, 0.9170, "", _PDK),
    Published(848, 0.9492, "BitNetPDK", _PDK),
    Published(1_104, 0.9564, "", _PDK),
    Published(1_696, 0.9660, "", _PDK),
    Published(4_075, 0.9791, "", "BitNetMCU, 16×16 inputs"),
    Published(7_536, 0.9852, "", "BitNetMCU, 16×16 inputs"),
    Published(12_605, 0.9902, "BitNetMCU", "BitNetMCU, 16×16 inputs"),
    Published(17_039, 0.9904, "", "BitNetMCU, 16×16 inputs"),
    Published(27_648, 0.9842, "Deep Compression", "Han et al., 2015, LeNet-300-100"),
)
"""Dense networks."""
CONVOLUTIONAL = (
    Published(697, 0.9900, "80,000 multiplications", "a CNN of 697 weights"),
    Published(3_277, 0.9892, "", "BitNetMCU's CNN"),
    Published(7_475, 0.9928, "686,490 cycles", "BitNetMCU's CNN"),
    Published(11_571, 0.9955, "", "BitNetMCU's CNN"),
)
"""Small convolutional networks: better by the byte, at many more multiplications."""

Point = tuple[int, float]
"""Bytes, and a share 0…1."""


def front_plot(points: Sequence[Point]) -> Plot:
    """Return the figure of models.

    Args:
        points: bytes of constants and accuracy on the test images of each model, the smallest first.
    """
    ends = f"{percent(points[0][1])} in {points[0][0]:,} B to {percent(points[-1][1])} in {points[-1][0]:,} B"
    return Plot(
        "front",
        f"Accuracy by bytes of parameters. Models of edgedigits, all dense: {ends}. "
        "Published dense networks lie below, small convolutional ones above.",
        "measured: int8, 10,000 MNIST test images, chosen on validation; published ones by their authors, "
        "most chosen on test",
        lambda: _draw(points),
        wide=True,
    )


def _draw(points: Sequence[Point]) -> Figure:
    figure, axes = new_figure("Accuracy on MNIST by bytes of parameters", _HEIGHT, (44, 34, 18, 62))
    _line(axes, points, BLUE, "o", "edgedigits, dense")
    for published, color, marker, label in (
        (DENSE, MUTED, "D", "published, dense"),
        (CONVOLUTIONAL, GREEN, "^", "published, convolutional"),
    ):
        _line(axes, [(one.nbytes, one.accuracy) for one in published], color, marker, label)
        for one in published:
            _name(axes, one, color)
    axes.set_xscale("log")
    axes.set_xlim(350, 36_000)
    axes.xaxis.set_major_locator(FixedLocator(_TICKS))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    # Wrong ones on a logarithmic axis: half as many are as far apart everywhere.
    axes.set_yscale("log")
    axes.set_ylim(10, 0.35)
    axes.yaxis.set_major_locator(FixedLocator([100 - share for share in _SHARES]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda wrong, _: f"{100 - wrong:g}%"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.set_xlabel("bytes of weights, levels, biases and factors", fontsize=9.5, labelpad=2)
    axes.grid(axis="both")
    axes.set_axisbelow(True)
    top = 1 - 20 / _HEIGHT
    figure.legend(loc="upper left", bbox_to_anchor=(0, top), ncols=2, fontsize=8.5, columnspacing=1.2, borderpad=0.3)
    return figure


def _line(axes: Axes, points: Sequence[Point], color: str, marker: str, label: str) -> None:
    x, wrong = [nbytes for nbytes, _ in points], [100 * (1 - accuracy) for _, accuracy in points]
    face, width = ("none" if color == MUTED else color), (1.1 if color == BLUE else 0)
    axes.plot(x, wrong, color=color, marker=marker, markersize=4.5, linewidth=width, label=label, markerfacecolor=face)


def _name(axes: Axes, one: Published, color: str) -> None:
    axes.annotate(
        one.name,
        (one.nbytes, 100 * (1 - one.accuracy)),
        xytext=(0, 6 if color == GREEN else -12),
        textcoords="offset points",
        fontsize=7.5,
        color=color,
        # Away from the right edge, and from our own line.
        ha="right" if one.nbytes > (5_000 if color == GREEN else 20_000) else "left",
    )
