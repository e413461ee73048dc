"""Pictures that are no digits, and how many of them a classifier refuses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.idx import parse_images
from edgedigits.data.pen import random_stroke
from edgedigits.data.reading import read_whole
from edgedigits.data.shape import IMAGE_SIDE, PIXELS
from edgedigits.data.symmetry import transpose

SEED = 0
COUNT = 500
"""Pictures of a kind, but for blank and grey ones, of which there are 1 and 255."""
INK = 0.2
"""Share of pixels that are no background in sparse noise, about that of a digit."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many pictures of a kind are refused.

    Attributes:
        kind: what they are, or the name of their file.
        images: how many there were.
        refused: how many of them are refused.
    """

    kind: str
    images: int
    refused: int

    @property
    def words(self) -> str:
        """The same in words."""
        return f"{self.refused:,} of {self.images:,} ({self.refused / self.images:.1%}) of {self.kind}"


def read_non_digits(path: Path, *, transposed: bool) -> NDArray[np.uint8]:
    """Read pictures of anything, uint8 (n, 784), from an IDX file of images, gzipped or not.

    Args:
        path: the file.
        transposed: it holds rows and columns exchanged, as EMNIST's files do.

    Raises:
        DataError: it cannot be read, or holds no pictures of 28×28 pixels.
    """
    images = parse_images(read_whole(path), str(path))
    if not transposed:
        return images
    return transpose(images.reshape(-1, IMAGE_SIDE, IMAGE_SIDE)).reshape(-1, PIXELS).astype(np.uint8)


def non_digits(digits: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """Return pictures by kind, uint8 (n, 784) each, the same every time.

    Args:
        digits: uint8 (n, 784); the first of them give the pixels of shuffled ones.
    """
    random = np.random.default_rng(SEED)
    dense = random.integers(0, 256, (COUNT, PIXELS)).astype(np.uint8)
    sparse = np.where(random.random(dense.shape) < INK, dense, 0).astype(np.uint8)
    return {
        "blank": np.zeros((1, PIXELS), np.uint8),
        "grey all over": np.repeat(np.arange(1, 256, dtype=np.uint8)[:, None], PIXELS, axis=1),
        "noise": dense,
        "sparse noise": sparse,
        "strokes": np.array([random_stroke(random) for _ in range(COUNT)]),
        "digits, their pixels shuffled": random.permuted(digits[:COUNT], axis=1),
    }
