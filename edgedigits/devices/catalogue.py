"""Reads the catalogue of devices: JSON files of `firmware_stub/`, one for each architecture, core and board.

CMake reads the same files (`firmware_stub/cmake/catalogue.cmake`), so that nothing about a device is said twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from msgspec import Meta

from edgedigits.errors import DataError, nearest, shown
from edgedigits.files.typed import make, read_json, to_values

T = TypeVar("T")

Text = Annotated[str, Meta(pattern="^[ -~]+$")]
Address = Annotated[str, Meta(pattern="^0x[0-9A-Fa-f]{8}$")]
"""A place in memory, written so that C, linkers and CMake read it too."""
Size = Annotated[int, Meta(gt=0)]
Clock = Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0, lt=1e6)]
"""MHz."""

_HINT = "Compare another file of the catalogue; if you changed nothing, install edgedigits again."


def read_folder(folder: Path, kind: type[T], **entries: Mapping[str, Any]) -> dict[str, T]:
    """Read every file of a folder.

    Args:
        folder: of JSON files.
        kind: the dataclass that each file becomes; its first field is the file's name without ".json".
        entries: for fields that name an entry of another folder: those that there are.

    Returns:
        Entries by name; numbers in names are ordered as numbers.

    Raises:
        DataError: a file is damaged, or lacks a field, or has an unknown one; names file and field.
    """
    paths = sorted(folder.glob("*.json"), key=lambda path: [_natural(part) for part in re.split(r"(\d+)", path.stem)])
    return {path.stem: read_file(path, kind, name=path.stem, **entries) for path in paths}


def _natural(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdecimal() else (0, part)


def read_file(path: Path, kind: type[T], *, name: str = "", **entries: Mapping[str, Any]) -> T:
    """Read one file; arguments and errors as for `read_folder`."""
    values = read_json(path, _HINT)
    if isinstance(values, dict):
        values = ({"name": name} if name else {}) | values
        for field, known in entries.items():
            if field in values:
                values[field] = _entry(path, field, values[field], known)
    made = make(values, kind, str(path), _HINT)
    _refuse_unknown(path, "", values, to_values(made))
    return made


def _entry(path: Path, field: str, name: Any, known: Mapping[str, Any]) -> Any:
    if not isinstance(name, str) or name not in known:
        raise DataError(f"{path}: {field} is {ascii(name)[:60]}, expected one of {', '.join(known)}.", hint=_HINT)
    return known[name]


def _refuse_unknown(path: Path, place: str, values: dict[str, Any], known: dict[str, Any]) -> None:
    for name, value in values.items():
        if name not in known:
            raise DataError(
                f"{path} has an unknown field '{shown(place + name)}'.", hint=f"{nearest(name, known)} {_HINT}".lstrip()
            )
        if isinstance(value, dict):
            _refuse_unknown(path, f"{name}.", value, known[name])
