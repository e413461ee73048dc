"""Values of a build's report.json by their place in it, each checked when it is read."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgedigits.errors import DataError
from edgedigits.files.regular import read_text

_HINT = "Build it again."
_MOST = 2**53


class ReportValues:
    """The report of a build.

    Places are keys joined by dots, with the number of an item in a list: "evaluation.scores.per_class.3.recall".

    Args:
        path: of report.json.

    Raises:
        DataError: it is missing or not JSON. So do the methods, where a value is missing or not what it should be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._facts = json.loads(read_text(path))
        except (FileNotFoundError, NotADirectoryError):
            raise DataError(f"{path.parent} holds no {path.name}.", hint="Give the folder of a build.") from None
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{path} cannot be read: {error}.", hint=_HINT) from None

    def number(self, place: str, high: int) -> float:
        """Return a number from 0 to `high`."""
        value = self._at(place)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= high:
            raise self._wrong(place, value, f"a number from 0 to {high:,}")
        return value

    def number_or_none(self, place: str, high: int) -> float | None:
        """Return the same, or None where the report says nothing of it."""
        return self.number(place, high) if self.has(place) else None

    def integer(self, place: str) -> int:
        """Return an integer from 0 to the last that a float holds exactly."""
        value = self._at(place)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
            raise self._wrong(place, value, f"an integer from 0 to {_MOST:,}")
        return value

    def integer_or_none(self, place: str) -> int | None:
        """Return the same, or None where the report says nothing of it."""
        return self.integer(place) if self.has(place) else None

    def text(self, place: str) -> str:
        """Return a text."""
        value = self._at(place)
        if not isinstance(value, str):
            raise self._wrong(place, value, "a text")
        return value

    def flag(self, place: str) -> bool:
        """Return true or false."""
        value = self._at(place)
        if not isinstance(value, bool):
            raise self._wrong(place, value, "true or false")
        return value

    def places(self, place: str, count: int | None = None) -> list[str]:
        """Return the places of a list's items, of which there are `count`."""
        value = self._at(place)
        if not isinstance(value, list) or (count is not None and len(value) != count):
            raise self._wrong(place, value, "a list" if count is None else f"a list of {count}")
        return [f"{place}.{index}" for index in range(len(value))]

    def has(self, place: str) -> bool:
        """Return whether there is something; what it is in has to be an object, a list or null."""
        return self._find(place)[0] and self._at(place) is not None

    def _at(self, place: str) -> Any:
        there, value = self._find(place)
        if not there:
            raise DataError(f"{self._path} is not the report of a build: {place} is missing.", hint=_HINT)
        return value

    def _find(self, place: str) -> tuple[bool, Any]:
        value, behind = self._facts, ""
        for key in place.split("."):
            if isinstance(value, list) and key.isdigit():
                value = dict(enumerate(value)).get(int(key))
            elif isinstance(value, Mapping) or value is None:
                if value is None or key not in value:
                    return False, None
                value = value[key]
            else:
                raise self._wrong(behind, value, "an object")
            behind = f"{behind}.{key}" if behind else key
        return True, value

    def _wrong(self, place: str, value: Any, expected: str) -> DataError:
        subject = place or "it"
        return DataError(
            f"{self._path} is not the report of a build: {subject} is {reprlib.repr(value)}, expected {expected}.",
            hint=_HINT,
        )
