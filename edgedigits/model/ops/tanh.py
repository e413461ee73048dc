"""TANH: LiteRT fills a table in float32, TFLM computes in fixed point.

Source: `PopulateLookupTable` in kernels/activations.cc of LiteRT; reference/integer_ops/tanh.h and
micro/kernels/tanh.cc of TFLM.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding, divide_by_power
from edgedigits.model.gemmlowp import tanh
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.step import INT8_MAX, INT8_MIN
from edgedigits.model.ops.table import TableOp, in_fixed_point, in_float32, real_function, real_inputs


class Tanh(TableOp):
    """The hyperbolic tangent."""

    opcodes = ("TANH",)

    def table(self, operator: Operator, source: Tensor, target: Tensor, rounding: Rounding) -> NDArray[np.int64]:
        """Return the values of either kernel; TFLM's takes the output's scale for 1/128, its zero point for 0."""
        if rounding is Rounding.LITERT:
            return real_function(in_float32("tanh", real_inputs(source)), target)
        return in_fixed_point(source, lambda values: divide_by_power(tanh(values), 24), (INT8_MIN, INT8_MAX))


OP = Tanh()
