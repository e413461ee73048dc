"""Writes a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgedigits.errors import DataError


def refuse_existing(path: Path, *, force: bool) -> None:
    """Check, before long work begins, that `path` can be made.

    Raises:
        DataError: it exists and `force` is not set, it is a folder, or there is no folder for it to go into.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder, expected the name of a file to write.")
    if path.exists() and not force:
        raise DataError(f"{path} exists already.", hint="Choose another name, or overwrite it with --force.")
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no folder {path.parent}.", hint="Make the folder first.")


@contextmanager
def replacing(path: Path, *, force: bool) -> Iterator[Path]:
    """Yield a temporary name beside `path` to write to; it takes the place of `path` only if all went well.

    Raises:
        DataError: as `refuse_existing`, or the disk is full or write-protected.
    """
    refuse_existing(path, force=force)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
