"""CSV files in the form of Kaggle's Digit Recognizer: a label and 784 pixels a line.

pandas reads; only where it fails does the slower `csv_exact` read once more, to name the line that is wrong
or to accept a spelling that pandas does not.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.csv_exact import read_exactly
from edgedigits.data.csv_layout import COLUMNS, Layout, read_layout
from edgedigits.data.digits import Digits
from edgedigits.data.reading import reading
from edgedigits.data.shape import CLASSES
from edgedigits.errors import DataError


def read_csv(path: Path, label_column: str = "") -> Digits:
    """Read a CSV of digits, gzipped or not, with a header or without.

    Args:
        path: the file.
        label_column: name of the label's column, or "first" or "last"; by default a column whose header is
            "label", else the first.

    Returns:
        The digits in the order of the lines.

    Raises:
        DataError: names the file, the line and what is wrong there.
    """
    layout = read_layout(path, label_column)
    table = _read_with_pandas(path, layout)
    if table is None:
        table = read_exactly(path, layout)
    if not len(table):
        raise DataError(f"{path} holds a header and no digits.")
    return Digits(np.delete(table, layout.label, axis=1), table[:, layout.label].copy())


def _read_with_pandas(path: Path, layout: Layout) -> NDArray[np.uint8] | None:
    """The table, uint8 (n, 785), or None where there is anything that pandas will not take as such."""
    import pandas

    # Parsed straight into bytes, 42,000 lines are 33 MB; pandas refuses what would not fit, so nothing wraps.
    try:
        with reading(path) as stream, np.errstate(invalid="ignore"):
            frame = pandas.read_csv(stream, header=None, skiprows=layout.skip, dtype=np.uint8, na_filter=False)
    except (ValueError, OverflowError, EOFError, OSError, zlib.error, DataError):
        return None
    table = np.ascontiguousarray(frame.to_numpy(dtype=np.uint8))
    right = table.ndim == 2 and table.shape[1] == COLUMNS and (table[:, layout.label] < CLASSES).all()
    return table if right else None
