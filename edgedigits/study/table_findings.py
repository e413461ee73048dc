"""The report's table beside what its own arithmetic gives and what edgedigits gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from edgedigits.study.report_data import Row, Setting, report_table


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
        test, reference_test, sparse_test: the same on the source's test set, one a seed; empty without one.
    """

    row: Row
    setting: Setting
    published: float
    as_published: tuple[float, ...]
    edgedigits: tuple[float, ...]
    sparse: tuple[float, ...]
    reference: tuple[float, ...]
    test: tuple[float, ...]
    sparse_test: tuple[float, ...]
    reference_test: tuple[float, ...]


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
                reference=_numbers(ours, "float_dev_accuracy"),
                test=_numbers(ours, "accuracy"),
                sparse_test=_numbers(sparse, "accuracy"),
                reference_test=_numbers(ours, "float_accuracy"),
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
    found = []
    quantized = [cell for cell in cells if cell.row.family == "quantized"]
    for name, rows, sparse in (
        ("quantized to int8", quantized, False),
        ("pruned to 80 %", [cell for cell in cells if cell.sparse], True),
    ):
        gaps = [_gap(cell, sparse=sparse) for cell in rows if cell.reference and (cell.sparse or not sparse)]
        if gaps:
            found.append(
                f"Trained by edgedigits and {name}, cells differ from our float32 training of the same loss and "
                f"setting by {100 * min(gaps):+.2f} to {100 * max(gaps):+.2f} points, "
                f"{100 * float(np.mean(gaps)):+.2f} on average, over {len(gaps)} cells.".replace("-", "−")
            )
    repaired = [(np.mean(cell.edgedigits) - cell.published, cell) for cell in quantized if cell.edgedigits]
    if repaired:
        gain, cell = max(repaired, key=lambda pair: pair[0])
        found.append(
            f"The largest repair: {cell.row.name} at {cell.setting.name}, from {100 * cell.published:.1f} % "
            f"to {100 * float(np.mean(cell.edgedigits)):.1f} %, {100 * gain:.1f} points."
        )
    return found


def _gap(cell: Cell, *, sparse: bool) -> float:
    """Return compressed − float32, on the test set where there is one: ten times the images of the dev set."""
    if cell.test and cell.reference_test:
        return float(np.mean(cell.sparse_test if sparse else cell.test) - np.mean(cell.reference_test))
    return float(np.mean(cell.sparse if sparse else cell.edgedigits) - np.mean(cell.reference))


def _span(values: list[float] | list[np.floating]) -> str:
    return f"{100 * min(values):.1f} to {100 * max(values):.1f} %"
