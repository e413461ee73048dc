"""From what a `.tflite` says to what an engine does: walks the operators and makes a `Network`."""

from __future__ import annotations

import math

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import DYNAMIC, Graph, Operator, Tensor
from edgedigits.model.network import Network
from edgedigits.model.ops.catalogue import OPS
from edgedigits.model.ops.declaration import Chain, Op
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.refusals import Reason, RefusalError, refuse
from edgedigits.model.shapes import SHAPE_OPERATORS, Shape, Shapes
from edgedigits.model.summary import shape_text

EDGE_DTYPES = ("int8", "uint8", "float32")


def lower(graph: Graph, rounding: Rounding = Rounding.LITERT) -> Network:
    """Lower a full-integer MLP to integer arithmetic.

    Accepted are the operators of `ops/`, each as its file says, in one chain from input to output, with branches that
    an ADD brings together again, and a dynamic batch, which is taken as 1.

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


def check_operators(graph: Graph) -> None:
    """Raise RefusalError where a model has an operator that is none of `ops/`, in whatever type."""
    for operator in graph.operators:
        if operator.opcode not in (*OPS, *SHAPE_OPERATORS):
            raise _foreign(graph, operator)


def _foreign(graph: Graph, operator: Operator) -> RefusalError:
    return refuse(graph, Reason.NO_OPERATOR, operator, graph.input_of(operator, 0))


class _Lowering:
    """Walks the operators from the model's input to its output."""

    def __init__(self, graph: Graph, rounding: Rounding) -> None:
        self._graph = graph
        self._shapes = Shapes(graph)
        first, last = self._one_end("input", graph.inputs), self._one_end("output", graph.outputs)
        self._chain = Chain(graph, rounding, self._shapes, last)
        self._chain.hold(first, 0)
        self._reads: list[tuple[int, ...]] = []
        self._authors: list[Operator] = []
        self._dropped: list[str] = []

    def network(self) -> Network:
        chain = self._chain
        check_operators(self._graph)
        self._check_end("input", self._graph.tensors[self._graph.inputs[0]])
        self._check_end("output", chain.output)
        for operator in self._graph.operators:
            self._lower(operator)
        self._check_reads()
        if chain.input is None or not any(isinstance(step, DenseLayer) for step in chain.steps):
            raise refuse(self._graph, Reason.NO_LAYER)
        dropped = (*self._dropped, *_other_subgraphs(self._graph))
        ends = chain.input, self._int8_before(chain.output)
        return Network(self._graph, chain.rounding, tuple(chain.steps), tuple(self._reads), *ends, dropped)

    def _one_end(self, kind: str, indices: tuple[int, ...]) -> Tensor:
        if len(indices) != 1:
            raise refuse(self._graph, Reason.NOT_ONE_END, count=len(indices), kind=kind)
        return self._graph.tensors[indices[0]]

    def _check_end(self, kind: str, tensor: Tensor) -> None:
        if tensor.dtype == "int16":
            raise refuse(self._graph, Reason.INT16, None, tensor)
        if tensor.dtype not in EDGE_DTYPES:
            raise refuse(self._graph, Reason.END_TYPE, None, tensor, dtype=tensor.dtype, kind=kind)

    def _lower(self, operator: Operator) -> None:
        op = OPS.get(operator.opcode)
        if self._shapes.fold(operator) or (op and op.is_for_shapes(self._chain, operator)):
            self._dropped.append(f"{operator.label}: its shape is known")
        elif op and (constant := op.constant(self._chain, operator)):
            self._chain.constants[constant.index] = constant
            self._dropped.append(f"{operator.label}: what it gives is constant")
        elif op:
            self._step(op, operator)
        else:
            raise _foreign(self._graph, operator)

    def _step(self, op: Op, operator: Operator) -> None:
        """Go over one operator, of which an input must be what one before it gave."""
        if len(operator.inputs) not in op.inputs or len(operator.outputs) != 1:
            facts = {"inputs": len(operator.inputs), "outputs": len(operator.outputs), "expected": max(op.inputs)}
            raise self._chain.refuse(Reason.CUT_OPERATOR, operator, None, **facts)
        count = len(operator.inputs) if op.commutes else 1
        operands = [self._graph.input_of(operator, index) for index in range(count)]
        source = next((one for one in operands if one is not None and one.index in self._chain.values), None)
        if source is None:
            raise self._chain.refuse(op.no_link(operands[0]), operator, operands[0])
        target = self._graph.tensors[operator.outputs[0]]
        link = op.lower(self._chain, operator, source, target)
        value = self._chain.values[source.index]
        if link.step is None:
            self._dropped.append(f"{operator.label}: {link.dropped}")
        else:
            others = (link.other,) if link.other else ()
            self._reads.append((value, *(self._chain.values[one.index] for one in others)))
            self._authors.append(operator)
            value = self._chain.add(link.step)
        self._move(operator, target, link.shape, value)

    def _move(self, operator: Operator, target: Tensor, shape: Shape, value: int) -> None:
        """Note that `target` holds `value`; it must have `shape` for one image in the file too, if that says one."""
        if not _fits(target.shape_signature, shape):
            facts = {"said": shape_text(target.shape_signature), "found": list(shape)}
            raise self._chain.refuse(Reason.SHAPE, operator, target, **facts)
        self._shapes.set(target, shape)
        self._chain.hold(target, value)

    def _check_reads(self) -> None:
        """Every step must lead to the output: what nobody reads is told, as what is none of the chain."""
        chain = self._chain
        if chain.output.index not in chain.values:
            raise refuse(self._graph, Reason.NO_OUTPUT, None, chain.output)
        read = {chain.values[chain.output.index], *(value for reads in self._reads for value in reads)}
        for value, operator in enumerate(self._authors, start=1):
            if value not in read:
                raise chain.refuse(Reason.NO_CHAIN, operator, self._graph.input_of(operator, 0))

    def _int8_before(self, tensor: Tensor) -> Tensor:
        """Return the last int8 tensor on the way to `tensor`."""
        while tensor.dtype != "int8":
            operator = self._graph.producer(tensor)
            assert operator is not None
            tensor = self._graph.tensors[operator.inputs[0]]
        return tensor


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
