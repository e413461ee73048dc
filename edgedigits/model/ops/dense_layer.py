"""One integer dense layer: acc = bias + weights · q on the int8 values as they are stored, rescaled and clamped.

The input's zero point is folded into the bias. What the input can be is known from the step before, and with that it is
proven on construction that no int32 accumulator overflows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import INT32_MAX, INT32_MIN, Rounding, rescale
from edgedigits.model.ops.step import INT8_MAX, INT8_MIN, Step, Values

ROUNDING_ERRORS = 1.5
"""Steps between two roundings of one value: one is off by at most 1/2, the double one by less than 1."""


@dataclass(frozen=True, slots=True, eq=False)
class DenseLayer(Step):
    """One integer dense layer.

    Attributes:
        name: how messages and comments call it: the operator's label.
        weights: int8 (out, in).
        bias: int32 (out,), the input's zero point folded in: acc = bias + weights · q.
        multiplier: int32 (out,), 0 or in [2³⁰, 2³¹).
        shift: int32 (out,), −31…30; the factor is multiplier · 2^(shift − 31).
        output_offset: zero point of the output.
        clamp_low, clamp_high: the fused activation as int8 limits.
        input_low, input_high: limits of the layer's int8 input.
        activation: name of the fused activation, for people.
        per_channel: whether the file gives one weight scale per output.
        rounds_twice: also where the network's rounding is single.

    Raises:
        OverflowError: an accumulator could overflow; says which output and by how much.
    """

    name: str
    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    output_offset: int
    clamp_low: int = INT8_MIN
    clamp_high: int = INT8_MAX
    input_low: int = INT8_MIN
    input_high: int = INT8_MAX
    activation: str = "NONE"
    per_channel: bool = False
    rounds_twice: bool = False

    def __post_init__(self) -> None:
        for name in ("weights", "bias", "multiplier", "shift"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        self._prove_no_overflow()

    @property
    def low(self) -> int:
        """The lowest int8 that it can give."""
        return self.clamp_low

    @property
    def high(self) -> int:
        """The highest."""
        return self.clamp_high

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return int(self.weights.shape[1])

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return int(self.weights.shape[0])

    @property
    def uniform(self) -> bool:
        """True when one multiplier and shift serve all outputs."""
        return len({*zip(self.multiplier.tolist(), self.shift.tolist(), strict=True)}) == 1

    def rounding_in(self, rounding: Rounding) -> Rounding:
        """Return how its sums are rescaled in a network of `rounding`."""
        return Rounding.TFLM if self.rounds_twice else rounding

    def run(self, values: Sequence[Values], rounding: Rounding) -> Values:
        """Return the outputs, int8 (n, out)."""
        return self.activate(self.accumulate(values[-1]), rounding)

    def accumulate(self, inputs: Values) -> NDArray[np.int64]:
        """Return the accumulators, int64 (n, out), for inputs int8 (n, in)."""
        # Sums of products below 2⁵³ are exact in float64, and its matrix product is far faster than int64's.
        products = inputs.astype(np.float64) @ self.weights.astype(np.float64).T
        return products.astype(np.int64) + self.bias

    def activate(self, acc: NDArray[np.int64], rounding: Rounding) -> Values:
        """Return the outputs, int8 (n, out), for accumulators (n, out)."""
        own = self.rounding_in(rounding)
        scaled = rescale(acc, self.multiplier.astype(np.int64), self.shift.astype(np.int64), own)
        return np.clip(scaled + self.output_offset, self.clamp_low, self.clamp_high).astype(np.int8)

    def spread(self, apart: Sequence[int]) -> int:
        """Return how far outputs may lie apart: inputs that differ by d move a sum by at most d · Σ|w| · factor."""
        factor = self.multiplier * np.exp2(self.shift - 31.0)
        growth = float(np.max(np.abs(self.weights.astype(np.int64)).sum(axis=1) * factor))
        return math.floor(apart[0] * growth + ROUNDING_ERRORS)

    def keep_outputs(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> DenseLayer:
        """Return the layer with the outputs of `kept` alone: a mask (out,), or their numbers in another order."""
        rows = {name: getattr(self, name)[kept] for name in ("weights", "bias", "multiplier", "shift")}
        return replace(self, **rows)

    def bias_from(self, low: int) -> NDArray[np.int64]:
        """Return int64 (out,): the bias for inputs counted from `low`: acc = result + weights · (q − low)."""
        return self.bias.astype(np.int64) + low * self.weights.sum(axis=1, dtype=np.int64)

    def accumulator_range(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the least and the largest value, int64 (out,) each, that an accumulator can end with."""
        wide = self.weights.astype(np.int64)
        low = np.minimum(wide * self.input_low, wide * self.input_high).sum(axis=1)
        high = np.maximum(wide * self.input_low, wide * self.input_high).sum(axis=1)
        return self.bias + low, self.bias + high

    def _prove_no_overflow(self) -> None:
        """Hold every partial sum, in any order, against int32, whichever value the inputs are counted from.

        Kernels count them from the lowest, so from 0 to at most 255, or from 128 above that, as signed bytes.
        """
        wide = self.weights.astype(np.int64)
        highs, lows = [], []
        for base in {0, self.input_low, self.input_low + 128}:
            ends = wide * (self.input_low - base), wide * (self.input_high - base)
            bias = self.bias_from(base)
            highs.append(bias + np.maximum(0, np.maximum(*ends)).sum(axis=1))
            lows.append(bias + np.minimum(0, np.minimum(*ends)).sum(axis=1))
        high, low = np.max(highs, axis=0), np.min(lows, axis=0)
        worst = np.maximum(high - INT32_MAX, INT32_MIN - low)
        if np.any(worst > 0):
            output = int(np.argmax(worst))
            raise OverflowError(
                f"the accumulator of output {output} can reach {low[output]:,} or {high[output]:,}, beyond int32"
            )
