"""Folders to work in for a while: gone afterwards, also those that killed processes left."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgedigits.errors import DataError
from edgedigits.files.claims import abandoned, claim

PREFIX = "edgedigits-"
PARTIAL = ".part"
"""End of the name of what will take another's place once it is whole."""
_ROOM_BYTES = 1 << 14
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# As Python, C and zig say it.
_FULL_WORDS = re.compile(r"No ?Space ?Left|Disk ?Quota|File ?Too ?(?:Large|Big)|Errno (?:28|122|27)\b", re.IGNORECASE)


@contextlib.contextmanager
def scratch(what: str) -> Iterator[Path]:
    """Yield an empty folder, this user's alone, in the system's place for temporary files.

    Args:
        what: what it is for, a word of its name.

    Raises:
        DataError: there is no place for temporary files, or no room left in it.
    """
    with _own_folder(what) as folder:
        try:
            yield folder
        except OSError as error:
            if is_full(error):
                raise unwritable(error) from error
            raise


@contextlib.contextmanager
def own_temporary_files(what: str) -> Iterator[None]:
    """Have all temporary files that Python makes meanwhile go in the end, or with a later run's if this one is killed.

    TensorFlow writes what it makes of each function to a file, which it removes when the process ends by itself. What
    is written elsewhere meanwhile may find a full disk as well: whoever writes it tells so.

    Args:
        what: they are for, as for `scratch`.

    Raises:
        DataError: there is no place for temporary files.
    """
    with _own_folder(what) as folder:
        before, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before


def check_scratch() -> None:
    """Check that temporary files can be written, before work begins in which a library would miss them.

    Raises:
        DataError: they cannot, or there is room for hardly any.
    """
    with scratch("room") as folder:
        (folder / "room").write_bytes(bytes(_ROOM_BYTES))


@contextlib.contextmanager
def partial_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield an empty folder in `parent` for what is to be moved to a place there once it is whole.

    Args:
        parent: where; what killed processes left there under such names goes first.
        name: of the file that is made, or of the verb that makes some.

    Raises:
        OSError: `parent` cannot be written.
    """
    _sweep(parent, f".*{PARTIAL}")
    with _folder(parent, f".{name}.", PARTIAL, 0o777) as folder:
        yield folder


@contextlib.contextmanager
def parents_of(place: Path) -> Iterator[None]:
    """Make the folders above `place`; those made are removed again if they are empty in the end.

    Raises:
        DataError: one of them is a file.
        OSError: one of them cannot be made.
    """
    for parent in place.parents:
        if parent.exists() and not parent.is_dir():
            raise DataError(f"{parent} is a file, expected a folder to write in.", hint="Choose another place.")
    missing = [parent for parent in place.parents if not parent.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for parent in missing:
            with contextlib.suppress(OSError):
                parent.rmdir()


@contextlib.contextmanager
def _own_folder(what: str) -> Iterator[Path]:
    with contextlib.ExitStack() as stack:
        try:
            place = Path(tempfile.gettempdir())
            _sweep(place, f"{PREFIX}*")
            folder = stack.enter_context(_folder(place, f"{PREFIX}{what}-", "", 0o700))
        except OSError as error:
            raise unwritable(error) from error
        yield folder


@contextlib.contextmanager
def _folder(parent: Path, prefix: str, suffix: str, mode: int) -> Iterator[Path]:
    with claim(parent, prefix, suffix, mode=mode) as made:
        try:
            yield made.path
        finally:
            shutil.rmtree(made.path, ignore_errors=True)


def _sweep(parent: Path, pattern: str) -> None:
    for left in abandoned(parent, pattern):
        # A build's folder that was to be exchanged is mended where builds are made.
        if not left.target:
            shutil.rmtree(left.path, ignore_errors=True)


def unwritable(error: OSError) -> DataError:
    """Return what is told where temporary files cannot be written."""
    return DataError(
        f"Temporary files cannot be written: {error.strerror or error}.",
        hint="Make room for them, or set TMPDIR to a place that has some.",
    )


def is_full(error: OSError) -> bool:
    """Tell whether an error is that of a full disk."""
    return error.errno in _FULL


def tells_of_no_room(words: str) -> bool:
    """Tell whether another program says that a disk is full."""
    return _FULL_WORDS.search(words) is not None


def no_room() -> DataError:
    """Return what is told where another program had no room for its temporary files."""
    return unwritable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
