"""LEAKY_RELU: two factors, one above zero and one below.

Source: `QuantizeLeakyRelu` in reference/leaky_relu.h of TensorFlow Lite, in LiteRT and TFLM alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.table import CODES, TableOp, rescaled


class LeakyRelu(TableOp):
    """What is below zero, times alpha."""

    opcodes = ("LEAKY_RELU",)

    def table(self, operator: Operator, source: Tensor, target: Tensor, rounding: Rounding) -> NDArray[np.int64]:
        """Return the values, each rescaled by its factor."""
        alpha = float(np.float32(operator.options.get("alpha", 0.0)))
        below = rescaled(source, target, alpha)
        return np.where(source.zero_point <= CODES, rescaled(source, target), below)


OP = LeakyRelu()
