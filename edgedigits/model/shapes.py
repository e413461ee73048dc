"""Folds the operators by which a model computes a shape for itself, so that only arithmetic on values is left.

Keras flattens an image of an open batch by SHAPE, STRIDED_SLICE and PACK: the target of the RESHAPE behind them. With
the batch taken as 1 every number among them is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.ir import NO_TENSOR, Graph, Operator, Tensor

Shape = tuple[int, ...]
Values = NDArray[np.int64]

INFERRED = -1
"""Length in a RESHAPE's target that follows from the others."""
LONGEST = 64
"""Numbers in a shape computation; no tensor has so many dimensions."""
_INTEGERS = ("int32", "int64")


class Shapes:
    """The shapes of a model's tensors as they are for one image, and the shapes it computes with.

    Args:
        graph: the model; tensors have the shape that the file stores until a RESHAPE or a layer says another.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._shapes: dict[int, Shape] = {}
        self._values: dict[int, Values] = {}

    def of(self, tensor: Tensor) -> Shape:
        """Return the shape of `tensor` for one image."""
        return self._shapes.get(tensor.index, tensor.shape)

    def size(self, tensor: Tensor) -> int:
        """Return the number of elements of `tensor` for one image."""
        return math.prod(self.of(tensor))

    def set(self, tensor: Tensor, shape: Shape) -> None:
        """Say that `tensor` has `shape` for one image."""
        self._shapes[tensor.index] = shape

    def value(self, tensor: Tensor) -> Values | None:
        """Return the numbers of a tensor that holds a shape, int64; None where they are not known."""
        if tensor.index in self._values:
            return self._values[tensor.index]
        if tensor.data is None or tensor.dtype not in _INTEGERS or tensor.size > LONGEST:
            return None
        return tensor.data.astype(np.int64)

    def fold(self, operator: Operator) -> bool:
        """Compute what a shape operator gives; False where it is none, or computes with more than shapes."""
        if operator.opcode not in SHAPE_OPERATORS or len(operator.outputs) != 1 or NO_TENSOR in operator.inputs:
            return False
        operands = [self._operand(operator, self._graph.tensors[index]) for index in operator.inputs]
        known = [operand for operand in operands if operand is not None]
        if len(known) < max(1, len(operands)):
            return False
        try:
            result = SHAPE_OPERATORS[operator.opcode](known, operator.options)
        except (IndexError, ValueError, TypeError, OverflowError):
            return False
        if result is None or result.size > LONGEST:
            return False
        self._values[operator.outputs[0]] = result.astype(np.int64)
        return True

    def _operand(self, operator: Operator, tensor: Tensor) -> Values | None:
        return np.array(self.of(tensor), np.int64) if operator.opcode == "SHAPE" else self.value(tensor)

    def target(self, operator: Operator, elements: int) -> Shape | None:
        """Return the shape that a RESHAPE of `elements` elements gives, a length left open filled in; None: not known.

        The product of a shape that does not fit is another than `elements`.
        """
        operand = self._graph.input_of(operator, 1)
        numbers = self.value(operand) if operand is not None else operator.options.get("new_shape")
        if numbers is None:
            return None
        shape = tuple(int(number) for number in np.reshape(numbers, -1))
        if shape.count(INFERRED) != 1:
            return shape
        rest = math.prod(length for length in shape if length != INFERRED)
        filled = elements // rest if rest > 0 else 0
        return tuple(filled if length == INFERRED else length for length in shape)


def reshape_targets(graph: Graph) -> dict[int, Shape]:
    """Return the shape that each RESHAPE of values gives for one image, by its operator's index, where it is known."""
    shapes, found = Shapes(graph), {}
    for operator in graph.operators:
        source = graph.input_of(operator, 0) if operator.opcode == "RESHAPE" else None
        if source is None or source.dtype in _INTEGERS:
            shapes.fold(operator)
        elif (target := shapes.target(operator, shapes.size(source))) is not None:
            found[operator.index] = target
            shapes.set(graph.tensors[operator.outputs[0]], target)
    return found


def _strided_slice(operands: Sequence[Values], options: Any) -> Values | None:
    numbers, begin, end, stride = operands
    if numbers.ndim != 1 or any(one.shape != (1,) for one in (begin, end, stride)):
        return None
    if any(options.get(mask) for mask in ("ellipsis_mask", "new_axis_mask", "offset")):
        return None
    if options.get("shrink_axis_mask"):
        return np.asarray(numbers[int(begin[0])])
    first = None if options.get("begin_mask") else int(begin[0])
    last = None if options.get("end_mask") else int(end[0])
    return numbers[first : last : int(stride[0])]


def _gather(operands: Sequence[Values], options: Any) -> Values | None:
    numbers, positions = operands
    return None if numbers.ndim != 1 or options.get("axis") or options.get("batch_dims") else numbers[positions]


def _pack(operands: Sequence[Values], options: Any) -> Values | None:
    return np.stack(operands, axis=options.get("axis", 0))


def _concatenate(operands: Sequence[Values], options: Any) -> Values | None:
    return np.concatenate(operands, axis=options.get("axis", 0))


def _product(operands: Sequence[Values], options: Any) -> Values | None:
    numbers, axis = operands
    if numbers.ndim != 1 or np.any(axis != 0):
        return None
    return np.asarray(np.prod(numbers, keepdims=bool(options.get("keep_dims"))))


def _multiply(operands: Sequence[Values], options: Any) -> Values | None:
    left, right = operands
    return None if options.get("fused_activation_function", "NONE") != "NONE" else np.asarray(left * right)


SHAPE_OPERATORS: dict[str, Callable[[Sequence[Values], Any], Values | None]] = {
    "SHAPE": lambda operands, options: operands[0],
    "CAST": lambda operands, options: operands[0],
    "STRIDED_SLICE": _strided_slice,
    "GATHER": _gather,
    "PACK": _pack,
    "CONCATENATION": _concatenate,
    "REDUCE_PROD": _product,
    "MUL": _multiply,
}
"""How each operator that may be part of a shape computation works on int64 numbers; None where it does more."""
