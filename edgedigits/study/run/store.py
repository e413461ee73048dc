"""A study's folder: one SQLite file (WAL) of trials, which several runs may share and any may leave at any moment.

A trial waits, runs, and is then done or failed. A run claims a trial before it starts it, in one transaction, and
tells that it lives by a heartbeat. What a run that died has claimed is claimed again by the next.

Only the program that `edgedigits study run` starts opens the file; workers of a cluster send their answers to it. All
that open it share memory, which SQLite's write-ahead log (WAL) needs: they must run on one host, so that a folder on a
network file system (NFS, SMB, Lustre) is for the runs of one host at a time, and better on a disk of that host.
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
from edgedigits.study.run import database
from edgedigits.study.run.database import DATABASE, SCHEMA

MOST_ATTEMPTS = 2
SILENT_S = 120.0
"""A run of another host counts as dead after so long without a heartbeat; one of this host is looked up."""

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"

_PLAN = "plan"


@dataclass(frozen=True)
class Trial:
    """A row of the store.

    Attributes:
        key: digest of choices, data and code.
        number: place in the study, from 0.
        kind: "build", "published" or "table".
        spec: what to do, as JSON values.
        status: "waiting", "running", "done" or "failed".
        attempts: how often it was started, but for those times that its run died or was interrupted.
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
        create: make folder and database where there are none; otherwise their absence is an error, and a folder that
            cannot be written can be read.

    Attributes:
        said: one sentence where a damaged database was put aside; else "".

    Raises:
        DataError: there is no study, it is of another version, its database is locked or damaged, or the disk is
            full. With `create` a damaged one is renamed, log and all and never overwritten, and a new one takes its
            place; otherwise it is left alone.
    """

    def __init__(self, folder: Path, *, create: bool) -> None:
        self.folder = folder
        self.path = folder / DATABASE
        with self._translated():
            if create:
                self._connection, self.said = database.begin(folder)
            else:
                self._connection = database.open_existing(folder)
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
                if row and (row[0] == WAITING or _abandoned(*row)):
                    # The attempt of a run that died was not the trial's fault: this one takes its place.
                    connection.execute(
                        "UPDATE trials SET status = ?, owner = ?, beat = ?, attempts = attempts + ? WHERE key = ?",
                        (RUNNING, owner, time.time(), int(row[0] == WAITING), key),
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

    def claimed(self, owner: str, keys: Iterable[str]) -> list[str]:
        """Return those of `keys` that a run has claimed and not finished, in the order given."""
        with self._translated():
            rows = self._connection.execute("SELECT key FROM trials WHERE owner = ? AND status = ?", (owner, RUNNING))
            own = {row[0] for row in rows}
        return [key for key in keys if key in own]

    def finish(self, owner: str, key: str, result: Mapping[str, Any], seconds: float) -> bool:
        """Store a trial's figures; return False where the run has not claimed it, which changes nothing."""
        with self._transaction() as connection:
            changed = connection.execute(
                "UPDATE trials SET status = ?, owner = '', error = '', result = ?, seconds = ? "
                "WHERE key = ? AND owner = ? AND status = ?",
                (DONE, json.dumps(result, allow_nan=False), seconds, key, owner, RUNNING),
            )
            return changed.rowcount > 0

    def fail(self, owner: str, key: str, error: str, seconds: float) -> str:
        """Store why a trial failed.

        Returns:
            What it does now: "waiting" for another attempt, or "failed"; "" where the run has not claimed it, which
            changes nothing.
        """
        with self._transaction() as connection:
            own = (key, owner, RUNNING)
            row = connection.execute(
                "SELECT attempts FROM trials WHERE key = ? AND owner = ? AND status = ?", own
            ).fetchone()
            if row is None:
                return ""
            status = WAITING if row[0] < MOST_ATTEMPTS else FAILED
            connection.execute(
                "UPDATE trials SET status = ?, owner = '', error = ?, seconds = ? WHERE key = ?",
                (status, error, seconds, key),
            )
            return status

    def retry_failed(self, keys: Iterable[str]) -> int:
        """Let those of `keys` that failed wait again; return how many."""
        with self._transaction() as connection:
            changed = connection.executemany(
                "UPDATE trials SET status = ?, attempts = 0 WHERE key = ? AND status = ?",
                [(WAITING, key, FAILED) for key in keys],
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

    def set_plan(self, keys: Iterable[str]) -> None:
        """Remember which trials the latest plan has; those of earlier ones stay in the folder."""
        self.set_about(_PLAN, json.dumps(list(keys)))

    def planned_trials(self) -> list[Trial]:
        """Return the trials of the latest plan, in the order of the study; every trial where no plan was recorded."""
        plan = self.about(_PLAN)
        if not plan:
            return self.trials()
        keys = set(json.loads(plan))
        return [trial for trial in self.trials() if trial.key in keys]

    def trials_of(self, keys: Iterable[str]) -> list[Trial]:
        """Return the trials of those keys."""
        with self._translated():
            return [self._one(key) for key in keys]

    def _one(self, key: str) -> Trial:
        return _trial(self._connection.execute(f"SELECT {_COLUMNS} FROM trials WHERE key = ?", (key,)).fetchone())

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
                f"{self.path} is locked by another program since {database.LOCK_WAIT_S:g} s.",
                hint="Close what has it open, such as a database browser; nothing was lost.",
            )
        if "full" in text or "I/O" in text:
            return DataError(
                f"{self.path} cannot be written: {text}.",
                hint="Make room and run the same command again: finished trials are kept.",
            )
        return DataError(f"{self.path} cannot be used: {text}.", hint="Choose another --out; the file was not changed.")


def _abandoned(status: str, owner: str, beat: float) -> bool:
    return status == RUNNING and not is_alive(owner, beat)


def _trial(row: tuple[Any, ...]) -> Trial:
    key, number, kind, spec, status, attempts, seconds, error, result = row
    return Trial(
        key, number, kind, json.loads(spec), status, attempts, seconds, error, json.loads(result) if result else {}
    )
