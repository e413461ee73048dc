"""GATHER of inputs is a dense layer with weights of 0 for those left out; other ones are refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from edgedigits.model.refusals import Reason, RefusalError
from tests.model.one_layer import Layer, whole
from tests.model.oracles import hard_inputs, litert
from tests.model.refusals import gathering
from tests.model.test_numpy_engine import ROUNDINGS, assert_equal_to_oracle


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize(("places", "axis"), [([1, 3], 1), ([3, 0], -1)])
def test_it_gives_the_oracles_bytes(places, axis, rounding) -> None:
    content = whole(gathering(places, axis=axis))()
    assert_equal_to_oracle(content, rounding)
    [layer] = lower(read_tflite(content), rounding).layers
    expected = np.zeros((3, 4), np.int8)
    expected[:, places] = 1
    np.testing.assert_array_equal(layer.weights, expected)


@pytest.mark.parametrize("places", [None, [1, 4], [-1, 0], [2, 2]])
def test_places_must_be_known_and_there(places) -> None:
    with pytest.raises(RefusalError) as caught:
        lower(read_tflite(whole(gathering(places))()))
    assert caught.value.reason is Reason.GATHER_PLACES


def test_two_layers_may_read_one_input_each_in_its_own_way() -> None:
    """One picks, the other takes all; an ADD brings both together."""

    def describe(model: Layer) -> None:
        gathering([1, 3])(model)
        model.weights = model.writer.constant("all", np.arange(12, dtype=np.int8).reshape(3, 4), 0.25)
        other, total = model.activation("other", 3, 1.0, 2), model.activation("total", 3, 2.0)
        model.dense(model.inputs[0], other)
        model.add("ADD", model.outputs[0], total, None, other)
        model.outputs = [total]

    content = whole(describe)()
    network = lower(read_tflite(content))
    assert [layer.inputs for layer in network.layers] == [4, 4]
    assert_equal_to_oracle(content, ROUNDINGS[0])
    assert litert(content, hard_inputs(4)).shape == (12, 3)
