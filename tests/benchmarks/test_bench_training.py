"""The training benchmark, small: all three kinds of training are timed, and ours is the faster one."""

from __future__ import annotations

import pytest

from tests.benchmarks.bench_training import measure


@pytest.mark.slow
def test_an_epoch_takes_less_time_than_that_of_a_plain_fit(splits_5k):
    for kind, (ours, plain) in measure(splits_5k, epochs=8).items():
        assert ours < plain, kind
