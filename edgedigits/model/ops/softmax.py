"""SOFTMAX: that of TensorFlow Lite's int8 reference kernels, exact, on the fixed-point types of gemmlowp.

Source: reference/softmax.h of TensorFlow Lite and fixedpoint.h of gemmlowp. Differences to the largest score are
Q5.26, exponentials Q0.31, their sum Q12.19. An exponential depends on nothing but the difference of two int8
values, so it comes from a table; only the division is left to compute.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import (
    INT32_MAX,
    Ints,
    Rounding,
    divide_by_power,
    high_multiply,
    multiply_by_power,
    quantize_multiplier,
    rescale,
)
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import (
    INT8_MAX,
    INT8_MIN,
    Chain,
    Emission,
    InPlaceStep,
    Link,
    Op,
    Place,
    Table,
    Values,
)
from edgedigits.model.refusals import Reason

OUTPUT_SCALE = np.float32(1.0 / 256.0)
OUTPUT_ZERO_POINT = -128
DIFF_INTEGER_BITS = 5
SUM_INTEGER_BITS = 12
LARGEST_SOFTMAX = 1024
"""Scores whose exponentials the Q12.19 sum holds with room to spare."""

_QUARTER = 1 << 24
_EIGHTH = 1 << 28
_EXP_MINUS_EIGHTH = 1895147668
_THIRD = 715827883
# exp(−2^e) in Q0.31 for e = −2…4, by the bit of a Q5.26 number that asks for it.
_EXP_OF_BIT = {24: 1672461947, 25: 1302514674, 26: 790015084, 27: 290630308, 28: 39332535, 29: 720401, 30: 242}
_48_OVER_17 = 1515870810
_MINUS_32_OVER_17 = -1010580540
_ONE_Q2 = 1 << 29


@dataclass(frozen=True, slots=True, eq=False)
class Softmax(InPlaceStep):
    """A softmax on int8 scores; its output has scale 1/256 and zero point −128.

    Attributes:
        exponentials: int32 (k,), Q0.31: exp(−d · beta · scale) for d = 0…k−1, k ≤ 256. Larger differences add
            nothing to the sum and give probability 0.
    """

    exponentials: NDArray[np.int32]

    gives_probabilities: ClassVar[bool] = True
    low: ClassVar[int] = INT8_MIN
    high: ClassVar[int] = INT8_MAX

    def __post_init__(self) -> None:
        view = self.exponentials.view()
        view.flags.writeable = False
        object.__setattr__(self, "exponentials", view)

    def run(self, values: Sequence[Values], rounding: Rounding) -> Values:
        """Return int8 (n, m) probabilities of the int8 (n, m) scores that came last; no rounding is left to choose."""
        wide = values[-1].astype(np.int64)
        table = np.zeros(256, np.int64)
        table[: len(self.exponentials)] = self.exponentials
        powers = table[wide.max(axis=1, keepdims=True) - wide]
        total = divide_by_power(powers, SUM_INTEGER_BITS).sum(axis=1)
        headroom = np.array([32 - int(value).bit_length() for value in total], np.int64)
        scale = _reciprocal((total << headroom) - (1 << 31))
        exponent = SUM_INTEGER_BITS - headroom + 31 - 8
        shares = divide_by_power(high_multiply(scale[:, None], powers), exponent[:, None])
        return np.clip(shares - 128, -128, 127).astype(np.int8)

    def spread(self, steps: int) -> int:
        """Return that of the scores: how far probabilities lie apart is not bounded here."""
        return steps

    def saturated(self) -> Softmax:
        """Return itself: it takes the same time whatever comes in."""
        return self

    def emit(self, place: Place) -> Emission:
        """Return the call, and the table of exponentials; it stands behind the last layer, on signed scores."""
        comment = "exp of minus the distance to the highest score, by that distance; 1 is 2^31"
        tables = (Table("exponentials", comment, self.exponentials),)
        return Emission("softmax", "softmax.c.j2", (f"softmax({place.values}, {place.count}u);",), tables)


class SoftmaxOp(Op):
    """Probabilities of all scores of an image, behind its last layer."""

    opcodes = ("SOFTMAX",)

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return the softmax for scores of the source's scale."""
        chain.check_int8(operator, source, target)
        shape = chain.shapes.of(source)
        if not chain.steps or any(step.gives_probabilities for step in chain.steps):
            raise chain.refuse(Reason.SOFTMAX_PLACE, operator, source)
        if chain.shapes.size(source) > LARGEST_SOFTMAX:
            raise chain.refuse(Reason.SOFTMAX_SIZE, operator, source, limit=LARGEST_SOFTMAX)
        if shape[-1:] != (chain.shapes.size(source),):
            raise chain.refuse(Reason.SOFTMAX_ROWS, operator, source, shape=list(shape))
        if target.scale != OUTPUT_SCALE or target.zero_point != OUTPUT_ZERO_POINT:
            raise chain.refuse(Reason.SOFTMAX_SCALE, operator, target)
        beta = float(operator.options.get("beta", 1.0))
        try:
            return Link(shape, lower_softmax(beta, source.scale, chain.rounding))
        except ValueError as error:
            raise chain.refuse(Reason.SOFTMAX_BETA, operator, source, product=beta * float(source.scale)) from error


