"""The study's database: claims, deaths, damage, locks and full disks."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time

import pytest

from edgedigits.errors import DataError
from edgedigits.study import store as module
from edgedigits.study.store import DATABASE, Store, owner_name

TRIALS = [(key, "build", {"label": key}) for key in "abc"]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s", create=True) as opened:
        opened.add(TRIALS)
        yield opened


def test_trials_wait_run_and_are_done(store):
    assert store.waiting("abc") == ["a", "b", "c"]
    (trial,) = store.claim(owner_name(), ["a"])
    assert (trial.key, trial.status, trial.attempts, trial.spec) == ("a", "running", 1, {"label": "a"})
    store.finish("a", {"accuracy": 0.5}, 2.0)
    assert store.counts() == {"waiting": 2, "running": 0, "done": 1, "failed": 0}
    assert store.trials()[0].result == {"accuracy": 0.5}
    assert store.claim(owner_name(), ["a"]) == []


def test_adding_the_same_trials_again_changes_nothing(store):
    store.claim(owner_name(), ["a"])
    store.finish("a", {"x": 1}, 1.0)
    assert store.add([*TRIALS, ("d", "build", {})]) == 1
    assert [trial.key for trial in store.trials()] == ["a", "b", "c", "d"]
    assert store.counts()["done"] == 1


def test_two_runs_never_get_the_same_trial(store, tmp_path):
    with Store(tmp_path / "s", create=True) as other:
        mine = {trial.key for trial in store.claim(owner_name(), "ab")}
        theirs = {trial.key for trial in other.claim(owner_name(), "abc")}
    assert mine == {"a", "b"}
    assert theirs == {"c"}


def test_what_a_killed_run_had_claimed_is_claimed_again(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from edgedigits.study.store import Store, owner_name\n"
        "s = Store(Path(sys.argv[1]), create=True); s.add([('a', 'build', {})]); s.claim(owner_name(), 'a')\n"
        "print('claimed', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "claimed\n"
    with Store(tmp_path, create=False) as store:
        assert store.waiting("a") == []
        process.kill()
        process.wait()
        process.stdout.close()
        assert store.waiting("a") == ["a"]
        assert store.claim(owner_name(), "a")[0].attempts == 2


def test_a_run_of_another_host_counts_as_dead_once_it_is_silent():
    assert module.is_alive("elsewhere/1/0.0", time.time() - 1)
    assert not module.is_alive("elsewhere/1/0.0", time.time() - module.SILENT_S - 1)
    assert module.is_alive(owner_name(), 0.0)


def test_a_failing_trial_is_tried_twice_and_keeps_its_error(store):
    store.claim(owner_name(), ["a"])
    assert store.fail("a", "boom", 1.0)
    assert store.waiting("a") == ["a"]
    store.claim(owner_name(), ["a"])
    assert not store.fail("a", "boom again", 1.0)
    assert store.counts()["failed"] == 1
    assert store.trials_of("a")[0].error == "boom again"
    assert store.retry_failed() == 1
    assert store.waiting("a") == ["a"]


def test_what_is_given_back_does_not_count_as_an_attempt(store):
    owner = owner_name()
    store.claim(owner, "ab")
    store.release(owner)
    assert store.waiting("abc") == ["a", "b", "c"]
    assert store.trials_of("a")[0].attempts == 0


def test_a_finished_trial_cannot_fail_any_more(store):
    store.claim(owner_name(), ["a"])
    store.finish("a", {"x": 1}, 1.0)
    store.fail("a", "late", 1.0)
    assert store.trials_of("a")[0].status == "done"


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
    raw[4096:40960] = os.urandom(40960 - 4096)
    (tmp_path / DATABASE).write_bytes(raw)
    with Store(tmp_path, create=True) as store:
        assert "kept as" in store.said
    assert (tmp_path / f"{DATABASE}.damaged-1").read_bytes() == raw


def test_reading_a_damaged_database_leaves_it_alone(tmp_path):
    (tmp_path / DATABASE).write_bytes(b"no database" * 500)
    with pytest.raises(DataError, match="is damaged"):
        Store(tmp_path, create=False)
    assert [path.name for path in tmp_path.iterdir()] == [DATABASE]


def test_a_locked_database_is_told(store, monkeypatch):
    monkeypatch.setattr(module, "LOCK_WAIT_S", 0.2)
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
    store.finish("a", {"x": 1}, 1.0)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    store.claim(owner_name(), "b")
    with pytest.raises(DataError, match=r"cannot be written: database or disk is full.*finished trials are kept"):
        store.finish("b", {"x": "y" * 100_000}, 1.0)
    store._connection.execute("PRAGMA max_page_count = 100000")
    assert store.trials_of("a")[0].result == {"x": 1}
    store.finish("b", {"x": 2}, 1.0)


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
    with pytest.raises(DataError, match="cannot be written"):
        Store(tmp_path / "file" / "study", create=True)
