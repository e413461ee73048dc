"""Pictures of the report's table: the heat map in three panels, and how training went in each setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from edgedigits.report.style import MUTED, Plot
from edgedigits.reproduction.plan import EDGEDIGITS, PUBLISHED
from edgedigits.reproduction.published_table import published_table
from edgedigits.reproduction.report.findings import Cell, mean_of
from edgedigits.study.findings.frame import with_lists
from edgedigits.study.report.drawing import BANDS, WIDE, Curve, heat_cells, line_chart, panel, wide_figure

_LEFT, _ROW, _TOP, _BOTTOM, _GAP = 128.0, 21.0, 68.0, 8.0, 14.0
_HEIGHT = _TOP + 12 * _ROW + _BOTTOM
_LINES = (
    (PUBLISHED, "float32", "as published: classical"),
    (PUBLISHED, "quantized", "as published: quantized"),
    (EDGEDIGITS, "float32", "edgedigits: float32"),
    (EDGEDIGITS, "quantized", "edgedigits: int8 (QAT)"),
    (EDGEDIGITS, "pruned 80%", "edgedigits: pruned 80%"),
)
_ON_THE_WAY = "measured on the dev set on the way"
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
        "left: the report; middle and right: measured on the dev set",
        partial(_draw_table, cells),
        f"means over up to {seeds} {'seed' if seeds == 1 else 'seeds'}; pruned to a tenth, as in the report",
        wide=True,
    )


def _averages(cells: Sequence[Cell]) -> list[str]:
    """Return the mean of the quantized rows in each panel that was run, in words."""
    quantized = [cell for cell in cells if cell.row.family == "quantized"]
    found = []
    for name, value in _PANELS:
        values = [value(cell) for cell in quantized]
        if np.isfinite(values).any():
            found.append(f"{name} {100 * float(np.nanmean(values)):.1f}%")
    return found


def _draw_table(cells: Sequence[Cell]) -> Figure:
    table = published_table()
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
    known = with_lists(frame, "curves", of=dict)
    known, plots = known[["dev" in one for one in known["curves"]]], []
    for setting in published_table().settings:
        here, at = known[known["setting"] == setting.name], f"iteration at a learning rate of {setting.rate:g}"
        name = setting.name.replace("/", "_").replace(".", "")
        if families := _families(here):
            plots.append(
                Plot(
                    f"curve_{name}",
                    f"Dev accuracy by {at}, by family.",
                    _ON_THE_WAY,
                    partial(_draw_curves, families, f"Accuracy by iteration, {setting.name}", 1, whole=True),
                    f"ours with {_LOSS}; {BANDS}",
                )
            )
        if len(losses := _losses(here)) > 1:
            plots.append(
                Plot(
                    f"curve_loss_{name}",
                    f"Dev accuracy of quantized networks by {at}, by loss.",
                    _ON_THE_WAY,
                    partial(_draw_curves, losses, f"int8 (QAT) by iteration and loss, {setting.name}", 2, whole=False),
                    f"fake-quantized over the last tenth; {BANDS}",
                )
            )
    return plots


def _families(frame: pd.DataFrame) -> list[Curve]:
    found = []
    for number, (column, compression, label) in enumerate(_LINES):
        rows = frame[(frame["column"] == column) & (frame["compression"] == compression)]
        if column == EDGEDIGITS:
            rows = rows[rows["loss"] == _LOSS]
        if len(rows):
            found.append(_line(label, number, rows))
    return found


def _losses(frame: pd.DataFrame) -> list[Curve]:
    # "none" is the training of "one-hot", and that has the gradient of cross-entropy.
    shown = frame[(frame["column"] == EDGEDIGITS) & (frame["compression"] == "quantized")]
    losses = [loss for loss in dict.fromkeys(shown["loss"]) if loss not in ("none", "one-hot")]
    return [_line(loss, number, shown[shown["loss"] == loss]) for number, loss in enumerate(losses)]


def _line(label: str, number: int, rows: pd.DataFrame) -> Curve:
    """Return for each seed the mean accuracy of its trials, by iteration."""
    longest = max((one["dev"] for one in rows["curves"]), key=lambda pairs: (pairs[-1][0], len(pairs)))
    iterations, values = [pair[0] for pair in longest], []
    for _, of_seed in rows.groupby("seed"):
        pairs = [np.array(one["dev"], float) for one in of_seed["curves"]]
        values.append(100 * np.mean([np.interp(iterations, pair[:, 0], pair[:, 1]) for pair in pairs], axis=0))
    return Curve(label, iterations, values, number)


def _draw_curves(lines: Sequence[Curve], title: str, columns: int, *, whole: bool) -> Figure:
    figure, axes = line_chart(title, lines, x="iteration", columns=columns)
    if whole:
        axes.set_ylim(0, 100)
    return figure
