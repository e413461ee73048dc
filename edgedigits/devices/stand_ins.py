"""Images in the place of a data set that is not at hand: parity needs no labels, only images of every kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.pen import random_stroke
from edgedigits.data.shape import PIXELS

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
        images[number] = random_stroke(random)
    return images
