"""The one definition of pixel → model input: what Python feeds, what the emitted C computes.

A pixel p in 0…255 (white ink on black) stands for a real value, the same distance apart from one to the next:
`PixelRange` says what 0 and 255 are. A model stores real values by its input's scale and zero point; `PixelMap` is
what each pixel becomes. In a build of ours a pixel is p/255 to the float model and p − 128 to the int8 model, the same
number under scale 1/255, zero point −128. A model from elsewhere says by its own quantization what it can be given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.seeing import see
from edgedigits.view import PLAIN, View

INPUT_SCALE = np.float32(1.0 / 255.0)
INPUT_ZERO_POINT = -128
PIXEL_VALUES = 256

_MNIST_MEAN, _MNIST_DEVIATION = 0.1307, 0.3081
RANGES = (
    (0.0, 1.0),  # p / 255
    (0.0, 255.0),  # p
    (-1.0, 1.0),  # p / 127.5 - 1
    (-0.5, 0.5),  # p / 255 - 0.5
    ((0 - _MNIST_MEAN) / _MNIST_DEVIATION, (1 - _MNIST_MEAN) / _MNIST_DEVIATION),  # torchvision's Normalize for MNIST
)
"""The usual ones that differ by more than rounding."""
# The same by a power of two: p / 256, (p - 128) / 128, (p - 128) / 256.
_POWERS_OF_TWO = ((0.0, 255 / 256), (-1.0, 127 / 128), (-0.5, 127 / 256))
USUAL_RANGES = (*RANGES, *_POWERS_OF_TWO)
"""What pixels 0 and 255 become in front of networks."""
# How far the ends of a calibrated range may lie from those of a usual one, as a share of its width.
_SLACK = 0.05
# The same for the highest value of a range that was made symmetric, which follows from the data alone.
_SYMMETRIC_SLACK = 0.002


@dataclass(frozen=True, slots=True)
class PixelRange:
    """What pixels are to a model, as real values.

    Attributes:
        low: what pixel 0, background, is.
        high: what pixel 255, ink, is; above `low`.
        how: how that is known: "by the model's own input quantization".
        cut: how many of the 256 values lie outside what the model's input can hold, and are cut off there.
    """

    low: float
    high: float
    how: str
    cut: int = 0

    def __str__(self) -> str:
        beyond = f"; {self.cut} of {PIXEL_VALUES} lie beyond what its input holds" if self.cut else ""
        return f"{range_text(self.low, self.high)}, {self.how}{beyond}"

    @property
    def values(self) -> NDArray[np.float32]:
        """The real value of each pixel, float32 (256,)."""
        return (self.low + (self.high - self.low) * np.arange(PIXEL_VALUES) / 255.0).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class PixelMap:
    """What images become in a model's input.

    Attributes:
        range: the real values of pixels.
        table: (256,), read-only: the input for each pixel that is seen; int8, uint8 or float32.
        view: what is seen of an image.
    """

    range: PixelRange
    table: NDArray[Any]
    view: View = PLAIN

    def __post_init__(self) -> None:
        self.table.setflags(write=False)

    def inputs(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return what a model is given for images, uint8 (n, 784) → (n, inputs) in the table's type."""
        return self.table[see(self.view, images)]


def range_text(low: float, high: float) -> str:
    """Return a range in words: "0 to 1"."""
    return f"{low:.5g} to {high:.5g}"


def usual_ranges(scale: float, zero_point: int, dtype: str) -> list[tuple[float, float]]:
    """Return which usual ranges an integer input was made for, by its quantization.

    A range fits when the values that the type can hold cover it, and reach not far beyond; one by a power of two when
    they are that range to the bit. A quantization that was made symmetric around 0 may also be of data that use one
    half of it: with scale 1/127 and zero point 0, −1 to 1 and 0 to 1 fit alike, and both are returned.

    Args:
        scale: of the input.
        zero_point: of the input.
        dtype: "int8" or "uint8".
    """
    limits = np.iinfo(dtype)
    low, high = ((limit - zero_point) * scale for limit in (int(limits.min), int(limits.max)))
    if (low, high) in _POWERS_OF_TWO:
        return [(low, high)]
    found = [
        (first, last) for first, last in RANGES if max(abs(low - first), abs(high - last)) <= _SLACK * (last - first)
    ]
    if zero_point == (limits.min + limits.max + 1) // 2:
        largest = [(one, max(map(abs, one))) for one in RANGES if one not in found]
        found += [one for one, most in largest if abs(high - most) <= _SYMMETRIC_SLACK * most]
    return found


def quantize_values(values: NDArray[np.float32], scale: np.float32, zero_point: int, dtype: str) -> NDArray[Any]:
    """Return float32 `values` (any shape) as integers of `dtype`: round(v / scale) + zero point, clamped.

    The quotient is float32 and halves go away from zero, as in the QUANTIZE operator of TensorFlow Lite
    (`AffineQuantize` of its reference kernels).
    """
    limits = np.iinfo(dtype)
    # In float64 a half more or less is exact.
    steps = (values / np.float32(scale)).astype(np.float64)
    rounded = np.trunc(steps + np.copysign(0.5, steps))
    return np.clip(rounded + zero_point, limits.min, limits.max).astype(dtype)


def pixel_map(pixels: PixelRange, scale: np.float32, zero_point: int, dtype: str, view: View = PLAIN) -> PixelMap:
    """Return what images become in an input of this type; scale and zero point count for integers alone."""
    values = pixels.values
    if dtype == "float32":
        return PixelMap(pixels, values, view)
    steps, limits = values / np.float32(scale) + zero_point, np.iinfo(dtype)
    cut = int(np.count_nonzero((steps < limits.min - 1) | (steps > limits.max + 1)))
    return PixelMap(replace(pixels, cut=cut), quantize_values(values, scale, zero_point, dtype), view)


def to_float(pixels: NDArray[np.uint8], *, invert: bool = False) -> NDArray[np.float32]:
    """Return `pixels` (any shape) as float32 in [0, 1]; `invert` first turns black-on-white into white-on-black."""
    upright = 255 - pixels if invert else pixels
    return upright.astype(np.float32) / np.float32(255.0)
