"""Any function of one int8 as a table of its 256 values: how every op of one input and no weights is computed.

What the function is says the op, in a file of its own, by the formula of the reference kernel in either rounding. Where
a table is a clamp, the layer before it does that itself.
"""

from __future__ import annotations

import ctypes
import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Ints, Rounding, quantize_multiplier, rescale
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain, Link, Op
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ops.step import INT8_MAX, INT8_MIN, ConstantTable, Emission, InPlaceStep, Place, Values

INTEGER_BITS, FRACTION_BITS = 4, 27

CODES = np.arange(INT8_MIN, INT8_MAX + 1)


@dataclass(frozen=True, slots=True, eq=False)
class TableStep(InPlaceStep):
    """A function of single values.

    Attributes:
        name: what reports call it, such as "tanh".
        values: int8 (256,): what becomes of −128…127.
        input_low, input_high: limits of what comes in.
        low, high: the lowest and the highest int8 that it can give.
        apart: how far the tables of both roundings are apart.
    """

    name: str
    values: Values
    input_low: int
    input_high: int
    low: int = INT8_MIN
    high: int = INT8_MAX
    apart: int = 0

    by_value: ClassVar[bool] = True
    instructions: ClassVar[float] = 3.3

    def __post_init__(self) -> None:
        view = self.values.view()
        view.flags.writeable = False
        object.__setattr__(self, "values", view)

    @property
    def reachable(self) -> Values:
        """What becomes of `input_low`…`input_high`."""
        return self.values[self.input_low - INT8_MIN : self.input_high - INT8_MIN + 1]

    def run(self, values: Sequence[Values], rounding: Rounding) -> Values:
        """Return what becomes of the values, int8 (n, k)."""
        return self.values[values[-1].astype(np.int64) - INT8_MIN]

    def spread(self, apart: Sequence[int]) -> int:
        """Return the largest change of the function within so many steps, and what the tables themselves are apart."""
        wide = self.values.astype(np.int64)
        reach = range(1, min(apart[0], len(wide) - 1) + 1)
        return self.apart + max((int(np.abs(wide[step:] - wide[:-step]).max()) for step in reach), default=0)

    def emit(self, place: Place) -> Emission:
        """Return the loop and the table, whose entries and places are as the values lie there."""
        # By the byte that a signed value is, or by the distance from the lowest.
        [source], target = place.sources, place.target
        entries = np.roll(self.values, INT8_MIN) if source.signed else self.reachable
        stored = entries.astype(np.int64) - (0 if target.signed else self.low)
        name = f"table{place.number}"
        comment = f"{self.name}: what comes out, by what comes in"
        call = f"look_up({source.read}, {place.count}u, {name}, {target.written});"
        table = ConstantTable(name, comment, (stored & 0xFF).astype(np.uint8))
        return Emission(self.name, "look_up.c.j2", (call,), (table,))


