"""The ways in which a square picture can lie, and what sets each right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import IMAGE_SIDE, PIXELS

Pictures = NDArray[np.generic]


@dataclass(frozen=True)
class Symmetry:
    """One of the seven ways to lay a picture of a digit differently.

    Attributes:
        looks: how pictures look that this sets right, e.g. "mirrored".
        remedy: what the owner of such pictures does, as an order.
        setting: the field of `DataConfig` that does it on loading; "" where there is none.
        apply: sets pictures (n, side, side) right.
    """

    looks: str
    remedy: str
    setting: str
    apply: Callable[[Pictures], Pictures]


def transpose(pictures: Pictures) -> Pictures:
    """Exchange rows and columns of pictures (n, side, side)."""
    return pictures.transpose(0, 2, 1)


SYMMETRIES = (
    Symmetry("transposed, with rows for columns", "exchange rows and columns", "transpose", transpose),
    Symmetry("mirrored", "mirror the pictures left to right", "", lambda pictures: pictures[:, :, ::-1]),
    Symmetry("flipped top to bottom", "flip the pictures top to bottom", "", lambda pictures: pictures[:, ::-1]),
    Symmetry("upside down", "turn the pictures by 180°", "", lambda pictures: pictures[:, ::-1, ::-1]),
    Symmetry(
        "turned anticlockwise",
        "turn the pictures clockwise by 90°",
        "",
        lambda pictures: transpose(pictures)[:, :, ::-1],
    ),
    Symmetry(
        "turned clockwise",
        "turn the pictures anticlockwise by 90°",
        "",
        lambda pictures: transpose(pictures)[:, ::-1],
    ),
    Symmetry(
        "transposed and upside down",
        "exchange rows and columns and turn the pictures by 180°",
        "",
        lambda pictures: transpose(pictures)[:, ::-1, ::-1],
    ),
)
"""All but the one that leaves a picture as it is."""


def relaid(images: NDArray[np.uint8], apply: Callable[[Pictures], Pictures]) -> NDArray[np.uint8]:
    """Return images uint8 (n, 784) with `apply`, such as `transpose` or a symmetry's, done to their pictures."""
    changed = apply(images.reshape(-1, IMAGE_SIDE, IMAGE_SIDE))
    return np.ascontiguousarray(changed, np.uint8).reshape(-1, PIXELS)
