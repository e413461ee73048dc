"""Bytes that are counted, and times that say how they were taken."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.scoring.interpreter import Classifier
from edgedigits.scoring.latency import WARM_UP_RUNS, latency_figures, measure_latency
from edgedigits.scoring.size import measure_size, parameter_tensors

Make = Callable[..., Classifier]


def test_bytes_are_those_of_the_file(classifier: Make) -> None:
    graph = classifier().graph
    size = measure_size(graph)

    assert size.raw == len(graph.content)
    assert size.gzip == len(gzip.compress(graph.content, 9, mtime=0))


def test_parameters_are_weights_and_biases(classifier: Make) -> None:
    graph = classifier(sizes=(784, 32, 16, 10), softmax=True, input_shape=(1, 28, 28)).graph

    assert measure_size(graph).parameters == 784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10
    assert len(parameter_tensors(graph)) == 6


def test_without_its_float_twin_the_ratio_is_an_estimate(classifier: Make) -> None:
    graph = classifier(sizes=(784, 10)).graph
    size = measure_size(graph)

    assert size.float_bytes == 4 * 7850
    assert size.float_how.startswith("estimated")
    assert size.ratio == pytest.approx(4 * 7850 / size.raw, abs=0.001)


def test_with_its_float_twin_the_ratio_is_measured(classifier: Make) -> None:
    graph, twin = classifier(sizes=(784, 10)).graph, classifier(sizes=(784, 10), float_model=True).graph
    size = measure_size(graph, twin)

    assert (size.float_bytes, size.float_how) == (len(twin.content), "measured: its float32 file")
    assert size.gzip_ratio == pytest.approx(len(twin.content) / size.gzip, abs=0.001)


def test_a_float_model_is_its_own_twin(classifier: Make) -> None:
    size = measure_size(classifier(float_model=True).graph)

    assert (size.ratio, size.float_how) == (1.0, "measured: its float32 file")


def test_zeros_shrink_the_compressed_file_only(classifier: Make) -> None:
    dense, sparse = (measure_size(classifier(density=density).graph) for density in (1.0, 0.1))

    assert dense.raw == sparse.raw
    assert sparse.gzip < dense.gzip / 2


def test_percentiles_are_in_microseconds() -> None:
    times: NDArray[np.int64] = np.arange(1, 102) * 1000
    request = {"warmup": 5, "threads": 2, "kernels": ["reference"]}
    latency = latency_figures(times, request, "2.3.0")

    assert (latency.p50_us, latency.p90_us, latency.p99_us) == (51.0, 91.0, 100.0)
    assert (latency.runs, latency.warm_up_runs, latency.threads) == (101, 5, 2)
    assert (latency.kernels, latency.version) == ("reference", "2.3.0")


def test_latency_is_measured_and_says_how(classifier: Make, images: NDArray[np.uint8]) -> None:
    latency = measure_latency(classifier(), images, runs=70)

    assert 0 < latency.p50_us <= latency.p90_us <= latency.p99_us
    assert (latency.runs, latency.warm_up_runs, latency.threads) == (70, WARM_UP_RUNS, 1)
    assert latency.how.startswith("measured: invoke()")
