"""A run stores what is its own to store, and tells the time left.

The time is weighed by what trials take, and believes its estimates until trials say otherwise.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
import time
from contextlib import contextmanager

import pytest

from edgedigits.progress import SILENT, SilentProgress
from edgedigits.study.run import runner
from edgedigits.study.run.cluster import Cluster
from edgedigits.study.run.data_source import DataNeed
from edgedigits.study.run.database import DATABASE
from edgedigits.study.run.runner import Clock, Job, duration, run_jobs
from edgedigits.study.run.store import Store
from tests.study.stand_ins import Client, Failure, Future


def test_before_a_trial_is_done_the_estimates_count():
    assert Clock({"a": 60.0, "b": 20.0}, "ab", slots=2).left(0.0) == pytest.approx(40.0)


def test_long_trials_weigh_more_than_short_ones():
    clock = Clock({"long": 90.0, "short": 10.0}, ["long", "short"], slots=1)
    clock.finish("long")
    assert clock.left(90.0) == pytest.approx(10.0)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_a_wrong_model_is_found_out(factor):
    keys = [str(number) for number in range(100)]
    clock = Clock(dict.fromkeys(keys, 10.0), keys, slots=2)
    for key in keys[:80]:
        clock.finish(key)
    assert clock.left(80 * 10 * factor / 2) == pytest.approx(20 * 10 * factor / 2, rel=0.2)


def test_when_all_are_done_nothing_is_left():
    clock = Clock({}, "ab", slots=1)
    clock.finish("a")
    clock.finish("b")
    clock.finish("b")
    assert clock.left(3.0) == 0.0


@pytest.mark.parametrize(("seconds", "words"), [(40, "40 s"), (725, "12 min"), (12_600, "3.5 h")])
def test_a_time_is_told_in_its_largest_unit(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize("late", [{"result": {"x": 1}}, {"error": "boom"}], ids=["figures", "error"])
def test_an_answer_for_a_trial_that_another_run_has_taken_over_is_ignored(late, tmp_path):
    """As happens to a run that was suspended for minutes: it counted as dead."""
    other = "elsewhere/1/0.0"

    def work(trials):
        with Store(tmp_path, create=False) as thief, thief._transaction() as connection:
            connection.execute("UPDATE trials SET owner = ?, beat = ?", (other, time.time()))
        return [{"key": trial["key"], "seconds": 1.0, **late} for trial in trials]

    with Store(tmp_path, create=True) as store:
        store.add([("a", "published", {"label": "a"})])
        job = Job("published", DataNeed("mnist-5k", "", False, "d"), {"a": {"label": "a"}})
        summary = run_jobs(store, [job], Cluster(Client(work), 1, 1, "a stand-in"), SILENT, {})
        assert (summary.ran, summary.failed, summary.elsewhere, summary.errors) == (0, 0, 1, {})
        assert store.claimed(other, "a") == ["a"]


def run(store, work, *keys, group=False, after=0.0, slots=1, progress=SILENT):
    """Run trials of those keys on a stand-in, each in a task of its own or all in one; return the summary."""
    specs = {key: {"label": f"trial {key}"} for key in keys}
    store.add((key, "build", spec) for key, spec in specs.items())
    need = DataNeed("mnist-5k", "", False, "d")
    jobs = [Job("build", need, specs)] if group else [Job("build", need, {key: specs[key]}) for key in keys]
    return run_jobs(store, jobs, Cluster(Client(work, after), slots, 1, "a stand-in"), progress, {})


def answers_of(results):
    """Return what answers each trial with its figures."""
    return lambda trials: [{"key": one["key"], "seconds": 2.0, "result": results[one["key"]]} for one in trials]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path, create=True) as opened:
        yield opened


def test_the_best_so_far_is_the_best_by_validation(store):
    """By the test set it would be b, by the dev set c; d, which has only a dev set, is told where nothing is better."""
    results = {
        "a": {"val_accuracy": 0.93, "accuracy": 0.90, "dev_accuracy": 0.1},
        "b": {"val_accuracy": 0.92, "accuracy": 0.99, "dev_accuracy": 0.2},
        "c": {"val_accuracy": 0.91, "accuracy": 0.91, "dev_accuracy": 0.97},
        "d": {"dev_accuracy": 0.925, "accuracy": 0.98},
    }
    assert run(store, answers_of(results), *"abcd").best == "93.00% (trial a)"


def test_of_trials_that_are_tested_against_each_other_none_is_the_best(store):
    """As those of crossdata: the validation digits are of what each was trained on."""
    specs = {key: {"label": key} for key in "ab"}
    store.add((key, "crossdata", spec) for key, spec in specs.items())
    job = Job("crossdata", DataNeed("mnist-5k", "", False, "d"), specs, is_ranked=False)
    work = answers_of({"a": {"val_accuracy": 0.96}, "b": {"val_accuracy": 0.97}})
    assert run_jobs(store, [job], Cluster(Client(work), 1, 1, "a stand-in"), SILENT, {}).best == ""


def test_the_first_of_equals_stays_the_best(store):
    results = {key: {"val_accuracy": 0.5} for key in "ab"}
    assert run(store, answers_of(results), *"ab").best == "50.00% (trial a)"


def test_cells_of_the_table_have_only_a_dev_set(store):
    results = {"a": {"dev_accuracy": 0.5, "accuracy": 0.9}, "b": {"dev_accuracy": 0.6, "accuracy": 0.8}}
    assert run(store, answers_of(results), *"ab").best == "60.00% (trial b)"


def beats(folder):
    with sqlite3.connect(folder / DATABASE) as connection:
        found = dict(connection.execute("SELECT key, beat FROM trials WHERE status = 'running'"))
    connection.close()
    return found


def test_a_run_tells_that_it_lives_while_its_trials_run(store, tmp_path, monkeypatch):
    """Another host may not take its trials, however long they take: this one takes until a beat is heard."""
    monkeypatch.setattr(runner, "WAKE_S", 0.02)
    monkeypatch.setattr(runner, "BEAT_S", 0.05)
    monkeypatch.setattr(runner, "owner_name", lambda: "elsewhere/1/0.0")
    heard = []

    class Beating(Future):
        def add_done_callback(self, call):
            threading.Thread(target=self.listen, args=[call]).start()

        def listen(self, call):
            claimed, deadline = beats(tmp_path)["a"], time.monotonic() + 20
            while beats(tmp_path)["a"] == claimed and time.monotonic() < deadline:
                time.sleep(0.02)
            heard.append(beats(tmp_path)["a"] - claimed)
            call(self)

    work = answers_of({"a": {"x": 1}})
    assert run(store, lambda trials: Beating(work(trials)), "a").done == 1
    assert 0 < heard[0] < 20


@pytest.mark.parametrize(("every", "most"), [(60.0, 0), (0.2, 3)])
def test_it_does_not_tell_so_at_every_turn(every, most, store, monkeypatch):
    monkeypatch.setattr(runner, "WAKE_S", 0.01)
    monkeypatch.setattr(runner, "BEAT_S", every)
    told = []
    monkeypatch.setattr(store, "beat", lambda _: told.append(time.monotonic()))
    run(store, answers_of({"a": {"x": 1}}), "a", after=0.5)
    assert len(told) <= most
    assert all(second - first >= every for first, second in itertools.pairwise(told))


def test_what_a_task_leaves_unanswered_is_tried_again_and_then_failed(store):
    """Of three trials in one process one is answered before it dies, twice."""
    tries = []

    def work(trials):
        tries.append([one["key"] for one in trials])
        done = [{"key": "a", "seconds": 1.0, "result": {"x": 1}}] if len(tries) == 1 else []
        return [*done, {"error": "out of memory"}, {"process": 3.0}]

    summary = run(store, work, *"abc", group=True)
    assert tries == [["a", "b", "c"], ["b", "c"]]
    assert (summary.done, summary.failed, summary.ran, summary.busy) == (1, 2, 1, 6.0)
    assert summary.errors == {"b": "out of memory", "c": "out of memory"}
    assert [trial.attempts for trial in store.trials()] == [1, 2, 2]


def test_an_error_of_one_trial_is_its_own(store):
    def work(trials):
        return [
            {"key": one["key"], "seconds": 1.0, **({"error": "boom"} if one["key"] == "b" else {"result": {"x": 1}})}
            for one in trials
        ]

    summary = run(store, work, *"abc", group=True)
    assert (summary.done, summary.failed, summary.errors) == (2, 1, {"b": "boom"})


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (lambda _: [], "The process ended without an answer."),
        (lambda _: Failure("cancelled"), "The task was cancelled by the cluster."),
        (lambda _: Failure("error", ValueError("first line\nsecond line")), "ValueError: first line"),
        (lambda _: Failure("error", type("KilledWorker", (Exception,), {})()), "The worker that ran it died."),
    ],
)
def test_what_a_cluster_could_not_do_is_told(ends, words, store):
    summary = run(store, ends, "a")
    assert summary.errors == {"a": words}


def test_no_more_run_at_a_time_than_there_are_slots(store):
    most = []

    def work(trials):
        most.append(store.counts()["running"])
        return answers_of({key: {"x": 1} for key in "abcde"})(trials)

    assert run(store, work, *"abcde", after=0.02, slots=2).done == 5
    assert max(most) == 2


def test_a_run_that_is_interrupted_gives_its_trials_back(store):
    def work(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(store, work, *"ab")
    assert store.counts() == {"waiting": 2, "running": 0, "done": 0, "failed": 0}
    assert [trial.attempts for trial in store.trials()] == [0, 0]


class Told(SilentProgress):
    """Remembers how far a stage was said to be."""

    def __init__(self):
        self.steps = []

    @contextmanager
    def stage(self, title, total=None):
        self.total = total
        yield self

    def advance(self, steps=1, note=""):
        self.steps.append((steps, note))


def test_progress_counts_what_was_done_before_and_each_trial_once(store):
    results = {key: {"val_accuracy": 0.5} for key in "abc"}
    run(store, answers_of(results), "a")
    told = Told()
    run(store, answers_of(results), *"abc", progress=told)
    assert told.total == 3
    assert [steps for steps, _ in told.steps] == [1, 1, 1]
    assert told.steps[0][1].startswith("0 failed, about ")
    assert told.steps[-1][1] == "0 failed, best 50.00% (trial b)"
