"""Opens the database of a study's folder: new ones whole, damaged ones put aside, and never two at a time.

A database is looked at read-only first: even closing one that was opened to write moves its write-ahead log into it,
which would change a damaged file.
"""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from edgedigits.errors import DataError
from edgedigits.files.claims import held
from edgedigits.files.scratch import parents_of
from edgedigits.printable import printable

DATABASE = "study.sqlite"
LOCK = f"{DATABASE}.lock"
"""Held while a run opens the database, so that no two put a damaged one aside or begin a new one."""
SCHEMA = 2
LOCK_WAIT_S = 20.0
LOCK_POLL_S = 0.05
_LONGEST_WORDS = 200

_TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    """CREATE TABLE trials (
        key TEXT PRIMARY KEY, number INTEGER NOT NULL, kind TEXT NOT NULL, spec TEXT NOT NULL,
        status TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0,
        owner TEXT NOT NULL DEFAULT '', beat REAL NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT '', seal TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX by_status ON trials (status, number)",
    f"INSERT INTO about VALUES ('schema', '{SCHEMA}')",
)


@contextmanager
def begin(folder: Path) -> Iterator[tuple[sqlite3.Connection, str]]:
    """Yield the database of a folder for a run, which makes both where there are none and puts a damaged one aside.

    What was made goes again if it cannot be made whole, or the body raises before there is a trial in it.

    Yields:
        The connection, and a sentence on a damaged database that was put aside; else "".

    Raises:
        OSError: the folder cannot be written, or another run keeps the lock.
        sqlite3.Error: the database cannot be opened.
    """
    path, said = folder / DATABASE, ""
    with parents_of(path):
        # From the check to the new database, so that no run puts aside what another has just begun.
        with _locked(folder / LOCK):
            if damage := _damage(path):
                aside = _put_aside(path)
                said = f"{path} is damaged ({damage}); it is kept as {aside.name}, and the study begins anew."
            is_new = not path.exists()
            with _undone(folder, is_new), ExitStack() as opened:
                connection = opened.enter_context(closing(_connect(path)))
                _make_tables(connection)
                opened.pop_all()
        with closing(connection):
            try:
                yield connection, said
            except BaseException:
                if is_new and _is_without_trials(connection):
                    with suppress(OSError), _locked(folder / LOCK):
                        if _is_alone(connection):
                            connection.close()
                            _remove_database(folder)
                raise


@contextmanager
def _undone(folder: Path, is_new: bool) -> Iterator[None]:
    """Remove a new database where the body cannot make it, unless another run is using it."""
    try:
        yield
    except BaseException as error:
        if is_new and not _is_in_use(error):
            _remove_database(folder)
        raise


def _is_without_trials(connection: sqlite3.Connection) -> bool:
    try:
        return not connection.execute("SELECT COUNT(*) FROM trials").fetchone()[0]
    except sqlite3.Error:
        return False


def _is_alone(connection: sqlite3.Connection) -> bool:
    """Tell whether nobody else has a database open: to leave its write-ahead log, SQLite must have it for itself."""
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        return not _is_in_use(error)
    return True


def _is_in_use(error: BaseException) -> bool:
    busy = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in busy


def _remove_database(folder: Path) -> None:
    """Remove a database and its lock, which the caller holds."""
    for name in (DATABASE, f"{DATABASE}-journal", f"{DATABASE}-wal", f"{DATABASE}-shm", LOCK):
        with suppress(OSError):
            (folder / name).unlink()


def open_existing(folder: Path) -> sqlite3.Connection:
    """Open the database that is in a folder; only to read, where the folder cannot be written.

    Raises:
        DataError: there is none, or it is damaged.
        sqlite3.Error: it cannot be opened.
    """
    path = folder / DATABASE
    if not path.is_file():
        raise DataError(f"{folder} holds no study.", hint="Give a folder that edgedigits study run made.")
    if damage := _damage(path):
        raise DataError(
            f"{path} is damaged ({damage}).",
            hint="Copy it back from a backup, or run the study again: the damaged file will be kept beside it.",
        )
    try:
        connection = _connect(path)
    except sqlite3.OperationalError as error:
        if not _is_unwritable(error):
            raise
        connection = _connect_to_read(path)
    if not _count_tables(connection):
        connection.close()
        raise DataError(f"{folder} holds no study yet.", hint="Run it: edgedigits study run.")
    return connection


def _put_aside(path: Path) -> Path:
    """Rename a database and its log, and return its new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for ending in ("", "-wal", "-shm"):
        if (part := path.with_name(path.name + ending)).exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside


