"""QUANTIZE: at the edges of a model, where the engine's int8 begins and ends, and where it changes nothing."""

from __future__ import annotations

from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import INT8_MIN, Chain, Link, Op
from edgedigits.model.refusals import Reason


class Quantize(Op):
    """From another type to int8 in front, from int8 to uint8 behind."""

    opcodes = ("QUANTIZE",)

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return that nothing is to be done, and why."""
        at_end = target.index == chain.output.index
        if {source.dtype, target.dtype} <= {"int8", "uint8"} and not _same_steps(source, target):
            raise chain.refuse(Reason.REQUANTIZE, operator, target)
        if source.dtype == "int8" and target.dtype == "int8":
            why = "changes nothing"
        elif target.dtype == "int8" and not chain.steps and source.dtype in ("float32", "uint8"):
            why = "the engine's input is int8"
        elif source.dtype == "int8" and at_end and target.dtype == "uint8":
            why = "the engine's output is int8"
        else:
            facts = {"source": source.dtype, "target": target.dtype}
            raise chain.refuse(Reason.QUANTIZE_PLACE, operator, target, **facts)
        return Link(chain.shapes.of(source), dropped=why)


def _same_steps(one: Tensor, other: Tensor) -> bool:
    """Tell whether two 8-bit tensors differ in nothing but what their lowest value is called."""
    if len(one.scales) != 1 or len(other.scales) != 1 or one.scale != other.scale:
        return False
    low, other_low = (0 if tensor.dtype == "uint8" else INT8_MIN for tensor in (one, other))
    return one.zero_point - low == other.zero_point - other_low


OP = Quantize()
