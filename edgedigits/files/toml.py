"""Reads TOML that somebody else wrote: within bounds of memory and of time."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from edgedigits.errors import DataError
from edgedigits.files.regular import read_text

MOST_PARTS = 64
"""Parts of a key such as a.b.c. `tomllib` takes time by the square of them; no table of ours has more than four."""

_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MOST_PARTS}}}")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        DataError: it is no file, too large, or has a key of too many parts.
        OSError, UnicodeDecodeError: it cannot be read.
        ValueError, RecursionError: it is no TOML.
    """
    text = read_text(path)
    if long_key := _LONG_KEY.search(text):
        line = text.count("\n", 0, long_key.start()) + 1
        raise DataError(
            f"{path}, line {line}: a key of more than {MOST_PARTS} parts.", hint="Is this the file that was meant?"
        )
    return tomllib.loads(text)
