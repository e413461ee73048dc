"""Checks that finished trials hold figures of the kinds and sizes that findings reckon with, whoever stored them."""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Mapping
from typing import Any

from edgedigits.data.shape import CLASSES
from edgedigits.errors import DataError
from edgedigits.study.kinds import kinds
from edgedigits.study.run.rows import Trial

_MOST = 1e12
_LONGEST = 100_000


class WrongError(Exception):
    """Something stored is not what it should be."""

    def __init__(self, place: str, value: Any, expected: str) -> None:
        super().__init__(f"{place} is {reprlib.repr(value)}, expected {expected}")


def check_trial(trial: Trial, numbers: Collection[str], lists: Collection[str]) -> None:
    """Check what findings read of a finished trial.

    Args:
        trial: the trial.
        numbers: names of figures that are numbers, where they are there.
        lists: of those that are lists by class, matrices, or curves.

    Raises:
        DataError: it is no trial that this tool has made.
    """
    try:
        check_text("its label", trial.spec.get("label"))
        if trial.kind not in kinds():
            raise WrongError("its kind", trial.kind, f"one of {', '.join(kinds())}")
        kinds()[trial.kind].check(trial.spec)
        for place, value in trial.result.items():
            name = place.replace("dev_", "")
            if name in numbers:
                check_number(place, value, 1 if _is_share(name) else _MOST)
            elif name in lists and value is not None:
                _check_list(place, value)
        check_text("engine_note", trial.result.get("engine_note", ""))
    except WrongError as error:
        raise DataError(
            f"Trial {trial.key} of this study is none that edgedigits has made: {error}.",
            hint="Copy study.sqlite back from a backup, or move it away and run the study again.",
        ) from None


def table(name: str, tables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a table of others; raises WrongError where it is none."""
    if not isinstance(found := tables.get(name), Mapping):
        raise WrongError(name, found, "a table")
    return found


def check_text(place: str, value: Any) -> None:
    """Check that it can be printed; raises WrongError, as the checks below."""
    if not isinstance(value, str) or not value.isprintable():
        raise WrongError(place, value, "a text")


def check_integer(place: str, value: Any) -> None:
    """Check that it is an integer and not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise WrongError(place, value, "an integer")


def check_number(place: str, value: Any, high: float) -> None:
    """Check that it is a number from 0 to `high`, or None."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= high):
        raise WrongError(place, value, f"a number from 0 to {high:g}")


def _is_share(name: str) -> bool:
    return name in ("sparsity", "refused", "accepted_wrong") or name.startswith("macro_") or name.endswith("accuracy")


def _check_list(place: str, value: Any) -> None:
    if place.endswith("curves"):
        for name, pairs in table(place, {place: value}).items():
            _check_rows(f"{place} of {name}", pairs, 2)
    elif place.endswith("confusion"):
        _check_rows(place, value, CLASSES)
        if len(value) != CLASSES:
            raise WrongError(place, value, f"{CLASSES} rows")
    else:
        _check_rows(place, [value], CLASSES)


def _check_rows(place: str, rows: Any, width: int) -> None:
    if not isinstance(rows, list) or not 1 <= len(rows) <= _LONGEST:
        raise WrongError(place, rows, "a list")
    for row in rows:
        if not isinstance(row, list) or len(row) != width:
            raise WrongError(place, row, f"a list of {width}")
        for one in row:
            check_number(place, "" if one is None else one, _MOST)
