"""Temporary names with an owner: a lock beside each says whether the process that made it still runs.

The lock is the system's (`flock`), which ends with the process however that ends. So what a killed run left behind can
be told from what a running one is working on, without looking at process numbers or clocks.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgedigits.posix import HAS_LOCKS, close_and_remove, is_own, lock, open_plain

LOCK_SUFFIX = ".lock"
_LONGEST_STEM = 40  # characters, of up to four bytes each; a name has up to 255
_MOST_BYTES = 10_000


@dataclass(frozen=True)
class Claim:
    """A folder that one process works in under a temporary name.

    Attributes:
        path: the folder.
        inode: of the folder as it was made; None where that is not known.
        target: the name the folder is to get in the end; "" for none.
    """

    path: Path
    inode: int | None
    target: str = ""

    @property
    def is_own(self) -> bool:
        """Whether the folder at `path` is still the one that was made there, and no other that was exchanged for it."""
        try:
            return os.lstat(self.path).st_ino == self.inode
        except OSError:
            return False


@contextlib.contextmanager
def claim(parent: Path, prefix: str, suffix: str = "", *, target: str = "", mode: int = 0o777) -> Iterator[Claim]:
    """Make an empty folder of a new name in `parent` and hold its lock.

    The folder is left to the caller, unless it is empty; the lock goes with the context if the folder is gone by then,
    else it stays, free, for `abandoned` to find.

    Args:
        parent: where.
        prefix: start of the name; only its first characters if it is long.
        suffix: end of the name.
        target: what the folder is to be called in the end.
        mode: of the folder; the umask is taken off.

    Raises:
        OSError: `parent` cannot be written.
    """
    while True:
        path = parent / f"{prefix[:_LONGEST_STEM]}{secrets.token_hex(4)}{suffix}"
        file = path.with_name(path.name + LOCK_SUFFIX)
        try:
            handle = _new_lock(file)
            break
        except FileExistsError:
            continue
    try:
        path.mkdir(mode=mode)
        made = Claim(path, os.lstat(path).st_ino, target)
        os.write(handle, json.dumps({"inode": made.inode, "target": target}).encode())
        yield made
    finally:
        # Of one who is interrupted before there is anything in it, nobody else removes it.
        with contextlib.suppress(OSError):
            path.rmdir()
        _let_go(handle, file, path)


def abandoned(parent: Path, pattern: str) -> Iterator[Claim]:
    """Yield what processes that have ended left in `parent`, and hold each for as long as the caller looks at it.

    Only the user's own files count. A lock goes once its folder has.

    Args:
        parent: where to look.
        pattern: of the folders' names, for `Path.glob`.
    """
    if not HAS_LOCKS:
        return
    for file in sorted(parent.glob(pattern + LOCK_SUFFIX)):
        handle = _free_lock(file)
        if handle is None:
            continue
        path = file.with_name(file.name.removesuffix(LOCK_SUFFIX))
        try:
            inode, target = _read(handle)
            yield Claim(path, inode, target)
        finally:
            _let_go(handle, file, path)


@contextlib.contextmanager
def held(file: Path) -> Iterator[bool]:
    """Hold a lock of a name that is known, and remove it in the end; without locks of the system everybody does.

    Yields:
        Whether it is held: another may hold it.

    Raises:
        OSError: the lock cannot be made.
    """
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"))
    flag = os.O_CREAT | os.O_RDWR | sum(flags)
    while True:
        handle = os.open(file, flag, 0o600)
        is_held = lock(handle, wait=False) is not False
        if not is_held or _is_at(handle, file):
            break
        os.close(handle)  # Who held it has removed it meanwhile.
    try:
        yield is_held
    finally:
        if is_held:
            with contextlib.suppress(OSError):
                close_and_remove(handle, file)
        else:
            os.close(handle)


def _new_lock(path: Path) -> int:
    """Make a lock and hold it; FileExistsError where another has the name, or took it before it could be held."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        lock(handle, wait=True)  # Without locks nothing is swept up.
        if not _is_at(handle, path):
            raise FileExistsError(path)
    except FileExistsError:
        os.close(handle)
        raise
    except BaseException:
        close_and_remove(handle, path)
        raise
    return handle


def _free_lock(path: Path) -> int | None:
    """Take the lock of a process that has ended; None where it still runs, or where the file is not the user's own."""
    try:
        handle = open_plain(path)
    except OSError:
        return None
    try:
        if lock(handle, wait=False) and is_own(os.fstat(handle)) and _is_at(handle, path):
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _let_go(handle: int, file: Path, path: Path) -> None:
    """Free a lock, and remove it if there is nothing left that it could be of."""
    if os.path.lexists(path):
        os.close(handle)
    else:
        with contextlib.suppress(OSError):  # It is removed when somebody looks at what was left.
            close_and_remove(handle, file)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except OSError:
        return False


def _read(handle: int) -> tuple[int | None, str]:
    """Return inode and target; None and "" where the owner ended before it wrote them."""
    try:
        facts = json.loads(os.read(handle, _MOST_BYTES))
        return int(facts["inode"]), str(facts["target"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None, ""
