"""The geometry of MNIST for pictures of any size: ink found, fitted into 20×20, centred by its mass in 28×28.

All of it is arithmetic of whole numbers below 2^32, so that a device can do the same, byte for byte: no quotient but
of whole numbers towards minus infinity, and halves go up. Ink is light here; pictures that are dark on light say so.

1. Each picture is stretched so that its own darkest pixel is 0 and its lightest 255; one of a single grey is blank.
2. Its box is that of all pixels from `INK` on; what lies around is cut off.
3. The box's longer side becomes 20 pixels, the other in proportion, at least 1: each pixel the average of its area.
4. The pixel that is nearest to the centre of mass goes to row and column 14, as near as 28 pixels let it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import IMAGE_SIDE, PIXELS
from edgedigits.view import MIDDLE

BOX = 20
"""Pixels of the longer side of a digit of MNIST."""

INK = 64
"""What is at least this light is ink, a quarter of the way from a picture's darkest pixel to its lightest."""

MOST_SIDE = 4096
"""Pixels of a side, so that no sum of 255 a pixel passes 2^32."""


@dataclass(frozen=True, slots=True)
class Fitter:
    """Makes images (n, 784) of pictures (n, height, width), all uint8.

    Attributes:
        dark: their ink is dark on light.
    """

    dark: bool = False

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return them as MNIST's digits lie."""
        return fitted(pictures, dark=self.dark)


def fitted(pictures: NDArray[np.uint8], *, dark: bool = False) -> NDArray[np.uint8]:
    """Return pictures as MNIST's digits lie, uint8 (n, height, width) → uint8 (n, 784).

    Args:
        pictures: of one size.
        dark: their ink is dark on light.
    """
    images = np.zeros((len(pictures), PIXELS), np.uint8)
    for image, picture in zip(images, pictures, strict=True):
        image[:] = fit_picture(255 - picture if dark else picture).ravel()
    return images


def fit_picture(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one picture as MNIST's digits lie, uint8 (height, width), sides up to 4096 → uint8 (28, 28)."""
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    low, high = int(picture.min()), int(picture.max())
    if low == high:
        return image
    stretched = ((picture.astype(np.int64) - low) * 255 + (high - low) // 2) // (high - low)
    small = _scaled(_boxed(stretched))
    top, left = (_start(small.sum(axis=axis)) for axis in (1, 0))
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image


def area_overlaps(before: int, after: int) -> NDArray[np.int64]:
    """Return how much of each pixel of a line lies in each that averages it, int64 (after, before).

    In such units that a pixel before has `after` of them and one after has `before`, which its row adds up to.
    """
    starts, places = before * np.arange(after)[:, None], after * np.arange(before)
    return np.maximum(np.minimum(starts + before, places + after) - np.maximum(starts, places), 0)


def _boxed(picture: NDArray[np.int64]) -> NDArray[np.int64]:
    inked = picture >= INK
    rows, columns = (np.flatnonzero(inked.any(axis=axis)) for axis in (1, 0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled(box: NDArray[np.int64]) -> NDArray[np.int64]:
    longer = max(box.shape)
    height, width = (max(1, (2 * BOX * side + longer) // (2 * longer)) for side in box.shape)
    sums = area_overlaps(box.shape[0], height) @ box @ area_overlaps(box.shape[1], width).T
    return (sums + box.size // 2) // box.size


def _start(ink: NDArray[np.int64]) -> int:
    """Return where a line of sums of ink begins, so that its centre of mass is in the middle; else its own centre."""
    mass, moment = int(ink.sum()), int(ink @ np.arange(len(ink)))
    centre = (2 * moment + mass) // (2 * mass) if mass else len(ink) // 2
    return min(max(MIDDLE - centre, 0), IMAGE_SIDE - len(ink))
