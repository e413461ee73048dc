"""The flags that every verb takes, also behind a verb of a verb, and values that several verbs take."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgedigits.errors import ConfigError
from edgedigits.files.paths import user_path

COMMON_DEFAULTS = {"json": False, "verbose": False, "quiet": False}


def common_flags() -> argparse.ArgumentParser:
    """Return a parser to name in `parents=` of a verb's or sub-verb's parser.

    A flag that is not given leaves no attribute, so that an inner parser does not undo what an outer one was
    given (`data --json inspect X`); the outermost parser sets `COMMON_DEFAULTS`.
    """
    flags = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    flags.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    flags.add_argument("-v", "--verbose", action="store_true", help="say more; tracebacks for errors")
    flags.add_argument("--quiet", action="store_true", help="print errors only")
    return flags


def path(text: str) -> Path:
    """Parse a path; ~ is expanded."""
    try:
        return user_path(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from None


def image_count(text: str) -> int:
    """Parse a number of images, at least 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of images")
    return int(text)
