"""From what a `.tflite` says to what an engine does: walks the chain of operators and makes a `Network`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgedigits.model.dense import DenseLowering, check_int8
from edgedigits.model.elementwise import keeps_values
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import DYNAMIC, Graph, Operator, Tensor
from edgedigits.model.network import INT8_MAX, INT8_MIN, DenseLayer, Network
from edgedigits.model.refusals import Reason, RefusalError, refuse
from edgedigits.model.shapes import SHAPE_OPERATORS, Shape, Shapes
from edgedigits.model.softmax import LARGEST_SOFTMAX, OUTPUT_SCALE, OUTPUT_ZERO_POINT, Softmax, lower_softmax
from edgedigits.model.summary import shape_text

_ELEMENTWISE = ("ADD", "SUB", "DIV")
EDGE_DTYPES = ("int8", "uint8", "float32")
# How many inputs an operator may have; a bias, and the shape of a RESHAPE, may be left out.
_INPUTS = {
    "FULLY_CONNECTED": (2, 3),
    "SOFTMAX": (1,),
    "RESHAPE": (1, 2),
    "QUANTIZE": (1,),
    "DEQUANTIZE": (1,),
    "MUL": (2,),
}


def lower(graph: Graph, rounding: Rounding = Rounding.LITERT) -> Network:
    """Lower a full-integer MLP to integer arithmetic.

    Accepted are FULLY_CONNECTED (int8, per-tensor or per-channel, with or without bias, fused ReLU, ReLU6 or
    none), a SOFTMAX at the end, RESHAPE anywhere, also to a shape that the model computes itself, QUANTIZE and
    DEQUANTIZE at the edges, a MUL by a constant that maps every int8 to itself, and a dynamic batch, which is taken
    as 1.

    Raises:
        UnsupportedModelError: anything else, and accumulators that could overflow; names operator, tensor and
            reason. It is a `RefusalError`.
    """
    return _Lowering(graph, rounding).network()


def why_not(graph: Graph) -> str:
    """Return why the engine cannot run a model, naming operator, tensor and reason; empty where it can."""
    try:
        lower(graph)
    except RefusalError as error:
        return error.message.removeprefix(f"{graph.name}: ").removesuffix(".")
    return ""


class _Lowering:
    """Walks the chain of operators from the model's input to its output."""

    def __init__(self, graph: Graph, rounding: Rounding) -> None:
        self._graph, self._rounding = graph, rounding
        self._shapes = Shapes(graph)
        self._layers: list[DenseLayer] = []
        self._softmax: Softmax | None = None
        self._dropped: list[str] = []
        self._low, self._high = INT8_MIN, INT8_MAX
        self._input: Tensor | None = None
        self._last: Tensor | None = None
        self._handlers: dict[str, Callable[[Operator, Tensor, Tensor], None]] = {
            "FULLY_CONNECTED": self._dense,
            "SOFTMAX": self._softmax_op,
            "RESHAPE": self._reshape,
            "QUANTIZE": self._quantize,
            "DEQUANTIZE": self._dequantize,
            "MUL": self._multiply,
        }
        self._current = self._one_end("input", graph.inputs)
        if self._current.dtype == "int8":
            self._input = self._current
        self._output = self._one_end("output", graph.outputs)

    def network(self) -> Network:
        for operator in self._graph.operators:
            if operator.opcode not in (*self._handlers, *SHAPE_OPERATORS):
                raise self._foreign(operator)
        self._check_end("input", self._current)
        self._check_end("output", self._output)
        for operator in self._graph.operators:
            if self._shapes.fold(operator) or self._is_for_shapes(operator):
                self._dropped.append(f"{operator.label}: its shape is known")
            elif operator.opcode in self._handlers:
                self._step(operator)
            else:
                raise self._foreign(operator)
        if self._current.index != self._output.index:
            raise refuse(self._graph, Reason.NO_OUTPUT, None, self._output)
        if not self._layers or self._input is None or self._last is None:
            raise refuse(self._graph, Reason.NO_LAYER)
        layers, dropped = tuple(self._layers), (*self._dropped, *_other_subgraphs(self._graph))
        return Network(self._graph, self._rounding, layers, self._softmax, self._input, self._last, dropped)

    def _one_end(self, kind: str, indices: tuple[int, ...]) -> Tensor:
        if len(indices) != 1:
            raise refuse(self._graph, Reason.NOT_ONE_END, count=len(indices), kind=kind)
        return self._graph.tensors[indices[0]]

    def _check_end(self, kind: str, tensor: Tensor) -> None:
        if tensor.dtype == "int16":
            raise refuse(self._graph, Reason.INT16, None, tensor)
        if tensor.dtype not in EDGE_DTYPES:
            raise refuse(self._graph, Reason.END_TYPE, None, tensor, dtype=tensor.dtype, kind=kind)

    def _foreign(self, operator: Operator) -> RefusalError:
        source = self._graph.input_of(operator, 0)
        reason = Reason.NO_OPERATOR
        if source is not None and source.is_sparse:
            reason = Reason.SPARSE
        elif operator.opcode in _ELEMENTWISE and any(one.is_constant for one in self._operands(operator)):
            reason = Reason.ELEMENTWISE
        return refuse(self._graph, reason, operator, source)

    def _refuse(self, reason: Reason, operator: Operator, tensor: Tensor | None = None, **facts: Any) -> RefusalError:
        return refuse(self._graph, reason, operator, tensor, **facts)

    def _is_for_shapes(self, operator: Operator) -> bool:
        """Go over a RESHAPE of which nothing but the shape is used: converters leave it behind where two are merged."""
        if operator.opcode != "RESHAPE" or len(operator.outputs) != 1 or self._output.index in operator.outputs:
            return False
        source, target = self._graph.input_of(operator, 0), self._graph.tensors[operator.outputs[0]]
        if source is None or any(reader.opcode != "SHAPE" for reader in self._graph.consumers(target)):
            return False
        shape = self._shapes.target(operator, self._shapes.size(source))
        if shape is not None:
            self._shapes.set(target, shape)
        return shape is not None

    def _step(self, operator: Operator) -> None:
        """Go over one operator, whose input must be what the one before it gave."""
        expected = _INPUTS[operator.opcode]
        if len(operator.inputs) not in expected or len(operator.outputs) != 1:
            facts = {"inputs": len(operator.inputs), "outputs": len(operator.outputs), "expected": max(expected)}
            raise self._refuse(Reason.CUT_OPERATOR, operator, None, **facts)
        operands = [self._graph.input_of(operator, 0)]
        if operator.opcode == "MUL":
            operands.append(self._graph.input_of(operator, 1))
        if self._current not in operands:
            raise self._refuse(self._why_no_link(operator, operands[0]), operator, operands[0])
        self._handlers[operator.opcode](operator, self._current, self._graph.tensors[operator.outputs[0]])

    def _why_no_link(self, operator: Operator, source: Tensor | None) -> Reason:
        """Weights that are widened before they are used are the sign of a model that computes in float."""
        if operator.opcode != "DEQUANTIZE" or source is None or not source.is_constant:
            return Reason.NO_CHAIN
        return Reason.FLOAT16 if source.dtype == "float16" else Reason.WIDENED

    def _dense(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        if self._softmax:
            raise self._refuse(Reason.AFTER_SOFTMAX, operator, source)
        layer = DenseLowering(self._graph, operator, self._shapes, self._rounding).layer(self._low, self._high)
        self._layers.append(layer)
        self._low, self._high = layer.clamp_low, layer.clamp_high
        keeps = operator.options.get("keep_num_dims")
        self._move(operator, target, (*(self._shapes.of(source)[:-1] if keeps else (1,)), layer.outputs))

    def _softmax_op(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        for tensor in (source, target):
            check_int8(self._graph, operator, tensor)
        if not self._layers or self._softmax:
            raise self._refuse(Reason.SOFTMAX_PLACE, operator, source)
        if self._shapes.size(source) > LARGEST_SOFTMAX:
            raise self._refuse(Reason.SOFTMAX_SIZE, operator, source, limit=LARGEST_SOFTMAX)
        if self._shapes.of(source)[-1:] != (self._shapes.size(source),):
            raise self._refuse(Reason.SOFTMAX_ROWS, operator, source, shape=list(self._shapes.of(source)))
        if target.scale != OUTPUT_SCALE or target.zero_point != OUTPUT_ZERO_POINT:
            raise self._refuse(Reason.SOFTMAX_SCALE, operator, target)
        beta = float(operator.options.get("beta", 1.0))
        try:
            self._softmax = lower_softmax(beta, source.scale, self._rounding)
        except ValueError as error:
            raise self._refuse(Reason.SOFTMAX_BETA, operator, source, product=beta * float(source.scale)) from error
        self._move(operator, target, self._shapes.of(source))

    def _reshape(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        if not _same_quantization(source, target):
            raise self._refuse(Reason.RESHAPE_QUANTIZATION, operator, target)
        elements = self._shapes.size(source)
        shape = self._shapes.target(operator, elements)
        if shape is None:
            raise self._refuse(Reason.RESHAPE_OPEN, operator, self._graph.input_of(operator, 1))
        if math.prod(shape) != elements or min(shape, default=1) < 1:
            raise self._refuse(Reason.RESHAPE_SIZE, operator, target, shape=list(shape), elements=elements)
        self._drop(operator, target, shape, "moves nothing")

    def _quantize(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        at_start, at_end = not self._layers, target.index == self._output.index
        if {source.dtype, target.dtype} <= {"int8", "uint8"} and not _same_steps(source, target):
            raise self._refuse(Reason.REQUANTIZE, operator, target)
        if source.dtype == "int8" and target.dtype == "int8":
            why = "changes nothing"
        elif target.dtype == "int8" and at_start and source.dtype in ("float32", "uint8"):
            why = "the engine's input is int8"
        elif source.dtype == "int8" and at_end and target.dtype == "uint8":
            why = "the engine's output is int8"
        else:
            facts = {"source": source.dtype, "target": target.dtype}
            raise self._refuse(Reason.QUANTIZE_PLACE, operator, target, **facts)
        self._drop(operator, target, self._shapes.of(source), why)

    def _dequantize(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        if source.dtype != "int8" or target.index != self._output.index:
            raise self._refuse(Reason.DEQUANTIZE_PLACE, operator, source)
        self._drop(operator, target, self._shapes.of(source), "the engine's output is int8")

    def _multiply(self, operator: Operator, source: Tensor, target: Tensor) -> None:
        for tensor in (source, target):
            check_int8(self._graph, operator, tensor)
        factor = next((other for other in self._operands(operator) if other is not source), None)
        if factor is None or not keeps_values(operator, source, factor, target):
            raise self._refuse(Reason.ELEMENTWISE, operator, target)
        self._drop(operator, target, self._shapes.of(source), "gives every int8 as it is, in another scale")

    def _operands(self, operator: Operator) -> list[Tensor]:
        return [self._graph.tensors[index] for index in operator.inputs if index >= 0]

    def _drop(self, operator: Operator, target: Tensor, shape: Shape, reason: str) -> None:
        self._dropped.append(f"{operator.label}: {reason}")
        self._move(operator, target, shape)

    def _move(self, operator: Operator, target: Tensor, shape: Shape) -> None:
        """Go on from `target`, which must have `shape` for one image in the file too, as far as that says it."""
        if not _fits(target.shape_signature, shape):
            facts = {"said": shape_text(target.shape_signature), "found": list(shape)}
            raise self._refuse(Reason.SHAPE, operator, target, **facts)
        self._shapes.set(target, shape)
        self._current = target
        if target.dtype == "int8":
            self._input, self._last = self._input or target, target


def _fits(said: Shape, found: Shape) -> bool:
    """Tell whether a tensor that has shape `said` in the file, -1 where a length is open, can have shape `found`."""
    if len(said) == len(found):
        return all(one in (other, DYNAMIC) for one, other in zip(said, found, strict=True)) or _as_many(said, found)
    return _as_many(said, found)


def _as_many(said: Shape, found: Shape) -> bool:
    return DYNAMIC not in said and math.prod(said) == math.prod(found)


def _same_quantization(one: Tensor, other: Tensor) -> bool:
    return (
        one.dtype == other.dtype
        and np.array_equal(one.scales, other.scales)
        and np.array_equal(one.zero_points, other.zero_points)
    )


def _same_steps(one: Tensor, other: Tensor) -> bool:
    """Tell whether two 8-bit tensors differ in nothing but what their lowest value is called."""
    if len(one.scales) != 1 or len(other.scales) != 1 or one.scale != other.scale:
        return False
    low, other_low = (0 if tensor.dtype == "uint8" else INT8_MIN for tensor in (one, other))
    return one.zero_point - low == other.zero_point - other_low


def _other_subgraphs(graph: Graph) -> tuple[str, ...]:
    """Return what a model with several entries leaves out."""
    count = graph.subgraphs - 1
    return (f"{count} further subgraph{'s' if count > 1 else ''}: the first is the model",) if count else ()
