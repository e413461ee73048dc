"""A run stores what is its own to store, and tells the time left.

The time is weighed by what trials take, and believes its estimates until trials say otherwise.
"""

from __future__ import annotations

import time

import pytest

from edgedigits.progress import SILENT
from edgedigits.study.run.cluster import Cluster
from edgedigits.study.run.data_source import DataNeed
from edgedigits.study.run.runner import Clock, Job, duration, run_jobs
from edgedigits.study.run.store import Store
from tests.study.stand_ins import Client


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
