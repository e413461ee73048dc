"""The facts that `inspect` shows, on models small enough to count by hand."""

from __future__ import annotations

import gzip
import json
import math
from typing import Any

import numpy as np
import pytest

from edgedigits.model.reader import read_tflite
from edgedigits.model.summary import ModelFacts, count_zeros, shape_text, summarize
from tests.tflite_builder import ModelWriter, build_mlp, random_mlp, schema

WEIGHTS = np.array([[0, 0, 5, 5], [0, -7, 5, 0]], np.int8)
BIAS = np.array([1, 0], np.int32)


def facts_of(content: bytes) -> ModelFacts:
    return summarize(read_tflite(content))


def test_one_dense_layer_counted_by_hand() -> None:
    (layer,) = facts_of(build_mlp([WEIGHTS], [BIAS], activations=["relu"])).layers
    weights = layer.weights
    assert weights is not None
    assert (layer.name, layer.op, layer.activation) == ("dense", "FULLY_CONNECTED", "RELU")
    assert (weights.count, weights.zeros, weights.sparsity, weights.distinct) == (8, 4, 0.5, 3)
    # Half zeros, three eighths fives, one eighth -7.
    assert weights.entropy_bits == pytest.approx(0.5 * 1 + 0.375 * math.log2(8 / 3) + 0.125 * 3)
    assert (weights.nbytes, layer.bias_bytes, layer.parameters, layer.macs) == (8, 8, 10, 8)
    assert [tensor.shape for tensor in (*layer.inputs, weights.tensor, *layer.outputs)] == [
        (1, 4),
        (2, 4),
        (1, 2),
    ]


def test_per_tensor_and_per_channel_scales() -> None:
    (layer,) = facts_of(build_mlp([WEIGHTS], [BIAS], weight_scales=[0.25])).layers
    assert layer.weights is not None
    tensor = layer.weights.tensor
    assert (tensor.channels, tensor.scale_min, tensor.scale_max, tensor.zero_point) == (1, 0.25, 0.25, 0)
    scales = [np.array([0.25, 0.5])]
    (layer,) = facts_of(build_mlp([WEIGHTS], [BIAS], weight_scales=scales, per_channel=True)).layers
    assert layer.weights is not None
    tensor = layer.weights.tensor
    assert (tensor.channels, tensor.scale_min, tensor.scale_max, tensor.zero_point) == (2, 0.25, 0.5, 0)


def test_a_zero_weight_is_one_that_stands_for_zero() -> None:
    writer = ModelWriter()
    values = np.array([[3, 0], [3, 3]], np.uint8)
    writer.constant("shifted", values, 0.5, zero_point=3)
    writer.constant("plain", values)
    shifted, plain = read_tflite(writer.pack([], [])).tensors
    assert (count_zeros(shifted), count_zeros(plain)) == (3, 1)


def test_totals() -> None:
    content = random_mlp(1, (12, 4, 10), density=0.5, softmax=True, input_shape=(1, 3, 4))
    facts = facts_of(content)
    assert [layer.op for layer in facts.layers] == [
        "RESHAPE",
        "FULLY_CONNECTED",
        "FULLY_CONNECTED",
        "SOFTMAX",
    ]
    assert (facts.weights, facts.parameters, facts.macs) == (88, 102, 88)
    assert facts.zeros == sum(layer.weights.zeros or 0 for layer in facts.layers if layer.weights)
    assert facts.size == len(content)
    assert facts.gzip_size == len(gzip.compress(content, 9, mtime=0))
    # Everything but the int8 weights, the int32 biases and the RESHAPE's two int32 lengths.
    assert facts.overhead == len(content) - 88 - 4 * 14 - 8
    assert facts.layers[0].constant_bytes == 8


def test_the_same_weights_used_twice_are_paid_for_once() -> None:
    writer = ModelWriter()
    first = writer.activation("x", [1, 4], "float32")
    weights = writer.constant("w", np.eye(4, dtype=np.float32))
    second, third = (writer.activation(name, [1, 4], "float32") for name in "yz")
    writer.operator("FULLY_CONNECTED", [first, weights, -1], [second], schema.FullyConnectedOptionsT())
    writer.operator("FULLY_CONNECTED", [second, weights, -1], [third], schema.FullyConnectedOptionsT())
    content = writer.pack([first], [third])
    assert facts_of(content).overhead == len(content) - 64


def test_weights_behind_a_dequantize_belong_to_the_dense_layer() -> None:
    writer = ModelWriter()
    first = writer.activation("x", [1, 4], "float32")
    halves = writer.constant("w", np.ones((2, 4), np.int8), 0.5)
    widened = writer.activation("w_float", [2, 4], "float32")
    last = writer.activation("y", [1, 2], "float32")
    writer.operator("DEQUANTIZE", [halves], [widened], schema.DequantizeOptionsT())
    writer.operator("FULLY_CONNECTED", [first, widened, -1], [last], schema.FullyConnectedOptionsT())
    facts = facts_of(writer.pack([first], [last]))
    assert [layer.parameters for layer in facts.layers] == [0, 8]
    assert facts.macs == 8


def test_macs_of_a_convolution() -> None:
    writer = ModelWriter()
    first = writer.activation("x", [1, 28, 28, 3], "float32")
    kernel = writer.constant("conv/Conv2D", np.zeros((8, 5, 5, 3), np.float32))
    last = writer.activation("y", [1, 24, 24, 8], "float32")
    writer.operator("CONV_2D", [first, kernel, -1], [last], schema.Conv2DOptionsT())
    (layer,) = facts_of(writer.pack([first], [last])).layers
    assert (layer.name, layer.macs) == ("conv", 24 * 24 * 8 * 5 * 5 * 3)


def test_macs_of_an_unknown_op_make_the_total_unknown() -> None:
    facts = facts_of(random_mlp(1, (12, 10), extra_op="MyOp"))
    assert [layer.macs for layer in facts.layers] == [120, None]
    assert (facts.layers[1].op, facts.macs) == ("MyOp", None)


@pytest.mark.parametrize(
    ("tensor_name", "layer_name"),
    [
        ("sequential_2/dense_4/MatMul", "dense_4"),
        ("sequential/quant_dense/MatMul;sequential/quant_dense/LastValueQuant/FakeQuant", "dense"),
        ("model/dense/MatMul1", "dense"),
        ("dense/BiasAdd", "dense"),
        ("arith.constant3", "fully_connected"),
        ("MatMul", "fully_connected"),
        ("BiasAdd/ReadVariableOp", "BiasAdd"),
        ("", "fully_connected"),
    ],
)
def test_layer_names_come_from_tensor_names(tensor_name: str, layer_name: str) -> None:
    writer = ModelWriter()
    first, last = writer.activation("x", [1, 4], "int8"), writer.activation("y", [1, 2], "int8")
    weights = writer.constant(tensor_name, WEIGHTS)
    writer.operator("FULLY_CONNECTED", [first, weights, -1], [last], schema.FullyConnectedOptionsT())
    (layer,) = facts_of(writer.pack([first], [last])).layers
    assert layer.name == layer_name


@pytest.mark.parametrize(
    "options", [{}, {"float_model": True}, {"io": "uint8", "per_channel": True}, {"extra_op": "X"}]
)
def test_facts_are_json(options: dict[str, Any]) -> None:
    facts = facts_of(random_mlp(1, (12, 10), **options))
    assert json.loads(json.dumps(facts.to_dict(), allow_nan=False))["parameters"] == 130


def test_shapes_as_people_write_them() -> None:
    assert shape_text((-1, 28, 28)) == "[?, 28, 28]"
    assert shape_text(()) == "[]"
