"""Writes digits as a CSV in the form of Kaggle's Digit Recognizer, which `csv_file` and many tools read."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.shape import PIXELS
from edgedigits.data.writing import replacing
from edgedigits.errors import ConfigError
from edgedigits.progress import SILENT, Progress

HEADER = ",".join(["label", *(f"pixel{index}" for index in range(PIXELS))])

_TEXT_OF = [str(value) for value in range(256)]
_ROWS = 1000  # at a time


def write_csv(digits: Digits, path: Path, *, force: bool = False, progress: Progress = SILENT) -> None:
    """Write `digits`, in their order, below a header; gzipped where the name ends with .gz.

    The same digits give the same bytes: a gzip header holds neither the time nor a name.

    Args:
        digits: what to write.
        path: a name that ends with .csv or .csv.gz; written whole or not at all.
        force: overwrite it.
        progress: gets a stage in digits.

    Raises:
        ConfigError: the name ends otherwise.
        DataError: the file exists or cannot be written.
    """
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        raise ConfigError(f"{path} is not the name of a CSV.", hint="End it with .csv or .csv.gz.")
    with (
        replacing(path, force=force) as temporary,
        _opened(temporary, packed=path.suffix.lower() == ".gz") as out,
        progress.stage(f"Writing {path.name}", len(digits)) as stage,
    ):
        out.write(HEADER.encode() + b"\n")
        for start in range(0, len(digits), _ROWS):
            lines = list(_lines(digits, start))
            out.write("".join(lines).encode())
            stage.advance(len(lines))


def csv_line(label: int, image: NDArray[np.uint8]) -> str:
    """Return the line of a digit, image uint8 (784,), with its end."""
    return f"{label},{','.join(map(_TEXT_OF.__getitem__, image.tobytes()))}\n"


def _lines(digits: Digits, start: int) -> Iterator[str]:
    rows = slice(start, start + _ROWS)
    yield from map(csv_line, digits.labels[rows].tolist(), digits.images[rows])


@contextmanager
def _opened(path: Path, *, packed: bool) -> Iterator[BufferedIOBase]:
    with path.open("wb") as raw:
        if not packed:
            yield raw
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as stream:
            yield stream
