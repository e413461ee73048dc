"""CSV files in the form of Kaggle's Digit Recognizer: a label and 784 pixels a line."""

from __future__ import annotations

from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.checks import label_hint
from edgedigits.data.csv_exact import line_of_row, read_exactly
from edgedigits.data.csv_fast import read_fast
from edgedigits.data.csv_label import OTHER_LABEL_HINT, label_by_numbers
from edgedigits.data.csv_layout import Layout, read_layout
from edgedigits.data.csv_order import order_note
from edgedigits.data.digits import Digits
from edgedigits.data.geometry import Fitter
from edgedigits.data.shape import CLASSES
from edgedigits.errors import DataError


def read_csv(path: Path, label_column: str = "") -> Digits:
    """Read a CSV of digits, gzipped or not, with a header or without; see `read_noted_csv`."""
    digits, _ = read_noted_csv(path, label_column)
    return digits


def read_noted_csv(path: Path, label_column: str = "", fit: Fitter | None = None) -> tuple[Digits, str]:
    """Read a CSV of digits, gzipped or not, with a header or without.

    Args:
        path: the file.
        label_column: name of the label's column, or "first" or "last"; by default the column that the header
            calls so, or the only one that it does not name like the others; the first where it does not tell.
        fit: makes images of square pictures of any size; None where they must be of 28×28.

    Returns:
        The digits in the order of the lines, and what to say of pixels that were not in order; empty if they were.

    Raises:
        DataError: names the file, the line and what is wrong there, or the columns that could be the label.
    """
    layout = read_layout(path, label_column, any_size=fit is not None)
    table = read_fast(path, layout.skip, layout.columns)
    if table is None:
        table = read_exactly(path, layout)
    if not len(table):
        raise DataError(f"{path} holds a header and no digits.")
    label = label_by_numbers(table, path) if layout.label is None else layout.label
    labels = table[:, label].copy()
    _require_classes(labels, path, layout)
    images = table[:, layout.order] if layout.order else np.delete(table, label, axis=1)
    if fit is not None:
        side = isqrt(layout.columns - 1)
        images = fit(images.reshape(-1, side, side))
    return Digits(images, labels), order_note(path, layout.names, layout.order)


def _require_classes(labels: NDArray[np.uint8], path: Path, layout: Layout) -> None:
    wrong = np.flatnonzero(labels >= CLASSES)
    if len(wrong):
        line = line_of_row(path, layout, int(wrong[0]))
        hint = label_hint(labels) or OTHER_LABEL_HINT
        raise DataError(f"{path}, line {line}: the label is {labels[wrong[0]]}, expected 0 to 9.", hint=hint)
