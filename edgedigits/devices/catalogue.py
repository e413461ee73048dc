"""Reads the catalogue of devices: JSON files of `firmware_stub/`, one for each architecture, core and board.

CMake reads the same files (`firmware_stub/cmake/catalogue.cmake`), so that nothing about a device is said twice.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from edgedigits.errors import DataError, nearest, shown

T = TypeVar("T")
_LIST = "tuple[str, ...]"
# By a field's annotation: what its JSON value has to be.
_FORMS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "str": ("a text", lambda value: isinstance(value, str) and value.isprintable() and value != ""),
    "Address": (
        'an address like "0x20000000"',
        lambda value: isinstance(value, str) and re.fullmatch("0x[0-9A-Fa-f]{8}", value) is not None,
    ),
    "int": ("a whole number above 0", lambda value: type(value) is int and value > 0),
    "float": ("a number above 0", lambda value: type(value) in (int, float) and 0 < value < math.inf),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    _LIST: (
        "a list of texts",
        lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    ),
}

Address = str
"""A place in memory, written so that C, linkers and CMake read it too."""


def read_folder(folder: Path, kind: type[T], **parts: Any) -> dict[str, T]:
    """Read every file of a folder.

    Args:
        folder: of JSON files.
        kind: the dataclass that each file becomes; its first field is the file's name without ".json".
        parts: for fields that are no text, number, or list of texts: the entries that they name, or their dataclass.

    Returns:
        Entries by name; numbers in names are ordered as numbers.

    Raises:
        DataError: a file is damaged, or lacks a field, or has an unknown one; names file and field.
    """
    paths = sorted(folder.glob("*.json"), key=lambda path: [_natural(part) for part in re.split(r"(\d+)", path.stem)])
    return {path.stem: read_file(path, kind, name=path.stem, **parts) for path in paths}


def _natural(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdecimal() else (0, part)


def read_file(path: Path, kind: type[T], *, name: str = "", **parts: Any) -> T:
    """Read one file; arguments and errors as for `read_folder`."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _wrong(path, f" cannot be read: {error}") from error
    if isinstance(values, dict) and name:
        values = {"name": name, **values}
    return _make(path, "", values, kind, parts)


def _make(path: Path, place: str, values: Any, kind: type[T], parts: Mapping[str, Any]) -> T:
    if not isinstance(values, dict):
        raise _wrong(path, f": {place.rstrip('.') or 'it'} is no object")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            raise _wrong(path, f" has an unknown field '{shown(place + name)}'", nearest(name, known))
    for name, field in known.items():
        if name not in values and field.default is MISSING:
            raise _wrong(path, f" lacks the field '{place}{name}'")
    made = {name: _value(path, place, name, value, known[name].type, parts) for name, value in values.items()}
    return kind(**made)


def _value(path: Path, place: str, name: str, value: Any, form: Any, parts: Mapping[str, Any]) -> Any:
    part = parts.get(name)
    if isinstance(part, type):
        return _make(path, f"{place}{name}.", value, part, parts)
    if part is None:
        expected, right = _FORMS[form]
    else:
        expected, right = f"one of {', '.join(part)}", lambda value: isinstance(value, str) and value in part
    if not right(value):
        raise _wrong(path, f": '{place}{name}' is {ascii(value)[:60]}, expected {expected}")
    return part[value] if part is not None else tuple(value) if form == _LIST else value


def _wrong(path: Path, what: str, hint: str = "") -> DataError:
    remedy = "Compare another file of the catalogue; if you changed nothing, install edgedigits again."
    return DataError(f"{path}{what}.", hint=f"{hint} {remedy}".lstrip())
