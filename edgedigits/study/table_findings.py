"""The report's table beside what its own arithmetic gives and what edgedigits gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from edgedigits.study.effects import interval
from edgedigits.study.report_data import Row, Setting, report_table
from edgedigits.study.table_recipe import PRUNING_SHARE


@dataclass(frozen=True)
class Cell:
    """One cell in all columns.

    Attributes:
        row, setting: where it is.
        published: the report's figure, 0…1.
        as_published: accuracies of the report's arithmetic on the dev set, one a seed.
        edgedigits: accuracies of ours on the dev set, one a seed; pruned to a tenth.
        sparse: the same pruned to 80 %; empty for other rows.
        reference: our float32 training with the same loss and setting, one a seed.
        as_long: that training with as many iterations as the one pruned to 80 % had.
        test, sparse_test, reference_test, as_long_test: the same on the source's test set; empty without one.
    """

    row: Row
    setting: Setting
    published: float
    as_published: tuple[float, ...]
    edgedigits: tuple[float, ...]
    sparse: tuple[float, ...]
    reference: tuple[float, ...]
    as_long: tuple[float, ...]
    test: tuple[float, ...]
    sparse_test: tuple[float, ...]
    reference_test: tuple[float, ...]
    as_long_test: tuple[float, ...]


def table_cells(frame: pd.DataFrame) -> list[Cell]:
    """Return all 60 cells; the tuples of those that were not run are empty."""
    table = report_table()
    words = {"classical": ("float32",), "quantized": ("quantized",), "pruned": ("pruned 10 %",)}
    cells = []
    for (row, setting), published in table.accuracy.items():
        here = frame[(frame["loss"] == row.loss) & (frame["setting"] == setting.name)]
        theirs = here[(here["column"] == "published") & (here["compression"].str.startswith(_family_word(row.family)))]
        ours = here[(here["column"] == "edgedigits") & here["compression"].isin(words[row.family])]
        sparse = here[(here["column"] == "edgedigits") & (here["compression"] == "pruned 80 %")]
        if row.family != "pruned":
            sparse = sparse.iloc[:0]
        cells.append(
            Cell(
                row,
                setting,
                published,
                as_published=_numbers(theirs, "dev_accuracy"),
                edgedigits=_numbers(ours, "dev_accuracy"),
                sparse=_numbers(sparse, "dev_accuracy"),
                reference=_numbers(ours, "setting_float_dev_accuracy"),
                as_long=_numbers(sparse, "float_dev_accuracy"),
                test=_numbers(ours, "accuracy"),
                sparse_test=_numbers(sparse, "accuracy"),
                reference_test=_numbers(ours, "setting_float_accuracy"),
                as_long_test=_numbers(sparse, "float_accuracy"),
            )
        )
    return cells


def _family_word(family: str) -> str:
    return {"classical": "float32", "quantized": "quantized", "pruned": "pruned"}[family]


def _numbers(rows: pd.DataFrame, name: str) -> tuple[float, ...]:
    return tuple(float(value) for value in rows.sort_values("seed")[name].dropna())


def table_sentences(cells: list[Cell]) -> list[str]:
    """Return what the table says, with its numbers."""
    found = []
    quantized = [cell for cell in cells if cell.row.family == "quantized"]
    if theirs := [cell for cell in quantized if cell.as_published]:
        values = [np.mean(cell.as_published) for cell in theirs]
        published = [cell.published for cell in theirs]
        found.append(
            "The report's arithmetic, run again, collapses as the report did: its quantized cells reach "
            f"{_span(values)} (published {_span(published)}), since gradients below 1/255 are cut to 0."
        )
    others = [cell for cell in cells if cell.row.family != "quantized" and cell.as_published]
    if others:
        settings: dict[str, list[tuple[float, float]]] = {}
        for cell in others:
            settings.setdefault(cell.setting.name, []).append((float(np.mean(cell.as_published)), cell.published))
        far = {name: abs(float(np.mean([a - b for a, b in pairs]))) for name, pairs in settings.items()}
        worst = max(far, key=far.__getitem__)
        seeds = len(others[0].as_published)
        found.append(
            f"Its classical and pruned cells, which are one and the same arithmetic, come back within "
            f"{100 * far[worst]:.1f} points of the published mean in each setting (furthest: {worst}; "
            f"{seeds} {'seed' if seeds == 1 else 'seeds'} a cell, first weights are random)."
        )
    return found + _own_sentences(cells)


def _own_sentences(cells: list[Cell]) -> list[str]:
    """Return what our column says: what compression costs, and the largest repair."""
    quantized = [cell for cell in cells if cell.row.family == "quantized" and cell.reference]
    sparse = [cell for cell in cells if cell.sparse]
    same = "our float32 training of the same loss and setting"
    longer = "our float32 training of the same loss and rate with as many iterations"
    found = [
        *_gap_sentence("quantized to int8", same, quantized, "edgedigits", "reference"),
        *_gap_sentence(f"pruned to 80 % by {PRUNING_SHARE:.0%} more iterations", same, sparse, "sparse", "reference"),
        *_gap_sentence("pruned to 80 %", longer, sparse, "sparse", "as_long"),
    ]
    repaired = [(np.mean(cell.edgedigits) - cell.published, cell) for cell in quantized]
    if repaired:
        gain, cell = max(repaired, key=lambda pair: pair[0])
        found.append(
            f"The largest repair: {cell.row.name} at {cell.setting.name}, from {100 * cell.published:.1f} % "
            f"to {100 * float(np.mean(cell.edgedigits)):.1f} %, {100 * gain:.1f} points."
        )
    return found


def _gap_sentence(what: str, against: str, cells: list[Cell], ours: str, floats: str) -> list[str]:
    """Return in words how far cells are from a float32 training; nothing without cells.

    Args:
        what, against: both sides in words.
        cells: that have both.
        ours, floats: the fields to compare.
    """
    gaps = [(_gaps(cell, ours, floats), cell) for cell in cells]
    gaps = [(gap, cell) for gap, cell in gaps if len(gap)]
    if not gaps:
        return []
    (low, worst), (high, best) = (pick(gaps, key=lambda pair: float(pair[0].mean())) for pick in (min, max))
    seeds = min(len(gap) for gap, _ in gaps)
    by_seed = np.mean([gap[:seeds] for gap, _ in gaps], axis=0)
    left, right = interval(by_seed)
    span = (
        ""
        if left is None or right is None
        else f", 95% interval {_points(left)} to {_points(right)} over {seeds} seeds"
    )
    where = "the test set" if cells[0].test else "the dev set"
    return [
        f"Trained by edgedigits and {what}, {len(gaps)} cells differ from {against} by {_points(low.mean())} "
        f"({worst.row.loss} at {worst.setting.name}) to {_points(high.mean())} points ({best.row.loss} at "
        f"{best.setting.name}) of {where}, {_points(by_seed.mean())} on average{span}."
    ]


def _gaps(cell: Cell, ours: str, floats: str) -> NDArray[np.float64]:
    """Return compressed − float32, one a seed, on the test set where there is one: it has ten times the images."""
    if cell.test:
        ours, floats = {"edgedigits": "test"}.get(ours, f"{ours}_test"), f"{floats}_test"
    return np.asarray(getattr(cell, ours), float) - np.asarray(getattr(cell, floats), float)


def _points(share: float) -> str:
    return f"{100 * share:+.2f}".replace("-", "−")


def _span(values: list[float] | list[np.floating]) -> str:
    return f"{100 * min(values):.1f} to {100 * max(values):.1f} %"
