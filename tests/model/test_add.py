"""ADD is the runtimes' own on all 65,536 pairs of codes, and brings branches together without touching what they share."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.ops.add import Add
from edgedigits.model.reader import read_tflite
from edgedigits.model.rounding_bound import rounding_bound
from edgedigits.model.simplify import simplify
from tests.model.oracles import ARENA_BYTES, hard_inputs
from tests.model.random_chains import BRANCHES, ChainWriter, random_chain
from tests.model.test_numpy_engine import assert_equal_to_oracle
from tests.tflite_builder import ModelWriter, schema

CODES = np.arange(-128, 128, dtype=np.int8)
PAIRS = [np.repeat(CODES, 256)[None], np.tile(CODES, 256)[None]]
SCALES = st.floats(-8, 4).map(lambda power: float(np.float32(2**power)))
ENDS = st.tuples(SCALES, st.integers(-128, 127))
ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU6": 3}


def options(activation: str):
    found = schema.AddOptionsT()
    found.fusedActivationFunction = ACTIVATIONS[activation]
    return found


def of_two(ends: list[tuple[float, int]], activation: str, size: int = PAIRS[0].size) -> bytes:
    """Return a model of two inputs and nothing but their sum."""
    writer = ModelWriter()
    one, other, total = (writer.activation(f"t{number}", [1, size], "int8", *end) for number, end in enumerate(ends))
    writer.operator("ADD", [one, other], [total], options(activation), version=2)
    return writer.pack([one, other], [total])


def lowered(ends: list[tuple[float, int]], activation: str, rounding: Rounding) -> Add:
    """Return the same sum from a model of one input, which is the first operand and, requantized, the second."""
    writer = ModelWriter()
    one, other, total = (writer.activation(f"t{number}", [1, 2], "int8", *end) for number, end in enumerate(ends))
    last = writer.activation("last", [1, 1], "int8", 1e6)
    weights = writer.constant("w", np.ones((1, 2), np.int8), 0.5)
    writer.operator("QUANTIZE", [one], [other], schema.QuantizeOptionsT(), version=2)
    writer.operator("ADD", [one, other], [total], options(activation), version=2)
    writer.operator("FULLY_CONNECTED", [total, weights, -1], [last], schema.FullyConnectedOptionsT(), version=4)
    [step] = [step for step in lower(read_tflite(writer.pack([one], [last])), rounding).steps if isinstance(step, Add)]
    return step


def litert(content: bytes) -> NDArray[np.int8]:
    resolver = OpResolverType.BUILTIN_REF
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    for details, values in zip(interpreter.get_input_details(), PAIRS, strict=True):
        interpreter.set_tensor(details["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def tflm(content: bytes) -> NDArray[np.int8]:
    runtime = pytest.importorskip("tflite_micro").runtime
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA_BYTES)
    for number, values in enumerate(PAIRS):
        interpreter.set_input(values, number)
    interpreter.invoke()
    return interpreter.get_output(0)


@pytest.mark.parametrize(("rounding", "oracle"), [(Rounding.LITERT, litert), (Rounding.TFLM, tflm)])
@settings(max_examples=60, deadline=None)
@example([(1.0, 0), (1.0, 0), (1.0, 0)], "NONE")
@example([(1.0, -128), (0.25, 127), (2.0, 3)], "RELU6")
@given(st.lists(ENDS, min_size=3, max_size=3), st.sampled_from(list(ACTIVATIONS)))
def test_every_pair_gives_what_the_interpreter_gives(rounding, oracle, ends, activation: str) -> None:
    step = lowered(ends, activation, rounding)
    np.testing.assert_array_equal(step.run(PAIRS, rounding), oracle(of_two(ends, activation)))


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("words", BRANCHES)
def test_branches_are_exact_and_stay_so_without_dead_neurons(words: tuple[str | int, ...], rounding: Rounding) -> None:
    for seed in range(4):
        assert_equal_to_oracle(random_chain(seed, words), rounding, seed)


@pytest.mark.parametrize("second_reader", [True, False])
def test_a_neuron_without_effect_stays_where_a_branch_reads_it(second_reader: bool) -> None:
    chain = ChainWriter(1, 6)
    first = chain.dense(9)
    buffer = chain.writer._buffers[-1]
    buffer.data = np.where(np.arange(9 * 6) // 6 == 4, 0, buffer.data).astype(np.uint8)  # one row of zeros
    chain.dense(9)
    if second_reader:
        chain.add(first)
    chain.dense(4)
    network, inputs = lower(read_tflite(chain.pack())), hard_inputs(6, count=60)

    smaller = simplify(network)

    assert smaller.layers[0].outputs == (9 if second_reader else 8)
    np.testing.assert_array_equal(run(smaller, inputs), run(network, inputs))


@pytest.mark.parametrize("words", BRANCHES)
def test_the_runtimes_are_not_further_apart_than_the_bound(words: tuple[str | int, ...]) -> None:
    for seed in range(4):
        content, inputs = random_chain(seed, words), hard_inputs(13, seed, count=60)
        one, other = (run(lower(read_tflite(content), rounding), inputs).astype(np.int64) for rounding in Rounding)
        assert np.abs(one - other).max() <= rounding_bound(lower(read_tflite(content)))
