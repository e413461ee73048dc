"""A model of pixels as they are, cast to float32 and quantized: the engine takes what the QUANTIZE gives."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from edgedigits.model.refusals import Reason, RefusalError
from edgedigits.scoring.any_model import open_any, random_codes
from edgedigits.scoring.by_definition import inner_inputs as by_definition
from edgedigits.scoring.oracle import engine_inputs, oracle_outputs
from edgedigits.scoring.pixels import PixelRange, engine_map, other_ranges
from tests.tflite_builder import ModelWriter, schema


def cast_model(scales: list[tuple[float, int]], *, inputs: int = 784, scale: float | None = None) -> bytes:
    """Return uint8 → CAST → QUANTIZE to each of `scales` → ADD of the first two, if there are two → a layer."""
    writer, random = ModelWriter(), np.random.default_rng(5)
    first = writer.activation("pixels", [1, inputs], "uint8", scale)
    wide = writer.activation("wide", [1, inputs], "float32")
    writer.operator("CAST", [first], [wide], schema.CastOptionsT())
    quantized = [writer.activation(f"q{index}", [1, inputs], "int8", *end) for index, end in enumerate(scales)]
    for tensor in quantized:
        writer.operator("QUANTIZE", [wide], [tensor], schema.QuantizeOptionsT())
    source = quantized[0]
    if len(quantized) > 1:
        source = writer.activation("sum", [1, inputs], "int8", 2.0, 0)
        writer.operator("ADD", quantized, [source], schema.AddOptionsT())
    weights = writer.constant("w", random.integers(-90, 90, (10, inputs)).astype(np.int8), 0.01)
    last = writer.activation("scores", [1, 10], "int8", 40.0, 3)
    writer.operator("FULLY_CONNECTED", [source, weights, -1], [last], schema.FullyConnectedOptionsT(), version=4)
    return writer.pack([first], [last])


@pytest.mark.parametrize("end", [(1.0, -128), (0.7, -128), (1.3, -20)])
def test_every_pixel_becomes_what_the_interpreter_makes_of_it(end: tuple[float, int]) -> None:
    model = open_any(read_tflite(cast_model([end])))
    codes = random_codes(40, model.input.size)
    network = lower(model.graph)

    np.testing.assert_array_equal(run(network, engine_inputs(model, codes)), oracle_outputs(model, codes, "litert"))
    assert network.input.name == "q0"
    mapped = engine_map(model.graph)
    assert mapped is not None
    np.testing.assert_array_equal(mapped.table, by_definition(model.graph, model.input, 0.0, 255.0))
    assert len(other_ranges(model.graph, model.input, PixelRange(0.0, 255.0, "told"))) > 2


def test_the_same_quantization_twice_is_one_input() -> None:
    model = open_any(read_tflite(cast_model([(1.0, -128)] * 2)))
    codes = random_codes(40, model.input.size)

    outputs = run(lower(model.graph), engine_inputs(model, codes))

    np.testing.assert_array_equal(outputs, oracle_outputs(model, codes, "litert"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (cast_model([(1.0, -128), (0.5, -128)], inputs=4), Reason.QUANTIZE_PLACE),
        (cast_model([(1.0, -128)], inputs=4, scale=0.5), Reason.CAST),
    ],
    ids=["two inputs of two scales", "a quantized input, whose scale a CAST forgets"],
)
def test_what_is_not_exact_is_refused(content: bytes, reason: Reason) -> None:
    with pytest.raises(RefusalError) as caught:
        lower(read_tflite(content))
    assert caught.value.reason is reason
