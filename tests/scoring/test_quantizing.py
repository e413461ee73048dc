"""What litert-quantizer is given: weights in float32, known shapes, tensors of different names, one signature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from edgedigits.model.shapes import reshape_targets
from edgedigits.scoring.quantizing import _plain, make_int8
from tests.model.oracles import litert
from tests.scoring.float_models import FUNCTIONS, narrow_weights, with_functions
from tests.tflite_builder import random_mlp


@pytest.mark.parametrize(
    ("kind", "scales", "dequantized", "factors"),
    [
        ("float16", None, True, 1.0),
        ("int8", 0.5, True, 0.5),
        ("int8", 0.5, False, 0.5),
        ("int8", np.float32([0.5, 0.25, 2]), False, [[0.5], [0.25], [2]]),
    ],
    ids=["float16", "int8 behind DEQUANTIZE", "dynamic range", "dynamic range, by output"],
)
def test_weights_are_widened(kind: str, scales: Any, dequantized: bool, factors: Any) -> None:
    content, first = _plain(narrow_weights(kind, scales, dequantized=dequantized), {})

    graph = read_tflite(content)
    (operator,) = graph.operators
    weights = graph.tensors[operator.inputs[1]]
    assert operator.opcode == "FULLY_CONNECTED" and weights.dtype == "float32" and not weights.is_quantized
    np.testing.assert_array_equal(weights.data, np.arange(1, 13).reshape(3, 4) * np.float32(factors))
    assert [tensor.dtype for tensor in graph.tensors] == ["float32"] * 3, "nothing is left of what was stored"
    assert [tensor.name for tensor in graph.tensors][:2] == ["same", "same;1"] and first == "same"


@pytest.mark.parametrize("open_length", [False, True])
def test_shapes_that_a_model_computes_become_constants(open_length: bool) -> None:
    theirs = random_mlp(
        3,
        (784, 10),
        float_model=True,
        input_shape=(1, 28, 28),
        keras_flatten=True,
        open_length=open_length,
        dynamic_batch=True,
    )
    targets = reshape_targets(read_tflite(theirs))
    assert targets == {3: (1, 784)}
    graph = read_tflite(_plain(theirs, {str(index): shape for index, shape in targets.items()})[0])

    assert [operator.opcode for operator in graph.operators] == ["RESHAPE", "FULLY_CONNECTED"]
    np.testing.assert_array_equal(graph.tensors[graph.operators[0].inputs[1]].data, [1, 784])
    assert [signature.key for signature in graph.signatures] == ["serving_default"]


def test_of_several_subgraphs_the_first_is_taken() -> None:
    content, _ = _plain(random_mlp(3, (784, 10), float_model=True, subgraphs=2), {})
    assert read_tflite(content).subgraphs == 1


@pytest.mark.slow
def test_functions_that_the_library_leaves_are_int8_too() -> None:
    theirs = with_functions()
    inputs = np.random.default_rng(0).random((200, 4)).astype(np.float32)
    content = make_int8(theirs, {}, inputs[:, None], 0.0, 1.0)

    graph = read_tflite(content)
    functions = [one for one in graph.operators if one.opcode != "FULLY_CONNECTED"]
    assert tuple(one.opcode for one in functions) == FUNCTIONS
    assert [one.options["alpha"] for one in functions if one.opcode == "LEAKY_RELU"] == [0.5, 0.25]
    assert {tensor.dtype for tensor in graph.tensors} == {"int8"}
    lower(graph)
    first, last = (graph.tensors[index] for index in (*graph.inputs, *graph.outputs))
    stored = (np.rint(inputs / first.scale) + first.zero_point).astype(np.int8)
    found = (litert(content, stored).astype(np.int32) - last.zero_point) * last.scale
    np.testing.assert_allclose(found, litert(theirs, inputs), atol=0.04)
