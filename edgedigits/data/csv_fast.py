"""The fast reader of CSV files: NumPy over the bytes, for files of nothing but digits, commas and ends of lines.

Whatever else is in a file, even one blank, it leaves to `csv_exact`: so it cannot take what that one refuses.
A test holds one against the other.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.csv_cells import LINE_LIMIT
from edgedigits.data.csv_width import COLUMNS
from edgedigits.data.reading import reading

_CHUNK = 1 << 18  # bytes
_PLAIN = b"0123456789,\n"
_ZERO, _COMMA, _NEWLINE = b"0,\n"


def read_fast(path: Path, skip: int, columns: int = COLUMNS) -> NDArray[np.uint8] | None:
    """Read the numbers of a CSV.

    Args:
        path: the file, gzipped or not.
        skip: lines before the first line of numbers.
        columns: how many it has.

    Returns:
        uint8 (n, columns), columns as in the file; None where anything is not plain: the exact reader shall look.

    Raises:
        DataError: as `reading`.
    """
    cells = bytearray()
    with reading(path) as stream:
        if not _skipped(stream, skip):
            return None
        start = b"" if skip else stream.read(len(BOM_UTF8)).removeprefix(BOM_UTF8)
        for lines in _whole_lines(stream, start):
            values = _values(lines, columns)
            if values is None:
                return None
            cells += values
    return np.frombuffer(cells, np.uint8).reshape(-1, columns)


def _skipped(stream: BufferedReader, skip: int) -> bool:
    """Skip lines; say whether each ended where this reader thinks, and not before at a CR alone."""
    lines = [stream.readline(LINE_LIMIT) for _ in range(skip)]
    return all(line.endswith(b"\n") and b"\r" not in line.replace(b"\r\n", b"") for line in lines)


def _whole_lines(stream: BufferedReader, rest: bytes) -> Iterator[bytes]:
    """Yield `rest` and the stream, some lines at a time; each part ends with a line's end, which is \n."""
    while len(rest) <= LINE_LIMIT and (chunk := stream.read(_CHUNK)):
        chunk = rest + chunk
        ends = chunk.rfind(b"\n") + 1
        yield chunk[:ends].replace(b"\r\n", b"\n")
        rest = chunk[ends:]
    yield rest + b"\n"


def _values(lines: bytes, columns: int) -> bytes | None:
    """The numbers in whole lines, a byte each; None where a cell is not one to three digits, or the width differs."""
    while b"\n\n" in lines:
        lines = lines.replace(b"\n\n", b"\n")
    lines = lines.removeprefix(b"\n")
    if not lines:
        return b""
    if lines.translate(None, _PLAIN):
        return None
    text = np.frombuffer(lines, np.uint8)
    ends = np.flatnonzero(text < _ZERO)
    if len(ends) % columns:
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > 3:
        return None
    separators = text[ends].reshape(-1, columns)
    if (separators[:, :-1] != _COMMA).any() or (separators[:, -1] != _NEWLINE).any():
        return None
    numbers = text[ends - 1].astype(np.int16) - _ZERO
    for place, weight in ((2, 10), (3, 100)):
        longer = lengths >= place
        numbers[longer] += weight * (text[ends[longer] - place].astype(np.int16) - _ZERO)
    return numbers.astype(np.uint8).tobytes() if numbers.max() <= 255 else None
