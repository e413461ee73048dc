"""The one definition of what a CSV's lines and cells may hold; every reader of CSV files goes by it.

A line ends with LF, CRLF or CR; one of nothing but blanks does not count. A cell is a number that is whole, in
ASCII, with or without sign, decimal point and exponent: 7, 007, +7, 7.0, 7e0. Blanks and tabs around it are no part
of it, nor are double quotes, which may hold no end of a line. Nothing else is a number: no True, 0x7, 1_0 or nan.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Generator
from io import BufferedReader, TextIOWrapper
from itertools import count
from pathlib import Path

from edgedigits.errors import DataError

NUMBER = re.compile(r"[ \t]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t]*", re.ASCII)
BLANKS = " \t"
MISSING = ("nan", "na", "n/a", "null", "none")

LINE_LIMIT = 1 << 20
"""Characters of a line; one of 785 columns has some thousand."""

MOST_LINES = 1 << 21
"""More than any file within `reading.MOST_BYTES` has digits, even with an empty line behind each."""

_MEANT_HINT = "Is this the CSV that was meant?"
_VALUES = frozenset(("", *MISSING, "true", "false", "inf", "-inf", "infinity"))
_CELL = re.compile(r'[ \t]*(?:"((?:[^"]|"")*)"[ \t]*|([^,]*)),')
_BYTE_OF_NO_TEXT = re.compile("[\udc80-\udcff]")


def lines_of(stream: BufferedReader, path: Path) -> Generator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line, without its end and without a byte order mark.

    Bytes that are no UTF-8 become lone surrogates; see `require_text`.

    Raises:
        DataError: a line is longer than `LINE_LIMIT`, or there are more than `MOST_LINES`.
    """
    with TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=None) as text:
        for number in count(1):
            line = text.readline(LINE_LIMIT)
            if not line:
                return
            if number > MOST_LINES:
                raise DataError(f"{path} has more than {MOST_LINES:,} lines.", hint=_MEANT_HINT)
            if len(line) == LINE_LIMIT:
                raise DataError(f"{path}, line {number} is longer than {LINE_LIMIT:,} characters.", hint=_MEANT_HINT)
            yield number, line.removesuffix("\n")


def is_blank(line: str) -> bool:
    """Say whether a line holds nothing."""
    return not line.strip(BLANKS)


def cells_of(line: str) -> list[str]:
    """Split a line at its commas, without the quotes around cells; a quote that opens and never closes stays."""
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line], skipinitialspace=True, strict=True))
    except csv.Error:
        # Cell by cell, so that the one that is wrong keeps its quote and the others are read as they stand.
        matches = _CELL.finditer(line + ",")
        return [match[2] if match[1] is None else match[1].replace('""', '"') for match in matches]


def require_text(text: str, where: str) -> None:
    """Check that there is no byte in `text` that is no UTF-8.

    Raises:
        DataError: names the byte.
    """
    byte = _BYTE_OF_NO_TEXT.search(text)
    if byte:
        raise DataError(
            f"{where}: byte 0x{ord(byte.group()) - 0xDC00:02x} is not UTF-8 text.", hint="Save it as a UTF-8 CSV."
        )


def is_word(cell: str) -> bool:
    """Say whether a cell could be a column's name: neither a number nor nothing nor one of the words for values."""
    return NUMBER.fullmatch(cell) is None and cell.strip().lower() not in _VALUES
