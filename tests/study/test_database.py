"""The file of a study: damage, locks, deaths, full disks and strangers."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from edgedigits.errors import DataError
from edgedigits.files import claims
from edgedigits.study.run import database
from edgedigits.study.run.database import DATABASE
from edgedigits.study.run.store import Store, owner_name
from tests.study.conftest import TRIALS


def test_a_damaged_database_is_put_aside_and_never_overwritten(tmp_path):
    content = b"this is no database, but somebody's file" * 100
    (tmp_path / DATABASE).write_bytes(content)
    with Store(tmp_path, create=True) as store:
        assert "damaged" in store.said
        assert store.counts()["done"] == 0
    assert (tmp_path / f"{DATABASE}.damaged-1").read_bytes() == content
    (tmp_path / DATABASE).write_bytes(b"again" * 1000)
    Store(tmp_path, create=True).close()
    assert (tmp_path / f"{DATABASE}.damaged-1").read_bytes() == content
    assert (tmp_path / f"{DATABASE}.damaged-2").read_bytes() == b"again" * 1000


def test_a_database_with_torn_pages_is_put_aside(tmp_path):
    with Store(tmp_path, create=True) as store:
        store.add((f"{i:04}", "build", {"x": "y" * 200}) for i in range(500))
    raw = bytearray((tmp_path / DATABASE).read_bytes())
    raw[4096:40960] = np.random.default_rng(0).bytes(40960 - 4096)
    (tmp_path / DATABASE).write_bytes(raw)
    with Store(tmp_path, create=True) as store:
        assert "kept as" in store.said
    assert (tmp_path / f"{DATABASE}.damaged-1").read_bytes() == raw


KILLED = """
import os, sys
from pathlib import Path
from edgedigits.study.run.store import Store
store = Store(Path(sys.argv[1]), create=True)
store.add((f"{i:04}", "build", {"x": "y" * 200}) for i in range(500))
store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
store.add((f"later {i:04}", "build", {}) for i in range(100))
os.kill(os.getpid(), 9)
"""


def killed(folder, *, damaged):
    """Leave what a killed run leaves, committed trials in the write-ahead log included; return file and log."""
    run = subprocess.run([sys.executable, "-c", KILLED, str(folder)])
    assert run.returncode == -signal.SIGKILL
    file, log = folder / DATABASE, folder / f"{DATABASE}-wal"
    if damaged:
        raw = bytearray(file.read_bytes())
        raw[4096:40960] = np.random.default_rng(0).bytes(40960 - 4096)
        file.write_bytes(raw)
    assert log.stat().st_size > 4096
    return file.read_bytes(), log.read_bytes()


def test_what_a_killed_run_had_written_is_there(tmp_path):
    killed(tmp_path, damaged=False)
    with Store(tmp_path, create=False) as store:
        assert len(store.trials()) == 600


@pytest.mark.parametrize("create", [True, False])
def test_a_damaged_database_keeps_its_log_and_both_stay_byte_for_byte(create, tmp_path):
    file, log = killed(tmp_path, damaged=True)
    if create:
        Store(tmp_path, create=True).close()
    else:
        with pytest.raises(DataError, match="is damaged"):
            Store(tmp_path, create=False)
    name = f"{DATABASE}.damaged-1" if create else DATABASE
    assert (tmp_path / name).read_bytes() == file
    assert (tmp_path / f"{name}-wal").read_bytes() == log


def at_once(count, work):
    """Do the same in some threads that start together; return what they return."""
    start = threading.Barrier(count)

    def one(number):
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def test_the_log_is_turned_on_once_the_database_is_free(tmp_path):
    place = tmp_path / "study.sqlite"
    with closing(sqlite3.connect(place, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        with closing(sqlite3.connect(place, timeout=0)) as mine:
            threading.Timer(0.3, other.execute, ["COMMIT"]).start()
            database._start_log(mine)
            assert mine.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    ("damaged", "locks"), [(True, True), (False, True), (False, False)], ids=["damaged", "new", "new, without locks"]
)
def test_runs_that_start_together_share_one_database(damaged, locks, tmp_path, monkeypatch):
    if not locks:
        monkeypatch.setattr(claims, "lock", lambda handle, wait: None)

    def start(number):
        with Store(folder, create=True) as store:
            store.add([(str(number), "build", {})])
            return bool(store.said)

    for attempt in range(10):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        if damaged:
            (folder / DATABASE).write_bytes(b"no database" * 500)
        assert sum(at_once(4, start)) == damaged
        assert len(list(folder.glob("*.damaged-?"))) == damaged
        with Store(folder, create=False) as store:
            assert {trial.key for trial in store.trials()} == set("0123")


def test_a_kill_while_the_tables_are_made_leaves_all_or_none(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(database, "_TABLES", (*database._TABLES[:2], "KILL"))
        patched.setattr(database, "_remove_database", lambda folder: None)  # A killed run tidies nothing up.
        with pytest.raises(DataError, match="syntax error"):
            Store(tmp_path, create=True)
    with pytest.raises(DataError, match="holds no study yet"):
        Store(tmp_path, create=False)
    with Store(tmp_path, create=True) as store:
        assert store.add(TRIALS) == 3


def test_another_database_is_refused_and_left_alone(tmp_path):
    other = sqlite3.connect(tmp_path / DATABASE)
    other.execute("CREATE TABLE songs (name TEXT)")
    other.commit()
    other.close()
    before = (tmp_path / DATABASE).read_bytes()
    with pytest.raises(DataError, match="the file was not changed"):
        Store(tmp_path, create=True)
    assert (tmp_path / DATABASE).read_bytes() == before


@contextmanager
def unwritable(folder):
    """Take the right to write to a folder away; root, who needs no rights, becomes nobody."""
    folder.chmod(0o555)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs the rights of POSIX")
def test_a_study_in_a_folder_that_cannot_be_written_can_be_read():
    # Not in tmp_path, which nobody but its owner may enter.
    folder = Path(tempfile.mkdtemp())
    try:
        with Store(folder, create=True) as store:
            store.add(TRIALS)
        with unwritable(folder):
            with Store(folder, create=False) as store:
                assert len(store.trials()) == 3
            with pytest.raises(DataError, match="cannot be"):
                Store(folder, create=True)
    finally:
        shutil.rmtree(folder)


def test_reading_a_damaged_database_leaves_it_alone(tmp_path):
    (tmp_path / DATABASE).write_bytes(b"no database" * 500)
    with pytest.raises(DataError, match="is damaged"):
        Store(tmp_path, create=False)
    assert [path.name for path in tmp_path.iterdir()] == [DATABASE]


def test_a_locked_database_is_told(store, monkeypatch):
    monkeypatch.setattr(database, "LOCK_WAIT_S", 0.2)
    locker = sqlite3.connect(store.path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    with Store(store.folder, create=False) as other, pytest.raises(DataError, match="locked by another program"):
        other.claim(owner_name(), "a")
    locker.execute("ROLLBACK")
    locker.close()
    assert store.claim(owner_name(), "a")


def test_a_full_disk_is_told_and_loses_nothing(store):
    """SQLite's own limit of pages gives the very error that a full disk gives."""
    store.claim(owner_name(), "a")
    store.finish(owner_name(), "a", {"x": 1}, 1.0)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    store.claim(owner_name(), "b")
    with pytest.raises(DataError, match=r"cannot be written: database or disk is full.*finished trials are kept"):
        store.finish(owner_name(), "b", {"x": "y" * 100_000}, 1.0)
    store._connection.execute("PRAGMA max_page_count = 100000")
    assert store.trials_of("a")[0].result == {"x": 1}
    store.finish(owner_name(), "b", {"x": 2}, 1.0)


