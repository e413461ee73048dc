"""QUANTIZE: nothing at the edges of a model, where the engine's int8 begins and ends; a table from int8 to int8.

Source: `reference_ops::Requantize` of TensorFlow Lite, in LiteRT and TFLM alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link
from edgedigits.model.ops.step import INT8_MIN
from edgedigits.model.ops.table import TableOp, rescaled
from edgedigits.model.refusals import Reason


class Quantize(TableOp):
    """The same real values in another type, scale or zero point."""

    opcodes = ("QUANTIZE",)
    form_only = True

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return a table for what stays int8, else that nothing is to be done."""
        if source.dtype == "int8" and target.dtype == "int8":
            return super().lower(chain, operator, source, target)
        at_end = target.index == chain.output.index
        if {source.dtype, target.dtype} <= {"int8", "uint8"} and not _same_steps(source, target):
            raise chain.refuse(Reason.REQUANTIZE, operator, target)
        is_input = chain.values[source.index] == 0 and (chain.input is None or target.is_stored_like(chain.input))
        if target.dtype == "int8" and is_input and source.dtype in ("float32", "uint8"):
            return Link(chain.shapes.of(source), dropped="the engine's input is int8")
        if source.dtype == "int8" and at_end and target.dtype == "uint8":
            return Link(chain.shapes.of(source), dropped="the engine's output is int8")
        raise chain.refuse(Reason.QUANTIZE_PLACE, operator, target, source=source.dtype, target=target.dtype)

    def table(self, operator: Operator, source: Tensor, target: Tensor, rounding: Rounding) -> NDArray[np.int64]:
        """Return the values in the target's steps."""
        return rescaled(source, target)


def _same_steps(one: Tensor, other: Tensor) -> bool:
    """Tell whether two 8-bit tensors differ in nothing but what their lowest value is called."""
    if len(one.scales) != 1 or len(other.scales) != 1 or one.scale != other.scale:
        return False
    low, other_low = (0 if tensor.dtype == "uint8" else INT8_MIN for tensor in (one, other))
    return one.zero_point - low == other.zero_point - other_low


OP = Quantize()
