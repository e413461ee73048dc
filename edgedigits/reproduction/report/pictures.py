"""Pictures of the report's table: the heat map in three panels, and how training went in each setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from edgedigits.report.style import MUTED, Plot, new_figure
from edgedigits.reproduction.report.findings import Cell, mean_of
from edgedigits.reproduction.report_data import report_table
from edgedigits.study.report.drawing import (
    WIDE,
    band,
    heat_cells,
    legend_above,
    legend_room,
    panel,
    percent_axis,
    wide_figure,
)

_LEFT, _ROW, _TOP, _BOTTOM, _GAP = 128.0, 21.0, 68.0, 8.0, 14.0
_HEIGHT = _TOP + 12 * _ROW + _BOTTOM
_LINES = (
    ("published", "float32", "as published: classical"),
    ("published", "quantized", "as published: quantized"),
    ("edgedigits", "float32", "edgedigits: float32"),
    ("edgedigits", "quantized", "edgedigits: int8 (QAT)"),
    ("edgedigits", "pruned 80 %", "edgedigits: pruned 80 %"),
)
_LOSS = "cross-entropy"
"""What lines of ours are drawn with, float32 having no other; the report's rows have one arithmetic for all."""

_PANELS: tuple[tuple[str, Callable[[Cell], float]], ...] = (
    ("published", lambda cell: cell.published),
    ("its arithmetic, run again", lambda cell: mean_of(cell.as_published)),
    ("edgedigits", lambda cell: mean_of(cell.edgedigits)),
)


def table_pictures(frame: pd.DataFrame, cells: Sequence[Cell]) -> tuple[Plot, ...]:
    """Return the heat map, and the curves of each setting that was run."""
    return (_table(cells), *_curves(frame))


def _table(cells: Sequence[Cell]) -> Plot:
    seeds = max((len(values) for cell in cells for values in (cell.edgedigits, cell.as_published)), default=0)
    return Plot(
        "report_table",
        "Accuracy on the dev set for 12 rows and 5 settings: as published, by the report's arithmetic run again, "
        "and by edgedigits. Average of the quantized rows: " + ", ".join(_averages(cells)) + ".",
        "left: the report; middle and right: measured on the dev set, means over up to "
        f"{seeds} {'seed' if seeds == 1 else 'seeds'}; pruned to a tenth, as in the report",
        lambda: _draw_table(cells),
        wide=True,
    )


def _averages(cells: Sequence[Cell]) -> list[str]:
    """Return the mean of the quantized rows in each panel that was run, in words."""
    quantized = [cell for cell in cells if cell.row.family == "quantized"]
    found = []
    for name, value in _PANELS:
        values = [value(cell) for cell in quantized]
        if np.isfinite(values).any():
            found.append(f"{name} {100 * float(np.nanmean(values)):.1f} %")
    return found


def _draw_table(cells: Sequence[Cell]) -> Figure:
    table = report_table()
    figure = wide_figure("Accuracy of the report's 60 trainings, % of the dev set", _HEIGHT)
    width = (WIDE - _LEFT - 3 * _GAP) / 3
    by_place = {(cell.row, cell.setting): cell for cell in cells}
    for number, (title, value) in enumerate(_PANELS):
        axes = panel(figure, _LEFT + number * (width + _GAP), _BOTTOM, width, 12 * _ROW)
        values = np.array([[100 * value(by_place[row, setting]) for setting in table.settings] for row in table.rows])
        texts = [[f"{one:.1f}" for one in line] for line in values]
        heat_cells(axes, values, low=0, high=100, texts=texts, map_name="cividis")
        axes.set_xticks(range(5), [setting.name.replace("/", "\n") for setting in table.settings], fontsize=8)
        axes.xaxis.tick_top()
        names = [row.name for row in table.rows] if number == 0 else []
        axes.set_yticks(range(12) if names else [], names)
        axes.set_title(title, fontsize=9.5, color=MUTED, pad=30)
        if not np.isfinite(values).any():
            axes.text(2, 5.5, "not run", ha="center", color=MUTED)
    return figure


