"""Which files of a folder are this program's own: those that a list of its in there holds, by name and digest.

Everything else in it is somebody's, and no verb removes or replaces it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from edgedigits.files.typed import to_values
from edgedigits.version import __version__

SCHEMA = 1
"""Of lists, and so of a build's manifest."""
TOOL = f"edgedigits {__version__}"
SEAL = "sha256"
"""Key of a list's own digest: that of all its other values."""
REPORT = "report"
"""Kind of list of a verb that adds files to a folder which another verb made."""

_TOOL = re.compile(r"edgedigits \d\S*")
_MOST_BYTES = 1 << 24
_SHOWN = 6


class NotOursError(Exception):
    """A file is no list of this program's; the message says why, to go on after a colon."""


@dataclass(frozen=True)
class Listing:
    """What a list says.

    Attributes:
        kind: of folder, such as "build".
        files: POSIX path within the folder → SHA-256.
    """

    kind: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class ListedFile:
    """What a list says of a file: its size, and its SHA-256 in hexadecimal."""

    bytes: int = 0
    sha256: str = ""


def list_files(folder: Path, names: Iterable[str]) -> dict[str, ListedFile]:
    """Return bytes and digest of files of a folder, as a list holds them.

    Args:
        folder: the folder.
        names: POSIX paths in it.
    """
    return {name: ListedFile((folder / name).stat().st_size, _digest(folder / name)) for name in names}


def seal(facts: Any) -> dict[str, Any]:
    """Return facts, a dataclass or by name, as JSON values, with their own digest as the last."""
    values = to_values(facts)
    return {**values, SEAL: _own_digest(values)}


def read_listing(path: Path, kinds: tuple[str, ...]) -> Listing:
    """Read a list.

    Args:
        path: of the file.
        kinds: that are expected.

    Raises:
        NotOursError: it is none, is damaged or was changed, or is of another kind or a newer version.
        OSError: it cannot be read.
    """
    name = path.name
    try:
        return _check(_read_json(path), name, kinds)
    except (ValueError, RecursionError):
        raise NotOursError(f"its {name} was not written by this tool") from None


def _check(facts: Any, name: str, kinds: tuple[str, ...]) -> Listing:
    if not isinstance(facts, dict) or not _TOOL.fullmatch(str(facts.get("tool", ""))):
        raise NotOursError(f"its {name} was not written by this tool")
    if isinstance(facts.get("schema"), int) and facts["schema"] > SCHEMA:
        raise NotOursError(f"its {name} is of a newer edgedigits (schema {str(facts['schema'])[:_SHOWN]})")
    files = facts.get("files")
    if facts.get("schema") != SCHEMA or facts.get("kind") not in kinds or not isinstance(files, dict):
        raise NotOursError(f"its {name} was not written by this tool")
    if facts.get(SEAL, own := _own_digest(facts)) != own:
        raise NotOursError(f"its {name} was changed since it was written")
    outside = [place for place in files if not _is_inside(place)]
    if outside:
        raise NotOursError(f"its {name} lists a file outside of it, {outside[0]!r:.60}")
    return Listing(facts["kind"], {place: _sha256(told) for place, told in files.items()})


def foreign_files(folder: Path, listing: Listing, name: str) -> list[str]:
    """Return what is in a folder and is not this program's, or not any more.

    Args:
        folder: the folder; links in it are not followed.
        listing: what its list says.
        name: of that list.

    Returns:
        Names with what was done to them, such as "NOTES.txt", "data/" and "report.html (changed)".

    Raises:
        OSError: something in it cannot be read.
    """
    own = _own_files(folder, listing, name)
    folders = {str(parent) for place in own for parent in PurePosixPath(place).parents}
    return sorted(_foreign(folder, "", own, folders))


