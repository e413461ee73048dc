"""What the first lines of a CSV tell: whether there is a header, and which column is the label."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from pathlib import Path

from edgedigits.data.csv_cells import NUMBER, cells_of, is_blank, is_word, lines_of, require_text
from edgedigits.data.csv_label import label_by_name, numbered
from edgedigits.data.csv_order import pixel_order
from edgedigits.data.csv_width import COLUMNS, FEWEST, has_open_quote, open_quote, told_separator, wrong_width
from edgedigits.data.impostors import HEAD_BYTES, impostor_hint
from edgedigits.data.reading import read_bytes, reading
from edgedigits.errors import DataError, nearest, shown


@dataclass(frozen=True)
class Layout:
    """How to read a CSV of digits.

    Attributes:
        label: index of the label's column, 0…784; None where only the numbers can tell.
        names: the header's names; empty where there is no header.
        skip: lines before the first line of numbers.
        order: the columns of the pixels in the order of the picture; empty where they stand in it.
        columns: how many there are, the label's included.
    """

    label: int | None
    names: tuple[str, ...]
    skip: int
    order: tuple[int, ...] = ()
    columns: int = COLUMNS

    def column(self, index: int) -> str:
        """Return what a message calls the column at `index`: "column 14 (pixel12)"."""
        return f"column {index + 1}" + (f" ({shown(self.names[index])})" if self.names else "")


def read_layout(path: Path, label_column: str = "", *, any_size: bool = False) -> Layout:
    """Find header and label column of a CSV file.

    Args:
        path: the file, gzipped or not.
        label_column: name of the label's column, or "first" or "last"; by default the header says which.
        any_size: pictures may be square ones of any size, their pixels in the order of the picture.

    Raises:
        DataError: the file cannot be read, is not UTF-8 text separated by commas, has no such column or several
            that could be it, its first line does not hold a label and 784 pixels, or its names leave open which
            pixel is which.
    """
    number, line = _first_line(path)
    where = f"{path}, line {number}"
    require_text(line, where)
    cells = cells_of(line)
    header = is_header(cells)
    names = tuple(cell.strip() for cell in cells) if header else ()
    columns = len(cells)
    if columns != COLUMNS and not (any_size and columns > FEWEST and isqrt(columns - 1) ** 2 == columns - 1):
        raise wrong_width(path, number, line, names)
    if header and has_open_quote(line):
        raise open_quote(where)
    label = _wanted(path, label_column, names, columns) if label_column else label_by_name(names, where)
    order = pixel_order(names, label, where) if header and columns == COLUMNS else ()
    return Layout(label, names, number if header else number - 1, order, columns)


def is_header(cells: list[str]) -> bool:
    """Say whether the cells of a first line are names.

    They are where most are words, or where the numbers among them count the columns, as those of pandas do, in
    whatever order: no row of pixels holds each number from 0 to 783, or as many different ones.
    """
    words = [cell for cell in cells if is_word(cell)]
    if 2 * len(words) > len(cells):
        return True
    numbers = sorted(int(value) for cell in cells if NUMBER.fullmatch(cell) and (value := float(cell)).is_integer())
    if 2 * len(numbers) <= len(cells):
        return False
    distinct = len(set(numbers))
    return numbers[-1] - numbers[0] == len(numbers) - 1 == distinct - 1 or distinct > max(256, 0.9 * len(numbers))


def _first_line(path: Path) -> tuple[int, str]:
    """Number and text of the first line that belongs to the table."""
    head = read_bytes(path, HEAD_BYTES)
    hint = impostor_hint(head, path.name)
    if hint or b"\0" in head:
        raise DataError(f"{path} is not a CSV but a binary or other file.", hint=hint)
    with reading(path) as stream:
        for number, line in lines_of(stream, path):
            if not is_blank(line) and told_separator(line) != ",":
                return number, line
    raise DataError(f"{path} holds no lines.", hint="Download or copy it again.")


def _wanted(path: Path, wanted: str, names: tuple[str, ...], columns: int) -> int:
    """The column that --label-column names."""
    alike = [index for index, name in enumerate(names) if name.casefold() == wanted.strip().casefold()]
    same = [index for index in alike if names[index] == wanted] or alike
    if len(same) == 1:
        return same[0]
    if same:
        raise DataError(
            f"{path} has several columns '{shown(wanted)}': {numbered(names, same)}.", hint="Use 'first' or 'last'."
        )
    if wanted in ("first", "last"):
        return 0 if wanted == "first" else columns - 1
    if not names:
        raise DataError(
            f"{path} has no header, so its column '{shown(wanted)}' cannot be found.", hint="Use 'first' or 'last'."
        )
    # Columns are not counted: to somebody who wrote -1 a name that looks like it is no help.
    counted = NUMBER.fullmatch(wanted) is not None
    hint = "" if counted else nearest(wanted.strip().casefold(), [*names, "first", "last"])
    if not hint.startswith("Did"):
        some = f"{', '.join(map(shown, names[:3]))}, … {shown(names[-1])}"
        hint = f"Its columns are {some}; 'first' and 'last' will do as well."
    raise DataError(f"{path} has no column '{shown(wanted)}'.", hint=hint)
