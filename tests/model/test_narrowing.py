"""Neurons that do nothing leave the file, and no output byte of either runtime changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings

from edgedigits.model.contract import dense_weights, weights_of_inputs
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.narrowing import narrowed
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from tests.model.oracles import ORACLES, hard_inputs
from tests.model.random_models import RandomModel, models, random_model
from tests.tflite_builder import ModelWriter, build_mlp, schema

ROUNDINGS = list(Rounding)


def shapes(content: bytes) -> list[tuple[int, ...]]:
    return [one.shape for one in dense_weights(read_tflite(content))]


def with_dead_neurons(**options) -> bytes:
    """20-8-6-4: neuron 2 of the first layer is constant, neuron 5 is read by nobody, nor is neuron 1 of the second."""
    random = np.random.default_rng(4)
    weights = [random.integers(-50, 50, shape).astype(np.int8) for shape in ((8, 20), (6, 8), (4, 6))]
    weights[0][2], weights[1][:, 5], weights[2][:, 1] = 0, 0, 0
    biases = [random.integers(-500, 500, len(kernel)).astype(np.int32) for kernel in weights]
    biases[0][2] = 40_000
    return build_mlp(weights, biases, **options)


@pytest.mark.parametrize("options", [{}, {"per_channel": True}, {"softmax": True}, {"dynamic_batch": True}], ids=str)
def test_the_dead_leave_and_the_others_stay_in_order(options) -> None:
    if "per_channel" in options:
        options["weight_scales"] = [np.linspace(0.004, 0.02, rows, dtype=np.float32) for rows in (8, 6, 4)]
    content = with_dead_neurons(**options)
    made = narrowed(content, "m")
    assert shapes(made.content) == [(6, 20), (5, 6), (4, 5)]
    assert [one.tolist() for one in made.kept] == [[0, 1, 3, 4, 6, 7], [0, 2, 3, 4, 5], [0, 1, 2, 3]]
    assert len(made.content) < len(content)
    inputs = hard_inputs(20)
    for oracle in ORACLES.values():
        np.testing.assert_array_equal(oracle(made.content, inputs), oracle(content, inputs))


@example(model=random_model(1))
@given(model=models(60))
@settings(max_examples=60, deadline=None)
def test_random_models_keep_every_byte_in_both_runtimes(model: RandomModel) -> None:
    made = narrowed(model.content, "m")
    inputs = hard_inputs(model.sizes[0])
    for oracle in ORACLES.values():
        np.testing.assert_array_equal(oracle(made.content, inputs), oracle(model.content, inputs))
    assert narrowed(made.content, "m").content == made.content, "once is enough"


def test_inputs_that_nothing_reads_are_left_out_by_a_gather() -> None:
    random = np.random.default_rng(4)
    weights = [random.integers(-50, 50, shape).astype(np.int8) for shape in ((80, 200), (6, 80))]
    unread = np.array([0, *range(50, 150), 199])
    weights[0][:, unread], weights[0][3] = 0, 0
    content = build_mlp(weights, [random.integers(-500, 500, len(one)).astype(np.int32) for one in weights])
    assert shapes(narrowed(content, "m").content) == [(79, 200), (6, 79)], "only where it is asked for"
    made = narrowed(content, "m", gather=True).content
    graph = read_tflite(made)
    assert [one.opcode for one in graph.operators] == ["GATHER", "FULLY_CONNECTED", "FULLY_CONNECTED"]
    assert shapes(made) == [(79, 98), (6, 79)]
    assert graph.tensors[graph.inputs[0]].shape == (1, 200)
    read = np.setdiff1d(np.arange(200), unread)
    assert np.flatnonzero(weights_of_inputs(graph).any(axis=0)).tolist() == read.tolist()
    np.testing.assert_array_equal(lower(graph).layers[0].weights, weights[0][np.arange(80) != 3])
    inputs = hard_inputs(200)
    for oracle in ORACLES.values():
        np.testing.assert_array_equal(oracle(made, inputs), oracle(content, inputs))
    assert narrowed(made, "m", gather=True).content == made, "once is enough"


def test_a_gather_that_saves_nothing_is_left_out() -> None:
    kernel = np.ones((2, 200), np.int8)
    kernel[:, 7] = 0
    content = build_mlp([kernel], [np.zeros(2, np.int32)])
    assert narrowed(content, "m", gather=True).content is content


def test_what_the_roundings_tell_apart_stays() -> None:
    """A constant of half a step is rounded up by one and down by the other, somewhere."""
    biases = np.arange(-3000, 3000, dtype=np.int32)
    first = np.zeros((len(biases), 3), np.int8)
    content = build_mlp(
        [first, np.ones((2, len(biases)), np.int8)], [biases, np.zeros(2, np.int32)], activation_scales=[0.0008, 0.1]
    )
    values = [layer_values(content, rounding) for rounding in ROUNDINGS]
    apart = np.flatnonzero(values[0] != values[1])
    assert len(apart), "there are such"
    np.testing.assert_array_equal(narrowed(content, "m").kept[0], apart)


def layer_values(content: bytes, rounding: Rounding) -> np.ndarray:
    layer = lower(read_tflite(content), rounding).layers[0]
    return layer.run([np.zeros((1, 3), np.int8)], rounding)[0]


def test_the_engine_is_the_one_that_it_was() -> None:
    content = with_dead_neurons()
    for rounding in ROUNDINGS:
        before, after = (
            simplify(lower(read_tflite(one), rounding)) for one in (content, narrowed(content, "m").content)
        )
        for one, other in zip(before.layers, after.layers, strict=True):
            np.testing.assert_array_equal(one.weights, other.weights)
            np.testing.assert_array_equal(one.bias, other.bias)


def test_constants_lie_where_every_runtime_takes_them() -> None:
    content = narrowed(with_dead_neurons(), "m").content
    model = schema.Model.GetRootAs(content, 0)
    places = [
        model.Buffers(index)._tab.Vector(4)
        for index in range(model.BuffersLength())
        if model.Buffers(index).DataLength()
    ]
    assert places and all(place % 16 == 0 for place in places)


def test_biases_that_two_layers_share_become_their_own() -> None:
    """Converters keep equal constants once."""
    writer = ModelWriter()
    ends = [writer.activation(f"t{number}", [1, size], "int8", 0.05, -128) for number, size in enumerate((5, 3, 3))]
    kernels = [np.arange(15, dtype=np.int8).reshape(3, 5), np.eye(3, dtype=np.int8)]
    kernels[0][1] = 0
    bias = writer.constant("bias", np.array([0, 700, 0], np.int32), 0.0005)
    for number, kernel in enumerate(kernels):
        weights = writer.constant(f"w{number}", kernel, 0.01)
        options = schema.FullyConnectedOptionsT()
        writer.operator("FULLY_CONNECTED", [ends[number], weights, bias], [ends[number + 1]], options, version=4)
    content = writer.pack([ends[0]], [ends[-1]])
    assert narrowed(content, "m").content == content, "one tensor can't have two lengths"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(build_mlp([np.ones((3, 4), np.int8)], [None]), id="nothing dead"),
        pytest.param(
            build_mlp([np.zeros((3, 4), np.int8), np.ones((2, 3), np.int8)], [np.full(3, 9000, np.int32), None]),
            id="no bias to fold it into",
        ),
    ],
)
def test_others_are_left_as_they_are(content: bytes) -> None:
    made = narrowed(content, "m")
    assert made.content is content
    assert [len(one) for one in made.kept] == [shape[0] for shape in shapes(content)]
