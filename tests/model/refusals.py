"""One small file for each reason why the engine cannot run a model, and what must be said about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.refusals import Reason
from tests.model.one_layer import Layer, Make, layer, of_type, quantized, whole
from tests.tflite_builder import build_mlp, random_mlp, schema


@dataclass(frozen=True)
class Refused:
    """A file that is refused.

    Attributes:
        make: makes it.
        says: what stands between the file's name and the full stop.
        remedy: a word of the hint.
        rounding: under which it is refused; most are under both.
    """

    make: Make = field(repr=False)
    says: str
    remedy: str = "FULLY_CONNECTED, SOFTMAX"
    rounding: Rounding = Rounding.LITERT


def _between(dtype: str) -> Make:
    """Two layers with a tensor of `dtype` between them."""

    def describe(model: Layer) -> None:
        between = model.activation("between", 4, 1.0, 0, dtype)
        square = model.writer.constant("square", np.eye(4, dtype=np.int8), 0.25)
        model.writer.operator("FULLY_CONNECTED", [model.inputs[0], square, -1], [between], model.options)
        model.dense(between)

    return whole(describe)


def _float_weights(kind: str) -> Make:
    """A float model whose weights a DEQUANTIZE widens first."""

    def describe(model: Layer) -> None:
        for index in (*model.inputs, *model.outputs):
            model.tensor(index).type, model.tensor(index).quantization = schema.TensorType.FLOAT32, None
        scale = 0.25 if kind == "int8" else None
        model.weights = model.writer.constant("stored", np.ones((3, 4), kind), scale)
        wide = model.writer.activation("wide", [3, 4], "float32")
        model.add("DEQUANTIZE", model.weights, wide, schema.DequantizeOptionsT())
        model.weights, model.bias = wide, -1
        model.dense()

    return whole(describe)


def _dynamic_range(model: Layer) -> None:
    for index in (*model.inputs, *model.outputs):
        model.tensor(index).type, model.tensor(index).quantization = schema.TensorType.FLOAT32, None
    model.bias = -1


def _sparse(model: Layer) -> None:
    model.tensor(model.weights).sparsity = schema.SparsityParametersT()


def _densify(model: Layer) -> None:
    _sparse(model)
    dense = model.writer.activation("dense", [3, 4], "int8", 0.25)
    model.add("DENSIFY", model.weights, dense, schema.DensifyOptionsT())
    model.weights = dense
    model.dense()


def _softmax(size: int = 3, scale: float = 1 / 256, beta: float = 1.0) -> Callable[[Layer], None]:
    def describe(model: Layer) -> None:
        model.writer.tensors[model.outputs[0]].shape = np.array([1, size], np.int32)
        options = schema.SoftmaxOptionsT()
        options.beta = beta
        model.weights = model.writer.constant("many", np.ones((size, 4), np.int8), 0.25)
        model.bias = -1
        model.dense()
        end = model.activation("probabilities", size, scale, -128)
        model.add("SOFTMAX", model.outputs[0], end, options)
        model.outputs = [end]

    return describe


def _softmax_first(model: Layer) -> None:
    end = model.activation("early", 4, 1 / 256, -128)
    model.add("SOFTMAX", model.inputs[0], end, schema.SoftmaxOptionsT())
    model.dense(end)


def _softmax_of_rows(model: Layer) -> None:
    column = model.writer.activation("column", [3, 1], "int8", 1.0, 2)
    end = model.writer.activation("probabilities", [3, 1], "int8", 1 / 256, -128)
    model.dense()
    target = model.writer.constant("shape", np.array([3, 1], np.int32))
    model.add("RESHAPE", model.outputs[0], column, schema.ReshapeOptionsT(), target)
    model.add("SOFTMAX", column, end, schema.SoftmaxOptionsT())
    model.outputs = [end]


def _after_softmax(model: Layer) -> None:
    _softmax(4)(model)
    (end,), last = model.outputs, model.activation("last", 3, 1.0)
    model.weights = model.writer.constant("late", np.ones((3, 4), np.int8), 0.25)
    model.dense(end, last)
    model.outputs = [last]


def _reshape(scale: float = 0.5, target: list[int] | None = None) -> Callable[[Layer], None]:
    """A RESHAPE of the input; without `target` its shape is an input of nobody."""

    def describe(model: Layer) -> None:
        flat = model.activation("flat", 4, scale, -3)
        if target is None:
            shape = model.writer.activation("shape", [2], "int32")
        else:
            shape = model.writer.constant("shape", np.array(target, np.int32))
        model.add("RESHAPE", model.inputs[0], flat, schema.ReshapeOptionsT(), shape)
        model.dense(flat)

    return describe


def gathering(
    places: list[int] | None = None, scale: float = 0.5, axis: int = 1, through: str = ""
) -> Callable[[Layer], None]:
    """A GATHER of two inputs before the layer; without `places` they are an input of nobody."""

    def describe(model: Layer) -> None:
        picked = model.activation("picked", 2, scale, -3)
        if places is None:
            indices = model.writer.activation("places", [2], "int32")
        else:
            indices = model.writer.constant("places", np.array(places, np.int32))
        options = schema.GatherOptionsT()
        options.axis = axis
        model.add("GATHER", model.inputs[0], picked, options, indices)
        model.weights = model.writer.constant("few", np.ones((3, 2), np.int8), 0.25)
        source = picked
        if through:
            source = model.activation("through", 2, scale, -3)
            model.add(through, picked, source)
        model.dense(source)

    return describe


def _quantize_inside(model: Layer) -> None:
    other = model.activation("other", 3, 1.0, 130, "uint8")
    last = model.activation("last", 3, 0.7, 0)
    model.dense()
    model.add("QUANTIZE", model.outputs[0], other, schema.QuantizeOptionsT())
    model.add("QUANTIZE", other, last, schema.QuantizeOptionsT())
    model.outputs = [last]


def _uint8_of_another_scale(model: Layer) -> None:
    outer = model.activation("outer", 4, 0.7, 125, "uint8")
    model.add("QUANTIZE", outer, model.inputs[0], schema.QuantizeOptionsT())
    model.dense()
    model.inputs = [outer]


def _ending_in(opcode: str, scale: float, zero_point: int = 0) -> Callable[[Layer], None]:
    def describe(model: Layer) -> None:
        end = model.activation("end", 3, scale, zero_point)
        model.dense()
        model.add(opcode, model.outputs[0], end)
        model.outputs = [end]

    return describe


def _cast_inside(model: Layer) -> None:
    wide = model.writer.activation("wide", [1, 3], "float32")
    model.dense()
    model.add("CAST", model.outputs[0], wide, schema.CastOptionsT())
    model.outputs = [wide]


def _dequantize_inside(model: Layer) -> None:
    wide = model.writer.activation("wide", [1, 4], "float32")
    model.add("DEQUANTIZE", model.inputs[0], wide, schema.DequantizeOptionsT())
    model.dense(wide)


def _multiply(model: Layer) -> None:
    twice = model.activation("twice", 4, 0.5, -3)
    factor = model.writer.constant("factor", np.array(100, np.int8), 0.02)
    model.add("MUL", model.inputs[0], twice, schema.MulOptionsT(), factor)
    model.dense(twice)


def _add(target: list[int] | None = None, scale: float = 1.0) -> Callable[[Layer], None]:
    """The input in another shape, the sum of both, and the layer."""

    def describe(model: Layer) -> None:
        other = model.writer.activation("other", target or [1, 4], "int8", 0.5, -3)
        total = model.activation("sum", 4, scale)
        shape = model.writer.constant("shape", np.array(target or [1, 4], np.int32))
        model.add("RESHAPE", model.inputs[0], other, schema.ReshapeOptionsT(), shape)
        model.add("ADD", model.inputs[0], total, schema.AddOptionsT(), other)
        model.dense(total)

    return describe


def _two_readers(model: Layer) -> None:
    model.dense()
    model.dense(model.inputs[0], model.activation("z", 3, 1.0))


def _batch(model: Layer) -> None:
    for index in (*model.inputs, *model.outputs):
        shape = model.tensor(index).shape
        model.tensor(index).shape = np.array([32, shape[1]], np.int32)


def _rows(model: Layer) -> None:
    model.tensor(model.inputs[0]).shape = np.array([1, 2, 4], np.int32)


def _unwritten(model: Layer) -> None:
    model.dense()
    model.outputs = [model.activation("z", 3, 1.0)]


def _one_operand(model: Layer) -> None:
    model.writer.operator("FULLY_CONNECTED", model.inputs, model.outputs, model.options)


TABLE: dict[Reason, Refused] = {
    Reason.NOT_ONE_END: Refused(
        layer(lambda m: m.outputs.append(m.inputs[0])), "it has 2 outputs, not one", "one input and one output"
    ),
    Reason.END_TYPE: Refused(
        layer(of_type("inputs", "int32")), "tensor 0 'x': it is int32, and an input must be int8, uint8 or float32", "int8"
    ),
    Reason.NO_OPERATOR: Refused(
        lambda: random_mlp(1, (4, 3), extra_op="EXP"), "operator 1 (EXP), tensor 3 'dense/out': the engine has no such operator"
    ),
    Reason.NO_CHAIN: Refused(
        whole(_two_readers),
        "operator 1 (FULLY_CONNECTED), tensor 0 'x': it is not the next link of one chain from input to output",
    ),
    Reason.NO_OUTPUT: Refused(whole(_unwritten), "tensor 4 'z': no operator writes it"),
    Reason.NO_LAYER: Refused(whole(lambda m: setattr(m, "outputs", m.inputs)), "it has no FULLY_CONNECTED layer"),
    Reason.CUT_OPERATOR: Refused(
        whole(_one_operand),
        "operator 0 (FULLY_CONNECTED): it has 1 inputs and 1 outputs, expected 3 and 1",
        "Convert the model again",
    ),
    Reason.FLOAT32: Refused(
        lambda: random_mlp(1, (4, 3), float_model=True),
        "operator 0 (FULLY_CONNECTED), tensor 1 'dense/MatMul': it computes in float32: the weights are float32",
        "edgedigits quantize",
    ),
    Reason.FLOAT16: Refused(
        _float_weights("float16"),
        "operator 0 (DEQUANTIZE), tensor 4 'stored': the weights are float16, and what they are multiplied with is float32",
        "edgedigits quantize",
    ),
    Reason.WIDENED: Refused(
        _float_weights("int8"),
        "operator 0 (DEQUANTIZE), tensor 4 'stored': the weights are stored as integers and widened to float32 before they are used",
        "edgedigits quantize",
    ),
    Reason.DYNAMIC_RANGE: Refused(
        layer(_dynamic_range),
        "operator 0 (FULLY_CONNECTED), tensor 1 'w': the weights are int8, but it computes in float32 (dynamic-range quantization)",
        "edgedigits quantize",
    ),
    Reason.INT16: Refused(
        layer(of_type("inputs", "int16")),
        "tensor 0 'x': it is int16: the activations have 16 bits, and the engine's have 8",
        "instead of int16 activations",
    ),
    Reason.UINT8: Refused(
        _between("uint8"),
        "operator 0 (FULLY_CONNECTED), tensor 4 'between': it is uint8 inside the model: the quantization of TensorFlow 1",
        "representative_dataset",
    ),
    Reason.SPARSE_TFLM: Refused(
        layer(_sparse),
        "operator 0 (FULLY_CONNECTED), tensor 1 'w': it is sparse without a DENSIFY, which TensorFlow Lite Micro cannot read",
        "EXPERIMENTAL_SPARSITY",
        rounding=Rounding.TFLM,
    ),
    Reason.SPARSE: Refused(
        whole(_densify),
        "operator 0 (DENSIFY), tensor 1 'w': it is stored in a sparse format that cannot be unpacked",
        "EXPERIMENTAL_SPARSITY",
    ),
    Reason.CAST: Refused(
        whole(_cast_inside),
        "operator 1 (CAST), tensor 3 'y': from int8 to float32, and only a uint8 input without quantization can be cast, to float32",
    ),
    Reason.NOT_INT8: Refused(
        _between("int32"), "operator 0 (FULLY_CONNECTED), tensor 4 'between': it is int32, expected int8", "representative_dataset"
    ),
    Reason.NO_SCALE: Refused(
        layer(quantized("outputs", scale=np.zeros(1, np.float32))),
        "operator 0 (FULLY_CONNECTED), tensor 3 'y': it needs one quantization scale above 0",
    ),
    Reason.NO_WEIGHTS: Refused(
        layer(lambda m: setattr(m, "weights", m.writer.activation("computed", [3, 4], "int8", 0.25))),
        "operator 0 (FULLY_CONNECTED), tensor 4 'computed': its weights are not a constant",
    ),
    Reason.WEIGHTS_TYPE: Refused(
        layer(of_type("weights", "uint8")),
        "operator 0 (FULLY_CONNECTED), tensor 1 'w': weights are uint8 [3, 4], not int8 [m, n]",
    ),
    Reason.WEIGHTS_SCALES: Refused(
        layer(lambda m: setattr(m.tensor(m.weights), "quantization", None)),
        "operator 0 (FULLY_CONNECTED), tensor 1 'w': weights need quantization scales",
    ),
    Reason.WEIGHTS_ZERO_POINTS: Refused(
        layer(quantized("weights", zeroPoint=np.array([1], np.int64))),
        "operator 0 (FULLY_CONNECTED), tensor 1 'w': weights need zero points of 0, and have 1",
    ),
    Reason.WEIGHTS_AXIS: Refused(
        layer(quantized("weights", scale=np.full(4, 0.25, np.float32), zeroPoint=np.zeros(4, np.int64), quantizedDimension=1)),
        "operator 0 (FULLY_CONNECTED), tensor 1 'w': per-channel scales must run along the outputs, axis 0, not axis 1",
    ),
    Reason.SHUFFLED: Refused(
        layer(lambda m: setattr(m.options, "weightsFormat", 1)),
        "operator 0 (FULLY_CONNECTED), tensor 0 'x': shuffled weights are not supported",
    ),
    Reason.ACTIVATION: Refused(
        layer(lambda m: setattr(m.options, "fusedActivationFunction", 2)),
        "operator 0 (FULLY_CONNECTED), tensor 3 'y': fused RELU_N1_TO_1 is not supported",
    ),
    Reason.BIAS: Refused(
        layer(lambda m: setattr(m.tensor(m.bias), "shape", np.array([1, 3], np.int32)), of_type("bias", "float32")),
        "operator 0 (FULLY_CONNECTED), tensor 2 'b': the bias is float32 [1, 3], expected a constant int32 [3]",
    ),
    Reason.BIAS_SCALE: Refused(
        layer(quantized("bias", scale=np.array([0.25], np.float32))),
        "operator 0 (FULLY_CONNECTED), tensor 2 'b': the bias has scale 0.25, expected input scale × weight scale = 0.125",
        "Convert the model again",
    ),
    Reason.FIXED_BATCH: Refused(
        layer(_batch), "operator 0 (FULLY_CONNECTED), tensor 0 'x': it has a fixed batch of 32", "batch of 1"
    ),
    Reason.ROWS: Refused(
        layer(_rows),
        "operator 0 (FULLY_CONNECTED), tensor 0 'x': it has 8 elements for weights [3, 4]: the engine runs one row of 4",
    ),
    Reason.SHAPE: Refused(
        layer(lambda m: setattr(m.tensor(m.outputs[0]), "shape", np.array([1, 5], np.int32))),
        "operator 0 (FULLY_CONNECTED), tensor 3 'y': the file says that it has shape [1, 5], but what is computed has [1, 3]",
        "Convert the model again",
    ),
    Reason.FOLDED_BIAS: Refused(
        lambda: build_mlp([np.ones((3, 4), np.int8)], [np.full(3, 2**31 - 1, np.int32)]),
        "operator 0 (FULLY_CONNECTED), tensor 1 'dense/MatMul': the bias with the input's zero point folded in is beyond int32",
    ),
    Reason.ACCUMULATOR: Refused(
        lambda: build_mlp([np.full((2, 9), 127, np.int8)], [np.array([0, 2**31 - 200_000], np.int32)]),
        "operator 0 (FULLY_CONNECTED), tensor 1 'dense/MatMul': "
        "the accumulator of output 1 can reach 2,147,283,648 or 2,147,575,113, beyond int32",
    ),
    Reason.SHIFTED: Refused(
        lambda: build_mlp([np.full((1, 9), 127, np.int8)], [None], activation_scales=[2e-9]),
        "operator 0 (FULLY_CONNECTED), tensor 2 'dense/out': its scale is so small that shifting an accumulator overflows",
        rounding=Rounding.TFLM,
    ),
    Reason.RESCALED: Refused(
        lambda: build_mlp([np.full((2, 9), 127, np.int8)], [None], activation_scales=[1e-10]),
        "operator 0 (FULLY_CONNECTED), tensor 2 'dense/out': its scale is so small that rescaled accumulators overflow",
    ),
    Reason.AFTER_SOFTMAX: Refused(
        whole(_after_softmax),
        "operator 2 (FULLY_CONNECTED), tensor 5 'probabilities': a layer after SOFTMAX is not supported",
    ),
    Reason.SOFTMAX_PLACE: Refused(
        whole(_softmax_first), "operator 0 (SOFTMAX), tensor 0 'x': a SOFTMAX must follow the last layer"
    ),
    Reason.SOFTMAX_SIZE: Refused(
        whole(_softmax(1025)), "operator 1 (SOFTMAX), tensor 3 'y': a SOFTMAX of more than 1024 scores is not supported"
    ),
    Reason.SOFTMAX_ROWS: Refused(
        whole(_softmax_of_rows),
        "operator 2 (SOFTMAX), tensor 4 'column': a SOFTMAX goes over the last axis, and shape [3, 1] has more than one row",
    ),
    Reason.SOFTMAX_SCALE: Refused(
        whole(_softmax(scale=1 / 255)),
        "operator 1 (SOFTMAX), tensor 5 'probabilities': an int8 SOFTMAX must have scale 1/256 and zero point -128",
    ),
    Reason.LOGISTIC_SCALE: Refused(
        whole(_ending_in("LOGISTIC", 1 / 255, -128)),
        "operator 1 (LOGISTIC), tensor 4 'end': an int8 LOGISTIC must have scale 1/256 and zero point -128",
    ),
    Reason.HARD_SWISH_SCALE: Refused(
        whole(_ending_in("HARD_SWISH", 1 / 129)),
        "operator 1 (HARD_SWISH), tensor 4 'end': its scale is too small for the reference kernel",
    ),
    Reason.SOFTMAX_BETA: Refused(
        whole(_softmax(beta=1e-9)),
        "operator 1 (SOFTMAX), tensor 3 'y': beta · scale is 1e-09, too small for the reference kernel",
    ),
    Reason.RESHAPE_QUANTIZATION: Refused(
        whole(_reshape(0.25, [1, 4])), "operator 0 (RESHAPE), tensor 4 'flat': a RESHAPE must keep the quantization of its input"
    ),
    Reason.RESHAPE_SIZE: Refused(
        whole(_reshape(target=[1, 5])),
        "operator 0 (RESHAPE), tensor 4 'flat': the shape [1, 5] does not hold the 4 elements of one image",
        "Convert the model again",
    ),
    Reason.RESHAPE_OPEN: Refused(
        whole(_reshape()), "operator 0 (RESHAPE), tensor 5 'shape': its shape is known only when the model runs", "batch_size=1"
    ),
    Reason.GATHER_AXIS: Refused(
        whole(gathering([1, 3], axis=0)), "operator 0 (GATHER), tensor 0 'x': a GATHER must pick among the values of one row, along axis 1"
    ),
    Reason.GATHER_PLACES: Refused(
        whole(gathering([1, 1])),
        "operator 0 (GATHER), tensor 5 'places': the places that a GATHER picks must be constant, different, and there",
    ),
    Reason.GATHER_QUANTIZATION: Refused(
        whole(gathering([1, 3], scale=0.25)), "operator 0 (GATHER), tensor 4 'picked': a GATHER must keep the quantization of its input"
    ),
    Reason.GATHER_PLACE: Refused(
        whole(gathering([1, 3], through="RELU")),
        "operator 0 (GATHER), tensor 4 'picked': what a GATHER picks must be for FULLY_CONNECTED alone",
    ),
    Reason.REQUANTIZE: Refused(
        whole(_uint8_of_another_scale), "operator 0 (QUANTIZE), tensor 0 'x': it changes the quantization of uint8"
    ),
    Reason.QUANTIZE_PLACE: Refused(
        whole(_quantize_inside), "operator 1 (QUANTIZE), tensor 4 'other': from int8 to uint8 inside the model"
    ),
    Reason.DEQUANTIZE_PLACE: Refused(
        whole(_dequantize_inside),
        "operator 0 (DEQUANTIZE), tensor 0 'x': only int8 at the end of the model can be dequantized",
    ),
    Reason.ELEMENTWISE: Refused(
        whole(_multiply), "operator 0 (MUL), tensor 4 'twice': it changes values, and there is no layer for that", "Rescaling"
    ),
    Reason.ADD_SHAPES: Refused(
        whole(_add(target=[4, 1])), "operator 1 (ADD), tensor 4 'other': the shapes [1, 4] and [4, 1] are not the same"
    ),
    Reason.ADD_SCALE: Refused(
        whole(_add(scale=5e-7)), "operator 1 (ADD), tensor 5 'sum': its scale is too small for the reference kernel of ADD"
    ),
}  # fmt: skip
