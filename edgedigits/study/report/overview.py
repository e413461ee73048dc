"""The pictures of a study's answer: what each choice does, with intervals, and the fronts of accuracy against cost."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from edgedigits.report.scales import share_scale
from edgedigits.report.style import BLUE, GRID, INK, MUTED, Plot, new_figure
from edgedigits.study.findings.choices import ANCHORS, Anchor
from edgedigits.study.findings.effects import Effect, in_points
from edgedigits.study.findings.insights import COSTS, Insights
from edgedigits.study.report.drawing import finish, legend_room, look

EFFECTS, PARETO = "effects", "pareto_"
"""Name of the figure of effects, and what those of the fronts begin with."""
_MOST_EFFECTS = 24
_APART = (22.0, 11.0)
"""Width and height of a number in pixels: points that are closer share one."""
_LINE = 27.0
"""Height of an effect in points: a line of words, and its interval."""


def effect_plots(insights: Insights) -> list[Plot]:
    """Return the figure of what each choice does; none where nothing could be compared."""
    shown = sorted(insights.effects, key=lambda one: -abs(one.difference))[:_MOST_EFFECTS]
    if not shown:
        return []
    largest = shown[0]
    of = "" if len(shown) == len(insights.effects) else f"the largest {len(shown)} of {len(insights.effects)}; "
    return [
        Plot(
            EFFECTS,
            f"What each choice does to accuracy, in points. Largest: {largest.axis} {largest.value} against "
            f"{largest.against}, {in_points(largest.difference)} points ({largest.verdict}).",
            f"{of}points of accuracy in trials that differ in nothing else; lines: 95% intervals, Student's t over "
            "seeds; filled: real among all, open: not told from 0, by itself only, or too few seeds",
            partial(_draw_effects, shown),
        )
    ]


def _draw_effects(shown: list[Effect]) -> Figure:
    figure, axes = new_figure("What each choice does to accuracy", 62 + _LINE * len(shown), (10, 34, 12, 22))
    for number, one in enumerate(shown):
        low, high = (100 * (one.difference if end is None else end) for end in (one.low, one.high))
        colour = BLUE if one.real else MUTED
        axes.plot([low, high], [number, number], color=colour, linewidth=1.8, solid_capstyle="butt")
        face = colour if one.real else "none"
        axes.plot(100 * one.difference, number, "o", color=colour, markerfacecolor=face, markersize=5)
        place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": 8.5, "va": "center"}
        axes.text(0, number - 0.42, f"{one.axis} {one.value} against {one.against}", **place)
        axes.text(1, number - 0.42, in_points(one.difference), ha="right", **place)
    axes.set_ylim(len(shown) - 0.5, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.06)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    _effect_grid(axes, len(shown))
    axes.set_xlabel("points of accuracy", fontsize=9.5, labelpad=2)
    return figure


def _effect_grid(axes: Axes, rows: int) -> None:
    """Draw lines behind the intervals, and none through the words above them."""
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    for tick, colour in [*((tick, GRID) for tick in ticks), (0.0, INK)]:
        ends = np.arange(rows)[:, None] + (-0.2, 0.4)
        axes.vlines([tick] * rows, ends[:, 0], ends[:, 1], colors=colour, linewidth=0.8, zorder=0.5)
    axes.set_xlim(low, high)


def cost_plot(insights: Insights, cost: str) -> Plot:
    """Return the figure of accuracy against a cost; others' figures stand beside ours only on the same test images."""
    front = insights.fronts[cost]
    anchors = ANCHORS.get(cost, ()) if insights.on_mnist else ()
    return Plot(
        f"{PARETO}{cost}",
        f"Accuracy against {COSTS[cost]}; {len(front)} of {insights.means[cost].notna().sum()} variants on the front.",
        "means over seeds on digits that were not trained on; numbers: the variants on the front, in the table; half "
        "as many errors are as far apart everywhere"
        + "".join(f"; {one}" for one in dict.fromkeys(one.source for one in anchors)),
        partial(_draw_front, insights.means.dropna(subset=[cost]), front, cost, anchors),
    )


def _draw_front(points: pd.DataFrame, front: pd.DataFrame, cost: str, anchors: tuple[Anchor, ...]) -> Figure:
    top = legend_room(points["compression"].nunique(), 2)
    figure, axes = new_figure(f"Accuracy against {COSTS[cost]}", 236 + top, (46, 34, 14, top))
    axes.set_xscale("log")
    place = share_scale(axes, [points["accuracy"].tolist(), [one.accuracy for one in anchors]])
    for number, name in enumerate(dict.fromkeys(points["compression"])):
        rows = points[points["compression"] == name]
        colour, marker = look(number)
        style: dict[str, Any] = {"markersize": 4, "alpha": 0.8, "label": name, "linestyle": "none"}
        axes.plot(rows[cost], place(rows["accuracy"].tolist()), color=colour, marker=marker, **style)
    heights = place(front["accuracy"].tolist())
    axes.step(front[cost], heights, where="post", color=INK, linewidth=1.1)
    others = [(one, place([one.accuracy])[0]) for one in sorted(anchors, key=lambda one: one.cost)]
    for one, y in others:
        axes.plot(one.cost, y, "D", markeredgecolor=MUTED, markerfacecolor="none", markersize=6)
    axes.margins(x=0.09)
    for number, (one, y) in enumerate(others):
        # Above and below in turn, so that neighbours keep apart.
        _name(axes, one.name, (one.cost, y), (0, -12 if number % 2 else 6), MUTED, _side(axes, one.cost))
    for text, point in _numbers(axes, list(zip(front[cost], heights, strict=True))):
        _name(axes, text, point, (-4, 4), INK, "right")
    _cost_ticks(axes)
    axes.set_axisbelow(True)
    finish(figure, axes, COSTS[cost], 2, both=True)
    return figure


def _name(axes: Axes, text: str, place: tuple[float, float], offset: tuple[int, int], colour: str, side: str) -> None:
    style: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8, "color": colour, "ha": side}
    axes.annotate(text, place, xytext=offset, **style)


def _numbers(axes: Axes, points: list[tuple[float, float]]) -> list[tuple[str, tuple[float, float]]]:
    """Return the numbers of points from 1 and where to write them; those that lie together share one, as "2–4"."""
    places = axes.transData.transform(points)
    first, found = 0, []
    for last, here in enumerate(places):
        if last + 1 == len(places) or (abs(places[last + 1] - here) > _APART).any():
            text = f"{first + 1}" if first == last else f"{first + 1}–{last + 1}"
            found.append((text, points[first]))
            first = last + 1
    return found


def _side(axes: Axes, cost: float) -> str:
    """Return how to align a label at that cost, so that it stays inside the axes."""
    low, high = np.log(axes.get_xlim())
    place = (np.log(cost) - low) / (high - low)
    return "left" if place < 0.15 else "right" if place > 0.85 else "center"


def _cost_ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    ticks: list[float] = []
    for digits in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        every = [digit * 10**power for power in range(1, 8) for digit in digits]
        ticks = ticks if len(ticks) > 2 else [tick for tick in every if low <= tick <= high]
    if len(ticks) < 3:
        ticks = [tick for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value >= 1000 else f"{value:g}")