class TableOp(Op):
    """An op that is a function of single values."""

    @abstractmethod
    def table(self, operator: Operator, source: Tensor, target: Tensor, rounding: Rounding) -> NDArray[np.int64]:
        """Return what the reference kernel makes of −128…127, (256,), before it is cut to int8."""

    def check(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> None:
        """Raise RefusalError where the reference kernel refuses these tensors too."""

    def activation(self, operator: Operator) -> str:
        """Return what a layer is said to end with that does the same; "" for nothing of its own."""
        return ""

    def lower(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> Link:
        """Return the table, or nothing where the layer before it can do the same."""
        chain.check_int8(operator, source, target)
        self.check(chain, operator, source, target)
        tables = {one: self._cut(operator, source, target, one) for one in Rounding}
        apart = int(np.abs(np.subtract(*(one.astype(np.int64) for one in tables.values()))).max())
        name = operator.opcode.replace("_", " ").lower()
        low, high = chain.limits(source)
        step = TableStep(name, tables[chain.rounding], low, high, apart=apart)
        step = replace(step, low=int(step.reachable.min()), high=int(step.reachable.max()))
        shape, codes = chain.shapes.of(source), np.arange(low, high + 1)
        if not apart and np.array_equal(step.reachable, codes):
            return Link(shape, dropped="changes nothing")
        last = chain.last_for(source)
        is_clamp = not apart and np.array_equal(step.reachable, np.clip(codes, step.low, step.high))
        if isinstance(last, DenseLayer) and is_clamp:
            said = last.activation if last.activation != "NONE" else self.activation(operator) or "NONE"
            chain.steps[-1] = replace(last, clamp_low=step.low, clamp_high=step.high, activation=said)
            return Link(shape, dropped="the layer before it does the same")
        return Link(shape, step)

    def _cut(self, operator: Operator, source: Tensor, target: Tensor, rounding: Rounding) -> Values:
        values = self.table(operator, source, target, rounding)
        return np.clip(values, INT8_MIN, INT8_MAX).astype(np.int8)


def rescaled(source: Tensor, target: Tensor, factor: float = 1.0) -> NDArray[np.int64]:
    """Return `factor` · −128…127 of `source`, in steps of `target`, int64 (256,): MultiplyByQuantizedMultiplier.

    Outside FULLY_CONNECTED, LiteRT rounds twice as TFLM does.
    """
    real = float(source.scale) * factor / float(target.scale)
    sign = -1 if real < 0 else 1
    multiplier, shift = quantize_multiplier(abs(real), Rounding.TFLM)
    scaled = rescale(CODES - source.zero_point, np.array(multiplier), np.array(shift), Rounding.TFLM)
    return sign * scaled + target.zero_point


def real_function(outputs: NDArray[np.float32], target: Tensor) -> NDArray[np.int64]:
    """Return real values, float32 (256,), in steps of `target`, halves away from zero, as LiteRT fills its tables."""
    steps = (outputs * (np.float32(1) / np.float32(target.scale))).astype(np.float64)
    return (np.trunc(steps + np.copysign(0.5, steps)) + target.zero_point).astype(np.int64)


def real_inputs(source: Tensor) -> NDArray[np.float32]:
    """Return the real values of −128…127, float32 (256,)."""
    return np.float32(source.scale) * (CODES - source.zero_point).astype(np.float32)


def in_float32(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return "exp" or "tanh" of `values` as C's own function gives it on this machine, which LiteRT's tables come from.

    C libraries differ in the last bit of it, and where a result falls between two steps, so do the tables. Where C's
    function is not at hand, it is the correctly rounded one.
    """
    function = _c_function(f"{name}f")
    if function is not None:
        return np.array([function(value) for value in values.tolist()], np.float32)
    with np.errstate(over="ignore"):
        return np.asarray(getattr(np, name)(values.astype(np.float64)).astype(np.float32))


@cache
def _c_function(name: str) -> Callable[[float], float] | None:
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, TypeError, AttributeError):  # as on Windows
        return None
    function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    return cast(Callable[[float], float], function)


def in_fixed_point(source: Tensor, function: Callable[[Ints], Ints], beyond: tuple[int, int]) -> NDArray[np.int64]:
    """Return what TFLM makes of −128…127 by a function of Q4.27 values, (256,).

    Args:
        source: the input.
        function: int8 values of Q4.27 ones.
        beyond: what becomes of values below and above what Q4.27 can hold.
    """
    multiplier, shift = quantize_multiplier(float(source.scale) * (1 << FRACTION_BITS), Rounding.TFLM)
    radius = math.floor((2**INTEGER_BITS - 1) * 2.0**FRACTION_BITS / 2.0**shift)
    values = CODES - source.zero_point
    inside = np.abs(values) < radius
    scaled = rescale(np.where(inside, values, 0), np.array(multiplier), np.array(shift), Rounding.TFLM)
    return np.where(inside, function(scaled), np.where(values < 0, *beyond))
