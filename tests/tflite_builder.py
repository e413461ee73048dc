"""Builds small `.tflite` files for tests, without TensorFlow.

The files run in the LiteRT interpreter and in tflite-micro. Weights are (out, in), as the file stores them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgedigits.model.file_writer import AlignedBuffer, aligned, pack_model

INPUT_SCALE = np.float32(1.0 / 255.0)
INPUT_ZERO_POINT = -128
SOFTMAX_SCALE = np.float32(1.0 / 256.0)
SOFTMAX_ZERO_POINT = -128

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
}
_ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}

Io = Literal["int8", "uint8", "float32"]
Scale = float | np.floating[Any] | NDArray[np.floating[Any]]


class ModelWriter:
    """Collects tensors and operators of one subgraph, then packs them. Enough for any small test model."""

    def __init__(self, description: str = "", *, dynamic_batch: bool = False) -> None:
        self._description, self._dynamic_batch = description, dynamic_batch
        self._buffers = [AlignedBuffer()]
        self.tensors: list[schema.TensorT] = []
        self._codes: list[schema.OperatorCodeT] = []
        self._operators: list[schema.OperatorT] = []

    def activation(
        self, name: str, shape: Sequence[int], dtype: str, scale: Scale | None = None, zero_point: int = 0
    ) -> int:
        """Add a tensor that is computed; its first dimension is open when the batch is dynamic."""
        tensor = self._add(name, shape, dtype, scale, zero_point)
        if self._dynamic_batch:
            tensor.shapeSignature = np.array([-1, *shape[1:]], np.int32)
        return len(self.tensors) - 1

    def constant(self, name: str, values: NDArray[Any], scale: Scale | None = None, zero_point: int = 0) -> int:
        """Add a tensor with values; an array of scales makes it per-channel along axis 0."""
        tensor = self._add(name, values.shape, str(values.dtype), scale, zero_point)
        tensor.buffer = len(self._buffers)
        self._buffers.append(aligned(values))
        return len(self.tensors) - 1

    def sparse(self, name: str, values: NDArray[Any], scale: Scale | None = None, block: int = 0) -> int:
        """Add weights (out, in) as converters prune them: rows of compressed single values, or of blocks of `block`."""
        width = block or 1
        blocks = values.reshape(len(values), -1, width)
        there = blocks.any(axis=2)
        index = self.constant(name, blocks[there], scale)
        self.tensors[index].shape = np.array(values.shape, np.int32)
        sparsity = schema.SparsityParametersT()
        axes = 3 if block else 2
        sparsity.traversalOrder = np.arange(axes, dtype=np.int32)
        sparsity.blockMap = np.array([1] if block else [], np.int32)
        segments = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        sparsity.dimMetadata = [_dense_axis(len(values)), _compressed_axis(segments, np.nonzero(there)[1])]
        sparsity.dimMetadata += [_dense_axis(block)] if block else []
        self.tensors[index].sparsity = sparsity
        return index

    def _add(self, name: str, shape: Sequence[int], dtype: str, scale: Scale | None, zero_point: int) -> schema.TensorT:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, np.array(shape, np.int32), _TYPES[dtype]
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            tensor.quantization.zeroPoint = np.full(tensor.quantization.scale.shape, zero_point, np.int64)
        self.tensors.append(tensor)
        return tensor

    def operator(
        self,
        opcode: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Any = None,
        *,
        version: int = 1,
    ) -> None:
        """Add an operator by the schema's name; an unknown name makes a custom one.

        `options` is an object such as `schema.SoftmaxOptionsT()`.
        """
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(opcode, version)
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self._operators.append(operator)

    def _code(self, opcode: str, version: int) -> int:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, opcode, schema.BuiltinOperator.CUSTOM)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.customCode = None if hasattr(schema.BuiltinOperator, opcode) else opcode
        code.version = version
        same = (vars(code) == vars(known) for known in self._codes)
        position = next((index for index, equal in enumerate(same) if equal), None)
        if position is None:
            self._codes.append(code)
            return len(self._codes) - 1
        return position

    def pack(self, inputs: Sequence[int], outputs: Sequence[int], *, subgraphs: int = 1) -> bytes:
        """Return the file; with `subgraphs` > 1 the same subgraph several times."""
        subgraph = schema.SubGraphT()
        subgraph.name = "main"
        subgraph.tensors, subgraph.operators = self.tensors, self._operators
        subgraph.inputs, subgraph.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        model = schema.ModelT()
        model.version, model.description = 3, self._description
        model.operatorCodes, model.buffers, model.subgraphs = (
            self._codes,
            self._buffers,
            [subgraph] * subgraphs,
        )
        model.signatureDefs = [_signature(inputs, outputs)]
        return pack_model(model)


def _dense_axis(size: int) -> schema.DimensionMetadataT:
    axis = schema.DimensionMetadataT()
    axis.format, axis.denseSize = schema.DimensionType.DENSE, size
    return axis


def _compressed_axis(segments: NDArray[Any], indices: NDArray[Any]) -> schema.DimensionMetadataT:
    """An axis whose vectors have the narrowest type that holds them, one of three."""
    axis = schema.DimensionMetadataT()
    axis.format = schema.DimensionType.SPARSE_CSR
    for field, values in (("Segments", segments), ("Indices", indices)):
        kind = next(
            kind for kind in ("Uint8", "Uint16", "Int32") if values.max(initial=0) <= np.iinfo(kind.lower()).max
        )
        vector = getattr(schema, f"{kind}VectorT")()
        vector.values = values.astype(kind.lower())
        setattr(axis, f"array{field}", vector)
        setattr(axis, f"array{field}Type", getattr(schema.SparseIndexVector, f"{kind}Vector"))
    return axis


def _signature(inputs: Sequence[int], outputs: Sequence[int]) -> schema.SignatureDefT:
    def mapped(kind: str, indices: Sequence[int]) -> list[schema.TensorMapT]:
        entries = []
        for position, index in enumerate(indices):
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = f"{kind}_{position}", index
            entries.append(entry)
        return entries

    signature = schema.SignatureDefT()
    signature.signatureKey = "serving_default"
    signature.inputs, signature.outputs = mapped("input", inputs), mapped("output", outputs)
    return signature


def _usual_output_scale(weights: NDArray[Any], input_scale: np.float32, weight_scale: Scale) -> np.float32:
    """A scale under which the accumulators of random inputs fill about the int8 range: three sigmas = 127."""
    rms_weight = float(np.sqrt(np.mean(np.square(weights.astype(np.float64)))))
    sigma = 73.0 * rms_weight * np.sqrt(weights.shape[1]) * float(input_scale) * float(np.mean(weight_scale))
    return np.float32(max(sigma, 1e-6) * 3.0 / 127.0)


class _Chain:
    """The tensor that the next operator reads, with its quantization (None: float)."""

    def __init__(self, writer: ModelWriter, kind: str, scale: np.float32 | None, zero_point: int) -> None:
        self.writer, self.kind, self.scale, self.zero_point = writer, kind, scale, zero_point
        self.tensor = -1

    def input(self, io: Io, shape: Sequence[int]) -> int:
        """Start the chain; returns the model's input."""
        if io == "float32":
            first = self.writer.activation("input", shape, "float32")
        else:
            shift = 128 if io == "uint8" else 0
            first = self.writer.activation("input", shape, io, self.scale, self.zero_point + shift)
        self.tensor = first
        if io != self.kind:
            self._next("QUANTIZE", [first], "quantized_input", shape, schema.QuantizeOptionsT())
        return first

    def _next(
        self,
        opcode: str,
        inputs: Sequence[int],
        name: str,
        shape: Sequence[int],
        options: Any,
        version: int = 1,
    ) -> None:
        self.tensor = self.writer.activation(name, shape, self.kind, self.scale, self.zero_point)
        self.writer.operator(opcode, inputs, [self.tensor], options, version=version)

    def _requantize(self, scale: float | np.floating[Any], zero_point: int) -> None:
        if self.kind != "float32":
            self.scale, self.zero_point = np.float32(scale), zero_point

    def keras_flatten(self, columns: int, first: Sequence[int], *, open_length: bool) -> None:
        """Flatten as Keras does with an open batch: the batch is read from the image's own shape."""
        writer = self.writer

        def numbers(name: str, shape: Sequence[int]) -> int:
            tensor = writer.activation(f"flatten/{name}", shape, "int32")
            writer.tensors[tensor].shapeSignature = None
            return tensor

        whole, batch, target = numbers("Shape", [len(first)]), numbers("batch", []), numbers("shape", [2])
        zero, one = (writer.constant(f"flatten/{value}", np.array([value], np.int32)) for value in (0, 1))
        rest = writer.constant("flatten/rest", np.array(-1 if open_length else columns, np.int32))
        out_type, slices, packed = schema.ShapeOptionsT(), schema.StridedSliceOptionsT(), schema.PackOptionsT()
        out_type.outType, slices.shrinkAxisMask, packed.valuesCount = schema.TensorType.INT32, 1, 2
        writer.operator("SHAPE", [self.tensor], [whole], out_type)
        writer.operator("STRIDED_SLICE", [whole, zero, one, one], [batch], slices)
        writer.operator("PACK", [batch, rest], [target], packed)
        self._next("RESHAPE", [self.tensor, target], "flatten/Reshape", [1, columns], schema.ReshapeOptionsT())
        if open_length:
            flat = writer.tensors[self.tensor]
            flat.shape, flat.shapeSignature = np.ones(2, np.int32), np.full(2, -1, np.int32)

    def flatten(self, columns: int) -> None:
        target = self.writer.constant("flatten/shape", np.array([1, columns], np.int32))
        self._next("RESHAPE", [self.tensor, target], "flatten/Reshape", [1, columns], schema.ReshapeOptionsT())

    def dense(
        self,
        name: str,
        kernel: NDArray[Any],
        bias: NDArray[Any] | None,
        activation: str,
        weight_scale: NDArray[np.float32],
        output_scale: float | np.floating[Any] | None,
        zero_point: int,
    ) -> None:
        kernel_scale = weight_scale if self.scale is not None else None
        inputs = [
            self.tensor,
            self.writer.constant(f"{name}/MatMul", kernel, kernel_scale),
        ]
        if bias is None:
            inputs.append(-1)
        else:
            bias_scale = self.scale * weight_scale if self.scale is not None else None
            inputs.append(self.writer.constant(f"{name}/BiasAdd", bias, bias_scale))
        if self.scale is not None:
            output_scale = output_scale or _usual_output_scale(kernel, self.scale, weight_scale)
            self._requantize(output_scale, zero_point)
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = _ACTIVATIONS[activation]
        self._next("FULLY_CONNECTED", inputs, f"{name}/out", [1, len(kernel)], options, version=4)

    def extra(self, opcode: str, outputs: int) -> None:
        self._requantize(1 / 128, 0)
        self._next(opcode, [self.tensor], f"{opcode.lower()}/out", [1, outputs], None)

    def softmax(self, outputs: int) -> None:
        self._requantize(SOFTMAX_SCALE, SOFTMAX_ZERO_POINT)
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        self._next("SOFTMAX", [self.tensor], "softmax", [1, outputs], options, version=2)

    def output(self, io: Io, outputs: int) -> int:
        """End the chain; returns the model's output."""
        source, shape = self.tensor, [1, outputs]
        if io == "uint8":
            self.tensor = self.writer.activation("output", [1, outputs], io, self.scale, self.zero_point + 128)
            self.writer.operator("QUANTIZE", [source], [self.tensor], schema.QuantizeOptionsT())
        elif io != self.kind:
            self.tensor = self.writer.activation("output", shape, "float32")
            self.writer.operator("DEQUANTIZE", [source], [self.tensor], schema.DequantizeOptionsT(), version=2)
        return self.tensor


