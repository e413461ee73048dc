"""Hidden neurons lie where their weights take the least room, and no output tells."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run, run_steps
from edgedigits.model.ordering import NOBODY, block_order, by_blocks, by_reading, reading_order
from edgedigits.model.packing import Goal, arrange, choose, pack_layer
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights.blocks import ENCODINGS
from tests.model.oracles import hard_inputs
from tests.model.pruned import in_blocks
from tests.model.random_models import random_model
from tests.tflite_builder import build_mlp

[BLOCKS] = ENCODINGS


def with_dead_neurons(dead: list[int]) -> Network:
    """784-100-10 pruned in blocks, of whose hidden neurons some are read by nobody."""
    weights = [in_blocks(1, 100, 784, 0.1), np.random.default_rng(2).integers(1, 99, (10, 100)).astype(np.int8)]
    weights[1][:, dead] = 0
    return simplify(lower(read_tflite(build_mlp(weights, [None, None]))))


def bytes_as_blocks(network: Network) -> int:
    packed = pack_layer(network.layers[0], BLOCKS)
    assert packed is not None
    return packed.nbytes


@pytest.mark.parametrize("way", [by_reading, by_blocks])
def test_another_order_gives_the_same_outputs(way, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    for network in [with_dead_neurons([3, 50]), *(lower(read_tflite(random_model(seed).content)) for seed in range(6))]:
        inputs = hard_inputs(network.inputs, 3)
        np.testing.assert_array_equal(run(way(network), inputs), run(network, inputs))


def test_blocks_of_which_neurons_are_gone_are_filled_up_and_come_last() -> None:
    """A dead neuron moves all behind it across two blocks; in order again there are gaps instead, which nobody reads."""
    whole, broken = with_dead_neurons([]), with_dead_neurons([5, 41, 42])
    assert bytes_as_blocks(broken) > 1.3 * bytes_as_blocks(whole)
    ordered = by_blocks(broken)
    assert bytes_as_blocks(ordered) <= bytes_as_blocks(whole)
    assert block_order(broken.layers[0].weights)[-8:].tolist() == [4, 5, 6, NOBODY, 39, 40, NOBODY, NOBODY]
    idle = ~ordered.layers[0].weights.any(axis=1)
    assert idle.sum() == 3 and not ordered.layers[1].weights[:, idle].any()
    assert ordered.layers[0].uniform, "a gap needs no factor of its own"
    hidden, _ = run_steps(ordered, hard_inputs(ordered.inputs, 3))
    assert np.all(hidden[:, idle] == ordered.layers[1].input_low), "and gives what kernels skip"


def test_layers_that_were_not_pruned_in_blocks_stay_as_they_are() -> None:
    random = np.random.default_rng(3)
    for density in (0.05, 0.3, 0.8, 1.0):
        weights = random.integers(-127, 128, (50, 200)) * (random.random((50, 200)) < density)
        assert block_order(weights.astype(np.int8)).tolist() == list(range(50))
    intact = in_blocks(1, 60, 200, 0.1)
    assert block_order(intact).tolist() == list(range(60))
    assert block_order(intact[:3]).tolist() == [0, 1, 2]


def test_neurons_lie_by_how_many_read_them() -> None:
    weights = np.array([[0, 1, 2, 0], [0, 1, 0, 3], [0, 1, 1, 1]], np.int8)
    assert reading_order(weights).tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize("goal", list(Goal))
def test_an_order_is_taken_where_it_is_better(goal: Goal) -> None:
    network = with_dead_neurons([5, 41, 42])
    arranged, packed = arrange(network, goal)
    as_it_is = choose(network, goal)
    assert sum(one.nbytes for one in packed) <= sum(one.nbytes for one in as_it_is) or goal is Goal.SPEED
    if goal is Goal.BALANCED:
        assert packed[0].encoding is BLOCKS is not as_it_is[0].encoding
    inputs = hard_inputs(network.inputs, 3)
    np.testing.assert_array_equal(run(arranged, inputs), run(network, inputs))
