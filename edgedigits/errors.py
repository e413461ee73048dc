"""The errors a user can meet, each with its exit code.

A message is one sentence that names the file, the place and what is wrong; `hint` says what to do about it.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_OK = 0
EXIT_CHECK_FAILED = 1
EXIT_USAGE = 2
EXIT_DATA = 3
EXIT_TOOL_MISSING = 4
EXIT_UNSUPPORTED_MODEL = 5
EXIT_FAULT = 70
"""Of the tool itself; as sysexits.h has it."""
EXIT_INTERRUPTED = 130


class EdgedigitsError(Exception):
    """Base of every error that is told to the user without a traceback.

    Args:
        message: one sentence: what is wrong, and where.
        hint: one sentence: what to do about it.
    """

    exit_code = EXIT_CHECK_FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class CheckFailedError(EdgedigitsError):
    """A check did not hold: parity, budget, contract or verification."""

    exit_code = EXIT_CHECK_FAILED


class ConfigError(EdgedigitsError):
    """A flag, a configuration value or their combination is wrong."""

    exit_code = EXIT_USAGE


class DataError(EdgedigitsError):
    """A data set or an artifact is unreadable or invalid, or a place cannot be written."""

    exit_code = EXIT_DATA


class AbsentDataError(DataError):
    """A data set that is not at hand: no such file or name, or it cannot be downloaded. Others will do for parity."""


class ToolMissingError(EdgedigitsError):
    """A library or a tool is missing or has the wrong version; the hint holds the install command."""

    exit_code = EXIT_TOOL_MISSING


class UnsupportedModelError(EdgedigitsError):
    """A readable model that the toolkit cannot work with; the message names op, tensor and reason."""

    exit_code = EXIT_UNSUPPORTED_MODEL


class InternalError(EdgedigitsError):
    """Something that nobody foresaw: a fault of this tool, not of its user."""

    exit_code = EXIT_FAULT


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word closest to `word`, or lists all of them."""
    known = list(known)
    close = closest(word, known)
    return f"Did you mean '{close}'?" if close else f"Known: {', '.join(known)}."


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word closest to `word`; empty where none is close."""
    return next(iter(get_close_matches(word, known, n=1, cutoff=0.65)), "")


def shown(text: str, most: int = 40) -> str:
    """Return text from a file as a message can hold it: what is not printable escaped, and cut to `most` characters."""
    short = text if len(text) <= most else f"{text[:most]}…"
    return "".join(character if character.isprintable() else _escaped(character) for character in short)


def _escaped(character: str) -> str:
    # Python holds a byte that is no UTF-8, as in a file's name, as a lone surrogate.
    return f"\\x{ord(character) - 0xDC00:02x}" if "\udc80" <= character <= "\udcff" else repr(character)[1:-1]
