"""Lowering accepts what the engine can run, names what it cannot, and proves that nothing overflows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgedigits.model.engine import run
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.network import DenseLayer
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from tests.model.oracles import hard_inputs
from tests.tflite_builder import build_mlp, random_mlp


def layer(weights: list[list[int]], bias: list[int], **more: Any) -> DenseLayer:
    count = len(bias)
    return DenseLayer(
        name="test",
        weights=np.array(weights, np.int8),
        bias=np.array(bias, np.int32),
        multiplier=np.full(count, 2**30, np.int32),
        shift=np.full(count, -8, np.int32),
        output_offset=0,
        **more,
    )


def test_the_input_offset_is_folded_into_the_bias() -> None:
    weights = np.array([[1, 2, -4], [0, 0, 5]], np.int8)
    graph = read_tflite(build_mlp([weights], [np.array([10, 20], np.int32)]))
    found = lower(graph).layers[0]
    np.testing.assert_array_equal(found.bias, [10 + 128 * -1, 20 + 128 * 5])
    np.testing.assert_array_equal(found.bias_from(-128), [10, 20])


def test_relu_and_relu6_become_limits_and_the_next_layer_knows_them() -> None:
    graph = read_tflite(
        random_mlp(
            3,
            (20, 8, 6, 4),
            activations=["relu", "relu6", "none"],
            activation_zero_points=[-128, -20, 3],
            activation_scales=[0.1, 0.1, 0.1],
        )
    )
    first, second, third = lower(graph).layers
    assert (first.clamp_low, first.clamp_high) == (-128, 127)
    assert (second.input_low, second.clamp_low, second.clamp_high) == (-128, -20, 40)
    assert (third.input_low, third.input_high, third.output_offset) == (-20, 40, 3)


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_conversions_at_the_edges_are_dropped(io: Any) -> None:
    plain, edged = random_mlp(3, (20, 8, 4)), random_mlp(3, (20, 8, 4), io=io)
    network = lower(read_tflite(edged))
    inputs = hard_inputs(20)
    np.testing.assert_array_equal(run(network, inputs), run(lower(read_tflite(plain)), inputs))
    assert len(network.dropped) == 2
    assert network.input.dtype == network.output.dtype == "int8"


def test_an_accumulator_at_the_edge_of_int32_is_proven_and_one_beyond_is_not() -> None:
    room = 2**31 - 1 - 3 * 127 * 127
    layer([[127, 127, 127]], [room])
    with pytest.raises(OverflowError, match="output 0 can reach"):
        layer([[127, 127, 127]], [room + 1])


def test_a_layer_is_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        layer([[1]], [0]).weights[0, 0] = 3


def test_dead_neurons_are_folded_away() -> None:
    random = np.random.default_rng(4)
    weights = [random.integers(-50, 50, shape).astype(np.int8) for shape in ((8, 20), (6, 8), (4, 6))]
    weights[0][2] = 0  # constant
    weights[1][:, 5] = 0  # nobody reads neuron 5 of the first layer
    weights[2][:, 1] = 0
    biases = [random.integers(-500, 500, len(kernel)).astype(np.int32) for kernel in weights]
    network = lower(read_tflite(build_mlp(weights, biases)))
    smaller = simplify(network)
    assert [one.weights.shape for one in smaller.layers] == [(6, 20), (5, 6), (4, 5)]
    inputs = hard_inputs(20)
    np.testing.assert_array_equal(run(smaller, inputs), run(network, inputs))


@pytest.mark.parametrize("rounding", list(Rounding))
def test_a_network_of_dead_neurons_keeps_one_a_layer(rounding: Rounding) -> None:
    weights = [np.zeros((5, 7), np.int8), np.zeros((3, 5), np.int8)]
    biases = [np.arange(5, dtype=np.int32) * 900, np.arange(3, dtype=np.int32) * 900]
    network = lower(read_tflite(build_mlp(weights, biases)), rounding)
    smaller = simplify(network)
    assert [one.outputs for one in smaller.layers] == [1, 3]
    inputs = hard_inputs(7)
    np.testing.assert_array_equal(run(smaller, inputs), run(network, inputs))
