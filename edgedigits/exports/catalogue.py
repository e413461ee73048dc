"""The exports that lie in this folder: every module with an `EXPORT`."""

from __future__ import annotations

from edgedigits import exports
from edgedigits.discovery import declared
from edgedigits.errors import ConfigError, nearest, shown
from edgedigits.exports.declaration import Export

EXPORTS: dict[str, Export] = {one.name: one for one in declared(exports, "EXPORT")}
"""By name."""


def find_export(name: str) -> Export:
    """Return a kind of export.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in EXPORTS:
        raise ConfigError(f"There is no export to '{shown(name)}'.", hint=nearest(name, EXPORTS))
    return EXPORTS[name]