@pytest.mark.parametrize("statement", range(len(database._TABLES)))
@pytest.mark.parametrize("place", ["s", "new/deep/s"])
def test_a_disk_that_is_full_from_the_start_leaves_nothing(place, statement, tmp_path, monkeypatch):
    """Full when the first, second… table is made: each takes a page at least."""
    connect = database._connect

    def small(path, how=""):
        connection = connect(path, how)
        connection.execute(f"PRAGMA max_page_count = {1 + statement}")
        return connection

    monkeypatch.setattr(database, "_connect", small)
    full = pytest.raises(DataError, match=r"cannot be written: database or disk is full")
    with full, Store(tmp_path / place, create=True) as store:
        store.add([(key, "build", {"label": key * 10_000}) for key in "abc"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays_with_what_is_in_it(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "notes.txt").write_text("x")
    with pytest.raises(KeyboardInterrupt), Store(tmp_path / "s", create=True):
        raise KeyboardInterrupt
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["notes.txt"]


def test_a_new_study_that_another_run_has_open_stays_where_this_one_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "LOCK_WAIT_S", 0.1)
    with pytest.raises(KeyboardInterrupt), Store(tmp_path, create=True):
        other = Store(tmp_path, create=True)
        raise KeyboardInterrupt
    with other:
        assert other.add(TRIALS) == 3
    with Store(tmp_path, create=False) as store:
        assert len(store.trials()) == 3


def test_a_study_with_trials_stays_whatever_happens_to_its_run(tmp_path):
    with pytest.raises(KeyboardInterrupt), Store(tmp_path, create=True) as store:
        store.add(TRIALS)
        raise KeyboardInterrupt
    with Store(tmp_path, create=False) as store:
        assert store.counts()["waiting"] == 3


def test_a_study_of_another_version_is_refused_and_left_alone(tmp_path):
    with Store(tmp_path, create=True) as store:
        store.set_about("schema", "99")
    with pytest.raises(DataError, match="another version of edgedigits"):
        Store(tmp_path, create=True)


def test_a_folder_without_a_study_is_told(tmp_path):
    with pytest.raises(DataError, match="holds no study"):
        Store(tmp_path, create=False)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="file is a file, expected a folder to write in"):
        Store(tmp_path / "file" / "study", create=True)
