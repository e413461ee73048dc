"""The tables of a study's report, each declared once: the page shows them, and files hold them in other formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from edgedigits.data.shape import CLASSES
from edgedigits.report.page_tables import NOTHING, Table
from edgedigits.study.findings.choices import variant_words
from edgedigits.study.findings.effects import Difference, Effect, in_points
from edgedigits.study.findings.frame import with_lists
from edgedigits.study.findings.insights import COSTS, Insights
from edgedigits.study.findings.matrix import Matrix, MatrixCell
from edgedigits.study.run.figures import HOW, SCORED

MATRIX, EFFECTS, CHAPTER, VARIANTS = "matrix", "effects", "chapter", "variants"
FRONT, DIGITS = "front_", "digits_"
"""What the names of the fronts begin with, by cost, and those of the tables by digit."""
_REAL = "real among all of them at a false discovery rate of 5% (Benjamini, Hochberg)"
_COLUMNS = (
    ("accuracy", "accuracy", lambda v: f"{100 * v:.2f}%"),
    ("accuracy_sd", "± sd", lambda v: f"{100 * v:.2f}"),
    ("refused", "refused", lambda v: f"{100 * v:.2f}%"),
    ("accepted_wrong", "wrong of accepted", lambda v: f"{100 * v:.2f}%"),
    ("macro_precision", "precision", lambda v: f"{v:.4f}"),
    ("macro_recall", "recall", lambda v: f"{v:.4f}"),
    ("macro_f1", "F1", lambda v: f"{v:.4f}"),
    ("mean_loss", "loss", lambda v: f"{v:.4f}"),
    ("bytes", ".tflite B", lambda v: f"{v:,.0f}"),
    ("gzip_bytes", "gzip B", lambda v: f"{v:,.0f}"),
    ("ratio", "ratio", lambda v: f"{v:.1f}×"),
    ("engine_bytes", "engine B", lambda v: f"{v:,.0f}"),
    ("engine_ram", "engine RAM", lambda v: f"{v:,.0f}"),
    ("sparsity", "zeros", lambda v: f"{100 * v:.1f}%"),
    ("distinct", "distinct", lambda v: f"{v:,.0f}"),
    ("instructions", "M4 instr.", lambda v: f"{v:,.0f}"),
    ("most_instructions", "most", lambda v: f"{v:,.0f}"),
    ("flash", "flash", lambda v: f"{v:,.0f}"),
    ("ram", "RAM", lambda v: f"{v:,.0f}"),
    ("latency_us", "host µs", lambda v: f"{v:.1f}"),
    ("train_seconds", "training s", lambda v: f"{v:.1f}"),
    ("seeds", "seeds", lambda v: f"{v:.0f}"),
)
_COLUMN_OF = {name: title for name, title, _ in _COLUMNS}
_OF_DIGITS = {"precision": "Precision", "recall": "Recall", "f1": "F1", "loss": "Cross-entropy"}


def study_tables(insights: Insights) -> dict[str, Table]:
    """Return every table of a study that has rows, by the name of its file, in the order of the page."""
    found = {
        MATRIX: _matrix_table(insights.matrix),
        EFFECTS: _effects_table(insights),
        CHAPTER: insights.chapter.table,
        **{f"{FRONT}{cost}": _front_table(cost, front) for cost, front in insights.fronts.items()},
        VARIANTS: _variants_table(insights),
        **{f"{DIGITS}{name}": _digits_table(insights, name) for name in _OF_DIGITS},
    }
    return {name: table for name, table in found.items() if table is not None and table.rows}


def _matrix_table(matrix: Matrix | None) -> Table | None:
    if matrix is None:
        return None
    rows = tuple((row, *(_matrix_cell(matrix, (row, column)) for column in matrix.columns)) for row in matrix.rows)
    over = "" if matrix.alike else " Not all were run in the same settings, so compare by the marks, not by the means."
    return Table(
        "Accuracy by loss, pruning and quantization",
        ("loss and pruning", *matrix.columns),
        rows,
        caption="Accuracy in %, mean over seeds ± half of its 95% interval, held against the baseline, "
        f"{' in '.join(matrix.baseline)} (=): ↑ more and ↓ less accurate; (↑) and (↓) likely; no mark: not told.{over}",
        how=f"{SCORED}; Student's t over seeds, in pairs of equal setting and seed; ↑ and ↓ are {_REAL}, (↑) and (↓) "
        "by themselves only",
    )


def _matrix_cell(matrix: Matrix, place: tuple[str, str]) -> str:
    cell = matrix.cells.get(place)
    if cell is None:
        return NOTHING
    reach = "" if cell.reach is None else f" ± {100 * cell.reach:.2f}"
    mark = "=" if place == matrix.baseline else _mark(cell)
    return f"{100 * cell.accuracy:.2f}{reach} {mark}".rstrip()


def _mark(cell: MatrixCell) -> str:
    one = cell.against
    if one is None or not one.told:
        return ""
    arrow = "↑" if one.difference > 0 else "↓"
    return arrow if one.real else f"({arrow})"


def _effects_table(insights: Insights) -> Table:
    ordered = sorted(insights.effects, key=lambda one: -abs(one.difference))
    return Table(
        "What each choice does to accuracy",
        ("choice", "against", "points", "95% interval", "seeds", "pairs", "verdict"),
        tuple(_effect_row(one) for one in ordered),
        frozenset({0, 1, 6}),
        "Points of accuracy, between trials that differ in nothing else.",
        f"{SCORED}; compared in pairs; intervals are Student's t over seeds; real is what is {_REAL}, with three seeds "
        "or more",
    )


def _effect_row(one: Effect) -> tuple[str, ...]:
    averaged = f", averaged over {' and '.join(one.averaged)}" if one.averaged else ""
    span = NOTHING if one.low is None or one.high is None else f"{in_points(one.low)} to {in_points(one.high)}"
    counts = (f"{one.seeds:,}", f"{one.pairs:,}")
    return (f"{one.axis} {one.value}{averaged}", one.against, in_points(one.difference), span, *counts, _verdict(one))


def _verdict(one: Difference) -> str:
    return one.verdict.rpartition(": ")[2]


def _front_table(cost: str, front: pd.DataFrame) -> Table:
    rows = tuple(
        (str(number), variant_words(row), f"{row[cost]:,.0f}", f"{100 * row['accuracy']:.2f}%")
        for number, (_, row) in enumerate(front.iterrows(), 1)
    )
    return Table(
        f"On the front: accuracy against {COSTS[cost]}",
        ("no.", "variant", COSTS[cost], "accuracy"),
        rows,
        frozenset({0, 1}),
        "Variants that no other beats in accuracy at the same or a lower cost, numbered as in the figure.",
        f"means over seeds; accuracy {SCORED}; {COSTS[cost]} {HOW[_COLUMN_OF[cost]]}",
    )


def _variants_table(insights: Insights) -> Table:
    ordered = insights.means.sort_values("accuracy", ascending=False)
    known = [one for one in _COLUMNS if one[0] in ordered and ordered[one[0]].notna().any()]
    rows = tuple(
        (variant_words(row), *(_cell(row, name, form) for name, _, form in known)) for _, row in ordered.iterrows()
    )
    head = ("variant", *(title for _, title, _ in known))
    return Table("Variants", head, rows, caption="Means over seeds, the most accurate first.", how=_how(head))


def _how(titles: Sequence[str]) -> str:
    """Return how the figures of these columns were obtained."""
    found = [([name for name in names.split(", ") if name in titles], words) for names, words in HOW.items()]
    return "; ".join(f"{', '.join(names)} {words}" for names, words in found if names)


def _digits_table(insights: Insights, name: str) -> Table:
    """Return a figure of each digit, by variant: means over its trials."""
    column = f"class_{name}"
    known = with_lists(insights.frame, column)
    means = {
        words: np.mean(rows[column].tolist(), axis=0)
        for words, rows in known.groupby(
            [row["prefix"] + variant_words(row) for _, row in known.iterrows()], sort=False
        )
    }
    rows = tuple((str(words), *(f"{value:.4f}" for value in values)) for words, values in means.items())
    head = ("variant", *map(str, range(CLASSES)))
    return Table(
        f"{_OF_DIGITS[name]} of each digit", head, rows, caption="Means over the trials of each variant.", how=SCORED
    )


def _cell(row: Any, name: str, form: Any) -> str:
    return form(row[name]) if pd.notna(row[name]) else NOTHING
