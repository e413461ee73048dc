"""Exchanges two folders of one parent in a single step, or in steps that can be undone."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

ASIDE_SUFFIX = ".old"
"""Of the name that the old folder bears for a moment where the system cannot exchange in one step."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # Linux, linux/fs.h
_RENAME_SWAP = 2  # macOS, sys/stdio.h
# What the system, or a file system such as NFS, says where it cannot.
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def exchange(new: Path, place: Path) -> None:
    """Give each of two folders the name of the other.

    Whatever ends this, a signal included, one of the two is whole under the name `place` afterwards, or `settle` brings
    it back there.

    Raises:
        OSError: the system refuses; nothing was changed.
    """
    if not _at_once(new, place):
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


def _at_once(new: Path, place: Path) -> bool:
    """Exchange in one step; False where that cannot be done here."""
    library = _library()
    names = os.fsencode(new), os.fsencode(place)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(*names, _RENAME_SWAP)
    else:
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(place))


@cache
def _library() -> Any:
    return ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
