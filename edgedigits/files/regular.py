"""Opens nothing but files: to open a pipe or a device may be to wait for ever, or to read without end."""

from __future__ import annotations

import stat
from pathlib import Path

from edgedigits.errors import DataError

MOST_TEXT_BYTES = 1 << 24
"""A config, a plan or a report has some kilobytes."""

_KINDS = (
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


def require_regular(path: Path) -> None:
    """Check that `path` is a file.

    Raises:
        DataError: it is a folder, pipe, socket or device.
        OSError: there is nothing, or nothing that may be looked at.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise DataError(f"{path} is a folder, expected a file.")
    if not stat.S_ISREG(mode):
        noun = next((noun for is_kind, noun in _KINDS if is_kind(mode)), "special file")
        raise DataError(f"{path} is a {noun}, expected a file.", hint="Write what comes out of it to a file first.")


def read_text(path: Path) -> str:
    """Return the text of a small file in UTF-8, without the mark that Windows puts in front.

    Raises:
        DataError: it is no file, or larger than `MOST_TEXT_BYTES`.
        OSError, UnicodeDecodeError: it cannot be read.
    """
    require_regular(path)
    with path.open("rb") as file:
        content = file.read(MOST_TEXT_BYTES + 1)
    if len(content) > MOST_TEXT_BYTES:
        raise DataError(f"{path} is larger than {MOST_TEXT_BYTES >> 20} MiB.", hint="Is this the file that was meant?")
    return content.decode("utf-8-sig")
