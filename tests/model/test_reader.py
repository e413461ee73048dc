"""The reader says what the interpreter says, and what is wrong with a file that is none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgedigits.errors import DataError, UnsupportedModelError
from edgedigits.model.ir import NO_TENSOR
from edgedigits.model.reader import read_tflite
from edgedigits.model.summary import summarize
from tests.model.one_layer import layer, quantized
from tests.tflite_builder import ModelWriter, build_mlp, random_mlp, schema

SIZES = (20, 6, 10)
VARIANTS: dict[str, dict[str, Any]] = {
    "int8": {},
    "uint8": {"io": "uint8"},
    "float io": {"io": "float32"},
    "per channel": {"per_channel": True},
    "softmax": {"softmax": True},
    "dynamic batch": {"dynamic_batch": True},
    "float": {"float_model": True},
    "reshape": {"input_shape": (1, 4, 5)},
    "all at once": {
        "io": "float32",
        "softmax": True,
        "per_channel": True,
        "input_shape": (1, 4, 5),
        "dynamic_batch": True,
    },
}


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS.keys())
def test_tensors_are_those_of_the_interpreter(options: dict[str, Any]) -> None:
    content = random_mlp(1, SIZES, **options)
    graph = read_tflite(content)
    # Not allocated: LiteRT then rewrites per-tensor weights as per-channel ones.
    interpreter = Interpreter(model_content=content)
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    for tensor in graph.tensors:
        detail = details[tensor.index]
        quantization = detail["quantization_parameters"]
        assert tensor.name == detail["name"]
        assert tensor.shape == tuple(detail["shape"])
        assert tensor.shape_signature == tuple(detail["shape_signature"])
        assert tensor.dtype == np.dtype(detail["dtype"]).name
        np.testing.assert_array_equal(tensor.scales, quantization["scales"])
        np.testing.assert_array_equal(tensor.zero_points, quantization["zero_points"])
        assert tensor.quantized_dimension == quantization["quantized_dimension"]
        if tensor.data is not None:
            np.testing.assert_array_equal(tensor.data, interpreter.get_tensor(tensor.index))
    assert graph.inputs == tuple(detail["index"] for detail in interpreter.get_input_details())
    assert graph.outputs == tuple(detail["index"] for detail in interpreter.get_output_details())


def test_operators_are_those_that_were_written() -> None:
    graph = read_tflite(random_mlp(1, SIZES, io="float32", softmax=True, input_shape=(1, 4, 5)))
    opcodes = [operator.opcode for operator in graph.operators]
    assert opcodes == ["QUANTIZE", "RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX", "DEQUANTIZE"]
    assert [operator.activation for operator in graph.operators] == [
        "NONE",
        "NONE",
        "RELU",
        "NONE",
        "NONE",
        "NONE",
    ]
    assert graph.operators[2].options["keep_num_dims"] is False
    assert graph.operators[2].version == 4
    assert graph.operators[4].options["beta"] == 1.0


def test_a_graph_knows_its_file(tmp_path: Path) -> None:
    content = random_mlp(1, SIZES, description="made by a test")
    path = tmp_path / "small.tflite"
    path.write_bytes(content)
    graph = read_tflite(path)
    assert (graph.name, graph.content, graph.size) == (str(path), content, len(content))
    assert graph.digest == hashlib.sha256(content).hexdigest()
    assert graph.description == "made by a test"
    assert read_tflite(content).name == "model.tflite"
    assert read_tflite(path, "yours").name == "yours"
    (signature,) = graph.signatures
    assert (signature.key, signature.inputs["input_0"]) == ("serving_default", graph.inputs[0])
    assert signature.outputs["output_0"] == graph.outputs[0]


def test_a_missing_bias_is_no_tensor() -> None:
    graph = read_tflite(build_mlp([np.ones((10, 20), np.int8)], [None]))
    assert graph.operators[0].inputs[2] == NO_TENSOR


def test_a_custom_operator_keeps_its_name() -> None:
    (*_, last) = read_tflite(random_mlp(1, SIZES, extra_op="MyOp")).operators
    assert (last.opcode, last.custom_code, last.label) == ("CUSTOM", "MyOp", "operator 2 (CUSTOM 'MyOp')")


def test_only_the_first_subgraph_is_read_and_the_rest_counted() -> None:
    graph = read_tflite(random_mlp(1, SIZES, subgraphs=3))
    assert (graph.subgraphs, len(graph.operators)) == (3, 2)


def test_packed_four_bit_weights_are_widened() -> None:
    writer = ModelWriter()
    # Low nibble first: 0x1F holds -1 and 1, 0x8E holds -2 and -8, 0x07 holds 7 and a nibble that fills up.
    index = writer.constant("w", np.array([0x1F, 0x8E, 0x07], np.uint8))
    packed = writer.tensors[index]
    packed.type, packed.shape = schema.TensorType.INT4, np.array([5], np.int32)
    (tensor,) = read_tflite(writer.pack([], [])).tensors
    assert (tensor.dtype, tensor.nbytes) == ("int4", 3)
    assert tensor.data is not None
    assert tensor.data.tolist() == [-1, 1, -2, -8, 7]


def test_sparse_weights_are_known_but_not_read() -> None:
    writer = ModelWriter()
    index = writer.constant("w", np.array([5, 6], np.int8))
    writer.tensors[index].shape = np.array([10, 20], np.int32)
    writer.tensors[index].sparsity = schema.SparsityParametersT()
    (tensor,) = read_tflite(writer.pack([], [])).tensors
    assert tensor.is_sparse
    assert tensor.is_constant
    assert tensor.data is None


@pytest.mark.parametrize(
    ("content", "what", "remedy"),
    [
        (b"", "the file is empty", "again"),
        (b"\x1c\x00\x00", "not a .tflite model", ".tflite"),
        (b"just a text file, longer than a header", "not a .tflite model", "converter"),
        (b"\x1c\x00\x00\x00TFL3", "damaged or cut short", "again"),
        (b"\xff\xff\xff\xffTFL3" + bytes(64), "damaged or cut short", "again"),
    ],
)
def test_a_file_that_is_none_is_a_data_error(tmp_path: Path, content: bytes, what: str, remedy: str) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    for source in (path, content):
        with pytest.raises(DataError, match=what) as caught:
            read_tflite(source, "bad.tflite")
        assert caught.value.message.startswith("bad.tflite: ")
        assert remedy in caught.value.hint


@pytest.mark.parametrize("path", [Path("missing.tflite"), Path(), Path("null\0byte")])
def test_a_path_that_cannot_be_read_is_a_data_error(path: Path) -> None:
    with pytest.raises(DataError):
        read_tflite(path)


def test_half_a_file_is_a_data_error() -> None:
    content = random_mlp(1, SIZES)
    with pytest.raises(DataError, match="damaged or cut short"):
        read_tflite(content[: len(content) // 2])


def test_a_bias_of_2019_with_the_axis_of_its_weights_is_no_damage() -> None:
    """Converters then wrote 3, the axis of depthwise weights, into vectors; TFLM's person_detect is such a file."""
    content = layer(
        quantized("bias", scale=np.full(3, 0.125, np.float32), zeroPoint=np.zeros(3, np.int64), quantizedDimension=3)
    )()
    bias = read_tflite(content).tensors[2]

    assert (bias.shape, bias.quantized_dimension, len(bias.scales)) == ((3,), 0, 3)
    summarize(read_tflite(content))


