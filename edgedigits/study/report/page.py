"""The report of a study as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from edgedigits.data.shape import CLASSES
from edgedigits.report.page_tables import NOTHING, Table
from edgedigits.report.rendering import figures, page_templates
from edgedigits.report.style import Plot
from edgedigits.study.findings.choices import variant_words
from edgedigits.study.findings.frame import with_lists
from edgedigits.study.findings.insights import COSTS, Insights
from edgedigits.study.run.figures import HOW

_TEMPLATES = Path(__file__).parent / "templates"
_COLUMNS = (
    ("accuracy", "accuracy", lambda v: f"{100 * v:.2f} %"),
    ("accuracy_sd", "± sd", lambda v: f"{100 * v:.2f}"),
    ("macro_precision", "precision", lambda v: f"{v:.4f}"),
    ("macro_recall", "recall", lambda v: f"{v:.4f}"),
    ("macro_f1", "macro F1", lambda v: f"{v:.4f}"),
    ("mean_loss", "loss", lambda v: f"{v:.4f}"),
    ("bytes", ".tflite B", lambda v: f"{v:,.0f}"),
    ("gzip_bytes", "gzip B", lambda v: f"{v:,.0f}"),
    ("ratio", "ratio", lambda v: f"{v:.1f}×"),
    ("engine_bytes", "engine B", lambda v: f"{v:,.0f}"),
    ("engine_ram", "engine RAM", lambda v: f"{v:,.0f}"),
    ("sparsity", "zeros", lambda v: f"{100 * v:.1f} %"),
    ("distinct", "distinct", lambda v: f"{v:,.0f}"),
    ("instructions", "M4 instr.", lambda v: f"{v:,.0f}"),
    ("most_instructions", "most", lambda v: f"{v:,.0f}"),
    ("flash", "flash", lambda v: f"{v:,.0f}"),
    ("ram", "RAM", lambda v: f"{v:,.0f}"),
    ("latency_us", "host µs", lambda v: f"{v:.1f}"),
    ("train_seconds", "training s", lambda v: f"{v:.1f}"),
    ("seeds", "seeds", lambda v: f"{v:.0f}"),
)


_OF_DIGITS = {"precision": "Precision", "recall": "Recall", "f1": "F1", "loss": "Cross-entropy"}


def render_study(insights: Insights, plots: tuple[Plot, ...]) -> str:
    """Return report.html: one page that needs no other file, no network and no JavaScript."""
    return (
        page_templates(_TEMPLATES)
        .get_template("study.html.j2")
        .render(
            name=insights.name,
            trials=f"{len(insights.frame):,}",
            unfinished=insights.unfinished,
            failed=insights.failed,
            groups=insights.groups,
            wide_figures=figures(plot for plot in plots if plot.wide),
            narrow_figures=figures(plot for plot in plots if not plot.wide),
            chapter=insights.chapter,
            variants=_variants_table(insights),
            digits=[_digits_table(insights, name) for name in _OF_DIGITS],
            notes=sorted(set(insights.frame["note"]) - {""}),
            fronts=[_front_table(cost, front) for cost, front in insights.fronts.items()],
            how=HOW,
        )
    )


def _variants_table(insights: Insights) -> Table:
    ordered = insights.means.sort_values("accuracy", ascending=False)
    rows = tuple(
        (variant_words(row), *(_cell(row, name, form) for name, _, form in _COLUMNS)) for _, row in ordered.iterrows()
    )
    return Table("Variants", ("variant", *(title for _, title, _ in _COLUMNS)), rows)


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
    return Table(f"{_OF_DIGITS[name]} of each digit", ("variant", *map(str, range(CLASSES))), rows)


def _cell(row: Any, name: str, form: Any) -> str:
    return form(row[name]) if name in row and pd.notna(row[name]) else NOTHING


def _front_table(cost: str, front: pd.DataFrame) -> Table:
    rows = tuple(
        (variant_words(row), f"{row[cost]:,.0f}", f"{100 * row['accuracy']:.2f} %") for _, row in front.iterrows()
    )
    return Table(f"On the front: accuracy against {COSTS[cost]}", ("variant", COSTS[cost], "accuracy"), rows)
