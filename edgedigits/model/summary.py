"""Facts about a model for people: what `inspect` and the reports show, for any `.tflite`, known ops or not.

All sizes are measured on the file; multiply-accumulates (MACs) are counted from the shapes, for one inference
with every dynamic dimension taken as 1.
"""

from __future__ import annotations

import gzip
import math
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np

from edgedigits.files.typed import Count
from edgedigits.html_table import html_table
from edgedigits.model.ir import DYNAMIC, Graph, Operator, Tensor

GZIP_LEVEL = 9

# Positions of weights and bias among an operator's inputs.
_WEIGHTED_OPS = {
    "FULLY_CONNECTED": (1, 2),
    "CONV_2D": (1, 2),
    "DEPTHWISE_CONV_2D": (1, 2),
    "TRANSPOSE_CONV": (1, 3),
}
# Ops whose multiplications are not counted here; all others only move or map values.
_UNCOUNTED_OPS = (
    "CUSTOM", "BUILTIN_", "STABLEHLO_", "BATCH_MATMUL", "CONV_3D", "TRANSPOSE_CONV", "SVDF", "RNN", "LSTM",
    "UNIDIRECTIONAL_", "BIDIRECTIONAL_", "WHILE", "IF", "CALL", "RFFT2D",
)  # fmt: skip
# Last parts of TensorFlow's names, which say what a layer does, not what it is called.
_ROLES = (
    "MatMul",
    "BiasAdd",
    "Conv2D",
    "depthwise",
    "Relu",
    "Relu6",
    "Softmax",
    "Reshape",
    "ReadVariableOp",
    "out",
)


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """One tensor.

    Attributes:
        name: as in the file.
        shape: -1 for a dynamic dimension.
        dtype: such as "int8".
        channels: number of scales: 0 not quantized, 1 per tensor, more: per channel.
        scale_min: smallest scale; None when not quantized.
        scale_max: largest scale; equals `scale_min` per tensor.
        zero_point: None when not quantized or not the same for all channels.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    channels: int
    scale_min: float | None
    scale_max: float | None
    zero_point: int | None


@dataclass(frozen=True, slots=True)
class WeightFacts:
    """The weights of one layer.

    Attributes:
        tensor: name, shape, dtype and quantization.
        count: number of weights.
        nbytes: bytes in the file.
        zeros: weights that stand for 0; None, like the next three, when the layout is not read here.
        sparsity: zeros / count.
        distinct: number of different values.
        entropy_bits: Shannon entropy of the values, in bits a weight: what an ideal coder would need.
        is_sparse: stored in TFLite's compressed sparse format.
    """

    tensor: TensorFacts
    count: Count
    nbytes: Count
    zeros: int | None
    sparsity: float | None
    distinct: int | None
    entropy_bits: float | None
    is_sparse: bool


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One operator, with its weights if it has any.

    Attributes:
        index: position in the order of execution.
        name: of the layer, as far as the file tells; the op's name otherwise.
        op: the schema's name, or the custom op's.
        activation: fused activation, "NONE" if there is none.
        inputs: the activations it reads; a constant operand is not listed.
        outputs: the activations it writes.
        weights: None for an op without weights.
        bias: None for a layer without bias.
        bias_bytes: bytes of the bias in the file.
        constant_bytes: bytes of its other constants, such as a RESHAPE's target shape.
        parameters: weights and biases.
        macs: multiply-accumulates; None when the toolkit cannot count them for this op.
    """

    index: int
    name: str
    op: str
    activation: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    weights: WeightFacts | None
    bias: TensorFacts | None
    bias_bytes: int
    constant_bytes: int
    parameters: int
    macs: int | None

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table tells of its weights: name, op, shape, zeros, different values, entropy, bytes."""
        if self.weights is None:
            return (self.name, self.op, *[""] * 5)
        own, shape = self.weights, "×".join(map(str, self.weights.tensor.shape))
        read = ((own.sparsity, ".1%"), (own.distinct, ","), (own.entropy_bits, ".2f"), (own.nbytes, ","))
        return (self.name, self.op, shape, *("" if value is None else format(value, form) for value, form in read))


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A whole model.

    Attributes:
        name: of the file.
        digest: SHA-256 of the file, in hexadecimal.
        description: the file's free text.
        inputs: what goes in.
        outputs: what comes out.
        layers: in order of execution.
        parameters: weights and biases of all layers.
        zeros: weights that stand for 0, where they could be read.
        macs: multiply-accumulates of an inference; None when an op's could not be counted.
        size: bytes of the file.
        gzip_size: bytes of the file after gzip -9 without name and time.
        overhead: bytes of the file that are not constants: names, shapes, quantization, padding.
        subgraphs: number of subgraphs in the file; only the first is described.
    """

    name: str
    digest: str
    description: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    layers: tuple[LayerFacts, ...]
    parameters: int
    zeros: Count
    macs: int | None
    size: int
    gzip_size: int
    overhead: int
    subgraphs: int

    def __post_init__(self) -> None:
        if self.zeros > self.weights:
            raise ValueError(f"it has {self.zeros:,} zeros among {self.weights:,} weights")

    @property
    def weights(self) -> int:
        """Number of weights, biases left out."""
        return sum(layer.weights.count for layer in self.layers if layer.weights)

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON-serialisable values."""
        obtained = {"sizes": "measured on the file", "macs": "counted from the shapes"}
        return {**asdict(self), "weights": self.weights, "obtained": obtained}

    def _repr_html_(self) -> str:
        figures = (
            ("size", f"{self.size:,} B, with gzip {self.gzip_size:,} B"),
            ("parameters", f"{self.parameters:,}, {self.zeros:,} of {self.weights:,} weights zero"),
            ("multiply-accumulates", "not counted" if self.macs is None else f"{self.macs:,}"),
        )
        layers = [one.cells for one in self.layers if one.weights]
        head = ("layer", "op", "weights", "zeros", "distinct", "bits", "bytes")
        return f"<p><b>{escape(self.name)}</b></p>{html_table((), figures)}{html_table(head, layers)}"


def summarize(graph: Graph) -> ModelFacts:
    """Return the facts about `graph`; never fails on a graph that could be read."""
    layers = tuple(_layer(graph, operator) for operator in graph.operators)
    macs = [layer.macs for layer in layers]
    # Tensors may share a buffer: each is paid for once.
    constants = {tensor.buffer: tensor.nbytes for tensor in graph.tensors}
    return ModelFacts(
        name=graph.name,
        digest=graph.digest,
        description=graph.description,
        inputs=tuple(tensor_facts(graph.tensors[index]) for index in graph.inputs),
        outputs=tuple(tensor_facts(graph.tensors[index]) for index in graph.outputs),
        layers=layers,
        parameters=sum(layer.parameters for layer in layers),
        zeros=sum(layer.weights.zeros or 0 for layer in layers if layer.weights),
        macs=None if None in macs else sum(count for count in macs if count is not None),
        size=graph.size,
        gzip_size=len(gzip.compress(graph.content, GZIP_LEVEL, mtime=0)),
        overhead=graph.size - sum(constants.values()),
        subgraphs=graph.subgraphs,
    )


def tensor_facts(tensor: Tensor) -> TensorFacts:
    """Return shape, type and quantization of `tensor`."""
    points = set(tensor.zero_points.tolist())
    return TensorFacts(
        name=tensor.name,
        shape=tensor.shape_signature,
        dtype=tensor.dtype,
        channels=len(tensor.scales),
        scale_min=float(tensor.scales.min()) if tensor.is_quantized else None,
        scale_max=float(tensor.scales.max()) if tensor.is_quantized else None,
        zero_point=points.pop() if len(points) == 1 else None,
    )


def count_zeros(tensor: Tensor) -> int:
    """Return how many values of a constant stand for 0: equal to their zero point, or 0.0 in a float tensor.

    Raises:
        ValueError: the tensor has no readable values.
    """
    if tensor.data is None:
        raise ValueError(f"{tensor.label} has no readable values")
    if not tensor.is_quantized:
        return int(np.count_nonzero(tensor.data == 0))
    points: Any = tensor.zero_points
    if tensor.is_per_channel:
        points = points.reshape([-1 if axis == tensor.quantized_dimension else 1 for axis in range(len(tensor.shape))])
    return int(np.count_nonzero(tensor.data == points))


def layer_constants(graph: Graph, operator: Operator) -> tuple[Tensor | None, Tensor | None]:
    """Return weights and bias of an operator, None where there is none.

    Float16 files keep the weights behind a DEQUANTIZE, which is looked through.
    """
    if operator.opcode not in _WEIGHTED_OPS:
        return None, None
    weights, bias = (_constant(graph, operator, position) for position in _WEIGHTED_OPS[operator.opcode])
    return weights, bias


def _constant(graph: Graph, operator: Operator, position: int) -> Tensor | None:
    tensor = graph.input_of(operator, position)
    if tensor is None or tensor.is_constant:
        return tensor
    producer = graph.producer(tensor)
    if producer is None or producer.opcode not in ("DEQUANTIZE", "DENSIFY"):
        return None
    source = graph.input_of(producer, 0)
    return source if source is not None and source.is_constant else None


def _layer(graph: Graph, operator: Operator) -> LayerFacts:
    weights, bias = layer_constants(graph, operator)
    operands = [graph.tensors[index] for index in operator.inputs if index >= 0]
    others = {tensor.buffer: tensor.nbytes for tensor in operands if tensor is not weights and tensor is not bias}
    return LayerFacts(
        index=operator.index,
        name=_layer_name(graph, operator, weights),
        op=operator.custom_code or operator.opcode,
        activation=operator.activation,
        inputs=tuple(tensor_facts(tensor) for tensor in operands if not tensor.is_constant),
        outputs=tuple(tensor_facts(graph.tensors[index]) for index in operator.outputs),
        weights=_weight_facts(weights) if weights else None,
        bias=tensor_facts(bias) if bias else None,
        bias_bytes=bias.nbytes if bias else 0,
        constant_bytes=sum(others.values()),
        parameters=sum(tensor.size for tensor in (weights, bias) if tensor),
        macs=_macs(graph, operator, weights),
    )


def _weight_facts(tensor: Tensor) -> WeightFacts:
    zeros = distinct = entropy = None
    if tensor.data is not None:
        zeros = count_zeros(tensor)
        counts = np.unique(tensor.data, return_counts=True)[1]
        shares = counts / max(1, tensor.size)
        distinct, entropy = len(counts), max(0.0, float(-np.sum(shares * np.log2(shares))))
    return WeightFacts(
        tensor=tensor_facts(tensor),
        count=tensor.size,
        nbytes=tensor.nbytes,
        zeros=zeros,
        sparsity=zeros / max(1, tensor.size) if zeros is not None else None,
        distinct=distinct,
        entropy_bits=entropy,
        is_sparse=tensor.is_sparse,
    )


def _macs(graph: Graph, operator: Operator, weights: Tensor | None) -> int | None:
    if operator.opcode.startswith(_UNCOUNTED_OPS):
        return None
    if operator.opcode not in _WEIGHTED_OPS:
        return 0
    if weights is None or not operator.outputs or not weights.shape:
        return None
    outputs = graph.tensors[operator.outputs[0]].size
    if operator.opcode == "DEPTHWISE_CONV_2D":
        return outputs * math.prod(weights.shape[1:-1])
    return outputs * math.prod(weights.shape[1:])


def _layer_name(graph: Graph, operator: Operator, weights: Tensor | None) -> str:
    candidates = [weights] if weights else []
    candidates += [graph.tensors[index] for index in operator.outputs[:1]]
    for tensor in candidates:
        parts = tensor.name.split(";")[0].split("/")
        while len(parts) > 1 and parts[-1].rstrip("0123456789_") in _ROLES:
            parts.pop()
            if len(parts) == 1 or parts[-1].rstrip("0123456789_") not in _ROLES:
                # The wrapper of quantization-aware training puts this in front of the layer's own name.
                return parts[-1].removeprefix("quant_")
    return (operator.custom_code or operator.opcode).lower()


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it: "[1, 784]", with "?" for a dynamic dimension."""
    return "[" + ", ".join("?" if length == DYNAMIC else str(length) for length in shape) + "]"
