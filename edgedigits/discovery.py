"""Finds what the files of a folder, and those of the user's, declare: to add one of a kind is to add a file."""

from __future__ import annotations

import pkgutil
import re
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar

from edgedigits.errors import ConfigError, DataError
from edgedigits.extensions import ENVIRONMENT, Extension, extensions


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)
_LONGEST_REASON = 200
_OTHER_NAME = "Give it another name: what is there already cannot be replaced."

_own: list[tuple[Any, Extension]] = []


def declared(package: ModuleType, name: str) -> list[Any]:
    """Return the values of `name` in those modules of a package that have it, in the order of their files."""
    modules = [import_module(f"{package.__name__}.{module.name}") for module in pkgutil.iter_modules(package.__path__)]
    return [getattr(module, name) for module in modules if hasattr(module, name)]


def declared_anywhere(package: ModuleType, name: str, kind: type[T]) -> list[T]:
    """Return what `declared` does, and behind it what files of the user's declare.

    Args:
        package: whose files declare values that have a `name`.
        name: of the values in their modules.
        kind: that they are of.

    Raises:
        ConfigError: a file or a value of the user's is called as another is, or a folder is not there.
        DataError: a file of the user's cannot be imported, or declares no such value.
    """
    found = declared(package, name)
    taken = {Path(module.name).name for module in pkgutil.iter_modules(package.__path__)}
    for file in extensions(package.__name__.partition(".")[2], ".py"):
        if file.path.stem in taken:
            raise ConfigError(f"{file.path}: there is another {file.name} already.", hint=_OTHER_NAME)
        taken.add(file.path.stem)
        value = _value(_imported(package, file), name, kind, file)
        if any(value.name == other.name for other in found):
            raise ConfigError(f"{file.path}: there is another {name} called '{value.name}' already.", hint=_OTHER_NAME)
        _own.append((value, file))
        found.append(value)
    return found


def extension_of(value: Any) -> Extension | None:
    """Return the user's file that declares a value; None for what is shipped."""
    return next((file for own, file in _own if own is value), None)


def _imported(package: ModuleType, file: Extension) -> ModuleType:
    folder = str(file.path.parent)
    if folder not in package.__path__:
        package.__path__.append(folder)
    try:
        return import_module(f"{package.__name__}.{file.path.stem}")
    except (Exception, SystemExit) as error:
        reason = " ".join(str(getattr(error, "msg", error)).split())[:_LONGEST_REASON].rstrip(".")
        raise DataError(
            f"{file.path}{_line(error, file)}: {type(error).__name__}: {reason}.",
            hint=f"Mend it, or take it out of the folder that {ENVIRONMENT} names.",
        ) from error


def _line(error: BaseException, file: Extension) -> str:
    """Return the line of a file at which it failed, as a message has it; "" where it was not reached."""
    if isinstance(error, SyntaxError) and error.filename == str(file.path):
        return f", line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file.path)]
    return f", line {frames[-1].lineno}" if frames else ""


def _value(module: ModuleType, name: str, kind: type[T], file: Extension) -> T:
    value = getattr(module, name, None)
    if not isinstance(value, kind):
        raise DataError(
            f"{file.path} declares no {name}.", hint=f"Let it say {name} = {kind.__name__}(…), as those shipped do."
        )
    if not isinstance(value.name, str) or not re.fullmatch(r"[\w-]+", value.name):
        raise DataError(
            f"{file.path}: its {name} is called {value.name!a}, expected letters, figures and hyphens.",
            hint="Give it another name.",
        )
    return value
