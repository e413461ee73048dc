"""Exchanges two folders of one parent in a single step, or in steps that can be undone."""

from __future__ import annotations

import os
from pathlib import Path

from edgedigits.posix import swap

ASIDE_SUFFIX = ".old"
"""Of the name that the old folder bears for a moment where the system cannot exchange in one step."""


def exchange(new: Path, place: Path) -> None:
    """Give each of two folders the name of the other.

    Whatever ends this, a signal included, one of the two is whole under the name `place` afterwards, or `settle` brings
    it back there.

    Raises:
        OSError: the system refuses; nothing was changed.
    """
    if not swap(new, place):
        _in_steps(new, place)


def settle(new: Path, place: Path) -> None:
    """Bring to an end, or undo, an exchange in steps that was interrupted; does nothing where none was.

    Raises:
        OSError: the system refuses.
    """
    aside = _aside(new)
    if not os.path.lexists(aside):
        return
    if not os.path.lexists(place):
        aside.rename(place)
    elif not os.path.lexists(new):
        aside.rename(new)


def _aside(new: Path) -> Path:
    return new.with_name(new.name + ASIDE_SUFFIX)


def _in_steps(new: Path, place: Path) -> None:
    try:
        place.rename(_aside(new))
        new.rename(place)
        _aside(new).rename(new)
    except BaseException:
        settle(new, place)
        raise
