"""DEQUANTIZE: at the end of a model, where the caller of the engine gets int8 and its scale."""

from __future__ import annotations

from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.refusals import Reason


class Dequantize(Op):
    """From int8 to float32 behind the last step."""

    opcodes = ("DEQUANTIZE",)
    form_only = True

    def no_link(self, source: Tensor | None) -> Reason:
        """Weights that are widened before they are used are the sign of a model that computes in float."""
        if source is None or not source.is_constant:
            return Reason.NO_CHAIN
        return Reason.FLOAT16 if source.dtype == "float16" else Reason.WIDENED

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return that nothing is to be done."""
        if source.dtype != "int8" or target.index != chain.output.index:
            raise chain.refuse(Reason.DEQUANTIZE_PLACE, operator, source)
        return Link(chain.shapes.of(source), dropped="the engine's output is int8")


OP = Dequantize()
