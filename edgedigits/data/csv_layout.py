"""What the first line of a CSV tells: whether it is a header, and which column is the label."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from edgedigits.data.reading import impostor_hint, reading
from edgedigits.data.shape import PIXELS
from edgedigits.errors import DataError, nearest

COLUMNS = 1 + PIXELS
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)

_FIRST_LINE_LIMIT = 1 << 20  # bytes; a line of 785 columns has some thousand.
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
_INDEX_HINT = "Was an index column written? Leave it out: to_csv(file, index=False)."
_SIZES = {side * side: side for side in (8, 16, 20, 32, 64)}


@dataclass(frozen=True)
class Layout:
    """How to read a CSV of digits.

    Attributes:
        label: index of the label's column, 0…784.
        names: the header's names; empty where there is no header.
        skip: lines before the first line of numbers.
    """

    label: int
    names: tuple[str, ...]
    skip: int

    def column(self, index: int) -> str:
        """Return what a message calls the column at `index`: "column 14 (pixel12)"."""
        return f"column {index + 1}" + (f" ({self.names[index]})" if self.names else "")


def read_layout(path: Path, label_column: str = "") -> Layout:
    """Find header and label column of a CSV file.

    Args:
        path: the file, gzipped or not.
        label_column: name of the label's column, or "first" or "last"; by default a column whose header is
            "label", else the first.

    Raises:
        DataError: the file cannot be read, is not UTF-8 text separated by commas, has no such column, or its
            first line does not hold a label and 784 pixels.
    """
    line, skip = _first_line(path)
    cells = next(csv.reader([line]))
    if len(cells) == 1:
        raise _not_separated(path, line, skip)
    header = _is_header(cells)
    names = tuple(cell.strip() for cell in cells) if header else ()
    label = _label_index(path, label_column, names, len(cells))
    if len(cells) != COLUMNS:
        raise _wrong_width(path, skip + 1, len(cells), names, label)
    return Layout(0 if label is None else label, names, skip + header)


def _first_line(path: Path) -> tuple[str, int]:
    with reading(path) as stream:
        for skipped in range(1000):
            raw = stream.readline(_FIRST_LINE_LIMIT)
            if b"\0" in raw or impostor_hint(raw):
                raise DataError(f"{path} is not a CSV but a binary or other file.", hint=impostor_hint(raw))
            if raw.strip(b"\xef\xbb\xbf\r\n\t "):
                # A file with the old Mac's line ends is one line to Python; its first one is enough here.
                return decoded(raw, path, skipped + 1).splitlines()[0].removeprefix("\ufeff"), skipped
            if not raw:
                break
    raise DataError(f"{path} holds no lines.", hint="Download or copy it again.")


def decoded(raw: bytes, path: Path, line: int) -> str:
    """Return a line of the file as text.

    Raises:
        DataError: it is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8 text.",
            hint=impostor_hint(raw) or "Save it as a UTF-8 CSV.",
        ) from None


def _is_header(cells: list[str]) -> bool:
    # pandas numbers the columns 0, 1, 2 … where they have no names.
    if cells == [str(index) for index in range(len(cells))]:
        return True
    words = sum(NUMBER.fullmatch(cell) is None for cell in cells)
    return 2 * words > len(cells)


def _label_index(path: Path, wanted: str, names: tuple[str, ...], columns: int) -> int | None:
    """The label's column; None where the first is taken because nothing says otherwise."""
    if wanted in names:
        return names.index(wanted)
    if wanted in ("first", "last"):
        return 0 if wanted == "first" else columns - 1
    if wanted and not names:
        raise DataError(
            f"{path} has no header, so its column '{wanted}' cannot be found.", hint="Use 'first' or 'last'."
        )
    if wanted:
        raise DataError(f"{path} has no column '{wanted}'.", hint=_suggestion(wanted, names))
    lowered = [name.lower() for name in names]
    return lowered.index("label") if "label" in lowered else None


def _suggestion(wanted: str, names: tuple[str, ...]) -> str:
    hint = nearest(wanted, names)
    return hint if hint.startswith("Did") else f"The first columns are {', '.join(names[:3])}."


def _not_separated(path: Path, line: str, skip: int) -> DataError:
    for separator, noun in _OTHER_SEPARATORS.items():
        if line.count(separator) >= PIXELS - 1:
            return DataError(f"{path}, line {skip + 1}: columns are separated by {noun}, expected commas.")
    return DataError(
        f"{path}, line {skip + 1}: one column, expected {COLUMNS} separated by commas.",
        hint="Is this the CSV that was meant?",
    )


def _wrong_width(path: Path, line: int, columns: int, names: tuple[str, ...], label: int | None) -> DataError:
    where = f"{path}, line {line}"
    if columns == PIXELS and label is None:
        return DataError(
            f"{where}: {PIXELS} columns and no label, expected a label and {PIXELS} pixels.",
            hint="Was the label column dropped? Kaggle's test.csv has no labels: use its train.csv.",
        )
    hint = ""
    if columns == COLUMNS + 1:
        hint = _INDEX_HINT
    elif columns - 1 in _SIZES:
        side = _SIZES[columns - 1]
        hint = f"These look like images of {side}×{side}: resize them to 28×28."
    return DataError(f"{where}: {columns - 1} pixel columns, expected {PIXELS}.", hint=hint)
