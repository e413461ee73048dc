"""Pictures of any study: recall by digit, accuracy against size, what compression confuses, loss against sparsity."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from edgedigits.data.shape import CLASSES
from edgedigits.report.style import GRID, INK, MUTED, WIDTH, Plot, new_figure
from edgedigits.study.choices import ANCHORS
from edgedigits.study.digit_findings import balanced, confusion_change
from edgedigits.study.drawing import (
    COLOURS,
    MARKERS,
    band,
    heat_cells,
    legend_above,
    legend_room,
    panel,
    percent_axis,
    wide_figure,
)
from edgedigits.study.frame import compared
from edgedigits.study.insights import COSTS, Insights
from edgedigits.study.table_pictures import table_pictures

MOST_CURVES = 8
_SHARE = re.compile(r"pruned ([\d.]+) %")


def study_pictures(insights: Insights) -> tuple[Plot, ...]:
    """Return every picture that the finished trials allow, in the order of the page."""
    ours = compared(insights.frame)
    plots = list(table_pictures(insights.frame, insights.cells)) if insights.cells else _build_curves(ours)
    plots += _recalls(ours)
    plots += [_pareto(insights, cost) for cost in insights.fronts]
    plots += _confusions(ours)
    plots += _sparsities(ours)
    return tuple(plots)


def is_wide(plot: Plot) -> bool:
    """Tell whether a picture takes the whole width of the page."""
    return plot.name in ("report_table", "recall")


def _build_curves(frame: pd.DataFrame) -> list[Plot]:
    known = frame[frame["curves"].map(lambda one: isinstance(one, dict) and bool(one))]
    if known.empty:
        return []
    return [
        Plot(
            "curves",
            "Validation accuracy by epoch over all stages, by loss and compression.",
            f"measured by Keras at the end of each epoch; means and spans over seeds; {MOST_CURVES} variants at most, "
            "the best first",
            lambda: _draw_build_curves(known),
        )
    ]


def _draw_build_curves(frame: pd.DataFrame) -> Figure:
    named = frame.assign(variant=frame["loss"] + ", " + frame["compression"])
    order = named.groupby("variant")["val_accuracy"].mean().sort_values(ascending=False).index[:MOST_CURVES]
    top = legend_room(len(order), 2)
    figure, axes = new_figure("Validation accuracy by epoch", 200 + top, (42, 34, 10, top))
    for number, variant in enumerate(order):
        rows = named[named["variant"] == variant]
        curves = [_joined(one) for one in rows["curves"]]
        shortest = min(len(one) for one in curves)
        lines = [[100 * value for value in one[:shortest]] for one in curves]
        band(axes, range(1, shortest + 1), lines, label=str(variant), number=number, marker=shortest < 4)
    percent_axis(axes.yaxis)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.grid(axis="y")
    axes.set_xlabel("epoch, all stages", fontsize=9.5, labelpad=2)
    legend_above(figure, 2)
    return figure


def _joined(curves: dict[str, list[list[float]]]) -> list[float]:
    return [pair[1] for name, pairs in curves.items() if name.endswith("val_accuracy") for pair in pairs]


def _recalls(frame: pd.DataFrame) -> list[Plot]:
    known = frame[frame["class_recall"].map(lambda one: isinstance(one, list))]
    if known.empty:
        return []
    return [
        Plot(
            "recall",
            "Recall of each digit by compression; each dot is the mean of a seed over the same losses and settings.",
            "measured on digits that were not trained on",
            lambda: _draw_recalls(known),
        )
    ]


def _draw_recalls(frame: pd.DataFrame) -> Figure:
    frame = balanced(frame)
    names = list(dict.fromkeys(frame["compression"]))
    height = 300.0
    figure = wide_figure("Recall by digit and compression", height)
    values = np.array(frame["class_recall"].tolist(), float) * 100
    spots = frame[["compression", "seed"]].copy()
    low = 100.0
    panels = []
    for digit in range(CLASSES):
        left, bottom = 34 + (digit % 5) * 133, 46 + (1 - digit // 5) * 120
        axes = panel(figure, left, bottom, 122, 92)
        means = spots.assign(value=values[:, digit]).groupby(["compression", "seed"], sort=False)["value"].mean()
        for number, name in enumerate(names):
            points = means[name].to_numpy()
            low = min(low, float(points.min()))
            colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
            axes.plot([number] * len(points), points, marker, color=colour, markersize=4.5, label=name, clip_on=False)
            axes.hlines(points.mean(), number - 0.35, number + 0.35, color=colour, linewidth=1.6)
        axes.set_title(str(digit), fontsize=9.5, fontweight="bold", loc="left", pad=3)
        panels.append(axes)
    for digit, axes in enumerate(panels):
        axes.set(xlim=(-0.7, len(names) - 0.3), ylim=(max(0.0, low - 3), 100))
        axes.set_xticks([])
        axes.yaxis.set_major_locator(MaxNLocator(4))
        percent_axis(axes.yaxis)
        if digit % 5:
            axes.set_yticklabels([])
        axes.grid(axis="y")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower left", ncols=min(6, len(names)), fontsize=9)
    return figure


def _pareto(insights: Insights, cost: str) -> Plot:
    front = insights.fronts[cost]
    return Plot(
        f"pareto_{cost}",
        f"Accuracy against {COSTS[cost]}; {len(front)} of {len(insights.means)} variants are on the front.",
        "means over seeds on digits that were not trained on"
        + "".join(f"; {source}" for source in dict.fromkeys(one.source for one in ANCHORS.get(cost, ()))),
        lambda: _draw_pareto(insights, cost),
    )


def _draw_pareto(insights: Insights, cost: str) -> Figure:
    points, front = insights.means.dropna(subset=[cost]), insights.fronts[cost]
    top = legend_room(points["compression"].nunique(), 2)
    figure, axes = new_figure(f"Accuracy against {COSTS[cost]}", 226 + top, (42, 34, 14, top))
    for number, name in enumerate(dict.fromkeys(points["compression"])):
        rows = points[points["compression"] == name]
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        axes.plot(rows[cost], 100 * rows["accuracy"], marker, color=colour, markersize=4, alpha=0.8, label=name)
    axes.step(front[cost], 100 * front["accuracy"], where="post", color=INK, linewidth=1.1)
    axes.set_xscale("log")
    axes.margins(y=0.12)
    anchors = ANCHORS.get(cost, ())
    for one in anchors:
        axes.plot(one.bytes, 100 * one.accuracy, "D", markeredgecolor=MUTED, markerfacecolor="none", markersize=6)
    for number, one in enumerate(anchors):
        # Above and below in turn, so that neighbours keep apart.
        axes.annotate(
            one.name,
            (one.bytes, 100 * one.accuracy),
            xytext=(0, -11 if number % 2 else 6),
            textcoords="offset points",
            fontsize=7,
            color=MUTED,
            ha=_side(axes, one.bytes),
        )
    _cost_ticks(axes)
    percent_axis(axes.yaxis)
    axes.grid()
    axes.set_axisbelow(True)
    axes.set_xlabel(COSTS[cost], fontsize=9.5, labelpad=2)
    legend_above(figure, 2)
    return figure


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


def _confusions(frame: pd.DataFrame) -> list[Plot]:
    plots = []
    for name in dict.fromkeys(frame["compression"]):
        change = confusion_change(frame, name)
        if change is None or name == "float32":
            continue
        errors = float(change.sum() - np.trace(change))
        plots.append(
            Plot(
                "confusion_" + re.sub(r"\W+", "_", str(name)).strip("_"),
                f"Confusion matrix of {name} minus that of float32, in images: {errors:+.1f} errors on average.",
                "measured on digits that were not trained on; mean over trials, each against the float32 training of "
                "the same loss and setting; red: more often, blue: less often",
                lambda change=change, name=name: _draw_confusion(change, str(name)),  # type: ignore[misc]
            )
        )
    return plots


def _draw_confusion(change: np.ndarray, name: str) -> Figure:
    figure, axes = new_figure(f"Confusions, {name} − float32", WIDTH, (36, 34, 8, 26))
    most = max(1.0, float(np.abs(change).max()))
    # The diagonal is where a loss of hits is bad: its sign is turned, so that red is worse everywhere.
    shown = np.sign(change) * np.sqrt(np.abs(change) / most)
    shown[np.diag_indices(CLASSES)] *= -1
    texts = [[f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "" for value in row] for row in change]
    heat_cells(axes, shown, low=-1.25, high=1.25, texts=texts, map_name="RdBu_r")
    axes.set_xticks(range(CLASSES))
    axes.set_yticks(range(CLASSES))
    borders = np.arange(CLASSES + 1) - 0.5
    axes.hlines(borders, -0.5, CLASSES - 0.5, colors=GRID, linewidth=0.4)
    axes.vlines(borders, -0.5, CLASSES - 0.5, colors=GRID, linewidth=0.4)
    axes.set_xlabel("class given", fontsize=9.5, labelpad=3)
    axes.set_ylabel("true class", fontsize=9.5, labelpad=3)
    return figure


def _sparsities(frame: pd.DataFrame) -> list[Plot]:
    shares = frame.assign(share=frame["compression"].map(_share), seed_of=frame["seed"]).dropna(subset=["share"])
    plots = []
    for setting in dict.fromkeys(shares["setting"]):
        here = shares[shares["setting"] == setting]
        here = _with_float(here)
        if here["share"].nunique() < 2:
            continue
        plots.append(
            Plot(
                "sparsity_" + re.sub(r"\W+", "_", str(setting) or "all").strip("_"),
                f"Accuracy against sparsity by loss{f', {setting}' if setting else ''}.",
                "measured on digits that were not trained on; lines: means, bands: lowest to highest seed",
                lambda here=here, setting=setting: _draw_sparsity(here, str(setting)),  # type: ignore[misc]
            )
        )
    return plots


def _share(compression: object) -> float | None:
    found = _SHARE.search(str(compression))
    return float(found[1]) if found else 0.0 if compression in ("float32", "int8", "QAT") else None


def _with_float(frame: pd.DataFrame) -> pd.DataFrame:
    """Add each pruned trial's float32 reference as a sparsity of 0, where the trial carries it."""
    pruned = frame[(frame["share"] > 0) & frame["float_accuracy"].notna()]
    if pruned.empty or set(frame.loc[frame["share"] == 0, "loss"]) >= set(pruned["loss"]):
        return frame
    references = pruned.assign(share=0.0, accuracy=pruned["float_accuracy"]).drop_duplicates(["loss", "seed"])
    return pd.concat([references, frame[frame["share"] > 0]])


def _draw_sparsity(frame: pd.DataFrame, setting: str) -> Figure:
    top = legend_room(frame["loss"].nunique(), 3)
    figure, axes = new_figure(
        f"Accuracy against sparsity{f', {setting}' if setting else ''}", 200 + top, (42, 34, 14, top)
    )
    for number, loss in enumerate(dict.fromkeys(frame["loss"])):
        rows = frame[frame["loss"] == loss]
        table = rows.pivot_table(index="seed", columns="share", values="accuracy")
        band(axes, list(table.columns), 100 * table.to_numpy(), label=str(loss), number=number, marker=True)
    axes.xaxis.set_major_locator(FixedLocator(sorted(frame["share"].unique())))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    axes.grid()
    axes.set_xlabel("zeros in each pruned layer", fontsize=9.5, labelpad=2)
    legend_above(figure, 3)
    return figure
