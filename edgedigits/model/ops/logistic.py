"""LOGISTIC: LiteRT fills a table in float32, TFLM computes in fixed point.

Source: `PopulateLookupTable` in kernels/activations.cc of LiteRT; reference/integer_ops/logistic.h and
micro/kernels/logistic_common.cc of TFLM.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding, divide_by_power
from edgedigits.model.gemmlowp import logistic
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain
from edgedigits.model.ops.step import INT8_MAX, INT8_MIN
from edgedigits.model.ops.table import TableOp, in_fixed_point, in_float32, real_function, real_inputs
from edgedigits.model.refusals import Reason

OUTPUT_SCALE = np.float32(1.0 / 256.0)


class Logistic(TableOp):
    """1 / (1 + exp(−x))."""

    opcodes = ("LOGISTIC",)

    def check(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> None:
        """Refuse another output than the kernels have."""
        if target.scale != OUTPUT_SCALE or target.zero_point != INT8_MIN:
            raise chain.refuse(Reason.LOGISTIC_SCALE, operator, target)

    def table(self, operator: Operator, source: Tensor, target: Tensor, rounding: Rounding) -> NDArray[np.int64]:
        """Return the values of either kernel."""
        if rounding is Rounding.LITERT:
            powers = in_float32("exp", -real_inputs(source))
            return real_function(np.float32(1) / (np.float32(1) + powers), target)
        ends = (INT8_MIN, INT8_MAX)
        return in_fixed_point(source, lambda values: divide_by_power(logistic(values), 23) + INT8_MIN, ends)


OP = Logistic()
