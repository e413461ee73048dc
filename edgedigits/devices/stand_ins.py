"""Images in the place of a data set that is not at hand: parity needs no labels, only images of every kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import IMAGE_SIDE, PIXELS
from edgedigits.engine.strokes import draw

SEED = 0
IMAGES = 200
STAND_INS = "stand-in images"
"""What they are called."""
INK = 0.2
"""Share of pixels that are no background in every third image, about that of a digit."""


def stand_in_images(count: int) -> NDArray[np.uint8]:
    """Return images, uint8 (count, 784), the same every time: in turn strokes of a pen, sparse and dense noise."""
    random = np.random.default_rng(SEED)
    images = random.integers(0, 256, (count, PIXELS)).astype(np.uint8)
    images[1::3][random.random(images[1::3].shape) >= INK] = 0
    for number in range(0, count, 3):
        points = random.uniform(4, IMAGE_SIDE - 4, (int(random.integers(3, 8)), 2))
        images[number] = draw([[(float(x), float(y)) for x, y in points]])
    return images
