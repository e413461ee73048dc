"""The activations that a layer or a sum may be fused with: each is two limits of its int8."""

from __future__ import annotations

import math

import numpy as np

from edgedigits.model.ir import Tensor
from edgedigits.model.ops.step import INT8_MAX, INT8_MIN

ACTIVATIONS = ("NONE", "RELU", "RELU6")
SMALLEST_SCALE = np.float32(1e-6)
"""Scale under which 6 is more than an int8 can say."""


def clamp(activation: str, target: Tensor) -> tuple[int, int]:
    """Return a fused activation as limits of the int8 output."""
    low, high = INT8_MIN, INT8_MAX
    if activation != "NONE":
        low = max(low, target.zero_point)
    if activation == "RELU6":
        # In float32, as TFLite divides; below the smallest scale it is beyond int8 in any case.
        steps = float(np.float32(6.0) / max(target.scale, SMALLEST_SCALE))
        high = min(high, target.zero_point + math.floor(steps + 0.5))
    return low, high
