"""Pictures of any study: recall by digit, accuracy against size, what compression confuses, loss against sparsity."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator
from numpy.typing import NDArray

from edgedigits.data.shape import CLASSES
from edgedigits.report.style import WIDTH, Plot, class_grid, new_figure
from edgedigits.study.findings.choices import variant_words
from edgedigits.study.findings.digits import balanced, confusion_change
from edgedigits.study.findings.frame import compared, with_lists
from edgedigits.study.findings.insights import Insights
from edgedigits.study.findings.matrix import share_and_format
from edgedigits.study.report.drawing import (
    BANDS,
    Curve,
    heat_cells,
    legend,
    legend_room,
    line_chart,
    look,
    panel,
    percent_axis,
)
from edgedigits.study.report.overview import cost_plot, effect_plots

MOST_CURVES = 8
_PANEL = 84.0
"""Height of a panel of small multiples in points, with its title."""


def study_pictures(insights: Insights) -> tuple[Plot, ...]:
    """Return every picture that the finished trials allow, in the order of the page."""
    ours = compared(insights.frame)
    return (
        *insights.chapter.plots,
        *effect_plots(insights),
        *(cost_plot(insights, cost) for cost in insights.fronts),
        *_recalls(ours),
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
            "measured by Keras at the end of each epoch",
            partial(_draw_build_curves, named, shown),
            f"{BANDS}; the best {len(shown)} of {len(order)} variants by validation",
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
            f"measured on the {'/'.join(sorted(set(shown['scored_on'])))}, which was not trained on",
            partial(_draw_recalls, shown),
            f"means {over}",
        )
    ]


def _draw_recalls(frame: pd.DataFrame) -> Figure:
    """Draw a panel a digit, two side by side: on a phone they are as wide as the screen."""
    names = list(dict.fromkeys(frame["compression"]))
    columns = 2 if max(map(len, names)) < 24 else 1
    top = legend_room(len(names), columns)
    height = top + 5 * _PANEL + 6
    figure, axes = new_figure("Recall by digit and compression", height, (34, 12, 8, top))
    axes.remove()
    values = np.array(frame["class_recall"].tolist(), float) * 100
    spots = frame[["compression", "seed"]]
    panels = []
    for digit in range(CLASSES):
        right, down = digit % 2, digit // 2
        axes = panel(figure, 38 + right * 149, height - top - (down + 1) * _PANEL + 8, 136, _PANEL - 22)
        _recall_panel(axes, spots.assign(value=values[:, digit]), names)
        axes.set_title(str(digit), fontsize=9.5, fontweight="bold", loc="left", pad=2)
        panels.append(axes)
    low = min(axes.dataLim.y0 for axes in panels)
    for digit, axes in enumerate(panels):
        axes.set(xlim=(-0.7, len(names) - 0.3), ylim=(max(0.0, low - 3), 100))
        if digit % 2:
            axes.set_yticklabels([])
    legend(figure, panels[0].get_legend_handles_labels(), columns)
    return figure


def _recall_panel(axes: Axes, spots: pd.DataFrame, names: Sequence[str]) -> None:
    means = spots.groupby(["compression", "seed"], sort=False)["value"].mean()
    for number, name in enumerate(names):
        points = means[name].to_numpy()
        colour, marker = look(number)
        axes.plot([number] * len(points), points, marker, color=colour, markersize=4.5, label=name, clip_on=False)
        axes.hlines(points.mean(), number - 0.35, number + 0.35, color=colour, linewidth=1.6)
    axes.set_xticks([])
    axes.yaxis.set_major_locator(MaxNLocator(4))
    percent_axis(axes.yaxis)
    axes.grid(axis="y")


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
                "measured on digits that were not trained on",
                partial(_draw_confusion, change, str(name)),
                f"mean over trials, each against {against}; off the diagonal red: more often, on it red: fewer right",
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
    class_grid(axes, CLASSES, linewidth=0.4)
    return figure


def _sparsities(frame: pd.DataFrame) -> list[Plot]:
    """Return a picture for each setting and number format that has more than one sparsity."""
    split = frame["compression"].map(share_and_format)
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
                "measured on digits that were not trained on",
                partial(_draw_sparsity, here, words),
                BANDS + ("; at 0% the float32 network of the setting" if open_marks else ""),
            )
        )
    return plots


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