def _connect(path: Path, how: str = "") -> sqlite3.Connection:
    """Open a database, and read from it, since SQLite touches the file no earlier."""
    address = path.absolute().as_uri() + how
    connection = sqlite3.connect(address, uri=True, timeout=LOCK_WAIT_S, isolation_level=None)
    try:
        _count_tables(connection)
        # A kill keeps all that was committed; only a power cut may lose the last trials.
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a database so that it and its write-ahead log stay as they are, byte for byte."""
    try:
        return _connect(path, "?mode=ro")
    except sqlite3.OperationalError as error:
        log = path.with_name(f"{path.name}-wal")
        if not _is_unwritable(error) or (log.exists() and log.stat().st_size):
            raise
    # No log, and no place for one: what is in the file is all, and nobody writes it.
    return _connect(path, "?mode=ro&immutable=1")


def _damage(path: Path) -> str:
    """Return what is wrong with a database, or "" where nothing is or it cannot be told; changes nothing."""
    if not path.is_file():
        return ""
    try:
        with closing(_connect_to_read(path)) as connection:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        # Locked, or to be recovered by one who may write: opening it will tell.
        return ""
    except sqlite3.DatabaseError as error:
        return one_line(error)
    except UnicodeError:
        # Of SQLite's own words, where they name what it found.
        return "names that are no text"
    return "" if found == "ok" else one_line(found)


def one_line(words: object) -> str:
    """Return what SQLite says, which may quote pages of what it found, as the beginning of a sentence."""
    return printable(" ".join(str(words).split()))[:_LONGEST_WORDS]


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of a new database, all of them or none; another run may be doing the same."""
    if _count_tables(connection):
        return
    _start_log(connection)
    with transaction(connection):
        if not _count_tables(connection):
            for statement in _TABLES:
                connection.execute(statement)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all that the body does to a database, or nothing where it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _start_log(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; SQLite does not wait for its turn here, as it does elsewhere."""
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(LOCK_POLL_S)


def foreign_table(connection: sqlite3.Connection) -> str:
    """Return the name of a table, view, index or trigger that `begin` would not have made so, or that is missing."""
    found = {
        str(name): " ".join(str(statement).split())
        for name, statement in connection.execute("SELECT name, sql FROM sqlite_master")
        if not str(name).startswith("sqlite_")
    }
    for statement in _TABLES[:-1]:
        if found.pop(statement.split()[2], "") != " ".join(statement.split()):
            return statement.split()[2]
    return next(iter(found), "")


def schema_of(connection: sqlite3.Connection) -> str:
    """Return the version that a database says it is of; "" where it has no table of this tool's that says so."""
    statement = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'about'").fetchone()
    if statement is None or statement[0] != _TABLES[0]:
        return ""
    row = connection.execute("SELECT value FROM about WHERE name = 'schema'").fetchone()
    return str(row[0]) if row else ""


def _count_tables(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0])


def _is_unwritable(error: sqlite3.Error) -> bool:
    """Tell whether that is what SQLite says where it cannot make a write-ahead log."""
    return error.sqlite_errorcode in (sqlite3.SQLITE_READONLY_DIRECTORY, sqlite3.SQLITE_CANTOPEN)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file, as far as the system and its file system have locks.

    Raises:
        TimeoutError: another has held it for `LOCK_WAIT_S`.
    """
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        with held(path) as is_held:
            if is_held:
                yield
                return
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another run is opening it and does not end")
        time.sleep(LOCK_POLL_S)
