"""The lowered network: integer dense layers and a softmax or none, what an engine does rather than what a file says.

Every layer computes acc = bias + weights · q on the int8 values q as they are stored (the input's zero point is
folded into the bias), then q' = clamp(rescale(acc) + output offset). What a layer's input can be is known from
the clamp before it, and with that it is proven on construction that no int32 accumulator overflows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import INT32_MAX, INT32_MIN, Rounding
from edgedigits.model.ir import Graph, Tensor
from edgedigits.model.softmax import Softmax

INT8_MIN, INT8_MAX = -128, 127


@dataclass(frozen=True, slots=True, eq=False)
class DenseLayer:
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

    def __post_init__(self) -> None:
        for name in ("weights", "bias", "multiplier", "shift"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        self._prove_no_overflow()

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


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A lowered network: what the engine computes from int8 inputs to int8 outputs.

    Attributes:
        graph: the file it was lowered from.
        rounding: whose arithmetic it equals.
        layers: in order; each has as many inputs as the one before has outputs.
        softmax: applied to the last layer's outputs; None: scores come out as they are.
        input: the int8 tensor that enters the first layer.
        output: the int8 tensor that leaves.
        dropped: operators of the file that the network drops, and why, for people.
    """

    graph: Graph
    rounding: Rounding
    layers: tuple[DenseLayer, ...]
    softmax: Softmax | None
    input: Tensor
    output: Tensor
    dropped: tuple[str, ...] = field(default=())

    @property
    def inputs(self) -> int:
        """Number of int8 inputs."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Number of int8 outputs."""
        return self.layers[-1].outputs
