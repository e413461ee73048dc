"""A function of single values is the runtimes' own, on all 256 of them; where a layer can do the same, it does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.ops import table
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ops.step import INT8_MIN
from edgedigits.model.ops.table import TableStep, in_float32
from edgedigits.model.reader import read_tflite
from edgedigits.model.rounding_bound import rounding_bound
from edgedigits.model.simplify import simplify
from tests.model.oracles import ORACLES, hard_inputs
from tests.model.random_chains import FUNCTIONS, LITERT_ONLY, ChainWriter, random_chain
from tests.model.test_numpy_engine import assert_equal_to_oracle
from tests.tflite_builder import ModelWriter, schema

CODES = np.arange(-128, 128, dtype=np.int8)
CASES = [(opcode, one) for opcode in FUNCTIONS for one in Rounding if not (opcode in LITERT_ONLY and one == "tflm")]
SCALES = st.floats(-10, 1).map(lambda power: float(np.float32(2**power)))
ZERO_POINTS = st.integers(-128, 127)


def of_all_codes(opcode: str, ends: list[tuple[float, int]], alpha: float) -> tuple[bytes, bytes]:
    """Return a model of nothing but `opcode`, on 256 values, and one with a layer of one output behind it."""
    options = schema.LeakyReluOptionsT() if opcode == "LEAKY_RELU" else None
    if options is not None:
        options.alpha = alpha
    files = []
    for with_layer in (False, True):
        writer = ModelWriter()
        first, last = (writer.activation(f"t{scale}", [1, 256], "int8", scale, point) for scale, point in ends)
        writer.operator(opcode, [first], [last], options, version=FUNCTIONS[opcode])
        if with_layer:
            weights = writer.constant("w", np.ones((1, 256), np.int8), 0.5)
            sums = writer.activation("sum", [1, 1], "int8", 1e6)
            writer.operator("FULLY_CONNECTED", [last, weights, -1], [sums], schema.FullyConnectedOptionsT(), version=4)
            last = sums
        files.append(writer.pack([first], [last]))
    return files[0], files[1]


@pytest.mark.parametrize(("opcode", "rounding"), CASES)
@settings(max_examples=40, deadline=None)
@example((1.0, 0), 0.0, 0, -0.5)
@example((1.0, 0), 1.0, 0, -0.75)
@given(st.tuples(SCALES, ZERO_POINTS), st.floats(-2.5, 4), ZERO_POINTS, st.floats(-1, 2))
def test_every_value_is_that_of_the_interpreter(
    opcode: str, rounding: Rounding, first: tuple[float, int], power: float, point: int, alpha: float
) -> None:
    last = (1 / 256, -128) if opcode == "LOGISTIC" else (float(np.float32(first[0] * 2**power)), point)
    alone, model = of_all_codes(opcode, [first, last], alpha)
    expected = ORACLES[rounding](alone, CODES[None])[0]

    step = lower(read_tflite(model), rounding).steps[0]
    if isinstance(step, TableStep):
        np.testing.assert_array_equal(step.values, expected)
    else:
        np.testing.assert_array_equal(CODES, expected, err_msg="dropped, since it changes nothing")


@pytest.mark.parametrize("name", ["exp", "tanh"])
def test_without_cs_function_it_is_the_correctly_rounded_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.linspace(-200, 80, 256, dtype=np.float32)
    own = in_float32(name, values)
    monkeypatch.setattr(table, "_c_function", lambda name: None)
    np.testing.assert_allclose(in_float32(name, values), own, rtol=3e-7)


CHAINS = [
    (8, "TANH", 5),
    ("QUANTIZE", 8, "HARD_SWISH", 6, "LOGISTIC"),
    (8, "LEAKY_RELU", 6, "RELU6", 5, "QUANTIZE"),
    ("LEAKY_RELU", "TANH", 9, "RELU", "LOGISTIC", 3, "TANH", "QUANTIZE"),
]


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("words", CHAINS)
def test_a_chain_of_layers_and_functions_is_exact(words: tuple[str | int, ...], rounding: Rounding) -> None:
    for seed in range(4):
        assert_equal_to_oracle(random_chain(seed, words), rounding, seed)


def test_neurons_without_effect_are_taken_out_across_a_function() -> None:
    chain = ChainWriter(1, 6)
    chain.dense(9)
    buffer = chain.writer._buffers[-1]
    buffer.data = np.where(np.arange(9 * 6) // 6 == 4, 0, buffer.data).astype(np.uint8)  # one row of zeros
    chain.function("TANH")
    chain.dense(4)
    network = lower(read_tflite(chain.pack()))

    smaller, inputs = simplify(network), hard_inputs(6, count=60)
    assert [layer.outputs for layer in smaller.layers] == [8, 4]
    np.testing.assert_array_equal(run(smaller, inputs), run(network, inputs))


@pytest.mark.parametrize(("opcode", "activation"), [("RELU", "RELU"), ("RELU6", "RELU6"), ("QUANTIZE", "NONE")])
def test_what_only_keeps_within_limits_is_the_layers_clamp(opcode: str, activation: str) -> None:
    chain = ChainWriter(3, 7)
    chain.dense(5)
    chain.function(opcode, keeps_scale=True)
    network = lower(read_tflite(chain.pack()))

    (layer,) = network.steps
    assert isinstance(layer, DenseLayer)
    assert layer.activation == activation
    point = network.output.zero_point
    assert layer.clamp_low == (INT8_MIN if opcode == "QUANTIZE" else point)
    assert_equal_to_oracle(chain.pack(), Rounding.LITERT)
    why = "changes nothing" if opcode == "QUANTIZE" else "the layer before it does the same"
    assert network.dropped == (f"operator 1 ({opcode}): {why}",)


@pytest.mark.parametrize("words", CHAINS)
def test_the_runtimes_are_not_further_apart_than_the_bound(words: tuple[str | int, ...]) -> None:
    for seed in range(4):
        content, inputs = random_chain(seed, words), hard_inputs(13, seed, count=60)
        one, other = (run(lower(read_tflite(content), rounding), inputs).astype(np.int64) for rounding in Rounding)
        assert np.abs(one - other).max() <= rounding_bound(lower(read_tflite(content)))
