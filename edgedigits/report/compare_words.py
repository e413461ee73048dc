"""Says a comparison in words and figures, the same on a terminal and in the page."""

from __future__ import annotations

from collections.abc import Iterator

from edgedigits.data.shape import CLASSES
from edgedigits.printable import printable
from edgedigits.report.compare import BuildColumn, Comparison
from edgedigits.report.page_tables import NOTHING
from edgedigits.report.paired import PairedTest

CHOICES = ("network", "loss", "compression")
"""Attributes of a build that are words."""
_ROWS = (
    ("accuracy", "accuracy", "{:.2%}"),
    ("float_accuracy", "the same in float32", "{:.2%}"),
    ("macro_f1", "macro F1", "{:.4f}"),
    ("bytes", ".tflite, bytes", "{:,.0f}"),
    ("gzip_bytes", "with gzip, bytes", "{:,.0f}"),
    ("sparsity", "zeros", "{:.1%}"),
    ("engine_bytes", "arrays of the C engine, bytes", "{:,.0f}"),
    ("instructions", "instructions of a Cortex-M4", "{:,.0f}"),
    ("arena", "RAM of TFLM, bytes", "{:,.0f}"),
)
_DIFFER = 0.05
"""The largest p by which two builds are said to differ."""

Row = tuple[str, str, list[tuple[str, str]]]
"""Name of a figure, its title, and for each build its folder and the figure as text."""


def figure_rows(comparison: Comparison) -> Iterator[Row]:
    """Yield the figures that some build has, and the recall of each digit."""
    for name, title, form in _ROWS:
        if _known(name, comparison):
            yield name, title, [(build.folder, _text(build, name, form)) for build in comparison.builds]
    for digit in range(CLASSES):
        recalls = [(build.folder, f"{build.recall[digit]:.2%}") for build in comparison.builds]
        yield "recall", f"recall of {digit}", recalls


def test_words(test: PairedTest, comparison: Comparison) -> str:
    """Return what a paired test says."""
    verdict = "differ" if test.p_value < _DIFFER else "cannot be told apart"
    return (
        f"{printable(test.folder)} against {printable(comparison.builds[0].folder)}: of {test.count:,} images, "
        f"{test.gained} gained, {test.lost} lost; they {verdict} (McNemar, p = {test.p_value:.3g})"
    )


def obtained(comparison: Comparison) -> dict[str, list[str]]:
    """Return how figures were obtained, and of which rows that is true."""
    rows = [(name, title) for name, title, _ in _ROWS if _known(name, comparison)] + [("recall", "recall")]
    rows += [("p_value", "p")] if comparison.tests else []
    titles: dict[str, list[str]] = {}
    for name, title in rows:
        titles.setdefault(comparison.how[name], []).append(title.removesuffix(", bytes"))
    return titles


def _known(name: str, comparison: Comparison) -> bool:
    return any(build.figures[name] is not None for build in comparison.builds)


def _text(build: BuildColumn, name: str, form: str) -> str:
    value = build.figures[name]
    return NOTHING if value is None else form.format(value)