def build_mlp(
    weights: Sequence[NDArray[Any]],
    biases: Sequence[NDArray[Any] | None],
    *,
    io: Io = "int8",
    weight_scales: Sequence[Scale] | None = None,
    activation_scales: Sequence[float | np.floating[Any]] | None = None,
    activation_zero_points: Sequence[int] | None = None,
    input_scale: float | np.floating[Any] = INPUT_SCALE,
    input_zero_point: int = INPUT_ZERO_POINT,
    input_shape: Sequence[int] | None = None,
    keras_flatten: bool = False,
    open_length: bool = False,
    per_channel: bool = False,
    activations: Sequence[str] | None = None,
    softmax: bool = False,
    dynamic_batch: bool = False,
    float_model: bool = False,
    extra_op: str = "",
    names: Sequence[str] | None = None,
    description: str = "",
    subgraphs: int = 1,
) -> bytes:
    """Build an MLP as a `.tflite` file.

    Args:
        weights: one (out, in) array a layer: int8, or float32 with `float_model`.
        biases: one (out,) array a layer: int32 of scale input scale × weight scale, or float32; None: none.
        io: type of the model's input and output; uint8 and float32 are made by (DE)QUANTIZE at the edges.
        weight_scales: one a layer: a number, or (out,) numbers with `per_channel`. Default about 1/128.
        activation_scales: output scale of each layer; by default one that random inputs fill.
        activation_zero_points: output zero point of each layer; default -128 after ReLU, 0 otherwise.
        input_scale: of the int8 input.
        input_zero_point: of the int8 input.
        input_shape: such as (1, 28, 28): a RESHAPE to (1, n) comes first. Default (1, n).
        keras_flatten: compute the RESHAPE's target as Keras does, by SHAPE, STRIDED_SLICE and PACK.
        open_length: with -1 for the length of a row, as `Reshape((-1,))` does; TFLM refuses that.
        per_channel: one weight scale for each row.
        activations: fused activation of each layer: "none", "relu", "relu6"; default ReLU but for the last.
        softmax: append SOFTMAX.
        dynamic_batch: the shape signature says -1 for the batch.
        float_model: no quantization at all; implies io="float32".
        extra_op: append this op on the logits, without options: "TANH" runs; an unknown name is a custom op.
        names: of the layers; default "dense", "dense_1", …
        description: of the model.
        subgraphs: how often the subgraph is repeated.
    """
    count = len(weights)
    activations = activations or ["relu"] * (count - 1) + ["none"]
    names = names or ["dense", *(f"dense_{index}" for index in range(1, count))]
    zero_points = activation_zero_points or [-128 if activation != "none" else 0 for activation in activations]
    io = "float32" if float_model else io
    columns, outputs = weights[0].shape[1], len(weights[-1])
    shape = list(input_shape or (1, columns))

    writer = ModelWriter(description, dynamic_batch=dynamic_batch)
    if float_model:
        chain = _Chain(writer, "float32", None, 0)
    else:
        chain = _Chain(writer, "int8", np.float32(input_scale), input_zero_point)
    first = chain.input(io, shape)
    if keras_flatten:
        chain.keras_flatten(columns, shape, open_length=open_length)
    elif shape != [1, columns]:
        chain.flatten(columns)
    for index, (kernel, bias) in enumerate(zip(weights, biases, strict=True)):
        default = np.linspace(1 / 160, 1 / 100, len(kernel)) if per_channel else 1 / 128
        scale = np.asarray(weight_scales[index] if weight_scales else default, np.float32)
        assert scale.shape == ((len(kernel),) if per_channel else ()), "weight_scales do not fit per_channel"
        output_scale = activation_scales[index] if activation_scales else None
        name, activation, zero_point = names[index], activations[index], zero_points[index]
        chain.dense(name, kernel, bias, activation, scale, output_scale, zero_point)
    if extra_op:
        chain.extra(extra_op, outputs)
    if softmax:
        chain.softmax(outputs)
    last = chain.output(io, outputs)
    return writer.pack([first], [last], subgraphs=subgraphs)