def not_own(folder: Path, names: Iterable[str], name: str) -> list[str]:
    """Return which of some files of a verb's report are there already and are not what it wrote.

    Args:
        folder: where the report is to be written.
        names: of its files, POSIX paths; that of its list is among them.
        name: of that list.

    Raises:
        OSError: one of them cannot be read.
    """
    try:
        own: dict[str, str | None] = {**read_listing(folder / name, (REPORT,)).files, name: None}
    except NotOursError:
        own = {}
    there = [place for place in names if os.path.lexists(folder / place)]
    return [place for place in there if place not in own or not _is_unchanged(folder / place, own[place])]


def remove_own(folder: Path, name: str, kinds: tuple[str, ...]) -> None:
    """Remove this program's files of a folder, the list last, and the folder if it is empty then.

    What is somebody's stays. Where the list is missing or not this program's, nothing but an empty folder is removed.

    Args:
        folder: the folder.
        name: of its list.
        kinds: that are expected.

    Raises:
        OSError: something cannot be removed.
    """
    with contextlib.suppress(NotOursError, FileNotFoundError):
        own = _own_files(folder, read_listing(folder / name, kinds), name)
        # Lists come last: what they hold would be nobody's without them.
        for place in sorted(own, key=lambda place: own[place] is None):
            if place != name and _is_unchanged(folder / place, own[place]):
                (folder / place).unlink()
        parents = {parent for place in own for parent in PurePosixPath(place).parents[:-1]}
        for parent in sorted(parents, key=lambda parent: -len(parent.parts)):
            with contextlib.suppress(OSError):
                (folder / parent).rmdir()
        if not _foreign_left(folder, name):
            (folder / name).unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def in_words(names: list[str]) -> str:
    """Return a few of many names, for a sentence."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _foreign_left(folder: Path, name: str) -> bool:
    return any(entry.name != name for entry in os.scandir(folder))


def _own_files(folder: Path, listing: Listing, name: str) -> dict[str, str | None]:
    """Return path → digest of all that is listed: by the folder's list, or by a sealed one of a verb that added files.

    The digest of a list that has proven itself by its seal is None.
    """
    own: dict[str, str | None] = {**listing.files, name: None}
    for path in sorted(folder.glob("*.json")):
        if path.name not in own and _is_plain_file(path):
            with contextlib.suppress(NotOursError):
                added = read_listing(path, (REPORT,))
                own |= {path.name: None, **{place: told for place, told in added.files.items() if place not in own}}
    return own


def _foreign(folder: Path, inside: str, own: dict[str, str | None], folders: set[str]) -> Iterator[str]:
    for entry in os.scandir(folder / inside):
        place = f"{inside}/{entry.name}" if inside else entry.name
        if entry.is_dir(follow_symlinks=False):
            if place in folders:
                yield from _foreign(folder, place, own, folders)
            else:
                yield f"{place}/"
        elif place not in own:
            yield place
        elif not _is_unchanged(folder / place, own[place]):
            yield f"{place} (changed)"


def _is_unchanged(path: Path, digest: str | None) -> bool:
    return _is_plain_file(path) and digest in (None, _digest(path))


def _is_plain_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _own_digest(facts: dict[str, Any]) -> str:
    others = {key: value for key, value in facts.items() if key != SEAL}
    # As JSON has it: keys become texts, which may be sorted.
    return hashlib.sha256(json.dumps(json.loads(json.dumps(others)), sort_keys=True).encode()).hexdigest()


def _sha256(told: Any) -> str:
    return str(told.get("sha256", "")) if isinstance(told, dict) else ""


def _is_inside(name: str) -> bool:
    """Say whether a name is a path below a folder in its only spelling, on every platform."""
    path = PurePosixPath(name)
    plain = not re.search(r'[\\:*?"<>|\x00-\x1f]', name)
    return plain and bool(path.parts) and not path.is_absolute() and ".." not in path.parts and str(path) == name


def _read_json(path: Path) -> Any:
    if not _is_plain_file(path):
        raise NotOursError(f"it holds no {path.name}")
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES)
    return json.loads(content.decode("utf-8"))
