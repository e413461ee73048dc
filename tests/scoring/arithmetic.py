"""An independent int8 fully-connected network in NumPy, with either of the two roundings in use.

Written from the definitions in gemmlowp's fixedpoint.h and TensorFlow Lite's `MultiplyByQuantizedMultiplier`,
in 64-bit integers and without a thought for speed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.ir import Graph

Rounding = Callable[[NDArray[np.int64], int, int], NDArray[np.int64]]


def single(acc: NDArray[np.int64], multiplier: int, shift: int) -> NDArray[np.int64]:
    """(acc · m + 2^(t−1)) >> t, t = 31 − shift."""
    total = 31 - shift
    return (acc * multiplier + (1 << (total - 1))) >> total


def double(acc: NDArray[np.int64], multiplier: int, shift: int) -> NDArray[np.int64]:
    """Rounding doubling high multiplication, then rounding division by 2^−shift; halves away from zero."""
    product = acc * (1 << max(shift, 0)) * multiplier
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.sign(nudged) * (np.abs(nudged) >> 31)
    exponent = max(-shift, 0)
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (high < 0)
    return (high >> exponent) + ((high & mask) > threshold)


def quantized_multiplier(real: float) -> tuple[int, int]:
    """Return m and shift with real ≈ m · 2^(shift − 31), m in [2³⁰, 2³¹)."""
    fraction, shift = math.frexp(real)
    multiplier = round(fraction * (1 << 31))
    return (multiplier // 2, shift + 1) if multiplier == 1 << 31 else (multiplier, shift)


def run(graph: Graph, inputs: NDArray[np.int8], rounding: Rounding) -> NDArray[np.int8]:
    """Run a chain of FULLY_CONNECTED with per-tensor weights on int8 (n, k); returns int8 (n, 10)."""
    for operator in graph.operators:
        source, weights, bias = (graph.input_of(operator, position) for position in range(3))
        target = graph.tensors[operator.outputs[0]]
        assert operator.opcode == "FULLY_CONNECTED" and source and weights and bias
        assert weights.data is not None and bias.data is not None
        acc = (inputs.astype(np.int64) - source.zero_point) @ weights.data.astype(np.int64).T + bias.data
        product = np.float64(source.scale * weights.scale)
        scaled = rounding(acc, *quantized_multiplier(float(product / np.float64(target.scale))))
        low = target.zero_point if operator.activation == "RELU" else -128
        inputs = np.clip(scaled + target.zero_point, max(low, -128), 127).astype(np.int8)
    return inputs
