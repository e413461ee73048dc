"""CAST: at the beginning of a model, from pixels as they are, uint8 without quantization, to float32."""

from __future__ import annotations

from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.refusals import Reason


class Cast(Op):
    """The same numbers in another type; a QUANTIZE behind it makes the int8 that the engine takes."""

    opcodes = ("CAST",)
    form_only = True

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return that nothing is to be done: the engine's input is what the QUANTIZE gives."""
        plain = source.dtype == "uint8" and not source.is_quantized and chain.values[source.index] == 0
        if not plain or target.dtype != "float32" or target.is_quantized:
            raise chain.refuse(Reason.CAST, operator, source, source=source.dtype, target=target.dtype)
        return Link(chain.shapes.of(source), dropped="the engine's input is int8")


OP = Cast()
