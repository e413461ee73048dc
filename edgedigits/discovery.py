"""Finds what the files of a folder declare: to add one of a kind is to add a file."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Any


def declared(package: ModuleType, name: str) -> list[Any]:
    """Return the values of `name` in those modules of a package that have it, in the order of their files."""
    modules = [import_module(f"{package.__name__}.{module.name}") for module in pkgutil.iter_modules(package.__path__)]
    return [getattr(module, name) for module in modules if hasattr(module, name)]
