"""The engine's figures: quickly with random weights on digits at hand, and slowly with the trained models on MNIST."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.data.digits import Splits
from edgedigits.devices.cores import find_core
from edgedigits.engine.c_array import render_model_data
from edgedigits.engine.source import render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run_steps
from edgedigits.model.packing import Goal, choose, use
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from tests.benchmarks.bench_engine import (
    BUILDS,
    IMAGES,
    TFLM,
    ZIG,
    build,
    images,
    load_network,
    measure,
    pixels_to_class,
    simulate_engine,
)
from tests.devices.conftest import toolchain_or_skip
from tests.model.worst_case import without_zeros, worst_input
from tests.tflite_builder import random_mlp

pytestmark = pytest.mark.slow

pytest.importorskip("unicorn")
pytest.importorskip("ziglang")

# Most instructions an image on Cortex-M4: mean and worst case of `invoke`, mean from pixels to class.
LIMITS = {
    "784-10-10": (4_200, 17_051, 4_500),
    "784-32-16-10": (10_000, 53_025, 10_300),
    "784-300-100-10": (90_000, 524_250, 90_000),
    "784-32-16-10, 80% pruned": (8_500, 53_025, 8_900),
    "784-32-16-10, 80% pruned in blocks": (7_600, 32_000, 8_000),
    "784-300-100-10, 90% pruned in blocks": (32_500, 115_000, 32_500),
}


# Least accuracy on the 10,000 test images, of what the README promises.
LEAST = {
    "784-10-10": 0.935,
    "784-32-16-10": 0.973,
    "784-300-100-10": 0.986,
    "784-32-16-10, 80% pruned": 0.965,
    "784-32-16-10, 80% pruned in blocks": 0.965,
    "784-300-100-10, 90% pruned in blocks": 0.98,
}


def random_network(density: float) -> Network:
    return simplify(lower(read_tflite(random_mlp(0, (784, 32, 16, 10), density=density))))


@pytest.fixture(scope="module")
def digits(splits_5k: Splits) -> np.ndarray:
    return (splits_5k.test.images[:100] ^ 128).view(np.int8)


# Zeros that are spread evenly meet more ink than those of training, which prunes most where there is most of it.
@pytest.mark.parametrize(("density", "mean"), [(1.0, 14_000), (0.2, 10_000)])
def test_cortex_m4_with_random_weights(density: float, mean: int, digits: np.ndarray) -> None:
    found = measure(random_network(density), digits)
    assert found.mean <= mean
    assert pixels_to_class(random_network(density), digits[:40]).mean() < found.run.counts[:40].mean() + 250
    assert found.mean < found.run.instructions.most < found.worst <= TFLM["784-32-16-10"]["cortex-m4"]
    assert found.besides <= 4096
    assert found.source.workspace_bytes <= 1024
    assert found.run.ram.stack <= 256


def test_cortex_m0plus_takes_a_quarter_of_tflm(digits: np.ndarray) -> None:
    assert measure(random_network(1.0), digits[:40], "cortex-m0plus").mean <= TFLM["784-32-16-10"]["cortex-m0plus"] / 4


@pytest.mark.parametrize(("density", "encoding"), [(1.0, ""), (0.2, ""), (0.2, "blocks")])
def test_gcc_is_within_15_percent_of_zig_on_a_cortex_m0plus(density: float, encoding: str, digits: np.ndarray) -> None:
    """Made small as well, where it has no upper registers of its own accord."""
    toolchain_or_skip("gcc", find_core("cortex-m0plus"))
    network = random_network(density)
    packed = use(network, [encoding] * len(network.layers)) if encoding else choose(network, Goal.SPEED)
    source = render_engine(network, packed)
    by_zig, by_gcc, small = (
        simulate_engine(source, network, digits[:40], "cortex-m0plus", one).instructions.mean
        for one in (ZIG, ("gcc", "-O2"), ("gcc", "-Os"))
    )
    assert max(by_gcc, small) <= 1.15 * by_zig


@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
@pytest.mark.parametrize("density", [1.0, 0.2])
def test_cortex_m55_is_not_above_tflm(density: float, digits: np.ndarray) -> None:
    assert measure(random_network(density), digits[:40], "cortex-m55").mean <= TFLM["784-32-16-10"]["cortex-m55"]


def test_size_takes_less_flash_than_speed(digits: np.ndarray) -> None:
    fast, small = (measure(random_network(0.2), digits[:10], goal=goal) for goal in (Goal.SPEED, Goal.SIZE))
    assert small.run.footprint.flash < fast.run.footprint.flash
    assert small.besides <= 2560


def test_the_worst_case_has_no_zero_anywhere() -> None:
    network = random_network(1.0)
    hard = without_zeros(network)
    assert all(np.array_equal(new.weights, old.weights) for new, old in zip(hard.layers, network.layers, strict=True))
    *hidden, _ = run_steps(hard, worst_input(hard))
    for layer, values in zip(hard.layers, hidden, strict=False):
        assert np.all(values > layer.clamp_low)


@pytest.mark.slow
@pytest.mark.skipif("EDGEDIGITS_DATA" not in os.environ, reason="EDGEDIGITS_DATA does not name full MNIST")
@pytest.mark.parametrize("name", BUILDS)
def test_trained_models_on_mnist(name: str, tmp_path: Path) -> None:
    folder = build(name, tmp_path)
    _check_scores(json.loads((folder / "report.json").read_text()), name)
    network, inputs = load_network(folder), images()[:IMAGES]
    found, small = measure(network, inputs), measure(network, inputs[:10], goal=Goal.SIZE)
    mean, worst, from_pixels = LIMITS[name]
    assert found.mean <= mean and found.worst <= worst
    assert pixels_to_class(network, images()[::10]).mean() <= from_pixels
    tflm = TFLM[name.partition(",")[0]]
    assert measure(network, inputs[:50], "cortex-m0plus").mean <= tflm["cortex-m0plus"] / 5
    if shutil.which("qemu-system-arm"):
        assert measure(network, inputs[:50], "cortex-m55").mean <= tflm["cortex-m55"]
    assert sum(layer.instructions for layer in found.packed) == pytest.approx(found.mean, rel=0.25)
    assert found.besides <= 4096 and small.besides <= 2560
    assert found.run.ram.stack <= 256
    if "300" not in name:
        assert found.source.workspace_bytes <= 1024
    if "90%" in name:
        assert found.source.weight_bytes <= 37_000
        assert small.source.weight_bytes <= (784 * 300 + 300 * 100 + 100 * 10) / 6


def _check_scores(report: dict[str, Any], name: str) -> None:
    accuracy = report["evaluation"]["scores"]["accuracy"]
    assert report["evaluation"]["scores"]["count"] == 10_000
    assert accuracy >= LEAST[name]
    if "pruned" in name:
        hidden = [layer["weights"]["sparsity"] for layer in report["model"]["layers"][:-1]]
        assert min(hidden) >= 0.8
    else:
        assert report["stages"][0]["test_accuracy"] - accuracy <= 0.002


@pytest.mark.slow
def test_the_header_of_a_large_model_takes_less_than_a_second() -> None:
    graph = read_tflite(random_mlp(1, (784, 300, 100, 10)))
    start = time.perf_counter()
    render_model_data(graph)
    assert time.perf_counter() - start < 1.0
