"""Pictures of any study: recall by digit, accuracy against size, what compression confuses, loss against sparsity."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from edgedigits.data.shape import CLASSES
from edgedigits.report.style import GRID, INK, MUTED, WIDTH, Plot, new_figure
from edgedigits.study.findings.choices import ANCHORS, variant_words
from edgedigits.study.findings.digits import balanced, confusion_change
from edgedigits.study.findings.frame import compared, with_lists
from edgedigits.study.findings.insights import COSTS, Insights
from edgedigits.study.report.drawing import (
    Curve,
    finish,
    heat_cells,
    legend_room,
    line_chart,
    look,
    panel,
    percent_axis,
    wide_figure,
)

MOST_CURVES = 8
_SHARE = re.compile(r"pruned ([\d.]+) %")


def study_pictures(insights: Insights) -> tuple[Plot, ...]:
    """Return every picture that the finished trials allow, in the order of the page."""
    ours = compared(insights.frame)
    return (
        *insights.chapter.plots,
        *_recalls(ours),
        *(_pareto(insights, cost) for cost in insights.fronts),
        *_confusions(ours, insights.chapter.against),
        *_sparsities(ours),
    )


def build_curves(frame: pd.DataFrame) -> list[Plot]:
    """Return the picture of how builds learned; none without their curves."""
    known = with_lists(compared(frame), "curves", of=dict)
    known = known[[len(_joined(one)) > 0 for one in known["curves"]]]
    if known.empty:
        return []
    named = known.assign(variant=known.apply(variant_words, axis=1))
    order = named.groupby("variant")["val_accuracy"].mean().sort_values(ascending=False).index.tolist()
    shown = order[:MOST_CURVES]
    return [
        Plot(
            "curves",
            "Validation accuracy by epoch over all stages, by variant.",
            "measured by Keras at the end of each epoch; means, bands from the lowest to the highest seed; the best "
            f"{len(shown)} of {len(order)} variants by validation",
            partial(_draw_build_curves, named, shown),
        )
    ]


def _draw_build_curves(frame: pd.DataFrame, order: Sequence[str]) -> Figure:
    lines = []
    for number, variant in enumerate(order):
        curves = [_joined(one) for one in frame.loc[frame["variant"] == variant, "curves"]]
        epochs = max(curves, key=len)[:, 0]
        values = [np.interp(epochs, one[:, 0], 100 * one[:, 1], right=np.nan) for one in curves]
        lines.append(Curve(str(variant), epochs.tolist(), values, number, marker=len(epochs) < 4))
    columns = 2 if max(map(len, order)) < 24 else 1
    figure, axes = line_chart("Validation accuracy by epoch", lines, x="epoch, all stages", columns=columns)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    return figure


def _joined(curves: dict[str, list[list[float]]]) -> NDArray[np.float64]:
    """Return [epoch, accuracy] of all stages, (n, 2)."""
    pairs = [pair for name, stage in curves.items() if name.endswith("val_accuracy") for pair in stage]
    return np.array(pairs, float)


def _recalls(frame: pd.DataFrame) -> list[Plot]:
    known = with_lists(frame, "class_recall")
    if known.empty:
        return []
    shown, alike = balanced(known)
    over = "over the same losses and settings" if alike else "over what was run, which is not the same for all"
    return [
        Plot(
            "recall",
            f"Recall of each digit by compression; each mark is the mean of a seed {over}.",
            f"measured on the {'/'.join(sorted(set(shown['scored_on'])))}, which was not trained on; means {over}",
            partial(_draw_recalls, shown),
            wide=True,
        )
    ]


def _draw_recalls(frame: pd.DataFrame) -> Figure:
    names = list(dict.fromkeys(frame["compression"]))
    columns = min(6, len(names)) if len(names) <= 6 else 4
    legend = 16.0 * -(-len(names) // columns)
    height = 284.0 + legend
    figure = wide_figure("Recall by digit and compression", height)
    values = np.array(frame["class_recall"].tolist(), float) * 100
    spots = frame[["compression", "seed"]].copy()
    low = 100.0
    panels = []
    for digit in range(CLASSES):
        left, bottom = 34 + (digit % 5) * 133, 30 + legend + (1 - digit // 5) * 120
        axes = panel(figure, left, bottom, 122, 92)
        means = spots.assign(value=values[:, digit]).groupby(["compression", "seed"], sort=False)["value"].mean()
        for number, name in enumerate(names):
            points = means[name].to_numpy()
            low = min(low, float(points.min()))
            colour, marker = look(number)
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
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower left", ncols=columns, fontsize=9)
    return figure


def _pareto(insights: Insights, cost: str) -> Plot:
    front = insights.fronts[cost]
    return Plot(
        f"pareto_{cost}",
        f"Accuracy against {COSTS[cost]}; {len(front)} of {insights.means[cost].notna().sum()} variants on the front.",
        "means over seeds on digits that were not trained on"
        + "".join(f"; {source}" for source in dict.fromkeys(one.source for one in ANCHORS.get(cost, ()))),
        partial(_draw_pareto, insights, cost),
    )


def _draw_pareto(insights: Insights, cost: str) -> Figure:
    points, front = insights.means.dropna(subset=[cost]), insights.fronts[cost]
    top = legend_room(points["compression"].nunique(), 2)
    figure, axes = new_figure(f"Accuracy against {COSTS[cost]}", 226 + top, (42, 34, 14, top))
    for number, name in enumerate(dict.fromkeys(points["compression"])):
        rows = points[points["compression"] == name]
        colour, marker = look(number)
        axes.plot(rows[cost], 100 * rows["accuracy"], marker, color=colour, markersize=4, alpha=0.8, label=name)
    axes.step(front[cost], 100 * front["accuracy"], where="post", color=INK, linewidth=1.1)
    axes.set_xscale("log")
    axes.margins(y=0.12)
    anchors = ANCHORS.get(cost, ())
    for one in anchors:
        axes.plot(one.cost, 100 * one.accuracy, "D", markeredgecolor=MUTED, markerfacecolor="none", markersize=6)
    for number, one in enumerate(anchors):
        # Above and below in turn, so that neighbours keep apart.
        style: dict[str, Any] = {
            "xytext": (0, -11 if number % 2 else 6),
            "textcoords": "offset points",
            "fontsize": 7,
            "color": MUTED,
        }
        axes.annotate(one.name, (one.cost, 100 * one.accuracy), ha=_side(axes, one.cost), **style)
    _cost_ticks(axes)
    axes.set_axisbelow(True)
    finish(figure, axes, COSTS[cost], 2, both=True)
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


def _confusions(frame: pd.DataFrame, against: str) -> list[Plot]:
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
                f"measured on digits that were not trained on; mean over trials, each against {against}; "
                "off the diagonal red: more often, on it red: fewer right",
                partial(_draw_confusion, change, str(name)),
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
    """Return a picture for each setting and number format that has more than one sparsity."""
    split = frame["compression"].map(_share_and_format)
    known = frame.assign(share=split.map(lambda one: one[0]), format=split.map(lambda one: one[1]))
    known["line"] = [", ".join(filter(None, pair)) for pair in zip(known["loss"], known["only"], strict=True)]
    plots = []
    for (setting, form), here in known.groupby(["setting", "format"], sort=False):
        here, open_marks = _with_references(here)
        if here["share"].nunique() < 2:
            continue
        words = ", ".join(filter(None, (str(setting), str(form))))
        plots.append(
            Plot(
                "sparsity_" + (re.sub(r"\W+", "_", words).strip("_") or "all"),
                f"Accuracy against sparsity by loss{f', {words}' if words else ''}.",
                "measured on digits that were not trained on; lines: means, bands: lowest to highest seed"
                + ("; at 0 % the float32 network of the setting" if open_marks else ""),
                partial(_draw_sparsity, here, words),
            )
        )
    return plots


def _share_and_format(compression: str) -> tuple[float, str]:
    """Return the sparsity in percent, and the number format: "" for the table's cells, whose pruned ones are int8."""
    found = _SHARE.search(compression)
    rest = _SHARE.sub("", compression).strip(", ")
    return (float(found[1]) if found else 0.0), rest


def _with_references(frame: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Add the float32 network of the setting as a sparsity of 0 to the table's pruned cells; tell whether it did."""
    pruned = frame[(frame["share"] > 0) & frame["setting_float_accuracy"].notna()]
    if pruned.empty:
        return frame, False
    references = pruned.assign(share=0.0, accuracy=pruned["setting_float_accuracy"]).drop_duplicates(["loss", "seed"])
    return pd.concat([references, pruned]), True


def _draw_sparsity(frame: pd.DataFrame, words: str) -> Figure:
    lines = []
    for number, name in enumerate(dict.fromkeys(frame["line"])):
        table = frame[frame["line"] == name].pivot_table(index="seed", columns="share", values="accuracy")
        lines.append(Curve(name, list(table.columns), 100 * table.to_numpy(), number, marker=True))
    title = f"Accuracy against sparsity{f', {words}' if words else ''}"
    figure, axes = line_chart(title, lines, x="zeros in each pruned layer", columns=3, right=14, both=True)
    axes.xaxis.set_major_locator(FixedLocator(sorted(frame["share"].unique())))
    percent_axis(axes.xaxis)
    return figure
