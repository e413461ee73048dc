"""What each input speaks for adds up to the lead, and is what the lead loses without it where the network is linear."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from edgedigits.pictures.influence import influence, layer_chain, unrounded
from tests.model.random_chains import random_chain
from tests.tflite_builder import random_mlp

BACKGROUND = np.full(784, -128, np.int8)


def network(seed: int, *sizes: int, **options: bool) -> Network:
    return lower(read_tflite(random_mlp(seed, sizes, **options), "random.tflite"))


def inputs(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    inked = random.random((6, 784)) < 0.2
    return (random.integers(0, 256, inked.shape) * inked - 128).astype(np.int8)


def ranked(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-scores.astype(int), axis=1, kind="stable")
    return order[:, 0], order[:, 1]


def lead(layers: tuple, given: np.ndarray, best: np.ndarray, second: np.ndarray) -> np.ndarray:
    each, scores = np.arange(len(given)), unrounded(layers, given)[-1]
    return scores[each, best] - scores[each, second]


@pytest.mark.parametrize("seed", range(3))
def test_in_one_layer_it_is_what_the_lead_loses_without_an_input(seed: int) -> None:
    net, given = network(seed, 784, 10), inputs(seed)
    layers, (best, second) = layer_chain(net), ranked(run(net, given))
    pushes = influence(layers, given, BACKGROUND, best, second)
    for place in range(0, 784, 97):
        without = given.astype(float)
        without[:, place] = -128
        np.testing.assert_allclose(
            pushes[:, place], lead(layers, given, best, second) - lead(layers, without, best, second), atol=1e-9
        )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", [(784, 10), (784, 12, 10), (784, 16, 12, 10)])
def test_towards_background_the_lead_falls_by_the_sum_as_long_as_the_piece_is_the_same(
    seed: int, sizes: tuple[int, ...]
) -> None:
    net, given = network(seed, *sizes), inputs(seed)
    layers, (best, second) = layer_chain(net), ranked(run(net, given))
    pushes = influence(layers, given, BACKGROUND, best, second)
    step = 1e-7
    nearer = given - step * (given.astype(float) - BACKGROUND)
    fall = (lead(layers, given, best, second) - lead(layers, nearer, best, second)) / step
    np.testing.assert_allclose(pushes.sum(axis=1), fall, rtol=1e-5, atol=1e-5)


def test_without_rounding_it_is_the_engine_within_a_step_a_layer() -> None:
    net, given = network(4, 784, 12, 10), inputs(4)
    exact, real = (
        run(net, given).astype(float),
        np.clip(unrounded(layer_chain(net), given.astype(float))[-1], -128, 127),
    )
    assert np.abs(exact - real).max() < 4


def test_only_chains_of_dense_layers_have_one() -> None:
    assert len(layer_chain(network(0, 784, 8, 10, softmax=True))) == 2
    assert layer_chain(lower(read_tflite(random_chain(0, [8, "TANH", 10]), "chain.tflite"))) == ()
