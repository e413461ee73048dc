"""A build's folder, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgedigits.build_folder import BUILD, KINDS, MANIFEST, a_kind
from edgedigits.errors import DataError
from edgedigits.files.claims import Claim, abandoned, claim
from edgedigits.files.exchange import exchange, settle
from edgedigits.files.listing import (
    NotOursError,
    foreign_files,
    in_words,
    read_listing,
    remove_own,
)
from edgedigits.files.paths import link_target
from edgedigits.files.scratch import PARTIAL, parents_of
from edgedigits.posix import mounted


@contextmanager
def new_folder(folder: Path, *, force: bool, kind: str = BUILD) -> Iterator[Path]:
    """Yield an empty temporary sibling of `folder`; it takes the name `folder` only if all went well.

    At every moment the old folder or the new one is whole under that name. What killed runs left beside it goes first.

    Args:
        folder: where the build shall be; a link is followed.
        force: replace a folder of the same kind, if this tool wrote all that is in it and nothing was changed since;
            anything else that is there is never replaced.
        kind: BUILD, ENGINE or TEACHER, as the manifest will say.

    Raises:
        DataError: the place is taken or cannot be written, before any work is done; or the disk is full later.
    """
    with contextlib.ExitStack() as stack:
        try:
            place = _place(folder)
            _mend(place.parent)
            _refuse_taken(place, folder, kind, force=force)
            stack.enter_context(parents_of(place))
            made = stack.enter_context(claim(place.parent, f".{place.name}.", PARTIAL, target=place.name))
            stack.callback(_remove, made)
            yield made.path
            # Hours may have passed since this was looked at.
            _refuse_taken(place, folder, kind, force=force)
            _put_in_place(made.path, place)
        except OSError as error:
            raise _unwritable(folder, error) from error


def mend(folder: Path) -> None:
    """Bring back a build that a killed run left under another name beside `folder`, if it did."""
    with contextlib.suppress(OSError):
        _mend(_place(folder).parent)


def _place(folder: Path) -> Path:
    """Return where a folder is to be made: the target of a link, and a name where there is none, as of "..".

    Raises:
        DataError: a folder that cannot be exchanged: the working directory, one above it, or where a disk is mounted.
    """
    place = Path(os.path.realpath(folder)) if folder.name in ("", "..") else link_target(folder)
    if not place.is_dir():
        return place
    if os.path.realpath(place) in _mounted(place):
        raise DataError(f"{folder} is where a disk is mounted.", hint="Choose a folder in it.")
    with contextlib.suppress(FileNotFoundError):  # A working directory that was deleted is above nothing.
        if Path.cwd().is_relative_to(os.path.realpath(place)):
            raise DataError(f"{folder} is the folder that this runs in, or above it.", hint="Choose a folder in it.")
    return place


def _mounted(place: Path) -> set[str]:
    """Return where disks are mounted, as far as the system tells; one that is mounted twice looks like any folder."""
    return mounted() | ({os.path.realpath(place)} if os.path.ismount(place) else set())


def _refuse_taken(place: Path, folder: Path, kind: str, *, force: bool) -> None:
    """Refuse what is at `place` if it may not be replaced, and call it `folder`."""
    if not os.path.lexists(place):
        return
    if not place.is_dir():
        raise DataError(f"{folder} is a file, expected a folder to write.", hint="Choose another --out.")
    if not any(place.iterdir()):
        return
    try:
        there = read_listing(place / MANIFEST, KINDS)
    except NotOursError as error:
        raise DataError(
            f"{folder} exists and is not {a_kind(kind)} of edgedigits: {error}.", hint="Choose another --out."
        ) from None
    if there.kind != kind:
        raise DataError(f"{folder} holds {a_kind(there.kind)}, which no {kind} replaces.", hint="Choose another --out.")
    if not force:
        raise DataError(f"{folder} exists already.", hint="Choose another --out, or overwrite it with --force.")
    foreign = foreign_files(place, there, MANIFEST)
    if foreign:
        raise DataError(
            f"{folder} holds what this tool did not write: {in_words(foreign)}.",
            hint="Move that away, or choose another --out.",
        )


def _put_in_place(partial: Path, place: Path) -> None:
    if place.is_dir() and any(place.iterdir()):
        exchange(partial, place)
    else:
        partial.rename(place)


def _mend(parent: Path) -> None:
    """Remove what killed runs left in `parent`, once a folder that they had moved aside is back under its name."""
    for left in abandoned(parent, f".*{PARTIAL}"):
        with contextlib.suppress(OSError):
            if left.target:
                settle(left.path, parent / left.target)
            _remove(left)


def _remove(made: Claim) -> None:
    """Remove a temporary folder: all of it if it is the one that was made, else the old build that has its name now."""
    with contextlib.suppress(OSError):
        if made.is_own:
            shutil.rmtree(made.path, ignore_errors=True)
        else:
            remove_own(made.path, MANIFEST, KINDS)


def _unwritable(folder: Path, error: OSError) -> DataError:
    place = str(error.filename or folder)
    # The name of the temporary sibling tells nobody anything.
    shown = "" if PARTIAL in place or place == str(folder) else f" ({place})"
    return DataError(
        f"{folder} cannot be written: {error.strerror or error}{shown}.",
        hint="Choose another --out, or make room and permissions there.",
    )
