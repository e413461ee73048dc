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
    Rounding,
    divide_by_power,
    high_multiply,
    quantize_multiplier,
    rescale,
)
from edgedigits.model.gemmlowp import exp_of_negative, reciprocal
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.ops.step import INT8_MAX, INT8_MIN, ConstantTable, Emission, InPlaceStep, Place, Values
from edgedigits.model.refusals import Reason

OUTPUT_SCALE = np.float32(1.0 / 256.0)
OUTPUT_ZERO_POINT = -128
DIFF_INTEGER_BITS = 5
SUM_INTEGER_BITS = 12
LARGEST_SOFTMAX = 1024
"""Scores whose exponentials the Q12.19 sum holds with room to spare."""


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
        """Return int8 (n, m) probabilities of the int8 (n, m) scores; no rounding is left to choose."""
        wide = values[-1].astype(np.int64)
        table = np.zeros(256, np.int64)
        table[: len(self.exponentials)] = self.exponentials
        powers = table[wide.max(axis=1, keepdims=True) - wide]
        total = divide_by_power(powers, SUM_INTEGER_BITS).sum(axis=1)
        headroom = np.array([32 - int(value).bit_length() for value in total], np.int64)
        scale = reciprocal((total << headroom) - (1 << 31))
        exponent = SUM_INTEGER_BITS - headroom + 31 - 8
        shares = divide_by_power(high_multiply(scale[:, None], powers), exponent[:, None])
        return np.clip(shares - 128, -128, 127).astype(np.int8)

    def spread(self, apart: Sequence[int]) -> int:
        """Return that of the scores: how far probabilities lie apart is not bounded here."""
        return apart[0]

    def emit(self, place: Place) -> Emission:
        """Return the call, and the table of exponentials; it stands behind the last layer, on signed scores."""
        comment = "exp of minus the distance to the highest score, by that distance; 1 is 2^31"
        tables = (ConstantTable("exponentials", comment, self.exponentials),)
        call = f"softmax({place.target.pointer}, {place.count}u, s->sums);"
        return Emission("softmax", "softmax.c.j2", (call,), tables)


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
    powers = exp_of_negative(rescaled, DIFF_INTEGER_BITS)
    # Below half a step of the sum an exponential is lost there, and the result is 0 anyway.
    counted = int(np.count_nonzero(divide_by_power(powers, SUM_INTEGER_BITS)))
    return Softmax(powers[:counted].astype(np.int32))


OP = SoftmaxOp()
