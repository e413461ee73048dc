"""RESHAPE: the engine moves nothing, so the shape must hold one image and every value must stay what it is."""

from __future__ import annotations

import math

from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.refusals import Reason


class Reshape(Op):
    """Another shape of the same values."""

    opcodes = ("RESHAPE",)
    form_only = True
    inputs = (1, 2)

    def is_for_shapes(self, chain: Chain, operator: Operator) -> bool:
        """Converters leave a RESHAPE behind, read by SHAPE alone, where they merge two."""
        if len(operator.outputs) != 1 or chain.output.index in operator.outputs:
            return False
        source, target = chain.graph.input_of(operator, 0), chain.graph.tensors[operator.outputs[0]]
        if source is None or any(reader.opcode != "SHAPE" for reader in chain.graph.consumers(target)):
            return False
        shape = chain.shapes.target(operator, chain.shapes.size(source))
        if shape is not None:
            chain.shapes.set(target, shape)
        return shape is not None

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return the shape, also one that the model computes itself."""
        if not source.is_stored_like(target):
            raise chain.refuse(Reason.RESHAPE_QUANTIZATION, operator, target)
        elements = chain.shapes.size(source)
        shape = chain.shapes.target(operator, elements)
        if shape is None:
            raise chain.refuse(Reason.RESHAPE_OPEN, operator, chain.graph.input_of(operator, 1))
        if math.prod(shape) != elements or min(shape, default=1) < 1:
            raise chain.refuse(Reason.RESHAPE_SIZE, operator, target, shape=list(shape), elements=elements)
        return Link(shape, dropped="moves nothing")


OP = Reshape()
