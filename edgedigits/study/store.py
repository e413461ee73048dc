"""A study's folder: one SQLite file (WAL) of trials, which several runs may share and any may leave at any moment.

A trial waits, runs, and is then done or failed. A run claims a trial before it starts it, in one transaction, and
tells that it lives by a heartbeat. What a run that died has claimed is claimed again by the next.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.errors import DataError

DATABASE = "study.sqlite"
SCHEMA = 1
MOST_ATTEMPTS = 2
SILENT_S = 120.0
"""A run of another host counts as dead after so long without a heartbeat; one of this host is looked up."""
LOCK_WAIT_S = 20.0

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"

_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY, number INTEGER NOT NULL, kind TEXT NOT NULL, spec TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0,
    owner TEXT NOT NULL DEFAULT '', beat REAL NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS by_status ON trials (status, number);
"""


@dataclass(frozen=True)
class Trial:
    """A row of the store.

    Attributes:
        key: digest of choices, data and code.
        number: place in the study, from 0.
        kind: "build", "published" or "shared".
        spec: what to do, as JSON values.
        status: "waiting", "running", "done" or "failed".
        attempts: how often it was started.
        seconds: how long it took.
        error: why it failed; may be set while it waits for its second attempt.
        result: its figures, as JSON values; {} until it is done.
    """

    key: str
    number: int
    kind: str
    spec: dict[str, Any]
    status: str
    attempts: int
    seconds: float
    error: str
    result: dict[str, Any]


_COLUMNS = "key, number, kind, spec, status, attempts, seconds, error, result"


def owner_name() -> str:
    """Return a name for this run that no other has: host, process, and when the process started."""
    import psutil

    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_alive(owner: str, beat: float) -> bool:
    """Tell whether the run of that name still runs: looked up on this host, by its last heartbeat on others."""
    import psutil

    host, pid, started = owner.rsplit("/", 2)
    if host != socket.gethostname():
        return time.time() - beat < SILENT_S
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(started)) < 0.1
    except psutil.Error:
        return False


