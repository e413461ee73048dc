"""The reference reader of CSV files: plain Python, line by line, so that it can name the line that is wrong.

It is some times slower than pandas, which `csv_file` tries first; a test holds one against the other.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.checks import SCALED_HINT
from edgedigits.data.csv_layout import COLUMNS, NUMBER, Layout, decoded
from edgedigits.data.reading import reading
from edgedigits.data.shape import CLASSES, PIXELS
from edgedigits.errors import DataError

_MOST_SPELLINGS = 4096
_NOT_A_NUMBER = ("nan", "na", "n/a", "null", "none")


def read_exactly(path: Path, layout: Layout) -> NDArray[np.uint8]:
    """Read all lines of numbers.

    Returns:
        uint8 (n, 785), columns as in the file.

    Raises:
        DataError: names the first line that is wrong: its width, a cell, its encoding.
    """
    rows, spellings = bytearray(), _Spellings()
    with reading(path) as stream:
        lines = csv.reader(_lines(stream, path, layout.skip))
        try:
            for cells in lines:
                if cells and (len(cells) > 1 or cells[0].strip()):
                    rows += _row(cells, layout, spellings, f"{path}, line {layout.skip + lines.line_num}")
        except csv.Error as error:
            raise DataError(f"{path}, line {layout.skip + lines.line_num}: {error}.") from None
    return np.frombuffer(rows, np.uint8).reshape(-1, COLUMNS)


def _lines(stream: Iterable[bytes], path: Path, skip: int) -> Iterator[str]:
    for number, raw in enumerate(stream, 1):
        if number > skip:
            line = decoded(raw, path, number)
            yield line.removeprefix("\ufeff") if number == 1 else line


class _Spellings(dict[str, int]):
    """Whole numbers 0…255 by their text; learns other spellings, such as " 7" or "7.0", as they come."""

    def __init__(self) -> None:
        super().__init__((str(value), value) for value in range(256))

    def __missing__(self, text: str) -> int:
        value = float(text) if NUMBER.fullmatch(text) else -1.0
        if not (value.is_integer() and 0 <= value <= 255):
            raise KeyError(text)
        if len(self) < _MOST_SPELLINGS:
            self[text] = int(value)
        return int(value)


def _row(cells: list[str], layout: Layout, spellings: _Spellings, where: str) -> bytes:
    if len(cells) != COLUMNS:
        raise DataError(f"{where}: {len(cells) - 1} pixel columns, expected {PIXELS}.", hint=_width_hint(cells))
    try:
        row = bytes(map(spellings.__getitem__, cells))
    except KeyError as error:
        raise _wrong_cell(error.args[0], layout, cells.index(error.args[0]), where) from None
    if row[layout.label] >= CLASSES:
        raise _wrong_cell(cells[layout.label], layout, layout.label, where)
    return row


def _width_hint(cells: list[str]) -> str:
    if len(cells) == PIXELS:
        return "Was the label column dropped?"
    if len(cells) > COLUMNS:
        return "Is there a comma at the end of the line?" if not cells[-1].strip() else "Were two lines joined?"
    return "Was the line cut off?"


def _wrong_cell(text: str, layout: Layout, index: int, where: str) -> DataError:
    """What to say of a cell that is no label or no pixel."""
    is_label = index == layout.label
    place = f"{where}: the label" if is_label else f"{where}, {layout.column(index)}: the pixel"
    if not text.strip():
        return DataError(f"{place} is empty.", hint="Fill the cell or drop the line.")
    if text.strip().lower() in _NOT_A_NUMBER:
        return DataError(f"{place} is {text.strip()}, a missing value.", hint="Fill the cell or drop the line.")
    if not NUMBER.fullmatch(text):
        return DataError(f"{place} is {text[:20]!r}, expected a number.")
    if not float(text).is_integer():
        hint = SCALED_HINT if not is_label and 0 < float(text) < 1 else ""
        return DataError(f"{place} is {text.strip()}, expected a whole number.", hint=hint)
    hint = "Is another column the label? Name it with --label-column." if is_label else ""
    return DataError(f"{place} is {text.strip()}, expected 0 to {CLASSES - 1 if is_label else 255}.", hint=hint)
