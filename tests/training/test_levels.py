"""Levels: few values on the grid of a file's codes, found near the weights, moved by gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.levels.catalogue import LEVELS
from edgedigits.training.keras_env import tf

WEIGHTS = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)


def codes(kind: str, bits: int, weights=WEIGHTS) -> tuple[np.ndarray, float]:
    parameters = tf.constant(LEVELS[kind].initial(weights, bits))
    values, scale = LEVELS[kind].codes(tf, parameters, bits)
    return values.numpy(), float(scale)


@pytest.mark.parametrize("kind", LEVELS)
@pytest.mark.parametrize("bits", range(1, 8))
def test_levels_are_at_most_two_to_the_bits_whole_codes_rising_from_minus_127_to_127(kind, bits) -> None:
    values, _ = codes(kind, bits)
    assert 2 <= len(values) <= 2**bits
    assert values == pytest.approx(np.round(values), abs=1e-4)
    assert np.abs(values).max() <= 127.001
    assert (np.diff(values) >= 0).all()
    assert (0.0 in np.round(values)) == (LEVELS[kind].holds_zero and bits > 1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-4, 10), st.sampled_from(list(LEVELS)))
def test_more_bits_are_nearer_to_the_weights(seed, size, kind) -> None:
    weights = np.random.default_rng(seed).normal(0, size, 500).astype(np.float32)
    errors = []
    for bits in (1, 2, 3):
        values, scale = codes(kind, bits, weights)
        nearest = np.abs(weights[:, None] - np.round(values) * scale).min(axis=1)
        errors.append(float(np.mean(nearest**2)))
    assert errors[0] >= errors[1] >= errors[2]


@pytest.mark.parametrize("kind", LEVELS)
def test_gradients_move_the_levels_as_far_as_the_values_they_give(kind) -> None:
    start = LEVELS[kind].initial(WEIGHTS, 3)
    parameters = tf.Variable(start)
    with tf.GradientTape() as tape:
        values, scale = LEVELS[kind].codes(tf, parameters, 3)
        total = tf.reduce_sum((values * scale) ** 2)
    slope = tape.gradient(total, parameters).numpy()
    assert np.abs(slope).max() > 0
    # One small step down makes all levels smaller, and so the sum.
    values, scale = LEVELS[kind].codes(tf, parameters - 1e-3 * slope, 3)
    assert float(tf.reduce_sum((values * scale) ** 2)) < float(total)


@pytest.mark.parametrize("kind", [name for name, one in LEVELS.items() if one.by_output])
def test_levels_of_every_output_are_those_that_it_has_alone(kind) -> None:
    alone = [LEVELS[kind].initial(WEIGHTS * size, 3) for size in (1.0, 0.1, 7.0)]
    values, scales = LEVELS[kind].codes(tf, tf.constant(np.stack(alone, axis=1)), 3)
    for column, parameters in enumerate(alone):
        one, scale = LEVELS[kind].codes(tf, tf.constant(parameters), 3)
        assert (values.numpy()[:, column] == one.numpy()).all()
        assert float(scales[column]) == float(scale)


def test_uniform_levels_are_ternary_at_two_bits_and_binary_at_one() -> None:
    assert np.round(codes("uniform", 2)[0]).tolist() == [-127, 0, 127]
    assert np.round(codes("uniform", 1)[0]).tolist() == [-127, 127]


def test_powers_are_powers_of_two() -> None:
    assert codes("powers", 3)[0].tolist() == [-8, -4, -2, -1, 1, 2, 4, 8]
    assert np.abs(codes("powers", 4)[0]).max() == 64
