"""HARD_SWISH: x · relu6(x + 3) / 6 in 16 bits.

Source: reference/hard_swish.h and `HardSwishPrepare` in kernels/activations.cc of TensorFlow Lite; TFLM's is the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding, divide_by_power, quantize_multiplier
from edgedigits.model.ir import Operator, Tensor
from edgedigits.model.ops.declaration import Chain
from edgedigits.model.ops.table import CODES, TableOp
from edgedigits.model.refusals import Reason

INT16_MIN, INT16_MAX = -(2**15), 2**15 - 1
FINE = np.float32(1.0 / 128.0)
"""Of the input's steps: as many bits as 16 have room for."""
RELU_SCALE = np.float32(3.0 / 32768.0)

Ints = NDArray[np.int64]


class HardSwish(TableOp):
    """A value times a ramp from −3 to 3."""

    opcodes = ("HARD_SWISH",)

    def check(self, chain: Chain, operator: Operator, source: Tensor, target: Tensor) -> None:
        """Refuse an output so fine that the kernel has no shift for it."""
        if _multiplier(FINE * np.float32(source.scale) / np.float32(target.scale))[1] > 0:
            raise chain.refuse(Reason.HARD_SWISH_SCALE, operator, target)

    def table(self, operator: Operator, source: Tensor, target: Tensor, rounding: Rounding) -> Ints:
        """Return the kernel's values."""
        fine = (CODES - source.zero_point) << 7
        fine_scale = FINE * np.float32(source.scale)
        multiplier, exponent = _multiplier(fine_scale / np.float32(target.scale))
        unshifted = _rounding_product(fine, multiplier)
        ramp = _product_toward_zero(_ramp(fine, fine_scale), unshifted)
        return _wrapped(divide_by_power(ramp, -exponent)) + target.zero_point


def _ramp(fine: Ints, fine_scale: np.float32) -> Ints:
    """Return 0 at −3 to 1 at 3, as Q0.15."""
    multiplier, exponent = _multiplier(fine_scale / RELU_SCALE)
    ramp = _saturated(fine << (exponent - 1)) if exponent > 0 else fine
    ramp = _rounding_product(ramp, multiplier)
    ramp = _saturated(ramp << 1) if exponent > 0 else divide_by_power(ramp, -exponent)
    return (ramp + (1 << 15)) >> 1


def _multiplier(real: np.float32) -> tuple[int, int]:
    """Return 15 bits of a factor, and its power of two."""
    multiplier, exponent = quantize_multiplier(float(real), Rounding.TFLM)
    return min((multiplier + (1 << 15)) >> 16, INT16_MAX), exponent


def _rounding_product(values: Ints, multiplier: int) -> Ints:
    """Return the upper half of twice the product, halves away from zero: SQRDMULH of 16 bits, as gemmlowp has it."""
    product = values * multiplier
    return _toward_zero(product + np.where(product >= 0, 1 << 14, 1 - (1 << 14)))


def _product_toward_zero(one: Ints, other: Ints) -> Ints:
    return _toward_zero(one * other)


def _toward_zero(product: Ints) -> Ints:
    return np.sign(product) * (np.abs(product) >> 15)


def _saturated(values: Ints) -> Ints:
    return np.clip(values, INT16_MIN, INT16_MAX)


def _wrapped(values: Ints) -> Ints:
    return values.astype(np.int16).astype(np.int64)


OP = HardSwish()