def lower_softmax(beta: float, input_scale: np.float32, rounding: Rounding) -> Softmax:
    """Return the softmax for scores of `input_scale`.

    Raises:
        ValueError: beta · scale is outside what the reference kernel accepts.
    """
    limit = (1 << (30 if rounding is Rounding.LITERT else 31)) - 1.0
    real = min(float(np.float32(beta)) * float(input_scale) * (1 << (31 - DIFF_INTEGER_BITS)), limit)
    if not real > 1.0:
        raise ValueError(f"beta · scale is {float(beta) * float(input_scale):.3g}, too small for the reference kernel")
    multiplier, shift = quantize_multiplier(real, rounding)
    radius = math.floor(((1 << DIFF_INTEGER_BITS) - 1) * (1 << (31 - DIFF_INTEGER_BITS)) / (1 << shift))
    differences = np.arange(min(radius, 255) + 1, dtype=np.int64)
    rescaled = rescale(-differences, np.array(multiplier), np.array(shift), rounding)
    powers = _exp_of_negative(rescaled)
    # Below half a step of the sum an exponential is lost there, and the result is 0 anyway.
    counted = int(np.count_nonzero(divide_by_power(powers, SUM_INTEGER_BITS)))
    return Softmax(powers[:counted].astype(np.int32))


def _exp_of_negative(value: Ints) -> Ints:
    """Return exp of Q5.26 values ≤ 0 as Q0.31."""
    below_quarter = (value & (_QUARTER - 1)) - _QUARTER
    result = _exp_near_zero(multiply_by_power(below_quarter, DIFF_INTEGER_BITS))
    remainder = below_quarter - value
    for bit, factor in _EXP_OF_BIT.items():
        result = np.where(remainder & (1 << bit), high_multiply(result, factor), result)
    return np.where(value == 0, INT32_MAX, result)


def _exp_near_zero(value: Ints) -> Ints:
    """Return exp of Q0.31 values in [−1/4, 0) by a Taylor polynomial around −1/8."""
    x = value + _EIGHTH
    x2 = high_multiply(x, x)
    x3, x4 = high_multiply(x2, x), high_multiply(x2, x2)
    tail = divide_by_power(high_multiply(divide_by_power(x4, 2) + x3, _THIRD) + x2, 1)
    return _EXP_MINUS_EIGHTH + high_multiply(x + tail, _EXP_MINUS_EIGHTH)


def _reciprocal(value: Ints) -> Ints:
    """Return 1 / (1 + x) of Q0.31 x in [0, 1) as Q0.31, by three Newton steps."""
    half = (value + INT32_MAX + 1) >> 1
    x = _48_OVER_17 + high_multiply(half, _MINUS_32_OVER_17)
    for _ in range(3):
        x = x + multiply_by_power(high_multiply(x, _ONE_Q2 - high_multiply(half, x)), 2)
    return multiply_by_power(x, 1)


OP = SoftmaxOp()
