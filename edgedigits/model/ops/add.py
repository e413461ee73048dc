"""ADD of two tensors of one shape, which brings the branches of a skip connection together again.

Both operands are brought to twice the larger scale with 20 bits behind the point, summed, and brought to the output's
scale; each time it is rounded twice. Source: `AddFunc` in reference/integer_ops/add.h and `Prepare` in kernels/add.cc
of TensorFlow Lite, in LiteRT and TFLM alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding, quantize_multiplier, rescale
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.clamp import ACTIVATIONS, clamp
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.ops.step import INT8_MAX, INT8_MIN, ConstantTable, Emission, InPlaceStep, Place, Spot, Values
from edgedigits.model.refusals import Reason

LEFT_SHIFT = 20
"""Bits behind the point."""


@dataclass(frozen=True, slots=True)
class Addend:
    """One operand.

    Attributes:
        zero_point: of its int8.
        multiplier, shift: its factor, below 1, as multiplier · 2^(shift − 31).
        low, high: limits of its int8.
    """

    zero_point: int
    multiplier: int
    shift: int
    low: int
    high: int

    def scaled(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return int8 values in the units of the sum."""
        return _times((values - self.zero_point) << LEFT_SHIFT, self.multiplier, self.shift)


@dataclass(frozen=True, slots=True)
class Add(InPlaceStep):
    """A sum of two arrays.

    Attributes:
        addends: its operands, in order.
        multiplier, shift: the factor of the sum, below 1, as those of an addend.
        output_offset: zero point of the output.
        clamp_low, clamp_high: the fused activation as int8 limits.
        low, high: the lowest and the highest int8 that it can give.
    """

    addends: tuple[Addend, Addend]
    multiplier: int
    shift: int
    output_offset: int
    clamp_low: int
    clamp_high: int
    low: int = INT8_MIN
    high: int = INT8_MAX

    instructions: ClassVar[float] = 28.0

    def run(self, values: Sequence[Values], rounding: Rounding) -> Values:
        """Return the sums, int8 (n, k), of two arrays of that shape; no rounding is left to choose."""
        one, other = (array.astype(np.int64) for array in values)
        return self.sum(one, other).astype(np.int8)

    def sum(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sums of int8 values, as int64."""
        first, second = self.addends
        total = _times(first.scaled(one) + second.scaled(other), self.multiplier, self.shift)
        return np.clip(total + self.output_offset, self.clamp_low, self.clamp_high)

    def spread(self, apart: Sequence[int]) -> int:
        """Return the largest change where both operands change by so much: sums grow with either."""
        codes = np.arange(INT8_MIN, INT8_MAX + 1)
        moved = [np.minimum(codes + steps, INT8_MAX) for steps in apart]
        before, after = (self.sum(one[:, None], other[None]) for one, other in ((codes, codes), moved))
        return int((after - before).max())

    def emit(self, place: Place) -> Emission:
        """Return the loop, and its numbers; distances from a lowest value count that in."""
        low = INT8_MIN if place.target.signed else self.low
        numbers = [self.output_offset - low, self.clamp_low - low, self.clamp_high - low, self.multiplier, -self.shift]
        for addend, spot in zip(self.addends, place.sources, strict=True):
            base = INT8_MIN if spot.signed else addend.low
            numbers += [base - addend.zero_point, addend.multiplier, -addend.shift]
        name = f"sum{place.number}"
        comment = "add: offset, limits, factor and shift of the sums; offset, factor and shift of either operand"
        call = f"add({_spots(place.sources)}, {place.count}u, {name}, {place.target.flip}, {place.target.written});"
        return Emission("add", "add.c.j2", (call,), (ConstantTable(name, comment, np.array(numbers, np.int32)),))


def _spots(spots: Sequence[Spot]) -> str:
    return ", ".join(f"{spot.read}, {spot.flip}" for spot in spots)


def _times(values: NDArray[np.int64], multiplier: int, shift: int) -> NDArray[np.int64]:
    return rescale(values, np.array(multiplier), np.array(shift), Rounding.TFLM)


class AddOp(Op):
    """The sum of what two steps give, or of one and the network's input."""

    opcodes = ("ADD",)
    inputs = (2,)
    commutes = True

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return the sum of both operands, in the order of the file."""
        one, other = (chain.graph.input_of(operator, index) for index in range(2))
        for operand in (one, other):
            if operand is not None and operand.is_constant:
                raise chain.refuse(Reason.ELEMENTWISE, operator, source)
            if operand is None or operand.index not in chain.values:
                raise chain.refuse(Reason.NO_CHAIN, operator, operand)
        assert one is not None and other is not None
        if any(step.gives_probabilities for step in chain.steps):
            raise chain.refuse(Reason.AFTER_SOFTMAX, operator, source)
        chain.check_int8(operator, one, other, target)
        shape = chain.shapes.of(one)
        if shape != chain.shapes.of(other):
            raise chain.refuse(Reason.ADD_SHAPES, operator, other, one=list(shape), other=list(chain.shapes.of(other)))
        if operator.activation not in ACTIVATIONS:
            raise chain.refuse(Reason.ACTIVATION, operator, target, activation=operator.activation)
        return Link(shape, _lowered(chain, operator, (one, other), target), other=other)


def _lowered(chain: Chain, operator: Operator, operands: tuple[Tensor, Tensor], target: Tensor) -> Add:
    # In float64, as both runtimes compute it.
    unit = 2 * max(float(one.scale) for one in operands)
    factor = quantize_multiplier(unit / ((1 << LEFT_SHIFT) * float(target.scale)), Rounding.TFLM)
    if factor[1] > 0:
        raise chain.refuse(Reason.ADD_SCALE, operator, target)
    one, other = (
        Addend(
            operand.zero_point, *quantize_multiplier(float(operand.scale) / unit, Rounding.TFLM), *chain.limits(operand)
        )
        for operand in operands
    )
    limits = clamp(operator.activation, target)
    step = Add((one, other), *factor, target.zero_point, *limits)
    low, high = (int(step.sum(*ends)) for ends in (np.array([one.low, other.low]), np.array([one.high, other.high])))
    return replace(step, low=low, high=high)


OP = AddOp()
