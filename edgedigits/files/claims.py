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

try:
    import fcntl
except ImportError:  # Not on Windows: nothing is swept up there.
    fcntl = None  # type: ignore[assignment]

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

    The folder is left to the caller; the lock goes with the context if the folder is gone by then, else it stays, free,
    for `abandoned` to find.

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
        lock = path.with_name(path.name + LOCK_SUFFIX)
        try:
            handle = _new_lock(lock)
            break
        except FileExistsError:
            continue
    try:
        path.mkdir(mode=mode)
        made = Claim(path, os.lstat(path).st_ino, target)
        os.write(handle, json.dumps({"inode": made.inode, "target": target}).encode())
        yield made
    finally:
        _let_go(handle, lock, path)


def abandoned(parent: Path, pattern: str) -> Iterator[Claim]:
    """Yield what processes that have ended left in `parent`, and hold each for as long as the caller looks at it.

    Only the user's own files count. A lock goes once its folder has.

    Args:
        parent: where to look.
        pattern: of the folders' names, for `Path.glob`.
    """
    if fcntl is None:
        return
    for lock in sorted(parent.glob(pattern + LOCK_SUFFIX)):
        handle = _free_lock(lock)
        if handle is None:
            continue
        path = lock.with_name(lock.name.removesuffix(LOCK_SUFFIX))
        try:
            inode, target = _read(handle)
            yield Claim(path, inode, target)
        finally:
            _let_go(handle, lock, path)


def _new_lock(path: Path) -> int:
    """Make a lock and hold it; FileExistsError where another has the name, or took it before it could be held."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # A file system without locks: nothing is swept up there.
                fcntl.flock(handle, fcntl.LOCK_EX)
        if not _is_at(handle, path):
            raise FileExistsError(path)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _free_lock(path: Path) -> int | None:
    """Take the lock of a process that has ended; None where it still runs, or where the file is not the user's own."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_uid == os.getuid() and _is_at(handle, path):
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _let_go(handle: int, lock: Path, path: Path) -> None:
    """Free a lock, and remove it if there is nothing left that it could be of."""
    try:
        if not os.path.lexists(path):
            lock.unlink(missing_ok=True)
    except OSError:
        pass  # It is removed when somebody looks at what was left.
    finally:
        os.close(handle)


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
