"""Fixed-point arithmetic of TensorFlow Lite's integer kernels, in NumPy and exact, in both roundings in use.

A real factor r is applied to int32 accumulators as multiplier · 2^(shift − 31), multiplier in [2³⁰, 2³¹):

- `LITERT`: one rounding, (acc · m + 2^(t−1)) >> t with t = 31 − shift. With a multiplier from `fitting.py` that is what
  LiteRT's `BUILTIN_REF` kernels give, which round the product in double precision.
- `TFLM`: two roundings, a rounding doubling high multiplication and a rounding division by a power of two:
  TensorFlow Lite Micro and CMSIS-NN.

They differ by at most 1. Sources: `MultiplyByQuantizedMultiplier` and `QuantizeMultiplier` of TensorFlow Lite,
fixedpoint.h of gemmlowp.
"""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
MULTIPLIER_BITS = 31
SMALLEST_SHIFT = -31
LARGEST_SINGLE_SHIFT = 30

Ints = NDArray[np.int64]


class Rounding(StrEnum):
    """Whose arithmetic an engine equals bit for bit."""

    LITERT = "litert"
    TFLM = "tflm"


def quantize_multiplier(real: float, rounding: Rounding) -> tuple[int, int]:
    """Return (multiplier, shift) with real ≈ multiplier · 2^(shift − 31).

    A factor below 2⁻³² becomes (0, 0), as in TensorFlow Lite: dead neurons have such scales. With single
    rounding a factor above 2³⁰ saturates.

    Args:
        real: the factor, at least 0 and finite.
        rounding: whose limits hold.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2.0**MULTIPLIER_BITS + 0.5)
    if multiplier == 1 << MULTIPLIER_BITS:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < SMALLEST_SHIFT:
        return 0, 0
    if rounding is Rounding.LITERT and shift > LARGEST_SINGLE_SHIFT:
        return INT32_MAX, LARGEST_SINGLE_SHIFT
    return multiplier, shift


def rescale(acc: Ints, multiplier: Ints, shift: Ints, rounding: Rounding) -> Ints:
    """Return acc · multiplier · 2^(shift − 31), rounded; the arrays broadcast.

    Args:
        acc: int64, values of int32; with `TFLM` also acc · 2^shift must be one, for shift > 0.
        multiplier: 0 or in [2³⁰, 2³¹).
        shift: -31…30.
        rounding: once or twice.
    """
    if rounding is Rounding.LITERT:
        total = MULTIPLIER_BITS - shift
        return (acc * multiplier + (np.int64(1) << (total - 1))) >> total
    high = high_multiply(acc << np.maximum(shift, 0), multiplier)
    return divide_by_power(high, np.maximum(-shift, 0))


def high_multiply(a: Ints | int, b: Ints | int) -> Ints:
    """Return a · b / 2³¹, halves rounded up: gemmlowp's SaturatingRoundingDoublingHighMul.

    Its only saturating case, −2³¹ squared, does not occur with the constants of this toolkit.
    """
    return (np.asarray(a, np.int64) * b + (1 << 30)) >> 31


def divide_by_power(value: Ints, exponent: Ints | int) -> Ints:
    """Return value / 2^exponent, halves rounded away from zero: gemmlowp's RoundingDivideByPOT."""
    half = (np.int64(1) << np.asarray(exponent, np.int64)) >> 1
    return (value + half - ((value < 0) & (half > 0))) >> exponent


def multiply_by_power(value: Ints, exponent: int) -> Ints:
    """Return value · 2^exponent, saturated to int32: gemmlowp's SaturatingRoundingMultiplyByPOT."""
    return np.clip(value << exponent, INT32_MIN, INT32_MAX)
