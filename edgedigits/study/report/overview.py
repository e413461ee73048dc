"""The pictures of a study's answer: what each choice does, with intervals, and the fronts of accuracy against cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
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
from edgedigits.study.report.labels import Label, write_labels

EFFECTS, PARETO = "effects", "pareto_"
"""Name of the figure of effects, and what those of the fronts begin with."""
_MOST_EFFECTS = 24
_BEYOND, _LEAST = 1.25, 3.0
"""How far beyond ours others' figures may lie to be drawn, and the least range they may lie in: both as a ratio."""
_LONGEST = 16
"""Letters of a name at a point."""
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
            "points of accuracy in trials that differ in nothing else; 95% intervals, Student's t over seeds",
            partial(_draw_effects, shown),
            f"{of}lines: 95% intervals; filled: real among all, open: not",
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
    front, points = insights.fronts[cost], insights.means.dropna(subset=[cost])
    known = ANCHORS.get(cost, ()) if insights.on_mnist else ()
    near = [one for one in known if _is_near(one, points, cost)]
    outside = f"; {len(known) - len(near)} published ones lie outside" if len(near) < len(known) else ""
    return Plot(
        f"{PARETO}{cost}",
        f"Accuracy against {COSTS[cost]}; {len(front)} of {len(points)} variants on the front.",
        "means over seeds on digits that were not trained on"
        + "".join(f"; {one}" for one in dict.fromkeys(one.source for one in near)),
        partial(_draw_front, points, front, cost, near),
        f"numbers: as in the table; half as many errors are as far apart everywhere{outside}",
    )


def _is_near(anchor: Anchor, points: pd.DataFrame, cost: str) -> bool:
    """Tell whether others' figures lie where ours do: elsewhere they would press ours together."""
    wrong = 1 - points["accuracy"]
    return _is_among(anchor.cost, points[cost]) and _is_among(1 - anchor.accuracy, wrong)


def _is_among(value: float, ours: pd.Series) -> bool:
    low, high = max(float(ours.min()), 1e-9), float(ours.max())
    room = max(_BEYOND, (_LEAST * low / high) ** 0.5)
    return low / room <= value <= high * room


def _draw_front(points: pd.DataFrame, front: pd.DataFrame, cost: str, anchors: Sequence[Anchor]) -> Figure:
    top = legend_room(points["compression"].nunique(), 2)
    figure, axes = new_figure(f"Accuracy against {COSTS[cost]}", 236 + top, (46, 34, 14, top))
    axes.set_xscale("log")
    place = share_scale(axes, [points["accuracy"].tolist(), [one.accuracy for one in anchors]])
    for number, name in enumerate(dict.fromkeys(points["compression"])):
        rows = points[points["compression"] == name]
        colour, marker = look(number)
        style: dict[str, Any] = {"markersize": 4, "alpha": 0.8, "label": name, "linestyle": "none"}
        axes.plot(rows[cost], place(rows["accuracy"].tolist()), color=colour, marker=marker, **style)
    axes.step(front[cost], place(front["accuracy"].tolist()), where="post", color=INK, linewidth=1.1)
    others = [(one.cost, place([one.accuracy])[0]) for one in anchors]
    for spot in others:
        axes.plot(*spot, "D", markeredgecolor=MUTED, markerfacecolor="none", markersize=6)
    axes.margins(x=0.12)
    _cost_ticks(axes)
    axes.set_axisbelow(True)
    finish(figure, axes, COSTS[cost], 2, both=True)
    ours, best = (_spots(some, cost, place) for some in (points, front))
    labels = [Label(name, spot, INK) for name, spot in zip(_names(front), best, strict=True)]
    labels += [Label(one.name, spot, MUTED) for one, spot in zip(anchors, others, strict=True)]
    corners = [best[0], *((x, y) for (_, before), (x, after) in pairwise(best) for y in (before, after))]
    write_labels(axes, labels, [*ours, *others], corners)
    return figure


def _spots(rows: pd.DataFrame, cost: str, place: Callable[[Sequence[float]], list[float]]) -> list[tuple[float, float]]:
    return list(zip(rows[cost].tolist(), place(rows["accuracy"].tolist()), strict=True))


def _names(front: pd.DataFrame) -> list[str]:
    """Return the number of each variant, and what it has that others have not, but for what its mark says."""
    telling = [name for name in ("loss", "only", "setting") if front[name].nunique() > 1]
    words = [", ".join(filter(None, (str(row[name]) for name in telling))) for _, row in front.iterrows()]
    return [
        f"{number} {said}" if said and len(said) <= _LONGEST else str(number) for number, said in enumerate(words, 1)
    ]


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
