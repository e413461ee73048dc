"""What to say of a CSV whose first line does not have the columns of a label and 784 pixels."""

from __future__ import annotations

import re
from contextlib import closing
from itertools import islice
from pathlib import Path

from edgedigits.data.csv_cells import cells_of, is_blank, lines_of
from edgedigits.data.csv_label import numbered, odd_columns
from edgedigits.data.reading import reading
from edgedigits.data.shape import CLASSES, PIXELS, SIDES_ELSEWHERE
from edgedigits.errors import DataError

COLUMNS = 1 + PIXELS

FEWEST = min(SIDES_ELSEWHERE)
"""Columns from which on a line may be one of a table of pictures."""

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
_BESIDE_PIXELS = (("", 1), (" without a label", 0), (" with an index", 2))
_TITLE_LINES = 20
# Excel's own first line: it tells the separator and is no line of the table.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_INDEX_HINT = "Was an index column written? Leave it out: to_csv(file, index=False)."


def told_separator(line: str) -> str:
    """Return the separator of columns that a line tells, as the first one of Excel does; empty where it tells none."""
    told = _SEPARATOR_LINE.fullmatch(line)
    return told[1] if told else ""


def has_open_quote(line: str) -> bool:
    """Say whether a quote of a line is not closed in it."""
    return line.count('"') % 2 == 1


def open_quote(where: str) -> DataError:
    """Return what to say of a first line in which a quote opens and does not close."""
    return DataError(
        f"{where}: a quote opens and does not close before the line's end.",
        hint="Remove it, or the end of the line between the two quotes.",
    )


def wrong_width(path: Path, number: int, line: str, names: tuple[str, ...]) -> DataError:
    """Return what to say of a first line that has not 785 columns.

    Args:
        path: the file.
        number: of the line.
        line: its text.
        names: of its columns; empty where it is no header.
    """
    where, cells = f"{path}, line {number}", cells_of(line)
    separator, columns = told_separator(line) or _other_separator(line), len(cells)
    if has_open_quote(line):
        return open_quote(where)
    if separator in _SEPARATORS:
        point = " and numbers with a decimal point" if "," in line else ""
        return DataError(
            f"{where}: columns are separated by {_SEPARATORS[separator]}, expected commas.",
            hint=_size_hint(len(line.split(separator))) or f"Save it with commas{point}.",
        )
    if columns < FEWEST:
        return _no_table(path, number, cells)
    if is_blank(cells[-1]):
        return DataError(
            f"{where} ends with a comma, so that it has {columns} columns, the last of them empty.",
            hint="Remove the comma at the end of each line.",
        )
    odd = odd_columns(names)
    if columns == PIXELS and not odd:
        return DataError(
            f"{where}: {PIXELS} columns and no label, expected a label and {PIXELS} pixels.",
            hint="Was the label column dropped? Kaggle's test.csv has no labels: use its train.csv.",
        )
    return DataError(
        f"{where}: {columns - 1} pixel columns, expected {PIXELS}.",
        hint=_size_hint(columns) or _width_hint(columns, names, odd),
    )


def table_hint(line: str) -> str:
    """Return what to do with a file that is not called a CSV but begins with `line`; empty if that is no table."""
    separator = _other_separator(line) or ","
    columns = len(line.strip().split(separator))
    if columns < FEWEST:
        return ""
    return _size_hint(columns) or "Is it a table? Save it as .csv, a label and 784 pixels a line, separated by commas."


def _no_table(path: Path, number: int, cells: list[str]) -> DataError:
    """What to say of a line that is none of a table, be it of smaller pictures."""
    hint = "Is this the CSV that was meant?"
    if cells[0].count(",") >= FEWEST:
        hint = "The line stands in quotes as a whole: remove them, here and in the lines below."
    else:
        with reading(path) as stream, closing(lines_of(stream, path)) as lines:
            for below, line in islice(lines, number, number + _TITLE_LINES):
                if len(cells_of(line)) == COLUMNS:
                    hint = f"Remove what stands above line {below}, where the table begins."
                    break
    columns = "one column" if len(cells) == 1 else f"{len(cells)} columns"
    return DataError(f"{path}, line {number}: {columns}, expected {COLUMNS} separated by commas.", hint=hint)


def _other_separator(line: str) -> str:
    """What separates the columns of a set of digits, be they ever so small; numbers may hold decimal commas."""
    counts = {mark: line.strip(" ").count(mark) for mark in _SEPARATORS}
    # Blanks are often found behind commas too.
    counts[" "] = max(0, counts[" "] - line.count(","))
    return next((mark for mark, found in counts.items() if found >= FEWEST), "")


def _size_hint(columns: int) -> str:
    """What to say where there are as many columns as smaller or larger pictures have pixels."""
    sizes = ((label, SIDES_ELSEWHERE.get(columns - more, 0)) for label, more in _BESIDE_PIXELS)
    label, side = next((size for size in sizes if size[1]), ("", 0))
    if not side:
        return ""
    fit = "" if label else "read a .csv of them with --fit, or "
    return f"These look like images of {side}×{side}{label}: {fit}scale each to 28×28, a label and 784 pixels a line."


def _width_hint(columns: int, names: tuple[str, ...], odd: list[int]) -> str:
    if columns - 1 == 3 * PIXELS:
        return "Are these pictures in colour? Store one grey value a pixel."
    if columns == PIXELS + CLASSES:
        return "Are the labels one-hot? Store one label a line: labels.argmax(axis=1)."
    written = not names or names[0].lower() in ("", "unnamed: 0")
    if columns == COLUMNS + 1 and written:
        return _INDEX_HINT
    if columns > COLUMNS and 1 < len(odd) <= 1 + columns - COLUMNS:
        return f"Of the columns {numbered(names, odd)}, which are not named like pixels, keep the label only."
    return ""
