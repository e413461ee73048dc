"""Inputs that no data set owns, for the self-test: strokes on 28×28 pixels, and extremes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.preprocess import PixelMap

SIDE = 28
PEN = 1.9
"""Pixels from the middle of a stroke to where its ink ends."""

_Points = Sequence[tuple[float, float]]
# Polylines (x, y) in pixels.
_STROKES: dict[str, Sequence[_Points]] = {
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


def draw(lines: Sequence[_Points]) -> NDArray[np.uint8]:
    """Return pixels (784,) of polylines drawn with a round pen whose ink fades at the edge."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    nearest = np.full((SIDE, SIDE), np.inf)
    for points in lines:
        for (x0, y0), (x1, y1) in pairwise(points):
            along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
            along = np.clip(along, 0, 1)
            nearest = np.minimum(nearest, np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))
    # Whole steps of 1/16 keep the last bits of floating point out of the file.
    ink = np.rint(np.clip(PEN - nearest, 0, 1) * 16) / 16
    return np.floor(ink * 255).astype(np.uint8).reshape(-1)
