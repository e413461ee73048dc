"""The reference reader of CSV files: plain Python, line by line, so that it can name the line that is wrong.

It takes some times longer than `csv_fast`, which is tried first; a test holds one against the other.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.checks import BOOLEAN_HINT, label_hint, scaled_hint
from edgedigits.data.csv_cells import MISSING, NUMBER, cells_of, is_blank, lines_of, require_text
from edgedigits.data.csv_label import OTHER_LABEL_HINT
from edgedigits.data.csv_layout import Layout
from edgedigits.data.reading import reading
from edgedigits.data.shape import CLASSES
from edgedigits.errors import DataError, shown

_MOST_SPELLINGS = 4096
_QUOTED = re.compile(r"\s*b?'\d+'\s*")  # '5' as Weka writes it, b'5' as scipy reads that
_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MEND_HINT = "Fill the cell or drop the line."


def read_exactly(path: Path, layout: Layout) -> NDArray[np.uint8]:
    """Read all lines of numbers.

    Returns:
        uint8 (n, columns), columns as in the file. What is a label may still be above 9.

    Raises:
        DataError: names the first line that is wrong: its width, a cell, its encoding.
    """
    rows, spellings = bytearray(), _Spellings()
    with closing(_lines(path, layout)) as lines:
        for number, line in lines:
            where = f"{path}, line {number}"
            cells = cells_of(line)
            if len(cells) != layout.columns:
                raise _wrong_width(cells, where, layout.columns)
            try:
                rows += bytes(map(spellings.__getitem__, cells))
            except KeyError as error:
                raise _wrong_cell(cells, error.args[0], layout, path, number) from None
    return np.frombuffer(rows, np.uint8).reshape(-1, layout.columns)


def line_of_row(path: Path, layout: Layout, row: int) -> int:
    """Return the number of the line that holds row `row` of the table."""
    with closing(_lines(path, layout)) as lines:
        return next(number for index, (number, _) in enumerate(lines) if index == row)


def _lines(path: Path, layout: Layout) -> Generator[tuple[int, str]]:
    with reading(path) as stream:
        for number, line in lines_of(stream, path):
            if number > layout.skip and not is_blank(line):
                yield number, line


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


def _wrong_width(cells: list[str], where: str, columns: int) -> DataError:
    if len(cells) < columns:
        hint = "Was the label column dropped?" if len(cells) == columns - 1 else "Was the line cut off?"
    elif is_blank(cells[-1]):
        hint = "Is there a comma at the end of the line?"
    else:
        # R's write.table gives its rows an index and the header none.
        hint = "Is there an index in front?" if len(cells) == columns + 1 else "Were two lines joined?"
    return DataError(f"{where}: {len(cells) - 1} pixel columns, expected {columns - 1}.", hint=hint)


def _wrong_cell(cells: list[str], text: str, layout: Layout, path: Path, number_of_line: int) -> DataError:
    """What to say of a line with a cell that is no label or no pixel."""
    where, index = f"{path}, line {number_of_line}", cells.index(text)
    is_label = index == (layout.label or 0)
    place = f"{where}: the label" if is_label else f"{where}, {layout.column(index)}: the pixel"
    require_text(text, where)
    if is_blank(text):
        return DataError(f"{place} is empty.", hint=_MEND_HINT)
    if text.strip().lower() in MISSING:
        return DataError(f"{place} is {shown(text.strip())}, a missing value.", hint=_MEND_HINT)
    if not NUMBER.fullmatch(text):
        hint = _word_hint(cells, text, layout) or (
            _label_word_hint(text.strip()) if is_label else _pixel_word_hint(text)
        )
        return DataError(f"{place} is '{shown(text)}', expected a number.", hint=hint)
    number = shown(text.strip())
    if not float(text).is_integer():
        return DataError(f"{place} is {number}, expected a whole number.", hint=_fraction_hint(cells, text, is_label))
    hint = scaled_hint(float(text)) if "." in text else ""
    if is_label:
        hint = label_hint(_labels(path, layout)) or OTHER_LABEL_HINT
    return DataError(f"{place} is {number}, expected 0 to {CLASSES - 1 if is_label else 255}.", hint=hint)


def _word_hint(cells: list[str], text: str, layout: Layout) -> str:
    if layout.names and tuple(cell.strip() for cell in cells) == layout.names:
        return "This line repeats the header: were files joined? Remove it."
    if text.startswith('"'):
        return "A quote opens here and never closes: remove it."
    if _QUOTED.fullmatch(text):
        return "Weka or Python put quotes around it: write the number alone."
    if text.startswith("\ufeff"):
        return "A byte order mark stands here, as where files were joined: remove it."
    if NUMBER.fullmatch(text.replace(",", ".", 1)):
        return "Is this a decimal comma? Write a point."
    return ""


def _pixel_word_hint(text: str) -> str:
    return BOOLEAN_HINT if text.strip().lower() in ("true", "false") else ""


def _label_word_hint(word: str) -> str:
    if word.lower() in _DIGIT_WORDS:
        return f"Write each label as a number, '{word}' as {_DIGIT_WORDS.index(word.lower())}."
    if len(word) == 1 and word.isalpha():
        return "Are these letters as well, as in EMNIST? Keep the digits, and write each label as a number."
    return f"A label is a digit, 0 to 9: write it as a number. {OTHER_LABEL_HINT}"


def _labels(path: Path, layout: Layout) -> NDArray[np.float64]:
    """All numbers of the label's column, whatever else is wrong."""
    with closing(_lines(path, layout)) as lines:
        rows = (cells_of(line) for _, line in lines)
        texts = (cells[layout.label or 0] for cells in rows if len(cells) == layout.columns)
        return np.array([float(text) for text in texts if NUMBER.fullmatch(text)])


def _fraction_hint(cells: list[str], text: str, is_label: bool) -> str:
    if len(set(cells)) == len(cells):
        # No row of pixels has only different numbers, but one that pandas took for names: 5, 0, 0.1, 0.2 …
        return "Did pandas take the first digit for a header? Read the file that it came from with header=None."
    return "" if is_label else scaled_hint(float(text))
