"""The study's benchmarks, small: sharing is faster, overhead and memory stay low, two workers beat one."""

from __future__ import annotations

import os

import pytest

from tests.benchmarks.bench_study import measure, measure_overhead, measure_workers


@pytest.mark.slow
def test_scheduling_takes_little_and_the_main_process_does_not_grow():
    found = measure_overhead(40, 2)
    # Two workers start and end at different times: of 40 trials that is a larger share than of 200, where 5% is kept.
    assert found["overhead"] < 0.1
    assert found["growth_bytes"] < 8_000_000


@pytest.mark.slow
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
def test_two_workers_are_faster_than_one():
    assert measure_workers(12)["speedup"] > 1.2


@pytest.mark.slow
def test_shared_trainings_take_less_time_than_the_reports_code():
    assert measure("mnist-5k", 0, 6)["ratio"] > 1
