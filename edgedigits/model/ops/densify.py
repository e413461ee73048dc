"""DENSIFY: the reader has unpacked what is sparse in the file, and the engine packs zeros in a way of its own."""

from __future__ import annotations

from dataclasses import replace

from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.refusals import Reason


class Densify(Op):
    """A sparse constant with its zeros."""

    opcodes = ("DENSIFY",)

    def constant(self, chain: Chain, operator: Operator) -> Tensor | None:
        """Return the weights; None where what it takes is no constant."""
        source = chain.graph.input_of(operator, 0)
        if source is None or not source.is_sparse or len(operator.outputs) != 1:
            return None
        target = chain.graph.tensors[operator.outputs[0]]
        if source.data is None or source.dtype != target.dtype or source.shape != target.shape:
            raise chain.refuse(Reason.SPARSE, operator, source)
        return replace(target, data=source.data, nbytes=source.nbytes)

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Refuse to unpack what is computed."""
        raise chain.refuse(Reason.SPARSE, operator, source)


OP = Densify()
