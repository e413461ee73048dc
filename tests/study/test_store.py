"""The study's store: who claims a trial, who is dead, and what becomes of answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from edgedigits.study.run import store as module
from edgedigits.study.run.store import Store, owner_name
from tests.study.conftest import TRIALS

OTHER = "elsewhere/1/0.0"


def test_trials_wait_run_and_are_done(store):
    assert store.waiting("abc") == ["a", "b", "c"]
    (trial,) = store.claim(owner_name(), ["a"])
    assert (trial.key, trial.status, trial.attempts, trial.spec) == ("a", "running", 1, {"label": "a"})
    assert store.claimed(owner_name(), "abc") == ["a"]
    assert store.finish(owner_name(), "a", {"accuracy": 0.5}, 2.0)
    assert store.counts() == {"waiting": 2, "running": 0, "done": 1, "failed": 0}
    assert store.trials()[0].result == {"accuracy": 0.5}
    assert store.claim(owner_name(), ["a"]) == []


def test_adding_the_same_trials_again_changes_nothing(store):
    store.claim(owner_name(), ["a"])
    store.finish(owner_name(), "a", {"x": 1}, 1.0)
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
        "import sys, time; from pathlib import Path; from edgedigits.study.run.store import Store, owner_name\n"
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
        assert store.claim(owner_name(), "a")[0].attempts == 1


def test_a_run_of_another_host_counts_as_dead_once_it_is_silent():
    assert module.is_alive("elsewhere/1/0.0", time.time() - 1)
    assert not module.is_alive("elsewhere/1/0.0", time.time() - module.SILENT_S - 1)
    assert module.is_alive(owner_name(), 0.0)


def test_a_failing_trial_is_tried_twice_and_keeps_its_error(store):
    store.claim(owner_name(), ["a"])
    assert store.fail(owner_name(), "a", "boom", 1.0) == "waiting"
    assert store.waiting("a") == ["a"]
    store.claim(owner_name(), ["a"])
    assert store.fail(owner_name(), "a", "boom again", 1.0) == "failed"
    assert store.counts()["failed"] == 1
    assert store.trials_of("a")[0].error == "boom again"
    assert store.retry_failed("ab") == 1
    assert store.waiting("a") == ["a"]


def test_only_the_trials_of_the_plan_are_tried_again(store):
    for _ in range(module.MOST_ATTEMPTS):
        for key in "ab":
            store.claim(owner_name(), key)
            store.fail(owner_name(), key, "boom", 1.0)
    assert store.retry_failed("bc") == 1
    assert store.waiting("abc") == ["b", "c"]


def test_an_answer_for_what_another_run_has_claimed_changes_nothing(store):
    store.claim(OTHER, "a")
    assert not store.finish(owner_name(), "a", {"x": 1}, 1.0)
    assert store.fail(owner_name(), "a", "late", 1.0) == ""
    assert store.claimed(OTHER, "a") == ["a"]
    assert store.finish(OTHER, "a", {"x": 2}, 1.0)
    assert store.trials_of("a")[0].result == {"x": 2}


def test_the_trials_of_an_earlier_plan_can_be_told_apart(store):
    assert [trial.key for trial in store.planned_trials()] == ["a", "b", "c"]
    store.set_plan("cb")
    assert [trial.key for trial in store.planned_trials()] == ["b", "c"]
    store.set_plan("")
    assert store.planned_trials() == []


def test_what_is_given_back_does_not_count_as_an_attempt(store):
    owner = owner_name()
    store.claim(owner, "ab")
    store.release(owner)
    assert store.waiting("abc") == ["a", "b", "c"]
    assert store.trials_of("a")[0].attempts == 0


def test_a_finished_trial_cannot_fail_any_more(store):
    store.claim(owner_name(), ["a"])
    store.finish(owner_name(), "a", {"x": 1}, 1.0)
    assert store.fail(owner_name(), "a", "late", 1.0) == ""
    assert store.trials_of("a")[0].status == "done"


@pytest.mark.parametrize("host", ["!", "~"], ids=["sorts before", "sorts behind"])
def test_a_run_of_another_host_lives_by_its_heartbeat(host):
    name = f"{host}/{os.getpid()}/0.00"
    assert module.is_alive(name, time.time()) and not module.is_alive(name, time.time() - module.SILENT_S - 1)


def row(store, key, *names):
    return store._connection.execute(f"SELECT {', '.join(names)} FROM trials WHERE key = ?", (key,)).fetchone()


def test_a_beat_is_of_what_the_run_has_claimed_and_of_nothing_else(store):
    store.claim(OTHER, "a")
    store.claim("third/1/0.0", "b")
    store._connection.execute("UPDATE trials SET beat = 1")
    store.beat(OTHER)
    assert row(store, "a", "beat")[0] == pytest.approx(time.time(), abs=20)
    assert [row(store, key, "beat") for key in "bc"] == [(1.0,), (1.0,)]
    store.finish(OTHER, "a", {"x": 1}, 1.0)
    store._connection.execute("UPDATE trials SET owner = ?, beat = 1", (OTHER,))
    store.beat(OTHER)
    assert row(store, "a", "beat") == (1.0,)


def test_a_claim_is_a_beat(store):
    store._connection.execute("UPDATE trials SET beat = 1")
    store.claim(OTHER, "a")
    assert row(store, "a", "beat")[0] == pytest.approx(time.time(), abs=20)


@pytest.mark.parametrize(
    ("silent", "free"), [(module.SILENT_S - 20, False), (module.SILENT_S + 20, True), (-1e9, True)]
)
def test_a_trial_of_another_host_is_free_once_that_is_silent(silent, free, store):
    """As is one of a beat that no clock can have given."""
    store.claim(OTHER, "a")
    store._connection.execute("UPDATE trials SET beat = ?", (time.time() - silent,))
    assert ("a" in store.waiting("abc")) is free
    claimed = store.claim(owner_name(), "a")
    assert bool(claimed) is free
    # It takes the place of the attempt that was lost.
    assert row(store, "a", "attempts", "owner") == (1, owner_name() if free else OTHER)


@pytest.mark.parametrize("owner", ["", "h", socket.gethostname(), f"{socket.gethostname()}/x/y"])
def test_an_owner_that_is_none_is_not_alive(owner, store):
    assert not module.is_alive(owner, 0.0)


def test_what_is_done_or_failed_is_free_to_nobody(store):
    for key, end in (
        ("a", lambda: store.finish(OTHER, "a", {"x": 1}, 1.0)),
        ("b", lambda: store.fail(OTHER, "b", "", 1.0)),
    ):
        for _ in range(module.MOST_ATTEMPTS):
            if store.claim(OTHER, key):
                end()
    assert store.counts() == {"waiting": 1, "running": 0, "done": 1, "failed": 1}
    store._connection.execute("UPDATE trials SET beat = 0, owner = ? WHERE key != 'c'", (OTHER,))
    assert store.waiting("abc") == ["c"]
    assert [trial.key for trial in store.claim(owner_name(), "abc")] == ["c"]


def test_only_what_the_run_has_claimed_is_given_back(store):
    store.claim(OTHER, "a")
    store.claim(owner_name(), "bc")
    store.finish(owner_name(), "c", {"x": 1}, 1.0)
    store.release(owner_name())
    assert store.claimed(OTHER, "abc") == ["a"]
    assert store.claimed(owner_name(), "abc") == []
    assert [trial.attempts for trial in store.trials()] == [1, 0, 1]
    assert row(store, "b", "status", "owner") == ("waiting", "")


def test_the_end_of_a_trial_clears_what_was_before(store):
    store.claim(owner_name(), "a")
    store.fail(owner_name(), "a", "boom", 3.0)
    assert row(store, "a", "status", "error", "seconds", "owner") == ("waiting", "boom", 3.0, "")
    store.claim(owner_name(), "a")
    store.finish(owner_name(), "a", {"x": 1}, 4.0)
    assert row(store, "a", "status", "error", "seconds", "owner") == ("done", "", 4.0, "")


def test_a_failed_trial_that_is_tried_again_has_all_its_attempts(store):
    for _ in range(module.MOST_ATTEMPTS):
        store.claim(owner_name(), "a")
        store.fail(owner_name(), "a", "boom", 1.0)
    store.retry_failed("a")
    for status in ("waiting", "failed"):
        store.claim(owner_name(), "a")
        assert store.fail(owner_name(), "a", "boom", 1.0) == status


def test_counts_are_of_those_asked_for(store):
    store.claim(owner_name(), "a")
    assert store.counts("ab") == {"waiting": 1, "running": 1, "done": 0, "failed": 0}
    assert store.counts([]) == {"waiting": 0, "running": 0, "done": 0, "failed": 0}
    assert store.claimed(owner_name(), "bc") == []


def test_trials_are_numbered_in_the_order_in_which_they_are_added(store):
    store.add([("a", "build", {}), ("e", "build", {}), ("d", "build", {})])
    assert [(trial.key, trial.number) for trial in store.trials()] == [("a", 0), ("b", 1), ("c", 2), ("e", 4), ("d", 5)]
    assert [trial.key for trial in store.trials_of("db")] == ["d", "b"]
