"""GATHER: some of the network's inputs, for a dense layer that does without the others."""

from __future__ import annotations

import numpy as np

from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.refusals import Reason


class Gather(Op):
    """Picks values by constant places; the dense layer behind it has weights of 0 for the others."""

    opcodes = ("GATHER",)
    inputs = (2,)

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Note which values are picked; no step is needed."""
        shape = chain.shapes.of(source)
        places = chain.operand(operator, 1)
        rows = operator.options.get("axis", 0) % max(1, len(shape)) or operator.options.get("batch_dims", 0)
        if len(shape) != 2 or shape[0] != 1 or rows != 1 or source.index in chain.picked:
            raise chain.refuse(Reason.GATHER_AXIS, operator, source)
        if places is None or places.data is None or len(places.shape) != 1:
            raise chain.refuse(Reason.GATHER_PLACES, operator, places)
        picked = places.data.astype(np.intp)
        if np.any((picked < 0) | (picked >= shape[1])) or len(np.unique(picked)) < len(picked):
            raise chain.refuse(Reason.GATHER_PLACES, operator, places)
        if not source.is_stored_like(target):
            raise chain.refuse(Reason.GATHER_QUANTIZATION, operator, target)
        readers = chain.graph.consumers(target)
        if target is chain.output or any(reader.opcode != "FULLY_CONNECTED" for reader in readers):
            raise chain.refuse(Reason.GATHER_PLACE, operator, target)
        chain.picked[target.index] = (picked, shape[1])
        return Link((1, len(picked)), dropped="the layer behind it reads these values alone")


OP = Gather()
