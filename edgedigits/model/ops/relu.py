"""RELU, RELU6, RELU_N1_TO_1, RELU_0_TO_1 that are no part of a layer: rescaled, then kept within limits.

Source: `QuantizedReluX` in kernels/activations.cc of LiteRT; micro/kernels/activations_common.cc of TFLM, whose RELU6
takes the input's scale for the output's.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.step import INT8_MAX
from edgedigits.model.ops.table import CODES, TableOp, rescaled

LIMITS = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0), "RELU_0_TO_1": (0.0, 1.0)}


class Relu(TableOp):
    """A value kept within two real limits."""

    opcodes = tuple(LIMITS)

    def table(self, operator: Operator, source: Tensor, target: Tensor, rounding: Rounding) -> NDArray[np.int64]:
        """Return the limits' clamp on the rescaled values."""
        if rounding is Rounding.TFLM and operator.opcode == "RELU6":
            return np.clip(CODES, *_limits("RELU6", source))
        return np.clip(rescaled(source, target), *_limits(operator.opcode, target))

    def activation(self, operator: Operator) -> str:
        """Return its name."""
        return operator.opcode


def _limits(opcode: str, tensor: Tensor) -> tuple[int, int]:
    low, high = (_steps(limit, tensor) for limit in LIMITS[opcode])
    return low, high


def _steps(limit: float, tensor: Tensor) -> int:
    if math.isinf(limit):
        return INT8_MAX
    # In float32, halves away from zero.
    steps = float(np.float32(limit) / np.float32(tensor.scale))
    return tensor.zero_point + int(math.copysign(math.floor(abs(steps) + 0.5), steps))


OP = Relu()
