"""The IR refuses to hold what cannot be true, and cannot be changed."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest

from edgedigits.model.ir import NO_TENSOR, Graph, Operator, Tensor
from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from tests.tflite_builder import random_mlp


def make_tensor(**changes: Any) -> Tensor:
    facts: dict[str, Any] = {
        "index": 0,
        "name": "t",
        "shape": (2, 3),
        "shape_signature": (2, 3),
        "dtype": "int8",
        "scales": np.array([0.5], np.float32),
        "zero_points": np.array([-128], np.int64),
    }
    return Tensor(**{**facts, **changes})


def scales(*values: float) -> dict[str, Any]:
    return {"scales": np.array(values, np.float32), "zero_points": np.zeros(len(values), np.int64)}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"shape": (2, -3), "shape_signature": (2, 3)}, "negative length"),
        ({"shape_signature": (2,)}, "shape signature"),
        ({"shape_signature": (2, -2)}, "below -1"),
        ({"zero_points": np.zeros(2, np.int64)}, "1 scales but 2 zero points"),
        ({"zero_points": np.array([128])}, "outside the range of int8"),
        (scales(-0.5), "negative or not finite"),
        (scales(float("nan")), "negative or not finite"),
        (scales(0.1, 0.2, 0.3), "3 scales on axis 0"),
        ({**scales(0.1, 0.2), "quantized_dimension": 2}, "2 scales on axis 2"),
        ({"data": np.zeros((3, 2), np.int8)}, "its data has shape"),
    ],
)
def test_a_contradiction_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make_tensor(**changes)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("int8", -128, 127), ("uint8", 0, 255), ("int16", -32768, 32767), ("int4", -8, 7), ("int32", -(2**31), 2**31 - 1)],
)
def test_a_zero_point_is_a_value_of_the_type(dtype: str, low: int, high: int) -> None:
    for point in (low, high):
        assert make_tensor(dtype=dtype, zero_points=np.array([point])).zero_point == point
    for point in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"outside the range of {dtype}"):
            make_tensor(dtype=dtype, zero_points=np.array([point]))


def test_a_scale_of_zero_is_legal_because_dead_neurons_have_it() -> None:
    assert make_tensor(**scales(0.5, 0.0)).is_per_channel
    assert not make_tensor(**scales(0.5)).is_per_channel and not make_tensor(**scales()).is_per_channel


def test_scale_and_zero_point_are_exact_and_only_for_per_tensor_quantization() -> None:
    assert make_tensor().scale == np.float32(0.5)
    assert make_tensor().zero_point == -128
    with pytest.raises(ValueError, match="2 scales, not one"):
        _ = make_tensor(**scales(0.5, 0.25)).scale
    with pytest.raises(ValueError, match="0 scales, not one"):
        _ = make_tensor(**scales()).zero_point


def test_nothing_can_be_changed() -> None:
    graph = read_tflite(random_mlp(0, (6, 4, 10)))
    weights = graph.tensors[1]
    assert weights.data is not None
    for array in (weights.data, weights.scales, weights.zero_points):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        weights.name = "other"  # type: ignore[misc]
    network = lower(graph)
    everything: tuple[Any, ...] = (graph, graph.operators[0], graph.signatures[0], network, network.layers[0])
    for value in everything:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, None)
    with pytest.raises(TypeError):
        graph.signatures[0].inputs["more"] = 1  # type: ignore[index]
    with pytest.raises(TypeError):
        graph.operators[0].options["keep_num_dims"] = True  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"inputs": (7,)}, "the model's inputs point to tensor 7 of 1"),
        ({"outputs": (-1,)}, "the model's outputs point to tensor -1"),
        ({"operators": (Operator(0, "RELU", 1, (3,), (0,)),)}, r"the inputs of operator 0 \(RELU\)"),
        ({"operators": (Operator(0, "RELU", 1, (0,), (NO_TENSOR,)),)}, "the outputs of operator 0"),
        ({"tensors": (make_tensor(index=4),)}, "at position 0"),
    ],
)
def test_an_index_that_points_nowhere_is_refused(changes: dict[str, Any], complaint: str) -> None:
    facts: dict[str, Any] = {"tensors": (make_tensor(),), "operators": (), "inputs": (0,), "outputs": (0,)}
    with pytest.raises(ValueError, match=complaint):
        Graph("m", b"", "", **{**facts, **changes})


def test_a_graph_knows_who_writes_and_who_reads_a_tensor() -> None:
    graph = read_tflite(random_mlp(0, (6, 4, 10)))
    first, second = graph.operators
    hidden = graph.tensors[first.outputs[0]]
    assert graph.producer(hidden) is first
    assert graph.consumers(hidden) == (second,)
    assert graph.producer(graph.tensors[graph.inputs[0]]) is None


def test_the_first_to_write_and_all_who_read_are_found_at_once() -> None:
    """Looking through all operators for each tensor would take minutes with as many as a file may have."""
    count = 20_000
    tensors = tuple(make_tensor(index=index) for index in range(count + 1))
    operators = tuple(Operator(index, "ADD", 1, (index, index), (index + 1,)) for index in range(count))
    graph = Graph("m", b"", "", tensors, (*operators, Operator(count, "RELU", 1, (0,), (1,))), (0,), (count,))

    start = time.process_time()
    for tensor in tensors[1:-1]:
        assert graph.producer(tensor) is operators[tensor.index - 1]
        assert graph.consumers(tensor) == (operators[tensor.index],)
    assert time.process_time() - start < 2
    assert [operator.index for operator in graph.consumers(tensors[0])] == [0, count]


def test_an_input_left_out_is_none() -> None:
    graph = read_tflite(random_mlp(0, (6, 10)))
    operator = Operator(0, "FULLY_CONNECTED", 1, (0, 1, NO_TENSOR), (3,))
    assert graph.input_of(operator, 1) is graph.tensors[1]
    assert graph.input_of(operator, 2) is None
    assert graph.input_of(operator, 3) is None
