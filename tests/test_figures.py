"""The figures that the README promises, on full MNIST where it is at hand; some three minutes.

784-10-10 has its own beside its instructions, in `tests/benchmarks/test_bench_engine.py`, so that it is built once.
"""

from __future__ import annotations

import os

import pytest

from tests.benchmarks.bench_accuracy import ROWS, build

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("EDGEDIGITS_DATA" not in os.environ, reason="EDGEDIGITS_DATA does not name full MNIST"),
]


@pytest.mark.parametrize(
    ("name", "least"),
    [("784-32-16-10", 0.973), ("784-300-100-10", 0.986), ("README", 0.965)],
)
def test_accuracy_of_the_int8_model_on_the_10000_test_images(name, least):
    report = build(ROWS[name])["report"]
    accuracy = report["evaluation"]["scores"]["accuracy"]
    assert report["evaluation"]["scores"]["count"] == 10_000
    assert accuracy >= least
    if "--prune" in ROWS[name]:
        hidden = [layer["weights"]["sparsity"] for layer in report["model"]["layers"][:-1]]
        assert min(hidden) >= 0.8
    else:
        assert report["stages"][0]["test_accuracy"] - accuracy <= 0.002
