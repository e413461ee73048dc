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
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from edgedigits.errors import DataError
from edgedigits.study.run import database
from edgedigits.study.run.database import DATABASE, SCHEMA, one_line
from edgedigits.study.run.rows import (
    COLUMNS,
    DONE,
    FAILED,
    RUNNING,
    STATUSES,
    WAITING,
    DamagedRowError,
    Trial,
    is_same,
    read_row,
    seal_of,
    to_text,
)

MOST_ATTEMPTS = 2
SILENT_S = 120.0
"""A run of another host counts as dead after so long without a heartbeat; one of this host is looked up."""

_PLAN = "plan"
_FREE = f"(status = '{WAITING}' OR is_abandoned(status, owner, beat))"
"""Of trials that may be claimed, in SQL."""


def owner_name() -> str:
    """Return a name for this run that no other has: host, process, and when the process started."""
    import psutil

    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_alive(owner: str, beat: float) -> bool:
    """Tell whether the run of that name still runs: looked up on this host, by its last heartbeat on others."""
    import psutil

    host, *process = owner.rsplit("/", 2)
    if host != socket.gethostname():
        return abs(time.time() - beat) < SILENT_S
    try:
        pid, started = process
        return abs(psutil.Process(int(pid)).create_time() - float(started)) < 0.1
    except (psutil.Error, ValueError, OverflowError):
        return False


