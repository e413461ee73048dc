"""Whatever the bytes, the reader answers with a graph or with one sentence: no traceback, no hang."""

from __future__ import annotations

import struct

from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgedigits.errors import DataError, UnsupportedModelError
from edgedigits.model.contract import contract_violations
from edgedigits.model.reader import read_tflite
from edgedigits.model.summary import summarize
from tests.tflite_builder import random_mlp

VALID = random_mlp(1, (12, 4, 10), io="float32", softmax=True, per_channel=True, input_shape=(1, 3, 4))
SECONDS = 5

positions = st.integers(0, len(VALID) - 1)
flips = st.lists(st.tuples(positions, st.integers(0, 255)), min_size=1, max_size=8)
words = st.sampled_from([0, 1, 2, 3, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF, len(VALID), 1 << 16])


def survives(content: bytes) -> None:
    try:
        graph = read_tflite(content)
    except (DataError, UnsupportedModelError) as error:
        assert error.hint
        assert "\n" not in error.message
        return
    summarize(graph)
    contract_violations(graph)


@settings(max_examples=300, deadline=SECONDS * 1000)
@given(flips)
def test_changed_bytes(changes: list[tuple[int, int]]) -> None:
    content = bytearray(VALID)
    for position, value in changes:
        content[position] = value
    survives(bytes(content))


@settings(max_examples=300, deadline=SECONDS * 1000)
@given(st.lists(st.tuples(st.integers(0, len(VALID) // 4 - 1), words), min_size=1, max_size=4))
def test_changed_offsets_and_lengths(changes: list[tuple[int, int]]) -> None:
    content = bytearray(VALID)
    for position, word in changes:
        struct.pack_into("<I", content, 4 * position, word)
    survives(bytes(content))


@settings(max_examples=100, deadline=SECONDS * 1000)
@given(positions)
def test_cut_short(length: int) -> None:
    survives(VALID[:length])


@settings(max_examples=100, deadline=SECONDS * 1000)
@given(st.binary(max_size=400))
@example(b"")
def test_random_bytes_behind_a_valid_identifier(tail: bytes) -> None:
    survives(b"\x10\x00\x00\x00TFL3" + tail)


def test_a_table_that_repeats_itself_does_not_multiply_the_work() -> None:
    # A file may point to one long name from thousands of places; reading it each time would take gigabytes.
    survives(_many_references_to_one_name(names=4000, length=200_000))


def _many_references_to_one_name(names: int, length: int) -> bytes:
    import flatbuffers  # type: ignore[import-untyped]
    from ai_edge_litert import schema_py_generated as schema

    builder = flatbuffers.Builder(1024)
    name = builder.CreateString("x" * length)
    schema.TensorStart(builder)
    schema.TensorAddName(builder, name)
    tensor = schema.TensorEnd(builder)
    schema.SubGraphStartTensorsVector(builder, names)
    for _ in range(names):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    subgraph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(subgraph)
    subgraphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, subgraphs)
    builder.Finish(schema.ModelEnd(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
