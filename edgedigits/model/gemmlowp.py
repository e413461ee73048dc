"""Functions on the fixed-point types of gemmlowp that int8 kernels of TensorFlow Lite compute with, exact.

Source: fixedpoint.h of gemmlowp. A type Qi.f has i bits before the point and f = 31 − i behind it.
"""

from __future__ import annotations

import numpy as np

from edgedigits.model.fixed_point import INT32_MAX, Ints, divide_by_power, high_multiply, multiply_by_power

_EIGHTH = 1 << 28
_EXP_MINUS_EIGHTH = 1895147668
_THIRD = 715827883
# exp(−2^e) in Q0.31 by e.
_EXP_OF_POWER = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
_48_OVER_17 = 1515870810
_MINUS_32_OVER_17 = -1010580540
_ONE_Q2 = 1 << 29


def exp_of_negative(value: Ints, integer_bits: int) -> Ints:
    """Return exp of values ≤ 0, of `integer_bits` at most 5, as Q0.31."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    below_quarter = (value & (quarter - 1)) - quarter
    result = _exp_near_zero(multiply_by_power(below_quarter, integer_bits))
    remainder = below_quarter - value
    for power, factor in _EXP_OF_POWER.items():
        if power < integer_bits:
            result = np.where(remainder & (1 << (fraction_bits + power)), high_multiply(result, factor), result)
    return np.where(value == 0, INT32_MAX, result)


def _exp_near_zero(value: Ints) -> Ints:
    """Return exp of Q0.31 values in [−1/4, 0) by a Taylor polynomial around −1/8."""
    x = value + _EIGHTH
    x2 = high_multiply(x, x)
    x3, x4 = high_multiply(x2, x), high_multiply(x2, x2)
    tail = divide_by_power(high_multiply(divide_by_power(x4, 2) + x3, _THIRD) + x2, 1)
    return _EXP_MINUS_EIGHTH + high_multiply(x + tail, _EXP_MINUS_EIGHTH)


def reciprocal(value: Ints) -> Ints:
    """Return 1 / (1 + x) of Q0.31 x in [0, 1) as Q0.31."""
    return multiply_by_power(_twice_reciprocal(value), 1)


def _twice_reciprocal(value: Ints) -> Ints:
    """Return 2 / (1 + x) of Q0.31 x in [0, 1) as Q2.29, by three Newton steps."""
    half = (value + INT32_MAX + 1) >> 1
    x = _48_OVER_17 + high_multiply(half, _MINUS_32_OVER_17)
    for _ in range(3):
        x = x + multiply_by_power(high_multiply(x, _ONE_Q2 - high_multiply(half, x)), 2)
    return x


def logistic(value: Ints) -> Ints:
    """Return 1 / (1 + exp(−x)) of Q4.27 values as Q0.31."""
    positive = reciprocal(exp_of_negative(-np.abs(value), 4))
    return np.where(value == 0, 1 << 30, np.where(value > 0, positive, INT32_MAX - positive))


def tanh(value: Ints) -> Ints:
    """Return tanh of Q4.27 values as Q0.31: (1 − e) / (1 + e) with e = exp(−2·|x|)."""
    # Twice a Q4.27 is the same integer as a Q5.26.
    share = multiply_by_power(_twice_reciprocal(exp_of_negative(-np.abs(value), 5)) - _ONE_Q2, 2)
    return np.sign(value) * share
