"""What the first lines of a CSV tell: whether there is a header, and which column is the label."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from edgedigits.data.csv_cells import NUMBER, cells_of, is_blank, is_word, lines_of, require_text
from edgedigits.data.csv_label import label_by_name, odd_columns, quoted
from edgedigits.data.impostors import HEAD_BYTES, impostor_hint
from edgedigits.data.reading import read_bytes, reading
from edgedigits.data.shape import CLASSES, PIXELS, SIDES_ELSEWHERE
from edgedigits.errors import DataError, nearest, shown

COLUMNS = 1 + PIXELS

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
_BESIDE_PIXELS = (("", 1), (" without a label", 0), (" with an index", 2))
_TITLE_LINES = 20
# Excel's own first line: it tells the separator and is no line of the table.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_INDEX_HINT = "Was an index column written? Leave it out: to_csv(file, index=False)."


@dataclass(frozen=True)
class Layout:
    """How to read a CSV of digits.

    Attributes:
        label: index of the label's column, 0…784; None where only the numbers can tell.
        names: the header's names; empty where there is no header.
        skip: lines before the first line of numbers.
    """

    label: int | None
    names: tuple[str, ...]
    skip: int

    def column(self, index: int) -> str:
        """Return what a message calls the column at `index`: "column 14 (pixel12)"."""
        return f"column {index + 1}" + (f" ({shown(self.names[index])})" if self.names else "")


def read_layout(path: Path, label_column: str = "") -> Layout:
    """Find header and label column of a CSV file.

    Args:
        path: the file, gzipped or not.
        label_column: name of the label's column, or "first" or "last"; by default the header says which.

    Raises:
        DataError: the file cannot be read, is not UTF-8 text separated by commas, has no such column or several
            that could be it, or its first line does not hold a label and 784 pixels.
    """
    number, line = _first_line(path)
    where = f"{path}, line {number}"
    require_text(line, where)
    cells = cells_of(line)
    if len(cells) != COLUMNS:
        _require_commas(where, line)
        _require_table(path, number, cells)
    header = is_header(cells)
    names = tuple(cell.strip() for cell in cells) if header else ()
    if len(cells) != COLUMNS:
        raise _wrong_width(where, cells, names)
    label = _wanted(path, label_column, names) if label_column else label_by_name(names, where)
    return Layout(label, names, number if header else number - 1)


def is_header(cells: list[str]) -> bool:
    """Say whether the cells of a first line are names.

    They are where most are words, or where the numbers among them count the columns, as those of pandas do:
    no row of pixels goes from 0 to 783.
    """
    words = [cell for cell in cells if is_word(cell)]
    if 2 * len(words) > len(cells):
        return True
    numbers = [cell.strip() for cell in cells if NUMBER.fullmatch(cell)]
    counted = (list(map(str, range(first, first + len(numbers)))) for first in (0, 1))
    return len(numbers) > len(cells) // 2 and numbers in counted


def _first_line(path: Path) -> tuple[int, str]:
    """Number and text of the first line that belongs to the table."""
    head = read_bytes(path, HEAD_BYTES)
    hint = impostor_hint(head, path.name)
    if hint or b"\0" in head:
        raise DataError(f"{path} is not a CSV but a binary or other file.", hint=hint)
    with reading(path) as stream:
        for number, line in lines_of(stream, path):
            if not is_blank(line) and _told_separator(line) != ",":
                return number, line
    raise DataError(f"{path} holds no lines.", hint="Download or copy it again.")


def _told_separator(line: str) -> str:
    told = _SEPARATOR_LINE.fullmatch(line)
    return told[1] if told else ""


def _require_commas(where: str, line: str) -> None:
    separator = _told_separator(line) or _other_separator(line)
    if separator in _SEPARATORS:
        point = " and numbers with a decimal point" if "," in line else ""
        raise DataError(
            f"{where}: columns are separated by {_SEPARATORS[separator]}, expected commas.",
            hint=_size_hint(len(line.split(separator))) or f"Save it with commas{point}.",
        )


def _require_table(path: Path, number: int, cells: list[str]) -> None:
    """Refuse a line that is none of a table, be it of smaller pictures."""
    if len(cells) >= min(SIDES_ELSEWHERE):
        return
    hint = "Is this the CSV that was meant?"
    if cells[0].count(",") >= min(SIDES_ELSEWHERE):
        hint = "The line stands in quotes as a whole: remove them, here and in the lines below."
    else:
        with reading(path) as stream, closing(lines_of(stream, path)) as lines:
            for below, line in islice(lines, number, number + _TITLE_LINES):
                if len(cells_of(line)) == COLUMNS:
                    hint = f"Remove what stands above line {below}, where the table begins."
                    break
    columns = "one column" if len(cells) == 1 else f"{len(cells)} columns"
    raise DataError(f"{path}, line {number}: {columns}, expected {COLUMNS} separated by commas.", hint=hint)


def table_hint(line: str) -> str:
    """Return what to do with a file that is not called a CSV but begins with `line`; empty if that is no table."""
    separator = _other_separator(line) or ","
    columns = len(line.strip().split(separator))
    if columns < min(SIDES_ELSEWHERE):
        return ""
    return _size_hint(columns) or "Is it a table? Save it as .csv, a label and 784 pixels a line, separated by commas."


def _other_separator(line: str) -> str:
    """What separates the columns of a set of digits, be they ever so small; numbers may hold decimal commas."""
    counts = {mark: line.strip(" ").count(mark) for mark in _SEPARATORS}
    # Blanks are often found behind commas too.
    counts[" "] = max(0, counts[" "] - line.count(","))
    return next((mark for mark, found in counts.items() if found >= min(SIDES_ELSEWHERE)), "")


def _wanted(path: Path, wanted: str, names: tuple[str, ...]) -> int:
    """The column that --label-column names."""
    alike = [index for index, name in enumerate(names) if name.casefold() == wanted.strip().casefold()]
    same = [index for index in alike if names[index] == wanted] or alike
    if len(same) == 1:
        return same[0]
    if same:
        raise DataError(
            f"{path} has several columns '{shown(wanted)}': {quoted(names, same)}.", hint="Use 'first' or 'last'."
        )
    if wanted in ("first", "last"):
        return 0 if wanted == "first" else COLUMNS - 1
    if not names:
        raise DataError(
            f"{path} has no header, so its column '{shown(wanted)}' cannot be found.", hint="Use 'first' or 'last'."
        )
    hint = nearest(wanted, names)
    if not hint.startswith("Did"):
        hint = f"The first columns are {', '.join(map(shown, names[:3]))}."
    raise DataError(f"{path} has no column '{shown(wanted)}'.", hint=hint)


def _wrong_width(where: str, cells: list[str], names: tuple[str, ...]) -> DataError:
    columns = len(cells)
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


def _size_hint(columns: int) -> str:
    """What to say where there are as many columns as smaller or larger pictures have pixels."""
    sizes = ((label, SIDES_ELSEWHERE.get(columns - more, 0)) for label, more in _BESIDE_PIXELS)
    label, side = next((size for size in sizes if size[1]), ("", 0))
    if not side:
        return ""
    return f"These look like images of {side}×{side}{label}: scale each to 28×28, a label and 784 pixels a line."


def _width_hint(columns: int, names: tuple[str, ...], odd: list[int]) -> str:
    if columns - 1 == 3 * PIXELS:
        return "Are these pictures in colour? Store one grey value a pixel."
    if columns == PIXELS + CLASSES:
        return "Are the labels one-hot? Store one label a line: labels.argmax(axis=1)."
    written = not names or names[0].lower() in ("", "unnamed: 0")
    if columns == COLUMNS + 1 and written:
        return _INDEX_HINT
    if columns > COLUMNS and 1 < len(odd) <= 1 + columns - COLUMNS:
        return f"Of the columns {quoted(names, odd)}, which are not named like pixels, keep the label only."
    return ""
