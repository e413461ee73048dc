"""A build's folder: written whole or not at all, and its manifest."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgedigits.errors import DataError
from edgedigits.files.claims import Claim, abandoned, claim
from edgedigits.files.exchange import exchange, settle
from edgedigits.files.listing import (
    SCHEMA,
    TOOL,
    NotOursError,
    foreign_files,
    in_words,
    list_files,
    read_listing,
    remove_own,
    seal,
)
from edgedigits.files.paths import link_target
from edgedigits.files.scratch import PARTIAL, parents_of
from edgedigits.posix import mounted
from edgedigits.version import __version__

MANIFEST = "manifest.json"
BUILD, ENGINE, TEACHER = "build", "engine", "teacher"
"""Kinds of folder: of a training with all it made, of an engine compiled from a finished model, of a teacher."""
KINDS = (BUILD, ENGINE, TEACHER)
LIBRARIES = (
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-micro",
    "numpy",
    "scipy",
    "matplotlib",
)


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


def a_kind(kind: str) -> str:
    """Return a kind of folder with its article."""
    return f"an {kind}" if kind == ENGINE else f"a {kind}"


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


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with LF line ends on every platform; what a path has that is no UTF-8 is escaped, as in JSON."""
    path.write_bytes(text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """Write facts as indented JSON; NaN is refused, since JSON has none."""
    write_text(path, json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that shape a build; those not installed are left out."""
    found = {"edgedigits": __version__}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_manifest(
    folder: Path,
    config: dict[str, Any],
    data: dict[str, Any],
    kind: str = BUILD,
    *,
    more: dict[str, Any] | None = None,
) -> None:
    """Write manifest.json: choices, data set, versions, and the digest of every file in `folder`.

    Args:
        folder: all other files are there already.
        config: the resolved choices; `edgedigits build --config manifest.json` takes them back.
        data: source, digest and split sizes.
        kind: BUILD, ENGINE or TEACHER.
        more: further facts: what an engine was held against, how well a teacher does, when a model refuses.

    The time of the build is in it only where SOURCE_DATE_EPOCH gives one, so that a build repeats byte for byte.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    facts: dict[str, Any] = {"schema": SCHEMA, "kind": kind, "tool": TOOL}
    if re.fullmatch(r"[0-9]{1,18}", epoch := os.environ.get("SOURCE_DATE_EPOCH", "")):
        facts["source_date_epoch"] = int(epoch)
    facts |= {"config": config, "data": data, "versions": library_versions()}
    facts |= (more or {}) | {"files": list_files(folder, names)}
    write_json(folder / MANIFEST, seal(facts))
