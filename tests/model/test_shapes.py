"""Shapes that a model computes for itself are known once the batch is 1, and nothing else is folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from edgedigits.model.refusals import Reason, RefusalError
from edgedigits.model.shapes import LONGEST, Shapes
from tests.model.test_numpy_engine import assert_equal_to_oracle
from tests.tflite_builder import ModelWriter, random_mlp, schema

FLATTENED = {"keras_flatten": True, "dynamic_batch": True}


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 28, 28, 1), (1, 784)], ids=str)
def test_what_keras_flattens_is_exact(shape: tuple[int, ...], rounding: Rounding) -> None:
    content = random_mlp(3, (784, 12, 10), input_shape=shape, **FLATTENED)

    assert_equal_to_oracle(content, rounding)
    network = lower(read_tflite(content), rounding)
    assert [reason.split(": ")[0] for reason in network.dropped] == [
        f"operator {index} ({opcode})" for index, opcode in enumerate(("SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE"))
    ]
    assert network.input.shape == shape


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_what_keras_flattens_behind_a_quantize_is_the_same_network(io: Any) -> None:
    plain = lower(read_tflite(random_mlp(3, (784, 12, 10))))
    edged = lower(read_tflite(random_mlp(3, (784, 12, 10), io=io, input_shape=(1, 28, 28), **FLATTENED)))

    for one, other in zip(plain.layers, edged.layers, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
        np.testing.assert_array_equal(one.bias, other.bias)


def test_a_reshape_that_only_a_shape_reads_is_left_out() -> None:
    """Converters merge two RESHAPEs into one and leave the first where its shape is still asked for."""
    writer = ModelWriter()
    image = writer.activation("image", [1, 12], "int8", 0.5)
    square = writer.activation("square", [1, 3, 4], "int8", 0.5)
    whole, flat = writer.activation("whole", [3], "int32"), writer.activation("flat", [1, 12], "int8", 0.5)
    rows = writer.constant("rows", np.array([-1, 3, 4], np.int32))
    first, target = writer.activation("first", [1], "int32"), writer.activation("target", [2], "int32")
    zero, rest = writer.constant("zero", np.zeros(1, np.int32)), writer.constant("rest", np.array([12], np.int32))
    output, weights = writer.activation("y", [1, 2], "int8", 9.0), writer.constant("w", np.ones((2, 12), np.int8), 0.5)
    writer.operator("RESHAPE", [image, rows], [square], schema.ReshapeOptionsT())
    writer.operator("SHAPE", [square], [whole], options(schema.ShapeOptionsT, outType=schema.TensorType.INT32))
    writer.operator("GATHER", [whole, zero], [first], schema.GatherOptionsT())
    writer.operator("CONCATENATION", [first, rest], [target], schema.ConcatenationOptionsT())
    writer.operator("RESHAPE", [image, target], [flat], schema.ReshapeOptionsT())
    writer.operator("FULLY_CONNECTED", [flat, weights, -1], [output], schema.FullyConnectedOptionsT(), version=4)
    content = writer.pack([image], [output])

    assert_equal_to_oracle(content, Rounding.LITERT)


def folded(opcode: str, operands: Sequence[Any], options: Any = None, dtype: str = "int32") -> list[int] | None:
    """What an operator on constants folds to; None where it is not folded."""
    writer = ModelWriter()
    inputs = [writer.constant(f"c{index}", np.array(values, dtype)) for index, values in enumerate(operands)]
    result = writer.activation("result", [1], "int32")
    writer.operator(opcode, inputs, [result], options)
    graph = read_tflite(writer.pack([], []))
    shapes = Shapes(graph)
    if not shapes.fold(graph.operators[0]):
        return None
    value = shapes.value(graph.tensors[result])
    assert value is not None
    return value.reshape(-1).tolist()


def options(kind: Any, **values: Any) -> Any:
    made = kind()
    for name, value in values.items():
        setattr(made, name, value)
    return made


SLICE, GATHER, REDUCE = schema.StridedSliceOptionsT, schema.GatherOptionsT, schema.ReducerOptionsT
MANY = [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("opcode", "operands", "given", "expected"),
    [
        ("SHAPE", [[[1, 2, 3], [4, 5, 6]]], None, [2, 3]),
        ("CAST", [MANY], None, MANY),
        ("STRIDED_SLICE", [MANY, [1], [3], [1]], None, [6, 7]),
        ("STRIDED_SLICE", [MANY, [-1], [9], [1]], None, [8]),
        ("STRIDED_SLICE", [MANY, [0], [4], [2]], None, [5, 7]),
        ("STRIDED_SLICE", [MANY, [2], [3], [1]], options(SLICE, shrinkAxisMask=1), [7]),
        ("STRIDED_SLICE", [MANY, [2], [3], [1]], options(SLICE, beginMask=1), [5, 6, 7]),
        ("STRIDED_SLICE", [MANY, [2], [3], [1]], options(SLICE, endMask=1), [7, 8]),
        ("STRIDED_SLICE", [MANY, [2], [3], [1]], options(SLICE, newAxisMask=1), None),
        ("STRIDED_SLICE", [MANY, [2], [3], [1]], options(SLICE, ellipsisMask=1), None),
        ("STRIDED_SLICE", [[MANY], [0, 1], [1, 3], [1, 1]], None, None),
        ("STRIDED_SLICE", [MANY, [9], [10], [1]], options(SLICE, shrinkAxisMask=1), None),
        ("GATHER", [MANY, [3, 0]], options(GATHER), [8, 5]),
        ("GATHER", [MANY, [4]], options(GATHER), None),
        ("GATHER", [[MANY], [0]], options(GATHER), None),
        ("GATHER", [MANY, [3, 0]], options(GATHER, axis=1), None),
        ("PACK", [7, 8], None, [7, 8]),
        ("PACK", [7, [8, 9]], None, None),
        ("CONCATENATION", [[7], [8, 9]], None, [7, 8, 9]),
        ("REDUCE_PROD", [MANY, [0]], options(REDUCE), [1680]),
        ("REDUCE_PROD", [MANY, [1]], options(REDUCE), None),
        ("REDUCE_PROD", [[MANY], [0]], options(REDUCE), None),
        ("MUL", [[3, 4], [5]], None, [15, 20]),
        ("MUL", [[3, 4], [5]], options(schema.MulOptionsT, fusedActivationFunction=1), None),
        ("ADD", [[3, 4], [5]], None, None),
        ("PACK", [], None, None),
    ],
)
def test_each_operator_is_folded_as_numbers_and_only_where_its_meaning_is_known(
    opcode: str, operands: list[Any], given: Any, expected: list[int] | None
) -> None:
    assert folded(opcode, operands, given) == expected


def test_only_integers_and_only_so_many_are_shapes() -> None:
    assert folded("CAST", [[1, 2]], dtype="int64") == [1, 2]
    assert folded("CAST", [[1, 2]], dtype="float32") is None
    assert folded("CAST", [[1] * LONGEST]) == [1] * LONGEST
    assert folded("CAST", [[1] * (LONGEST + 1)]) is None
    assert folded("CONCATENATION", [[1] * LONGEST, [1]]) is None


def target(new_shape: list[int], elements: int) -> tuple[int, ...] | None:
    writer = ModelWriter()
    source, result = writer.activation("x", [1], "int8"), writer.activation("y", [1], "int8")
    writer.operator(
        "RESHAPE", [source], [result], options(schema.ReshapeOptionsT, newShape=np.array(new_shape, np.int32))
    )
    graph = read_tflite(writer.pack([], []))
    return Shapes(graph).target(graph.operators[0], elements)


@pytest.mark.parametrize(
    ("new_shape", "expected"),
    [([1, 12], (1, 12)), ([-1, 4], (3, 4)), ([2, -1], (2, 6)), ([-1], (12,)), ([-1, -1], (-1, -1)), ([0, -1], (0, 0))],
)
def test_the_length_left_open_follows_from_the_others(new_shape: list[int], expected: tuple[int, ...]) -> None:
    assert target(new_shape, 12) == expected


@pytest.mark.parametrize("rest", [700, 783, 785, -2, 0])
def test_a_computed_shape_that_does_not_hold_an_image_is_refused(rest: int) -> None:
    graph = read_tflite(random_mlp(3, (784, 10), input_shape=(1, 28, 28), **FLATTENED))
    tensors = tuple(
        replace(tensor, data=np.array(rest, np.int32)) if tensor.name == "flatten/rest" else tensor
        for tensor in graph.tensors
    )

    with pytest.raises(RefusalError, match="does not hold the 784 elements of one image") as caught:
        lower(replace(graph, tensors=tensors))
    assert caught.value.reason is Reason.RESHAPE_SIZE
