"""The report's arithmetic does what the report did: classical learns, quantized collapses, and for these reasons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgedigits.data.digits import Splits
from edgedigits.reproduction.published import SideBySide, Trainee, Weights, forward, initial_weights, to_steps
from edgedigits.reproduction.published_table import published_table
from tests.reproduction.alone import backward, pruned, train, updated

ITERATIONS = 100


@pytest.fixture(scope="module")
def images(splits_5k: Splits) -> tuple[np.ndarray, np.ndarray]:
    """3,000 digits as the report has them: float64 (784, n) in [0, 1], and labels."""
    return np.ascontiguousarray(splits_5k.train.images[:3000].T / 255.0), splits_5k.train.labels[:3000]


@pytest.fixture(scope="module")
def trained(splits_5k) -> dict[str, float]:
    """Training accuracy without and with quantization after 100 iterations at 0.5, the report's shortest setting."""
    side = SideBySide([Trainee(True, 1), Trainee(False, 1)], splits_5k.train.take(np.arange(3000)), rate=0.5)
    for _ in range(ITERATIONS):
        side.step()
    names = ("classical" if network.plain else "quantized" for network in side.networks)
    return dict(zip(names, side.accuracy, strict=True))


def test_classical_learns_and_quantized_collapses_as_in_the_report(trained):
    table = published_table()
    theirs = {row.family: [] for row in table.rows}
    for (row, setting), accuracy in table.accuracy.items():
        if setting.name == "0.5/100":
            theirs[row.family].append(accuracy)
    assert trained["classical"] == pytest.approx(np.mean(theirs["classical"] + theirs["pruned"]), abs=0.06)
    assert trained["quantized"] < 0.45
    assert max(theirs["quantized"]) < 0.45


def test_pruned_is_the_same_arithmetic_as_classical(images):
    classical, sparse = (train(name, *images, rate=0.5, iterations=3, seed=1) for name in ("classical", "pruned"))
    assert np.array_equal(classical.w1, sparse.w1)


def test_small_gradients_vanish(images):
    """With the first weights every gradient of the hidden layer is below 0.05: of most, nothing is left."""
    pixels, labels = images
    weights, onehot = initial_weights(1), np.eye(10)[:, labels]
    exact = backward(weights, pixels, onehot, forward(weights, pixels, quantized=False), quantized=False)
    cut = backward(weights, pixels, onehot, forward(weights, pixels, quantized=True), quantized=True)
    assert np.mean(exact.w1 != 0) > 0.7
    assert np.mean(cut.w1 != 0) < 0.6 * np.mean(exact.w1 != 0)


def test_output_biases_never_learn(images):
    pixels, labels = images
    weights, onehot = initial_weights(1), np.eye(10)[:, labels]
    gradients = backward(weights, pixels, onehot, forward(weights, pixels, quantized=False), quantized=False)
    assert abs(gradients.b2) < 1e-12
    assert np.size(gradients.b1) == 1


def test_gradients_of_weights_are_those_of_cross_entropy():
    """But for db they are right: central differences of the mean cross-entropy agree."""
    draw = np.random.default_rng(3)
    pixels, labels = draw.random((784, 20)), draw.integers(0, 10, 20)
    onehot, weights = np.eye(10)[:, labels], initial_weights(5)
    gradients = backward(weights, pixels, onehot, forward(weights, pixels, quantized=False), quantized=False)

    def loss(w2: np.ndarray) -> float:
        moved = Weights(weights.w1, weights.b1, w2, weights.b2)
        return float(-np.mean(np.log(forward(moved, pixels, quantized=False)[2][labels, np.arange(20)])))

    for place in ((0, 0), (3, 7), (9, 9)):
        step = np.zeros((10, 10))
        step[place] = 1e-5
        assert gradients.w2[place] == pytest.approx(
            (loss(weights.w2 + step) - loss(weights.w2 - step)) / 2e-5, abs=1e-8
        )


@given(arrays.arrays(np.float64, 20, elements=st.floats(-3, 3)))
def test_quantize_rounds_towards_zero_to_steps_of_1_255_within_one(values):
    found = to_steps(values)
    assert np.all(np.abs(found) <= np.minimum(np.abs(values) + 1e-15, 1.0))
    assert np.allclose(found * 255, np.round(found * 255), atol=1e-9)
    assert np.all(np.abs(np.clip(values, -1, 1) - found) < 1 / 255 + 1e-12)


