"""What a build's `.tflite` must be, and that each breach is told by name."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from edgedigits.errors import EXIT_CHECK_FAILED, CheckFailedError
from edgedigits.model.contract import check_contract, contract_violations
from edgedigits.model.reader import read_tflite
from edgedigits.model.summary import count_zeros
from tests.tflite_builder import ModelWriter, build_mlp, random_mlp

SIZES = (784, 6, 10)


@pytest.mark.parametrize("options", [{}, {"softmax": True}, {"per_channel": True}, {"density": 0.1}])
def test_a_build_of_ours_holds(options: dict[str, Any]) -> None:
    check_contract(read_tflite(random_mlp(1, SIZES, **options)))


@pytest.mark.parametrize(
    ("options", "breach"),
    [
        ({"io": "uint8"}, r"operator 0 \(QUANTIZE\) at the input"),
        ({"io": "uint8"}, r"operator 3 \(QUANTIZE\) at the output"),
        ({"io": "uint8"}, "tensor 0 'input' and 1 more are uint8, expected int8 or int32"),
        ({"io": "float32"}, r"operator 3 \(DEQUANTIZE\) is not among FULLY_CONNECTED"),
        ({"float_model": True}, r"its input is float32 \[1, 784\], expected int8"),
        ({"dynamic_batch": True}, r"tensor 0 'input' and 2 more are \[\?, 784\], expected a batch of 1"),
        ({"extra_op": "TANH"}, r"operator 2 \(TANH\) is not among"),
        ({"input_shape": (1, 28, 28)}, r"its input is int8 \[1, 28, 28\], expected int8 \[1, n\]"),
        (
            {"input_zero_point": 0},
            r"its input has scale 0.00392156886, zero point 0, expected .*zero point -128",
        ),
        ({"input_scale": 0.0039214}, "its input has scale 0.00392139982, zero point -128, expected"),
        ({"subgraphs": 2}, "it has 2 subgraphs"),
    ],
)
def test_a_breach_is_named(options: dict[str, Any], breach: str) -> None:
    graph = read_tflite(random_mlp(1, SIZES, **options), "m.tflite")
    assert any(re.match(breach, clause) for clause in contract_violations(graph))
    with pytest.raises(CheckFailedError) as caught:
        check_contract(graph)
    assert caught.value.exit_code == EXIT_CHECK_FAILED
    assert caught.value.message.startswith("m.tflite: ")
    assert caught.value.hint


def test_ten_outputs_are_needed() -> None:
    with pytest.raises(CheckFailedError, match=r"its output is int8 \[1, 9\], expected int8 \[1, 10\]"):
        check_contract(read_tflite(random_mlp(1, (784, 9))))


def test_a_model_without_dense_layers_is_none() -> None:
    writer = ModelWriter()
    index = writer.activation("x", [1, 10], "int8", 1 / 255, -128)
    with pytest.raises(CheckFailedError, match="no FULLY_CONNECTED layer"):
        check_contract(read_tflite(writer.pack([index], [index])))


def test_pruned_zeros_must_still_be_there() -> None:
    graph = read_tflite(random_mlp(1, SIZES, density=0.2))
    weights = [tensor for tensor in graph.tensors if tensor.name.endswith("MatMul")]
    zeros = [count_zeros(tensor) for tensor in weights]
    check_contract(graph, minimum_zeros=zeros)
    check_contract(graph, minimum_zeros=[0, 0])
    with pytest.raises(CheckFailedError, match=rf"'dense_1/MatMul' has {zeros[1]} zero weights, .* {zeros[1] + 1}"):
        check_contract(graph, minimum_zeros=[zeros[0], zeros[1] + 1])


def test_clusters_must_still_be_clusters() -> None:
    weights = np.tile(np.array([-3, 0, 7, 9], np.int8), (10, 196))
    graph = read_tflite(build_mlp([weights], [None]))
    check_contract(graph, maximum_distinct=[4])
    check_contract(graph, maximum_distinct=[16])
    check_contract(graph, maximum_distinct=[None])
    with pytest.raises(CheckFailedError, match="has 4 distinct weights, expected at most 3"):
        check_contract(graph, maximum_distinct=[3])


def test_expectations_for_another_number_of_layers_are_a_breach() -> None:
    graph = read_tflite(random_mlp(1, SIZES))
    with pytest.raises(CheckFailedError, match="2 FULLY_CONNECTED layers, but zeros are expected of 1"):
        check_contract(graph, minimum_zeros=[0])


def test_the_first_breach_is_told_and_the_others_counted() -> None:
    graph = read_tflite(random_mlp(1, SIZES, float_model=True))
    more = len(contract_violations(graph)) - 1
    with pytest.raises(CheckFailedError, match=rf"\({more} more\)"):
        check_contract(graph)
