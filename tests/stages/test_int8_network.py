"""Trying a weight of an int8 network says what running the changed network would."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.stages.int8_network import BIAS, Int8Network

IMAGES, INPUTS, CLASSES = 40, 12, 10


def network(seed: int, hidden: tuple[int, ...]) -> Int8Network:
    random = np.random.default_rng(seed)
    widths = [INPUTS, *hidden, CLASSES]
    weights = [random.integers(-127, 128, (to, of)) * (random.random((to, of)) < 0.4) for of, to in pairwise(widths)]
    biases = [random.integers(-9000, 9000, one) for one in widths[1:]]
    pixels = (random.integers(0, 256, (IMAGES, INPUTS)) * (random.random((IMAGES, INPUTS)) < 0.6)).astype(np.uint8)
    scales = [1e-4 / (1 + layer) for layer in range(len(weights))]
    return Int8Network(weights, biases, scales, [0.02] * len(hidden), pixels)


def run(of: Int8Network) -> np.ndarray:
    of.run()
    return of.logits


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(), (8,), (9, 7), (6, 8, 7)]), st.data())
def test_a_change_gives_the_logits_that_the_changed_network_gives(seed, hidden, data) -> None:
    changed = network(seed, hidden)
    for _ in range(3):
        layer = data.draw(st.integers(0, len(hidden)))
        units, sources = changed.weights[layer].shape
        unit, source = data.draw(st.integers(0, units - 1)), data.draw(st.integers(BIAS, sources - 1))
        by = data.draw(st.integers(-127, 127))
        before = changed.logits.copy()
        attempt = changed.attempt(layer, unit, source, by)
        assert (changed.logits == before).all()
        changed.make(layer, unit, source, by, attempt)
        after = changed.logits.copy()
        assert after == pytest.approx(run(changed), abs=1e-3)
        untouched = np.setdiff1d(np.arange(IMAGES), attempt.images)
        assert (after[untouched] == before[untouched]).all()


def test_other_images_are_given_what_its_own_are() -> None:
    one = network(3, (9, 7))
    assert one.given(one._pixels.T) == pytest.approx(one.logits, abs=1e-4)


def test_a_code_is_replaced_everywhere_in_its_layer_alone() -> None:
    one = network(5, (8,))
    one.weights[0][0, :3] = 77
    others = one.weights[1].copy()
    one.replace(0, 77, -12)
    assert (one.weights[0][0, :3] == -12).all() and not (one.weights[0] == 77).any()
    assert (one.weights[1] == others).all()
    assert one.logits == pytest.approx(run(one))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_gradient_is_that_of_the_network_without_rounding(layer) -> None:
    of = network(11, (9, 7))
    # Outputs of many steps, which are not cut off, round to nearly what they are.
    of._factors = [np.float32(0.003), np.float32(0.003)]
    of.run()
    slopes = np.random.default_rng(1).normal(size=of.logits.shape)

    def total(weights: list[np.ndarray]) -> float:
        values = of._pixels.astype(np.float64)
        for one, biases in zip(weights[:-1], of.biases[:-1], strict=True):
            values = np.clip((one @ values + biases[:, None]) * 0.003, 0, 255)
        return float((slopes.T * of._last_scale * (weights[-1] @ values)).sum())

    gradient, squares = of.moments(slopes.astype(np.float32))[layer]
    found = np.zeros_like(gradient)
    for place in np.ndindex(gradient.shape):
        ends = []
        for by in (1e-4, -1e-4):
            weights = [one.astype(np.float64) for one in of.weights]
            weights[layer][place] += by
            ends.append(total(weights))
        found[place] = (ends[0] - ends[1]) / 2e-4
    assert np.corrcoef(gradient.ravel(), found.ravel())[0, 1] > 0.995
    assert np.abs(gradient).sum() == pytest.approx(np.abs(found).sum(), rel=0.03)
    assert squares.shape == gradient.shape and (squares >= 0).all()


def test_the_squares_of_the_last_layer_are_those_of_each_image() -> None:
    of = network(2, ())
    slopes = np.random.default_rng(1).normal(size=of.logits.shape).astype(np.float32)
    by_image = of._last_scale * slopes[:, :, None] * of._pixels.T.astype(np.float32)[:, None, :]
    gradient, squares = of.moments(slopes)[0]
    assert gradient == pytest.approx(by_image.sum(axis=0), rel=1e-4, abs=1e-5)
    assert squares == pytest.approx((by_image**2).sum(axis=0), rel=1e-4)
