"""MUL that changes no int8: what is left of `Rescaling(1/255)` once a model is quantized."""

from __future__ import annotations

import numpy as np

from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.refusals import Reason

SLACK = 0.25
"""Steps by which a product may miss its integer: no kernel rounds by so much that it gives another."""


class Multiply(Op):
    """A product with a constant."""

    opcodes = ("MUL",)
    inputs = (2,)
    commutes = True

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return that nothing is to be done."""
        chain.check_int8(operator, source, target)
        operands = (chain.graph.tensors[index] for index in operator.inputs if index >= 0)
        factor = next((other for other in operands if other is not source), None)
        if factor is None or not keeps_values(operator, source, factor, target):
            raise chain.refuse(Reason.ELEMENTWISE, operator, target)
        return Link(chain.shapes.of(source), dropped="gives every int8 as it is, in another scale")


def keeps_values(operator: Operator, source: Tensor, factor: Tensor, target: Tensor) -> bool:
    """Tell whether a MUL of int8 `source` by `factor` gives every int8 of `source` as the same int8 in `target`.

    Pixels 0…255 of scale 1, times 1/255, are 0…1 of scale 1/255: other numbers in the same bytes.
    """
    if factor.data is None or factor.dtype != "int8" or factor.size != 1 or operator.activation != "NONE":
        return False
    if len(factor.scales) != 1:
        return False
    values = np.arange(-128, 128)
    number = (int(factor.data.reshape(-1)[0]) - factor.zero_point) * float(factor.scale)
    products = (values - source.zero_point) * float(source.scale) * number / float(target.scale) + target.zero_point
    return bool(np.all(np.abs(products - values) < SLACK))


OP = Multiply()
