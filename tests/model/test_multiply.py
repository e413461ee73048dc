"""A multiplication that gives every int8 as it is can be left out, and no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from edgedigits.model.refusals import Reason, RefusalError
from tests.model.test_numpy_engine import assert_equal_to_oracle
from tests.tflite_builder import ModelWriter, schema

PIXEL_SCALE = 1.0
FACTOR = np.array(127, np.int8)
FACTOR_SCALE, FACTOR_POINT = 1 / 255 / 255, -128
"""What TensorFlow 2.21 makes of 1/255: the highest int8 of a range from 0."""


def rescaled(
    *,
    target_scale: float = 1 / 255,
    zero_points: tuple[int, int] = (-128, -128),
    factor: Any = FACTOR,
    factor_scale: float | None = FACTOR_SCALE,
    factor_first: bool = False,
    activation: int = 0,
    squared: bool = False,
) -> bytes:
    """A model of one layer behind a MUL, as `Rescaling(1/255)` leaves it."""
    writer = ModelWriter()
    pixels = writer.activation("pixels", [1, 6], "int8", PIXEL_SCALE, zero_points[0])
    scaled = writer.activation("scaled", [1, 6], "int8", target_scale, zero_points[1])
    constant = writer.constant("factor", factor, factor_scale, FACTOR_POINT if factor_scale else 0)
    weights = writer.constant("w", np.arange(-9, 9, dtype=np.int8).reshape(3, 6), 0.01)
    scores = writer.activation("y", [1, 3], "int8", 0.003, 5)
    options = schema.MulOptionsT()
    options.fusedActivationFunction = activation
    operands = [constant, pixels] if factor_first else [pixels, pixels if squared else constant]
    writer.operator("MUL", operands, [scaled], options, version=2)
    writer.operator("FULLY_CONNECTED", [scaled, weights, -1], [scores], schema.FullyConnectedOptionsT(), version=4)
    return writer.pack([pixels], [scores])


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("factor_first", [False, True])
def test_what_is_left_out_is_exact(factor_first: bool, rounding: Rounding) -> None:
    content = rescaled(factor_first=factor_first)

    assert_equal_to_oracle(content, rounding)
    network = lower(read_tflite(content), rounding)
    assert network.dropped == ("operator 0 (MUL): gives every int8 as it is, in another scale",)
    assert float(network.input.scale) == PIXEL_SCALE, "the engine's input is the model's"


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, True),
        # The furthest value may miss its integer by a quarter of a step.
        ({"target_scale": 1 / 255 * (1 + 0.2 / 255)}, True),
        ({"target_scale": 1 / 255 * (1 - 0.2 / 255)}, True),
        ({"target_scale": 1 / 255 * (1 + 0.3 / 255)}, False),
        ({"target_scale": 1 / 255 * (1 - 0.3 / 255)}, False),
        ({"zero_points": (0, 0)}, True),
        ({"zero_points": (127, 127), "target_scale": 1 / 255 * (1 + 0.2 / 255)}, True),
        ({"zero_points": (127, 127), "target_scale": 1 / 255 * (1 + 0.3 / 255)}, False),
        ({"zero_points": (-128, -127)}, False),
        ({"zero_points": (3, -128)}, False),
        ({"factor": np.array([127], np.int8)}, True),
        ({"factor": np.array([[127]], np.int8)}, True),
        ({"factor": np.array(126, np.int8)}, False),
        ({"factor": np.array(-128, np.int8)}, False),
        ({"factor": np.full(6, 127, np.int8)}, False),
        ({"factor_scale": None}, False),
        ({"activation": 1}, False),
        ({"squared": True}, False),
    ],
    ids=str,
)
def test_only_what_changes_nothing_is_left_out(changes: dict[str, Any], kept: bool) -> None:
    graph = read_tflite(rescaled(**changes))
    if kept:
        assert len(lower(graph).layers) == 1
        return
    with pytest.raises(RefusalError) as caught:
        lower(graph)
    assert caught.value.reason is Reason.ELEMENTWISE
