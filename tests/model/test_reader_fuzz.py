"""Whatever the bytes, the model's room answers with a network or with one sentence: no traceback, no hang, no flood.

What a file can be is taken from the table of refusals, which has one of every kind, and from whole models.
"""

from __future__ import annotations

import random
import struct
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgedigits.engine.source import render_engine
from edgedigits.errors import DataError, EdgedigitsError, UnsupportedModelError
from edgedigits.model.contract import contract_violations
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.packing import choose
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.summary import summarize
from tests.model.one_layer import Layer, layer, whole
from tests.model.random_chains import random_chain
from tests.model.refusals import TABLE
from tests.model.test_cast import cast_model
from tests.model.test_sparse import directly_sparse, pruned_model
from tests.tflite_builder import ModelWriter, random_mlp

SECONDS = 5
MOST_BYTES = 32 << 20


@cache
def corpus() -> tuple[bytes, ...]:
    """Whole files of every kind."""
    full = {"softmax": True, "per_channel": True, "input_shape": (1, 3, 4)}
    models = (
        random_mlp(1, (12, 4, 10), io="float32", **full),
        random_mlp(1, (12, 4, 10), dynamic_batch=True, keras_flatten=True, **full),
        random_mlp(2, (6, 3, 2), activations=["relu6", "none"]),
        random_chain(1, (5, "@0", 5, "+1", "TANH", 5, "+4", "LOGISTIC"), 6),
        pruned_model(0)[0],
        pruned_model(4)[0],
        directly_sparse(1, True, 0.03),
        cast_model([(1.0, -128)] * 2, inputs=4),
    )
    return (*models, *(refused.make() for refused in TABLE.values()))


def survives(content: bytes, *, to_the_end: bool = False) -> None:
    """Go through every room that a file passes; `to_the_end` writes C for what can be run."""
    try:
        graph = read_tflite(content)
    except (DataError, UnsupportedModelError) as error:
        assert error.hint
        assert "\n" not in error.message
        return
    summarize(graph)
    contract_violations(graph)
    for rounding in Rounding:
        try:
            network = simplify(lower(graph, rounding))
        except UnsupportedModelError as error:
            assert error.hint
            assert "\n" not in error.message
            continue
        if to_the_end:
            try:
                render_engine(network, choose(network))
            except EdgedigitsError as error:
                assert error.hint


files = st.sampled_from(range(8 + len(TABLE))).map(lambda index: corpus()[index])
words = st.sampled_from(
    [0, 1, 2, 3, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF, 1 << 16, 0x7F800000, 0x7FC00000, 1]
)


@settings(max_examples=300, deadline=SECONDS * 1000)
@given(files, st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 7)), min_size=1, max_size=8))
def test_flipped_bits(content: bytes, flips: list[tuple[int, int]]) -> None:
    changed = bytearray(content)
    for position, bit in flips:
        changed[position % len(changed)] ^= 1 << bit
    survives(bytes(changed))


@settings(max_examples=300, deadline=SECONDS * 1000)
@given(files, st.lists(st.tuples(st.integers(0, 1 << 20), words), min_size=1, max_size=4))
def test_changed_offsets_lengths_and_scales(content: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(content)
    for position, word in changes:
        struct.pack_into("<I", changed, 4 * (position % (len(changed) // 4)), word)
    survives(bytes(changed))


@settings(max_examples=100, deadline=SECONDS * 1000)
@given(files, st.integers(0, 1 << 20))
def test_cut_short(content: bytes, length: int) -> None:
    survives(content[: length % len(content)])


@settings(max_examples=100, deadline=SECONDS * 1000)
@given(st.binary(max_size=400))
@example(b"")
def test_random_bytes_behind_a_valid_identifier(tail: bytes) -> None:
    survives(b"\x10\x00\x00\x00TFL3" + tail)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(5))
def test_two_thousand_seeded_files(batch: int) -> None:
    """The same every time, through to the text of the C; 10,000 in all."""
    chance = random.Random(batch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2000):
            survives(_damaged(chance), to_the_end=True)


def _damaged(chance: random.Random) -> bytes:
    content = bytearray(chance.choice(corpus()))
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(content))
        kind = chance.randrange(4)
        if kind == 0:
            content[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            content[at] = chance.randrange(256)
        elif kind == 2:
            struct.pack_into(
                "<i",
                content,
                at // 4 * 4 if at // 4 * 4 + 4 <= len(content) else 0,
                chance.choice((-1, 0, 1, 3, 2**31 - 1, -(2**31), 10**6)),
            )
        elif len(content) > 100:
            del content[at : at + chance.choice((1, 4, 40))]
    return bytes(content)


def _shaped(*lengths: int) -> Callable[[Layer], None]:
    def change(model: Layer) -> None:
        for index in (*model.inputs, *model.outputs):
            model.tensor(index).shape = np.array(lengths, np.int32)

    return change


def _constant_of(kind: str, **changes: object) -> bytes:
    writer = ModelWriter()
    index = writer.constant("w", np.zeros(16, np.int8), 0.5)
    tensor = writer.tensors[index]
    tensor.type, tensor.shape = getattr(schema.TensorType, kind), np.array([10**6, 10**6], np.int32)
    for name, value in changes.items():
        setattr(tensor, name, value)
    return writer.pack([index], [index])


def promises() -> Iterator[bytes]:
    """Files of some hundred bytes that speak of 10¹² numbers."""
    yield layer(_shaped(10**6, 10**6))()
    yield layer(_shaped(1, 10**6, 10**6))()
    yield whole(
        lambda model: (model.outputs.clear(), model.outputs.extend(model.inputs), _shaped(2**31 - 1, 2**31 - 1)(model))
    )()
    for kind in ("INT8", "INT4", "FLOAT32", "STRING", "BFLOAT16"):
        yield _constant_of(kind)
    yield _constant_of("INT8", sparsity=schema.SparsityParametersT())
    yield _huge_reshape()


def _huge_reshape() -> bytes:
    writer = ModelWriter()
    first, last = writer.activation("x", [1, 4], "int8", 0.5), writer.activation("y", [10**6, 10**6], "int8", 0.5)
    writer.operator("RESHAPE", [first, writer.constant("shape", np.array([10**6, 10**6], np.int32))], [last])
    return writer.pack([first], [last])


@pytest.mark.parametrize("number", range(len(list(promises()))))
def test_what_a_file_promises_takes_no_memory(number: int) -> None:
    content = list(promises())[number]
    tracemalloc.start()
    try:
        survives(content, to_the_end=True)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