class Store:
    """The open database of a study's folder; use as a context manager.

    Args:
        folder: the study's folder.
        create: make folder and database where there are none; otherwise their absence is an error.
        said: filled with one sentence where a damaged database was put aside.

    Raises:
        DataError: there is no study, it is of another version, its database is locked or damaged, or the disk is
            full. A damaged one is renamed, never overwritten; with `create` a new one takes its place.
    """

    def __init__(self, folder: Path, *, create: bool) -> None:
        self.folder = folder
        self.path = folder / DATABASE
        self.said = ""
        if not create and not self.path.is_file():
            raise DataError(f"{folder} holds no study.", hint="Give a folder that edgedigits study run made.")
        with self._translated():
            folder.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
                raise self._readable(error) from None
            self._put_aside(create, error)
            self._connection = self._open()
        self._check_schema()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def about(self, name: str) -> str:
        """Return a fact about the study, or "" where it was never set."""
        with self._translated():
            row = self._connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def set_about(self, name: str, value: str) -> None:
        """Set a fact about the study."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def add(self, trials: Iterable[tuple[str, str, Mapping[str, Any]]]) -> int:
        """Add trials (key, kind, spec) that are not there yet; return how many were new."""
        with self._transaction() as connection:
            start = connection.execute("SELECT COALESCE(MAX(number) + 1, 0) FROM trials").fetchone()[0]
            before = connection.total_changes
            connection.executemany(
                "INSERT OR IGNORE INTO trials (key, number, kind, spec) VALUES (?, ?, ?, ?)",
                [(key, start + i, kind, json.dumps(spec)) for i, (key, kind, spec) in enumerate(trials)],
            )
            return connection.total_changes - before

    def claim(self, owner: str, keys: Iterable[str]) -> list[Trial]:
        """Claim those of `keys` that wait, or whose run has died; return what this run may start now."""
        claimed = []
        with self._transaction() as connection:
            for key in keys:
                row = connection.execute("SELECT status, owner, beat FROM trials WHERE key = ?", (key,)).fetchone()
                if row and (row[0] == WAITING or (row[0] == RUNNING and not is_alive(row[1], row[2]))):
                    connection.execute(
                        "UPDATE trials SET status = ?, owner = ?, beat = ?, attempts = attempts + 1 WHERE key = ?",
                        (RUNNING, owner, time.time(), key),
                    )
                    claimed.append(key)
            return [self._one(key) for key in claimed]

    def beat(self, owner: str) -> None:
        """Tell that a run lives."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE trials SET beat = ? WHERE owner = ? AND status = ?", (time.time(), owner, RUNNING)
            )

    def release(self, owner: str) -> None:
        """Give back what a run has claimed and not finished; that attempt does not count."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE trials SET status = ?, owner = '', attempts = attempts - 1 WHERE owner = ? AND status = ?",
                (WAITING, owner, RUNNING),
            )

    def finish(self, key: str, result: Mapping[str, Any], seconds: float) -> None:
        """Store a trial's figures."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE trials SET status = ?, owner = '', error = '', result = ?, seconds = ? WHERE key = ?",
                (DONE, json.dumps(result, allow_nan=False), seconds, key),
            )

    def fail(self, key: str, error: str, seconds: float, *, final: bool = False) -> bool:
        """Store why a trial failed; return whether it waits for another attempt."""
        with self._transaction() as connection:
            attempts = connection.execute("SELECT attempts FROM trials WHERE key = ?", (key,)).fetchone()[0]
            again = attempts < MOST_ATTEMPTS and not final
            connection.execute(
                "UPDATE trials SET status = ?, owner = '', error = ?, seconds = ? WHERE key = ? AND status != ?",
                (WAITING if again else FAILED, error, seconds, key, DONE),
            )
            return again

    def retry_failed(self) -> int:
        """Let failed trials wait again; return how many."""
        with self._transaction() as connection:
            changed = connection.execute(
                "UPDATE trials SET status = ?, attempts = 0 WHERE status = ?", (WAITING, FAILED)
            )
            return changed.rowcount

    def waiting(self, keys: Iterable[str]) -> list[str]:
        """Return those of `keys` that may be claimed, in the order given."""
        with self._translated():
            rows = self._connection.execute("SELECT key, status, owner, beat FROM trials").fetchall()
        free = {k for k, status, owner, beat in rows if status == WAITING or _abandoned(status, owner, beat)}
        return [key for key in keys if key in free]

    def counts(self, keys: Iterable[str] | None = None) -> dict[str, int]:
        """Return how many trials are in each status; of `keys` only, where given."""
        with self._translated():
            rows = self._connection.execute("SELECT key, status FROM trials").fetchall()
        chosen = set(keys) if keys is not None else None
        found = dict.fromkeys((WAITING, RUNNING, DONE, FAILED), 0)
        for key, status in rows:
            if chosen is None or key in chosen:
                found[status] += 1
        return found

    def trials(self) -> list[Trial]:
        """Return every trial, in the order of the study."""
        with self._translated():
            rows = self._connection.execute(f"SELECT {_COLUMNS} FROM trials ORDER BY number, key").fetchall()
        return [_trial(row) for row in rows]

    def trials_of(self, keys: Iterable[str]) -> list[Trial]:
        """Return the trials of those keys."""
        with self._translated():
            return [self._one(key) for key in keys]

    def _one(self, key: str) -> Trial:
        return _trial(self._connection.execute(f"SELECT {_COLUMNS} FROM trials WHERE key = ?", (key,)).fetchone())

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=LOCK_WAIT_S, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # A kill keeps all that was committed; only a power cut may lose the last trials.
            connection.execute("PRAGMA synchronous = NORMAL")
            damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(damage)
            if connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0:
                connection.executescript(_TABLES)
                connection.execute("INSERT OR IGNORE INTO about VALUES ('schema', ?)", (str(SCHEMA),))
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_aside(self, create: bool, error: sqlite3.DatabaseError) -> None:
        number = 1
        while (aside := self.path.with_name(f"{DATABASE}.damaged-{number}")).exists():
            number += 1
        if not create:
            raise DataError(
                f"{self.path} is damaged ({error}).",
                hint="Copy it back from a backup, or run the study again: the damaged file will be kept beside it.",
            )
        for ending in ("", "-wal", "-shm"):
            if (part := self.path.with_name(DATABASE + ending)).exists():
                part.rename(aside.with_name(aside.name + ending))
        self.said = f"{self.path} is damaged ({error}); it is kept as {aside.name}, and the study begins anew."

    def _check_schema(self) -> None:
        try:
            found = self.about("schema")
        except DataError:
            self.close()
            raise
        if found != str(SCHEMA):
            self.close()
            raise DataError(
                f"{self.path} is a study of another version of edgedigits (schema {found or 'unknown'}, not {SCHEMA}).",
                hint="Choose another --out, or the version of edgedigits that made it.",
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._readable(error) from None
        except OSError as error:
            raise DataError(
                f"{self.folder} cannot be written: {error.strerror or error}.", hint="Choose another --out."
            ) from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _readable(self, error: sqlite3.Error) -> DataError:
        text = str(error)
        if "locked" in text or "busy" in text:
            return DataError(
                f"{self.path} is locked by another program since {LOCK_WAIT_S:g} s.",
                hint="Close what has it open, such as a database browser; nothing was lost.",
            )
        if "full" in text or "I/O" in text:
            return DataError(
                f"{self.path} cannot be written: {text}.",
                hint="Make room and run the same command again: finished trials are kept.",
            )
        return DataError(f"{self.path} cannot be used: {text}.", hint="Choose another --out; the file was not changed.")


def _is_damage(error: sqlite3.Error) -> bool:
    return any(word in str(error) for word in ("malformed", "not a database", "no such table", "corrupt"))


def _abandoned(status: str, owner: str, beat: float) -> bool:
    return status == RUNNING and not is_alive(owner, beat)


def _trial(row: tuple[Any, ...]) -> Trial:
    key, number, kind, spec, status, attempts, seconds, error, result = row
    return Trial(
        key, number, kind, json.loads(spec), status, attempts, seconds, error, json.loads(result) if result else {}
    )
