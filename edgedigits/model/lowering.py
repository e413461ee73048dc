"""From what a `.tflite` says to what an engine does: walks the chain of operators and makes a `Network`."""

from __future__ import annotations

import math

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import DYNAMIC, Graph, Operator, Tensor
from edgedigits.model.network import Network
from edgedigits.model.ops.catalogue import OPS
from edgedigits.model.ops.declaration import Chain
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.refusals import Reason, RefusalError, refuse
from edgedigits.model.shapes import SHAPE_OPERATORS, Shape, Shapes
from edgedigits.model.summary import shape_text

_ELEMENTWISE = ("ADD", "SUB", "DIV")
EDGE_DTYPES = ("int8", "uint8", "float32")


def lower(graph: Graph, rounding: Rounding = Rounding.LITERT) -> Network:
    """Lower a full-integer MLP to integer arithmetic.

    Accepted are the operators of `ops/`, each as its file says, in one chain from input to output, and a dynamic batch,
    which is taken as 1.

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
        self._graph = graph
        self._shapes = Shapes(graph)
        self._current = self._one_end("input", graph.inputs)
        self._output = self._one_end("output", graph.outputs)
        self._chain = Chain(graph, rounding, self._shapes, self._output)
        self._dropped: list[str] = []
        # The first and the last int8 tensor on the way.
        self._input = self._last = self._current if self._current.dtype == "int8" else None

    def network(self) -> Network:
        for operator in self._graph.operators:
            if operator.opcode not in (*OPS, *SHAPE_OPERATORS):
                raise self._foreign(operator)
        self._check_end("input", self._current)
        self._check_end("output", self._output)
        for operator in self._graph.operators:
            if self._shapes.fold(operator) or self._is_for_shapes(operator):
                self._dropped.append(f"{operator.label}: its shape is known")
            elif operator.opcode in OPS:
                self._step(operator)
            else:
                raise self._foreign(operator)
        if self._current.index != self._output.index:
            raise refuse(self._graph, Reason.NO_OUTPUT, None, self._output)
        steps, dropped = tuple(self._chain.steps), (*self._dropped, *_other_subgraphs(self._graph))
        if self._input is None or self._last is None or not any(isinstance(step, DenseLayer) for step in steps):
            raise refuse(self._graph, Reason.NO_LAYER)
        return Network(self._graph, self._chain.rounding, steps, self._input, self._last, dropped)

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
        operands = (self._graph.tensors[index] for index in operator.inputs if index >= 0)
        reason = Reason.NO_OPERATOR
        if source is not None and source.is_sparse:
            reason = Reason.SPARSE
        elif operator.opcode in _ELEMENTWISE and any(one.is_constant for one in operands):
            reason = Reason.ELEMENTWISE
        return refuse(self._graph, reason, operator, source)

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
        op = OPS[operator.opcode]
        if len(operator.inputs) not in op.inputs or len(operator.outputs) != 1:
            facts = {"inputs": len(operator.inputs), "outputs": len(operator.outputs), "expected": max(op.inputs)}
            raise self._chain.refuse(Reason.CUT_OPERATOR, operator, None, **facts)
        operands = [
            self._graph.input_of(operator, index) for index in range(len(operator.inputs) if op.commutes else 1)
        ]
        if self._current not in operands:
            raise self._chain.refuse(op.no_link(operands[0]), operator, operands[0])
        target = self._graph.tensors[operator.outputs[0]]
        link = op.lower(self._chain, operator, self._current, target)
        if link.step is None:
            self._dropped.append(f"{operator.label}: {link.dropped}")
        else:
            self._chain.steps.append(link.step)
        self._move(operator, target, link.shape)

    def _move(self, operator: Operator, target: Tensor, shape: Shape) -> None:
        """Go on from `target`, which must have `shape` for one image in the file too, as far as that says it."""
        if not _fits(target.shape_signature, shape):
            facts = {"said": shape_text(target.shape_signature), "found": list(shape)}
            raise self._chain.refuse(Reason.SHAPE, operator, target, **facts)
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


def _other_subgraphs(graph: Graph) -> tuple[str, ...]:
    """Return what a model with several entries leaves out."""
    count = graph.subgraphs - 1
    return (f"{count} further subgraph{'s' if count > 1 else ''}: the first is the model",) if count else ()
