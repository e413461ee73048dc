"""Inputs that no data set owns, for the self-test: strokes on 28×28 pixels, and extremes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.pen import Points, draw
from edgedigits.data.preprocess import PixelMap

# Polylines (x, y) in pixels.
_STROKES: dict[str, Sequence[Points]] = {
    "a nought": [[(14, 5), (9, 8), (8, 14), (9, 20), (14, 23), (19, 20), (20, 14), (19, 8), (14, 5)]],
    "a one": [[(11, 8), (15, 5), (14, 23)]],
    "a four": [[(12, 5), (8, 15), (20, 15)], [(17, 10), (16, 23)]],
    "a seven": [[(8, 6), (20, 6), (12, 23)]],
}


def self_test_inputs(size: int, pixels: PixelMap | None) -> list[tuple[str, NDArray[np.int8]]]:
    """Return inputs with their names, int8 (size,) each: extremes, and before them strokes where pixels are known."""
    inputs = []
    if pixels is not None:
        inputs = [(name, pixels.inputs(draw(lines)[None])[0]) for name, lines in _STROKES.items()]
    ramp = (np.arange(size) * 37 + 11) % 256 - 128
    inputs.append(("all lowest", np.full(size, -128, np.int8)))
    inputs.append(("all highest", np.full(size, 127, np.int8)))
    inputs.append(("no value like its neighbours", ramp.astype(np.int8)))
    return inputs
