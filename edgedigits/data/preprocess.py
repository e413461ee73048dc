"""The one definition of pixel → model input.

A pixel p in 0…255 (white ink on black) enters the float model as p/255 and the int8 model as p − 128, which is the
same number under the input quantization scale 1/255, zero point −128.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

INPUT_SCALE = np.float32(1.0 / 255.0)
INPUT_ZERO_POINT = -128


def to_float(pixels: NDArray[np.uint8], *, invert: bool = False) -> NDArray[np.float32]:
    """Return `pixels` (any shape) as float32 in [0, 1]; `invert` first turns black-on-white into white-on-black."""
    upright = 255 - pixels if invert else pixels
    return upright.astype(np.float32) / np.float32(255.0)


def to_int8(pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return `pixels` (any shape) as the int8 model sees them: p − 128, exactly."""
    return (pixels ^ np.uint8(0x80)).view(np.int8)
