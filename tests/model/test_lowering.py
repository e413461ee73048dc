"""Lowering accepts what the engine can run, names what it cannot, and proves that nothing overflows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgedigits.model.fixed_point import INT32_MAX, INT32_MIN, Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.reader import read_tflite
from edgedigits.model.refusals import Reason, RefusalError
from edgedigits.model.simplify import simplify
from tests.model.oracles import hard_inputs
from tests.tflite_builder import INPUT_SCALE, build_mlp, random_mlp


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


@pytest.mark.parametrize(
    ("scale", "high"), [(1e-40, 127), (1e-6, 127), (6 / 127, 127), (6 / 126, 126), (6.0, 1), (1e9, 0)]
)
def test_relu6_ends_at_six_or_at_the_end_of_int8(scale: float, high: int) -> None:
    """With the smallest scales a float has, six is beyond any integer."""
    content = build_mlp(
        [np.zeros((1, 2), np.int8)],
        [None],
        activations=["relu6"],
        activation_scales=[scale],
        activation_zero_points=[0],
    )
    assert lower(read_tflite(content)).layers[0].clamp_high == high


def test_of_several_subgraphs_the_first_is_meant_and_the_others_are_told() -> None:
    assert lower(read_tflite(random_mlp(3, (8, 4), subgraphs=3))).dropped == (
        "2 further subgraphs: the first is the model",
    )
    assert lower(read_tflite(random_mlp(3, (8, 4), subgraphs=2))).dropped == (
        "1 further subgraph: the first is the model",
    )


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_conversions_at_the_edges_are_dropped(io: Any) -> None:
    plain, edged = random_mlp(3, (20, 8, 4)), random_mlp(3, (20, 8, 4), io=io)
    network = lower(read_tflite(edged))
    inputs = hard_inputs(20)
    np.testing.assert_array_equal(run(network, inputs), run(lower(read_tflite(plain)), inputs))
    assert len(network.dropped) == 2
    assert network.input.dtype == network.output.dtype == "int8"


@pytest.mark.parametrize(
    ("weights", "low", "high", "most"),
    [
        # As stored: the sum of the largest products.
        ([127, 127, 127], -128, 127, 3 * 127 * 127),
        ([-127, -127, -127], -128, 127, 3 * 127 * 128),
        ([100, -100], -128, 127, 100 * 127 + 100 * 128),
        # Counted from the lowest + 128, a sum begins beyond what any input reaches.
        ([127], -20, 40, 108 * 127),
        ([-127], -20, 40, 20 * 127),
        ([127, -127], -20, 40, 108 * 127 + 20 * 127),
        # As stored, inputs above 0 leave negative weights out of a partial sum.
        ([100, -127], 10, 127, 12_700),
        ([-100, 127], -128, -1, 12_800),
    ],
)
def test_an_accumulator_may_reach_the_end_of_int32_and_not_one_more(
    weights: list[int], low: int, high: int, most: int
) -> None:
    """`most` is the largest partial sum of products, over every order and whichever value inputs are counted from."""
    limits = {"input_low": low, "input_high": high}
    opposite = [-weight for weight in weights]

    layer([weights], [INT32_MAX - most], **limits)
    with pytest.raises(OverflowError, match="the accumulator of output 0 can reach .* or 2,147,483,648, beyond int32"):
        layer([weights], [INT32_MAX - most + 1], **limits)
    layer([opposite], [INT32_MIN + most], **limits)
    with pytest.raises(OverflowError, match="the accumulator of output 0 can reach -2,147,483,649 or .*, beyond int32"):
        layer([opposite], [INT32_MIN + most - 1], **limits)


def test_the_output_that_goes_furthest_is_named() -> None:
    with pytest.raises(OverflowError, match="the accumulator of output 1 can reach"):
        layer([[1], [127], [127]], [INT32_MAX - 127, INT32_MAX - 1, INT32_MAX - 127 * 127 + 1])


def one_weight(bias: int, zero_point: int, factor: float = 1.0) -> bytes:
    """One weight of 1; with a factor of 1 an accumulator is what comes out, before the zero point is added."""
    scale = float(INPUT_SCALE * np.float32(1 / 128)) / factor
    return build_mlp(
        [np.ones((1, 1), np.int8)],
        [np.array([bias], np.int32)],
        input_zero_point=0,
        activation_scales=[scale],
        activation_zero_points=[zero_point],
    )


@pytest.mark.parametrize(
    ("rounding", "bias", "zero_point", "reason"),
    [
        (Rounding.LITERT, INT32_MAX - 127 - 5, 5, None),
        (Rounding.LITERT, INT32_MAX - 127 - 4, 5, Reason.RESCALED),
        (Rounding.LITERT, INT32_MIN + 128 + 5, -5, None),
        (Rounding.LITERT, INT32_MIN + 128 + 4, -5, Reason.RESCALED),
        # A factor of 1 is a half, shifted left by one first.
        (Rounding.TFLM, 2**30 - 1 - 127, 0, None),
        (Rounding.TFLM, 2**30 - 127, 0, Reason.SHIFTED),
        (Rounding.TFLM, -(2**30) + 128, 0, None),
        (Rounding.TFLM, -(2**30) + 127, 0, Reason.SHIFTED),
    ],
)
def test_rescaling_may_reach_the_end_of_int32_and_not_one_more(
    rounding: Rounding, bias: int, zero_point: int, reason: Reason | None
) -> None:
    graph = read_tflite(one_weight(bias, zero_point))
    if reason is None:
        assert lower(graph, rounding).layers[0].bias.tolist() == [bias]
        return
    with pytest.raises(RefusalError) as caught:
        lower(graph, rounding)
    assert caught.value.reason is reason


@pytest.mark.parametrize(("bias", "fits"), [(2**30 - 1 - 127, True), (2**30 - 127, False)])
def test_what_is_fitted_is_what_is_proven(bias: int, fits: bool) -> None:
    """With a factor of 2 an end of int32 is reached by multipliers that are a step above, too."""
    graph = read_tflite(one_weight(bias, 1, factor=2.0))
    if fits:
        assert lower(graph).layers[0].outputs == 1
        return
    with pytest.raises(RefusalError) as caught:
        lower(graph)
    assert caught.value.reason is Reason.RESCALED


@pytest.mark.parametrize(("bias", "fits"), [(2**31 - 2, True), (2**31 - 1, False), (-(2**31) + 2, True)])
def test_the_bias_with_the_zero_point_folded_in_stays_in_int32(bias: int, fits: bool) -> None:
    """One weight of 1 and a zero point of -1 add one."""
    content = build_mlp(
        [np.zeros((2, 1), np.int8) + np.array([[1], [0]], np.int8)],
        [np.array([bias, 0], np.int32)],
        input_zero_point=-1,
        weight_scales=[1e-8],
        activation_scales=[1.0],
    )
    if fits:
        with pytest.raises(RefusalError) as caught:
            lower(read_tflite(content))
        assert caught.value.reason is Reason.ACCUMULATOR, "it fits, and the products do not any more"
        return
    with pytest.raises(RefusalError) as caught:
        lower(read_tflite(content))
    assert caught.value.reason is Reason.FOLDED_BIAS


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