def random_mlp(seed: int, sizes: Sequence[int] = (784, 10, 10), *, density: float = 1.0, **options: Any) -> bytes:
    """Build an MLP with random weights, biases and output zero points; `options` as for `build_mlp`.

    Args:
        seed: the same seed gives the same file.
        sizes: input, hidden and output widths.
        density: share of the weights that are not zero.
    """
    random = np.random.default_rng(seed)
    shapes = [(rows, columns) for columns, rows in pairwise(sizes)]
    kept = [random.random(shape) < density for shape in shapes]
    weights: list[NDArray[Any]]
    biases: list[NDArray[Any]]
    if options.get("float_model"):
        weights = [(random.standard_normal(shape) / np.sqrt(shape[1])).astype(np.float32) for shape in shapes]
        biases = [random.standard_normal(shape[0]).astype(np.float32) / 10 for shape in shapes]
    else:
        weights = [np.rint(random.normal(0, 40, shape)).clip(-127, 127).astype(np.int8) for shape in shapes]
        biases = [random.integers(-20_000, 20_000, shape[0], dtype=np.int32) for shape in shapes]
        last = int(random.integers(-40, 40))
        options.setdefault("activation_zero_points", [-128] * (len(shapes) - 1) + [last])
    return build_mlp([w * k for w, k in zip(weights, kept, strict=True)], biases, **options)
