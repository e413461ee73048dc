"""SUB and DIV: the engine has neither, and by a constant they tell of Rescaling or Normalization in a model."""

from __future__ import annotations

from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.refusals import Reason


class Elementwise(Op):
    """A difference or a quotient of single values."""

    opcodes = ("SUB", "DIV")
    inputs = (2,)
    commutes = True

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return nothing: refuse, and say which of the two it is."""
        operands = (chain.graph.tensors[index] for index in operator.inputs if index >= 0)
        by_constant = any(one.is_constant for one in operands)
        raise chain.refuse(Reason.ELEMENTWISE if by_constant else Reason.NO_OPERATOR, operator, source)


OP = Elementwise()
