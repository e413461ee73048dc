"""Dataclasses to JSON and back; what does not fit them is told with its place."""

from __future__ import annotations

import json
import re
import reprlib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from edgedigits.errors import DataError, shown
from edgedigits.files.regular import read_text

T = TypeVar("T")

Count = Annotated[int, Meta(ge=0, le=2**53)]
"""Of anything: up to the last that a float holds exactly."""
Share = Annotated[float, Meta(ge=0, le=1)]

_LONGEST_VALUE = 60
_WORDS = {
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "array": "a list",
    "object": "an object",
}
_MESSAGE = re.compile(r"(.*?)(?:, got `\w+`)?(?: - at (?:`key` in )?`\$\.?(.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_KEY = re.compile(r"\[(\d+)\]|\.?([^.\[]+)")


def read_json(path: Path, hint: str) -> Any:
    """Return the values of a file of JSON.

    Args:
        path: of the file.
        hint: what to do where it cannot be read.

    Raises:
        FileNotFoundError, NotADirectoryError: there is none.
        DataError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(read_text(path))
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {error}.", hint=hint) from None


def make(values: Any, kind: type[T], where: str, hint: str) -> T:
    """Make a dataclass of JSON values; those that it has no field for are passed over.

    Args:
        values: as `json.loads` returns them.
        kind: the dataclass; its annotations say what each value has to be.
        where: the beginning of what is told of a value that does not fit, to go on after a colon.
        hint: what to do about one.

    Raises:
        DataError: a value is missing or does not fit; names its place, and says what was expected there.
    """
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise DataError(f"{where}: {_told(str(error), values)}.", hint=hint) from None
    except UnicodeEncodeError:  # JSON can write half of a character.
        raise DataError(f"{where}: a text in it is no Unicode.", hint=hint) from None


def to_values(value: Any) -> Any:
    """Return a dataclass as the JSON values that `make` takes; what is UNSET is left out."""
    return msgspec.to_builtins(value, enc_hook=float)  # NumPy's.


def _told(message: str, values: Any) -> str:
    found = _MESSAGE.fullmatch(message)
    assert found is not None
    what, place = found[1], found[2] or ""
    if missing := _MISSING.fullmatch(what):
        return f"{place}{'.' * bool(place)}{missing[1]} is missing"
    told = f"{place or 'it'} is {shown(reprlib.repr(_value_at(values, place)), _LONGEST_VALUE)}"
    return f"{told}, expected {_expected(what)}" if what.startswith("Expected ") else f"{told}: {what}"


def _expected(what: str) -> str:
    words = re.sub(r"`([^`]*)`", lambda kind: " or ".join(_WORDS.get(one, one) for one in kind[1].split(" | ")), what)
    return words.removeprefix("Expected ").replace("matching regex", "like")


def _value_at(values: Any, place: str) -> Any:
    """Return the value at a place as msgspec writes it; where it does not name a key, that which the key is of."""
    for index, name in _KEY.findall(place.partition("[...]")[0]):
        values = values[int(index)] if index else values[name]
    return values
