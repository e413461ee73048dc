"""Draws what a byte less costs in instructions: the ways to store an engine's weights, the one taken among them."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from edgedigits.model.front import Packing
from edgedigits.report.facts import BuildFacts
from edgedigits.report.style import BLUE, MUTED, RED, WIDTH, Plot, new_figure

_HEIGHT = 240.0
_ROOM = 0.12
"""Free around the points, as a share of what they span."""
_LEAST_ROOM = 1.05
_ROUND = (1, 1.2, 1.5, 1.8, *range(2, 10))
_MOST_TICKS = 5
_CAPTION = "each point is a way to store the weights that no other beats in both; in words: inspect --packings"


def packing_plots(facts: BuildFacts) -> tuple[Plot, ...]:
    """Return the curve of bytes against instructions; nothing where no packing but one is known."""
    front, chosen = facts.packings, facts.packing
    if len(front) < 2 or chosen is None:
        return ()
    engine = facts.engine
    assert engine is not None
    limit = facts.config.get("engine", {}).get("most_instructions", 0)
    return (
        Plot(
            "packings",
            f"Instructions by bytes of flash of {len(front)} packings: from {_words(front[0])} to {_words(front[-1])}. "
            f"This build: {_words(chosen)}.",
            "flash: weights counted, kernels' code about; instructions " + engine.instructions_how,
            lambda: _draw(front, chosen, limit),
            _CAPTION + (f"; dashed: the estimate that it had to keep, {limit:,}" if limit else ""),
        ),
    )


def _words(one: Packing) -> str:
    return f"{one.instructions:,} in {one.flash:,} B ({_names(one)})"


def _names(one: Packing) -> str:
    """Return the encodings, one where all layers have the same."""
    return ", ".join(one.encodings if len(set(one.encodings)) > 1 else one.encodings[:1])


def _draw(front: Sequence[Packing], chosen: Packing, limit: int) -> Figure:
    drawn = [*front, chosen]
    flash = [one.flash for one in drawn]
    instructions = [*(one.instructions for one in drawn), *([limit] if limit else [])]
    left = 14 + 5.6 * len(f"{max(instructions):,}")
    figure, axes = new_figure("Instructions by bytes of flash", _HEIGHT, (left, 34, 16, 44))
    places = [one.flash for one in front], [one.instructions for one in front]
    # Between two points there is nothing: with more room than the one needs, but less than the next, it takes as many.
    axes.plot(*places, "o-", color=BLUE, drawstyle="steps-post", linewidth=1.1, markersize=3.5, label="packings")
    axes.plot(chosen.flash, chosen.instructions, "o", color=RED, markersize=7, zorder=3, label="this build")
    if limit:
        axes.axhline(limit, color=MUTED, linewidth=0.9, dashes=(4, 3), zorder=1, label=f"within {limit:,}")
    _name(axes, front[-1])
    _scale(axes, "x", min(flash), max(flash))
    _scale(axes, "y", min(instructions), max(instructions))
    axes.set_xlabel("weights and their kernels' code", fontsize=9.5, labelpad=2)
    axes.grid(axis="both")
    axes.set_axisbelow(True)
    figure.legend(
        loc="upper left", bbox_to_anchor=(-2 / WIDTH, 1 - 17 / _HEIGHT), ncols=3, columnspacing=1.2, borderpad=0.3
    )
    return figure


def _name(axes: Axes, fastest: Packing) -> None:
    """Write what the last point is to its left and below, where a front has nothing."""
    place = (fastest.flash, fastest.instructions)
    axes.annotate(
        _names(fastest), place, (-3, -4), textcoords="offset points", ha="right", va="top", fontsize=8.5, color=MUTED
    )


def _scale(axes: Axes, which: str, low: float, high: float) -> None:
    """Make an axis logarithmic, with a few round ticks and room around what lies from `low` to `high`."""
    room = max((high / low) ** _ROOM, _LEAST_ROOM)
    bottom, top = low / room, high * room
    axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}scale": "log", f"{which}lim": (bottom, top)})
    axis.set_major_locator(FixedLocator(_ticks(bottom, top)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:,.0f}")


def _ticks(bottom: float, top: float) -> list[float]:
    """Return a few round numbers between, about equally far apart on a logarithmic axis."""
    apart = (top / bottom) ** (1 / _MOST_TICKS)
    ticks: list[float] = []
    for value in (step * 10**decade for decade in range(12) for step in _ROUND):
        if bottom <= value <= top and (not ticks or value >= ticks[-1] * apart):
            ticks.append(value)
    return ticks
