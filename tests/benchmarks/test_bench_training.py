"""The training benchmark, small: all three kinds of training are timed, and ours is the faster one."""

from __future__ import annotations

import pytest

from edgedigits.training.fit import WORTH_COMPILING
from tests.benchmarks.bench_training import TRAINING, measure


@pytest.mark.slow
def test_an_epoch_takes_less_time_than_that_of_a_plain_fit(splits_5k):
    epochs = 1 + WORTH_COMPILING // (len(splits_5k.train) // TRAINING.batch_size)
    for kind, (ours, plain) in measure(splits_5k, epochs).items():
        assert ours < plain, kind
