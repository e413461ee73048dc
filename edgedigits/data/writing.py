"""Writes a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgedigits.errors import DataError
from edgedigits.files.paths import link_target
from edgedigits.files.scratch import partial_folder


def refuse_existing(path: Path, *, force: bool) -> None:
    """Check, before long work begins, that `path` can be made; a link is followed.

    Raises:
        DataError: it exists and `force` is not set, it is a folder or a device, or there is no folder for it.
    """
    try:
        target = link_target(path)
        if target.is_dir():
            raise DataError(f"{path} is a folder, expected the name of a file to write.")
        if os.path.lexists(target) and not target.is_file():
            raise DataError(f"{path} is not a plain file.", hint="Choose another name.")
        if target.exists() and not force:
            raise DataError(f"{path} exists already.", hint="Choose another name, or overwrite it with --force.")
        if target.parent.is_file():
            raise DataError(
                f"{path} cannot be written: {target.parent} is a file, not a folder.", hint="Choose another place."
            )
        if not target.parent.is_dir():
            raise DataError(
                f"{path} cannot be written: there is no folder {target.parent}.", hint="Make the folder first."
            )
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def replacing(path: Path, *, force: bool) -> Iterator[Path]:
    """Yield a temporary name near `path` to write to; it takes the place of `path` only if all went well.

    Raises:
        DataError: as `refuse_existing`, or the disk is full or write-protected.
    """
    refuse_existing(path, force=force)
    try:
        target = link_target(path)
        with partial_folder(target.parent, target.name) as folder:
            yield folder / target.name
            (folder / target.name).replace(target)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} cannot be written: {error.strerror or error}.")