def _curves(frame: pd.DataFrame) -> list[Plot]:
    """Return two pictures for each setting: by family, and our quantized ones by loss."""
    plots = []
    for setting in report_table().settings:
        here = frame[
            (frame["setting"] == setting.name) & frame["curves"].map(lambda one: isinstance(one, dict) and "dev" in one)
        ]
        name = setting.name.replace("/", "_").replace(".", "")
        if families := _families(here):
            plots.append(
                Plot(
                    f"curve_{name}",
                    f"Dev accuracy by iteration at a learning rate of {setting.rate:g}, by family.",
                    f"measured on the dev set on the way; ours with {_LOSS}; means, bands from the lowest to the "
                    "highest seed",
                    lambda lines=families, setting=setting: _draw_curves(  # type: ignore[misc]
                        lines, f"Accuracy by iteration, {setting.name}", 1, whole=True
                    ),
                )
            )
        if len(losses := _losses(here)) > 1:
            plots.append(
                Plot(
                    f"curve_loss_{name}",
                    f"Dev accuracy of quantized networks by iteration at a learning rate of {setting.rate:g}, by loss.",
                    "measured on the dev set on the way; fake-quantized over the last tenth; means, bands from the "
                    "lowest to the highest seed",
                    lambda lines=losses, setting=setting: _draw_curves(  # type: ignore[misc]
                        lines, f"int8 (QAT) by iteration and loss, {setting.name}", 2, whole=False
                    ),
                )
            )
    return plots


def _families(frame: pd.DataFrame) -> list[tuple[int, str, pd.DataFrame]]:
    """Return number, label and trials of each line."""
    found = []
    for number, (column, compression, label) in enumerate(_LINES):
        rows = frame[(frame["column"] == column) & (frame["compression"] == compression)]
        if column == "edgedigits":
            rows = rows[rows["loss"] == _LOSS]
        if len(rows):
            found.append((number, label, rows))
    return found


def _losses(frame: pd.DataFrame) -> list[tuple[int, str, pd.DataFrame]]:
    # "none" is the training of "one-hot", and that has the gradient of cross-entropy.
    shown = frame[(frame["column"] == "edgedigits") & (frame["compression"] == "quantized")]
    losses = [loss for loss in dict.fromkeys(shown["loss"]) if loss not in ("none", "one-hot")]
    return [(number, loss, shown[shown["loss"] == loss]) for number, loss in enumerate(losses)]


def _draw_curves(found: list[tuple[int, str, pd.DataFrame]], title: str, columns: int, *, whole: bool) -> Figure:
    top = legend_room(len(found), columns)
    figure, axes = new_figure(title, 200 + top, (42, 34, 10, top))
    for number, label, rows in found:
        iterations, lines = _lines(rows)
        band(axes, iterations, lines, label=label, number=number)
    if whole:
        axes.set_ylim(0, 100)
    percent_axis(axes.yaxis)
    axes.grid(axis="y")
    axes.set_xlabel("iteration", fontsize=9.5, labelpad=2)
    legend_above(figure, columns)
    return figure


def _lines(rows: pd.DataFrame) -> tuple[list[float], list[list[float]]]:
    """Return iterations, and for each seed the mean accuracy in percent of its trials."""
    longest = max((one["dev"] for one in rows["curves"]), key=lambda pairs: (pairs[-1][0], len(pairs)))
    iterations = [pair[0] for pair in longest]
    lines = []
    for _, of_seed in rows.groupby("seed"):
        pairs = [np.array(one["dev"], float) for one in of_seed["curves"]]
        values = [np.interp(iterations, pair[:, 0], pair[:, 1]) for pair in pairs]
        lines.append((100 * np.mean(values, axis=0)).tolist())
    return iterations, lines