class Store:
    """The open database of a study's folder; use as a context manager. One that was made goes again with its folder if
    the body raises before there is a trial in it.

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
        self._open = ExitStack()
        with self._translated():
            if create:
                self._connection, self.said = self._open.enter_context(database.begin(folder))
            else:
                self._connection = self._open.enter_context(closing(database.open_existing(folder)))
            self._connection.create_function("is_abandoned", 3, _is_abandoned)
        self._check_schema()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._open.__exit__(*raised)

    def close(self) -> None:
        """Close the database."""
        self._open.close()

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
                "INSERT OR IGNORE INTO trials (key, number, kind, spec, seal) VALUES (?, ?, ?, ?, ?)",
                [_new_row(key, start + i, kind, to_text(spec)) for i, (key, kind, spec) in enumerate(trials)],
            )
            return connection.total_changes - before

    def claim(self, owner: str, keys: Iterable[str]) -> list[Trial]:
        """Claim those of `keys` that wait, or whose run has died; return what this run may start now."""
        with self._transaction() as connection:
            # The attempt of a run that died was not the trial's fault: this one takes its place.
            claim = (
                "UPDATE trials SET status = ?, owner = ?, beat = ?, attempts = attempts + (status = ?) "
                f"WHERE key = ? AND {_FREE}"
            )
            values = (RUNNING, owner, time.time(), WAITING)
            claimed = [key for key in keys if connection.execute(claim, (*values, key)).rowcount]
            return [self._one(key) for key in claimed]

    def beat(self, owner: str) -> None:
        """Tell that a run lives."""
        with self._transaction() as connection:
            beat = "UPDATE trials SET beat = ? WHERE owner = ? AND status = ?"
            connection.execute(beat, (time.time(), owner, RUNNING))

    def release(self, owner: str) -> None:
        """Give back what a run has claimed and not finished; that attempt does not count."""
        with self._transaction() as connection:
            release = "UPDATE trials SET status = ?, owner = '', attempts = attempts - 1 WHERE owner = ? AND status = ?"
            connection.execute(release, (WAITING, owner, RUNNING))

    def finish(self, owner: str, key: str, result: Mapping[str, Any], seconds: float) -> bool:
        """Store a trial's figures; return False where the run has not claimed it, which changes nothing."""
        return bool(self._end(owner, key, DONE, "", to_text(result), seconds))

    def fail(self, owner: str, key: str, error: str, seconds: float) -> str:
        """Store why a trial failed.

        Returns:
            What it does now: "waiting" for another attempt, or "failed"; "" where the run has not claimed it, which
            changes nothing.
        """
        return self._end(owner, key, "", error, "", seconds)

    def _end(self, owner: str, key: str, status: str, error: str, result: str, seconds: float) -> str:
        with self._transaction() as connection:
            if key not in self._keys("owner = ? AND status = ?", owner, RUNNING):
                return ""
            # Read first: a row that was changed since it was stored is not sealed.
            trial = self._one(key)
            status = status or (WAITING if trial.attempts < MOST_ATTEMPTS else FAILED)
            (spec,) = connection.execute("SELECT spec FROM trials WHERE key = ?", (key,)).fetchone()
            seal = seal_of(key, trial.number, trial.kind, spec, result, seconds)
            end = "UPDATE trials SET status = ?, owner = '', error = ?, result = ?, seconds = ?, seal = ? WHERE key = ?"
            connection.execute(end, (status, error, result, seconds, seal, key))
            return status

    def retry_failed(self, keys: Iterable[str]) -> int:
        """Let those of `keys` that failed wait again; return how many."""
        with self._transaction() as connection:
            retry = "UPDATE trials SET status = ?, attempts = 0 WHERE key = ? AND status = ?"
            return connection.executemany(retry, [(WAITING, key, FAILED) for key in keys]).rowcount

    def claimed(self, owner: str, keys: Iterable[str]) -> list[str]:
        """Return those of `keys` that a run has claimed and not finished, in the order given."""
        with self._translated():
            own = self._keys("owner = ? AND status = ?", owner, RUNNING)
        return [key for key in keys if key in own]

    def waiting(self, keys: Iterable[str]) -> list[str]:
        """Return those of `keys` that may be claimed, in the order given."""
        with self._translated():
            free = self._keys(_FREE)
        return [key for key in keys if key in free]

    def _keys(self, condition: str, *values: Any) -> set[str]:
        return {row[0] for row in self._connection.execute(f"SELECT key FROM trials WHERE {condition}", values)}

    def counts(self, keys: Iterable[str] | None = None) -> dict[str, int]:
        """Return how many trials are in each status; of `keys` only, where given."""
        chosen = None if keys is None else json.dumps(list(keys))
        counted = (
            "SELECT status, COUNT(*) FROM trials WHERE ?1 IS NULL OR key IN (SELECT value FROM json_each(?1)) "
            "GROUP BY status"
        )
        with self._translated():
            found = dict(self._connection.execute(counted, (chosen,)).fetchall())
        return {status: found.get(status, 0) for status in STATUSES}

    def trials(self) -> list[Trial]:
        """Return every trial, in the order of the study."""
        with self._translated():
            return list(self._rows())

    def trials_of(self, keys: Iterable[str]) -> list[Trial]:
        """Return the trials of those keys."""
        with self._translated():
            return [self._one(key) for key in keys]

    def check(self, plan: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
        """Check that every trial is as it was stored, and those of a plan, kind and spec by key, as the plan has them.

        Raises:
            DataError: one is not: it was changed, or the file is damaged.
        """
        with self._translated():
            for trial in self._rows():
                if trial.key in plan and not is_same(*plan[trial.key], trial):
                    raise DamagedRowError(f"trial {trial.key} is stored as another than the plan's")

    def set_plan(self, keys: Iterable[str]) -> None:
        """Remember which trials the latest plan has; those of earlier ones stay in the folder."""
        self.set_about(_PLAN, json.dumps(list(keys)))

    def planned_trials(self) -> list[Trial]:
        """Return the trials of the latest plan, in the order of the study; every trial where no plan was recorded."""
        plan = self.about(_PLAN)
        if not plan:
            return self.trials()
        with self._translated():
            keys = _planned_keys(plan)
            found = [trial for trial in self._rows() if trial.key in keys]
            if len(found) < len(keys):
                raise DamagedRowError(f"{len(keys) - len(found)} of its trials are missing")
        return found

    def _rows(self) -> Iterator[Trial]:
        return map(read_row, self._connection.execute(f"SELECT {COLUMNS} FROM trials ORDER BY number, key"))

    def _one(self, key: str) -> Trial:
        row = self._connection.execute(f"SELECT {COLUMNS} FROM trials WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise DamagedRowError(f"trial {key} is missing")
        return read_row(row)

    def _check_schema(self) -> None:
        try:
            with self._translated():
                found = database.schema_of(self._connection)
                foreign = database.foreign_table(self._connection)
            if found and found != str(SCHEMA):
                raise DataError(
                    f"{self.path} is a study of another version of edgedigits (schema {found:.20}, not {SCHEMA}).",
                    hint="Choose another --out, or the version of edgedigits that made it.",
                )
            if not found or foreign:
                raise DataError(
                    f"{self.path} is not the database of a study: its '{foreign or 'about'}' is not edgedigits'.",
                    hint="Choose another --out; the file was not changed.",
                )
        except DataError:
            self.close()
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._readable(error) from None
        except (DamagedRowError, UnicodeError) as error:
            raise DataError(
                f"{self.path} was changed or is damaged: {one_line(error)}.",
                hint="Copy it back from a backup, or move it away and run the study again.",
            ) from None
        except OSError as error:
            raise DataError(
                f"{self.folder} cannot be written: {error.strerror or error}.", hint="Choose another --out."
            ) from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated(), database.transaction(self._connection):
            yield self._connection

    def _readable(self, error: sqlite3.Error) -> DataError:
        text = one_line(error)
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


def _is_abandoned(status: str, owner: str, beat: float) -> bool:
    return status == RUNNING and not is_alive(owner, beat)


def _new_row(key: str, number: int, kind: str, spec: str) -> tuple[str, int, str, str, str]:
    return key, number, kind, spec, seal_of(key, number, kind, spec)


def _planned_keys(text: str) -> set[str]:
    try:
        keys = json.loads(text)
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise DamagedRowError("its plan is no list of trials")
    return set(keys)