@given(arrays.arrays(np.float64, 20, elements=st.floats(-3, 3)))
def test_quantizing_a_second_time_changes_nothing(values):
    assert np.array_equal(to_steps(to_steps(values)), to_steps(values))


def test_pruning_takes_the_smallest_tenth_of_each_matrix():
    found = pruned(initial_weights(2))
    assert np.mean(found.w1 == 0) == pytest.approx(0.1, abs=1e-3)
    assert np.mean(found.w2 == 0) == pytest.approx(0.1, abs=1e-2)


def test_pruning_keeps_what_is_strictly_above_the_percentile():
    """Of equal weights all are at the percentile: none is above it."""
    same, rising = np.full((10, 784), -0.25), np.arange(1.0, 101).reshape(10, 10)
    found = pruned(Weights(same, np.zeros((10, 1)), np.where(rising <= 11, 11, rising), np.zeros((10, 1))))
    assert not found.w1.any()
    assert np.count_nonzero(found.w2) == 89


def four_inked_pixels():
    """Return a network whose hidden sums can be had by hand, three images (784, 3) and their labels (10, 3)."""
    weights = initial_weights(1)
    weights.w1[:, :4], weights.b1[:] = 0.7, 0.1
    pixels = np.zeros((784, 3))
    pixels[:4] = [0.2, 0.9, 1.0]
    return weights, pixels, np.eye(10)[:, [3, 1, 4]]


def test_only_the_product_with_w2_sees_the_quantized_hidden_activation():
    """It reaches 2.9: quantized it would be cut to 1, and to steps of 1/255 below that."""
    weights, pixels, onehot = four_inked_pixels()
    passed = forward(weights, pixels, quantized=True)
    step = np.fix(0.7 * 255) / 255
    by_hand = np.maximum(4 * step * np.array([0.2, 0.9, 1.0]) + 0.1, 0)
    assert np.allclose(passed[1], by_hand, atol=1e-12)
    assert passed[1].max() > 2.8
    outputs = to_steps(weights.w2) @ to_steps(passed[1]) + weights.b2
    assert np.allclose(passed[2], np.exp(outputs) / np.exp(outputs).sum(axis=0), atol=1e-12)
    gradients = backward(weights, pixels, onehot, passed, quantized=True)
    assert np.allclose(gradients.w2, to_steps((passed[2] - onehot) @ passed[1].T / 3), atol=1e-12)
    assert not np.allclose(gradients.w2, to_steps((passed[2] - onehot) @ to_steps(passed[1]).T / 3), atol=1 / 255)


def test_quantized_gradients_are_divided_by_the_rows_of_the_whole_file():
    weights, pixels, onehot = four_inked_pixels()
    passed = forward(weights, pixels, quantized=True)
    sums = (passed[2] - onehot) @ passed[1].T
    for rows in (3, 5, 1000):
        gradients = backward(weights, pixels, onehot, passed, quantized=True, file_rows=rows)
        assert np.allclose(gradients.w2, to_steps(sums / rows), atol=1e-12)
    plain = backward(weights, pixels, onehot, passed, quantized=False, file_rows=1000)
    assert np.allclose(plain.w2, sums / 3, atol=1e-12)


def test_update_is_plain_gradient_descent():
    weights = initial_weights(0)
    gradients = Weights(np.ones((10, 784)), 2.0, np.ones((10, 10)), 3.0)
    moved = updated(weights, gradients, 0.5)
    assert np.allclose(weights.w1 - moved.w1, 0.5)
    assert np.allclose(weights.b1 - moved.b1, 1.0)
    assert np.allclose(weights.b2 - moved.b2, 1.5)


def test_first_weights_are_uniform_and_seeded():
    one, same, other = initial_weights(4), initial_weights(4), initial_weights(5)
    assert np.array_equal(one.w1, same.w1)
    assert not np.array_equal(one.w1, other.w1)
    assert one.w1.min() >= -0.5
    assert one.w1.max() < 0.5
    assert one.w1.std() == pytest.approx(1 / np.sqrt(12), rel=0.05)


def test_the_table_is_shipped_whole():
    table = published_table()
    assert [setting.name for setting in table.settings] == ["0.01/1500", "0.1/1500", "0.1/500", "0.5/500", "0.5/100"]
    assert len(table.rows) == 12
    assert len(table.accuracy) == 60
    assert sum(setting.iterations for setting in table.settings) * len(table.rows) == 49_200
    assert min(table.accuracy.values()) == 0.087
    assert max(table.accuracy.values()) == 0.916
