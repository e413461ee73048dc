"""Checks that finished trials hold figures of the kinds and sizes that findings reckon with, whoever stored them."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from edgedigits.data.shape import CLASSES
from edgedigits.errors import DataError
from edgedigits.study.plan.axes import FLOAT32, INT8
from edgedigits.study.run.rows import Trial

BUILD = "build"
KINDS = (BUILD, "published", "table")
_MOST = 1e12
_LONGEST = 100_000


def check_trial(trial: Trial, numbers: tuple[str, ...], lists: tuple[str, ...]) -> None:
    """Check what findings read of a finished trial.

    Args:
        trial: the trial.
        numbers: names of figures that are numbers, where they are there.
        lists: of those that are lists by class, matrices, or curves.

    Raises:
        DataError: it is no trial that this tool has made.
    """
    try:
        _check_kind(trial)
        for name in numbers:
            for place in (name, f"dev_{name}"):
                _check_number(place, trial.result.get(place), 1 if _is_share(name) else _MOST)
        for name in lists:
            for place in (name, f"dev_{name}"):
                if trial.result.get(place) is not None:
                    _check_list(place, trial.result[place])
        _check_text("engine_note", trial.result.get("engine_note", ""))
    except _WrongError as error:
        raise DataError(
            f"Trial {trial.key} of this study is none that edgedigits has made: {error}.",
            hint="Copy study.sqlite back from a backup, or move it away and run the study again.",
        ) from None


class _WrongError(Exception):
    def __init__(self, place: str, value: Any, expected: str) -> None:
        super().__init__(f"{place} is {reprlib.repr(value)}, expected {expected}")


def _check_kind(trial: Trial) -> None:
    spec = trial.spec
    _check_text("its label", spec.get("label"))
    if trial.kind not in KINDS:
        raise _WrongError("its kind", trial.kind, f"one of {', '.join(KINDS)}")
    if trial.kind != BUILD:
        for name in ("column", "family", "loss", "setting"):
            _check_text(name, spec.get(name, ""))
        for name in ("seed", "iterations"):
            _check_integer(name, spec.get(name, 1))
        _check_number("sparsity", spec.get("sparsity", 0), 1)
        return
    if spec.get("scored") not in (INT8, FLOAT32):
        raise _WrongError("scored", spec.get("scored"), f"{INT8} or {FLOAT32}")
    values, config = _table("values", spec), _table("config", spec)
    for name, value in values.items():
        _check_text("an axis", name)
        if not isinstance(value, (str, int, float, list, dict)):
            raise _WrongError(f"axis {name}", value, "a value")
    _check_text("loss.name", _table("loss", config).get("name"))
    _check_integer("training.seed", _table("training", config).get("seed"))
    _check_number("prune.sparsity", _table("prune", config).get("sparsity", ""), 1)
    for section in ("prune", "qat"):
        if not isinstance(enabled := _table(section, config).get("enabled"), bool):
            raise _WrongError(f"{section}.enabled", enabled, "true or false")


def _is_share(name: str) -> bool:
    return name == "sparsity" or name.startswith("macro_") or name.endswith("accuracy")


def _table(name: str, tables: Mapping[str, Any]) -> Mapping[str, Any]:
    found = tables.get(name)
    if not isinstance(found, Mapping):
        raise _WrongError(name, found, "a table")
    return found


def _check_text(place: str, value: Any) -> None:
    if not isinstance(value, str) or not all(one.isprintable() for one in value):
        raise _WrongError(place, value, "a text")


def _check_integer(place: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise _WrongError(place, value, "an integer")


def _check_number(place: str, value: Any, high: float) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= high):
        raise _WrongError(place, value, f"a number from 0 to {high:g}")


def _check_list(place: str, value: Any) -> None:
    if place.endswith("curves"):
        for name, pairs in _table(place, {place: value}).items():
            _check_rows(f"{place} of {name}", pairs, 2)
    elif place.endswith("confusion"):
        _check_rows(place, value, CLASSES)
        if len(value) != CLASSES:
            raise _WrongError(place, value, f"{CLASSES} rows")
    else:
        _check_rows(place, [value], CLASSES)


def _check_rows(place: str, rows: Any, width: int) -> None:
    if not isinstance(rows, list) or not 1 <= len(rows) <= _LONGEST:
        raise _WrongError(place, rows, "a list")
    for row in rows:
        if not isinstance(row, list) or len(row) != width:
            raise _WrongError(place, row, f"a list of {width}")
        for one in row:
            _check_number(place, "" if one is None else one, _MOST)
