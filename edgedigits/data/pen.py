"""Lines drawn as a pen would draw them: pictures that are like handwriting and that no data set owns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import IMAGE_SIDE

PEN = 1.9
"""Pixels from the middle of a stroke to where its ink ends."""
_BORDER = 4
"""Pixels around a random stroke, as around a digit of MNIST."""

Points = Sequence[tuple[float, float]]
"""A polyline, (x, y) in pixels."""


def draw(lines: Sequence[Points]) -> NDArray[np.uint8]:
    """Return pixels (784,) of polylines drawn with a round pen whose ink fades at the edge."""
    y, x = np.mgrid[0:IMAGE_SIDE, 0:IMAGE_SIDE].astype(np.float64)
    nearest = np.full((IMAGE_SIDE, IMAGE_SIDE), np.inf)
    for points in lines:
        for (x0, y0), (x1, y1) in pairwise(points):
            along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
            along = np.clip(along, 0, 1)
            nearest = np.minimum(nearest, np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))
    # Whole steps of 1/16 keep the last bits of floating point out of the file.
    ink = np.rint(np.clip(PEN - nearest, 0, 1) * 16) / 16
    return np.floor(ink * 255).astype(np.uint8).reshape(-1)


def random_stroke(random: np.random.Generator) -> NDArray[np.uint8]:
    """Return pixels (784,) of one line through three to seven random points."""
    points = random.uniform(_BORDER, IMAGE_SIDE - _BORDER, (int(random.integers(3, 8)), 2))
    return draw([[(float(x), float(y)) for x, y in points]])