def test_zero_points_without_a_scale_mean_nothing() -> None:
    content = layer(quantized("bias", scale=None, zeroPoint=np.zeros(3, np.int64)))()

    assert not read_tflite(content).tensors[2].is_quantized


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (quantized("weights", scale=np.full(2, 0.5, np.float32)), "tensor 1 'w': it has 2 scales on axis 0 of [3, 4]"),
        (quantized("weights", scale=np.full(3, -0.5, np.float32)), "quantization scale that is negative or not finite"),
        (quantized("weights", zeroPoint=np.full(1, 999, np.int64)), "a zero point outside the range of int8"),
        (lambda model: model.outputs.append(99), "the model's outputs point to tensor 99 of 4"),
        (lambda model: setattr(model.tensor(3), "buffer", 3), "tensor 3 'y' points to buffer 3 of 3"),
    ],
)
def test_what_cannot_be_true_is_told_as_that_and_not_as_damage(change: Any, what: str) -> None:
    with pytest.raises(DataError, match=r"^m\.tflite: the model contradicts itself: ") as caught:
        read_tflite(layer(change)(), "m.tflite")
    assert what in caught.value.message
    assert caught.value.hint.startswith("Convert the model again")


def packed(change: Callable[[schema.ModelT], None]) -> bytes:
    """A file of one tensor and one operator, after `change` of the whole model."""
    writer = ModelWriter()
    index = writer.activation("x", [1, 4], "int8")
    writer.operator("RELU", [index], [index])
    model = schema.ModelT.InitFromPackedBuf(writer.pack([index], [index]), 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _far_buffer(model: schema.ModelT) -> None:
    model.buffers[0].offset, model.buffers[0].size = 100, 10**12


@pytest.mark.parametrize(
    ("content", "error", "what"),
    [
        (lambda: packed(lambda model: setattr(model, "version", 2)), UnsupportedModelError, "the model has schema version 2, only 3"),
        (lambda: packed(lambda model: model.subgraphs.clear()), DataError, "damaged or cut short: it has no subgraph"),
        (lambda: packed(_far_buffer), DataError, "damaged or cut short: a buffer of 1000000000000 bytes at 100 ends behind"),
        (
            lambda: packed(lambda model: setattr(model.subgraphs[0].operators[0], "opcodeIndex", 1)),
            DataError,
            "contradicts itself: operator 0 has opcode 1 of 1",
        ),
        (
            lambda: packed(lambda model: setattr(model.signatureDefs[0].inputs[0], "tensorIndex", 9)),
            DataError,
            "contradicts itself: signature 'serving_default' point to tensor 9 of 1",
        ),
        (lambda: one_name_from_many_places(70_000, 4), DataError, "damaged or cut short: it claims to have 70000 tensors"),
        (lambda: more_tensors_than_fit(), DataError, "damaged or cut short: it claims to have 120 tensors"),
        (lambda: one_name_from_many_places(4000, 200_000), DataError, "damaged or cut short: its parts overlap"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named(content: Callable[[], bytes], error: type[Exception], what: str) -> None:
    with pytest.raises(error) as caught:
        read_tflite(content(), "m.tflite")
    assert str(caught.value).startswith("m.tflite: ") and what in str(caught.value)


def one_name_from_many_places(names: int, length: int) -> bytes:
    """A file whose tensors all point to one long name; reading it each time could take gigabytes."""
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


def more_tensors_than_fit() -> bytes:
    """A file of less than 480 bytes, whose list of ten tensors says that it has 120."""
    content = bytearray(one_name_from_many_places(10, 4))
    assert len(content) < 4 * 120
    # The list's length is followed by ten offsets, each four smaller than the one before, to the same tensor.
    words = np.frombuffer(bytes(content[: len(content) // 4 * 4]), "<u4")
    [place] = [
        at
        for at in range(len(words) - 10)
        if words[at] == 10 and set(np.diff(words[at + 1 : at + 11].astype(int))) == {-4}
    ]
    content[4 * place : 4 * place + 4] = (120).to_bytes(4, "little")
    return bytes(content)


def test_options_that_are_promised_and_left_out_are_none() -> None:
    writer = ModelWriter()
    index = writer.activation("x", [1, 4], "int8")
    writer.operator("FULLY_CONNECTED", [index], [index])
    writer._operators[0].builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    (operator,) = read_tflite(writer.pack([index], [index])).operators

    assert (operator.opcode, dict(operator.options)) == ("FULLY_CONNECTED", {})


def test_data_that_does_not_fill_its_shape_is_named() -> None:
    writer = ModelWriter()
    index = writer.constant("w", np.zeros((4, 4), np.int8))
    writer.tensors[index].shape = np.array([4, 5], np.int32)
    with pytest.raises(DataError, match=r"tensor 0 'w': 16 bytes of data, but int8 \[4, 5\] takes 20"):
        read_tflite(writer.pack([], []))


def test_an_operator_that_points_nowhere_is_named() -> None:
    writer = ModelWriter()
    index = writer.activation("x", [1, 4], "int8")
    writer.operator("RELU", [index], [9])
    with pytest.raises(DataError, match=r"the outputs of operator 0 \(RELU\) point to tensor 9 of 1"):
        read_tflite(writer.pack([index], [index]))


def test_weights_in_another_file_are_unsupported() -> None:
    writer = ModelWriter()
    index = writer.activation("w", [4, 4], "int8")
    writer.tensors[index].externalBuffer = 1
    with pytest.raises(UnsupportedModelError, match="tensor 0 'w' keeps its values in another file"):
        read_tflite(writer.pack([], []))
