"""What a model sees of images: the arithmetic of `edgedigits.view.View`, in exact integers.

The emitted C does the same, byte for byte. Products of floats stand where they are exact: every sum is a whole number
that a float holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.geometry import area_overlaps
from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.view import MIDDLE, SLOPE_BITS, SLOPE_ONE, View

CHUNK = 1024
"""Images at a time: what lies between the steps stays in the processor's cache, or near it."""

_PLACES = np.arange(IMAGE_SIDE)


@dataclass(frozen=True, slots=True, eq=False)
class Stance:
    """Where digits lie and how they lean.

    Attributes:
        row: the row nearest to the centre of mass, int64 (n,); 14 for a blank image.
        column: the column nearest to it, int64 (n,).
        slope: columns to the right by row downwards, in 256ths, −256…256, int64 (n,).
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    slope: NDArray[np.int64]


def see(view: View, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what a model sees of images, uint8 (n, 784) → uint8 (n, inputs), white on black as they are."""
    if view.is_plain:
        return images
    seen = np.empty((len(images), view.inputs), np.uint8)
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK].reshape(-1, IMAGE_SIDE, IMAGE_SIDE)
        cut = _moved(view, part) if view.moves else _cut(view, part)
        seen[start : start + CHUNK] = _levelled(view, _averaged(view, cut)).reshape(-1, view.inputs)
    return seen


def moments(images: NDArray[np.uint8]) -> Stance:
    """Return the moments of images, uint8 (n, 28, 28).

    The slope is that of the line through the centre pixel from which ink is least far away sideways, Σxy/Σy² as seen
    from there: cut to whole 256ths towards 0, and to one column a row.
    """
    # Sums of a row are below 2^17.
    powers = np.stack([_PLACES**0, _PLACES], axis=1).astype(np.float32)
    by_row = (images.reshape(-1, IMAGE_SIDE).astype(np.float32) @ powers).astype(np.int64)
    ink, sideways = np.moveaxis(by_row.reshape(-1, IMAGE_SIDE, 2), 2, 0)
    mass, across, down = ink.sum(axis=1), sideways.sum(axis=1), ink @ _PLACES
    row, column = _nearest(down, mass), _nearest(across, mass)
    mixed = sideways @ _PLACES - column * down - row * across + row * column * mass
    squares = ink @ _PLACES**2 - 2 * row * down + row * row * mass
    steepness = np.minimum((np.abs(mixed) << SLOPE_BITS) // np.maximum(squares, 1), SLOPE_ONE)
    return Stance(row, column, np.sign(mixed) * steepness)


def _nearest(moment: NDArray[np.int64], mass: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return moment / mass as the nearest pixel, halves upwards; the middle where there is no mass."""
    return np.where(mass > 0, (2 * moment + mass) // np.maximum(2 * mass, 1), MIDDLE)


def _cut(view: View, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    inside = slice(view.offset, view.offset + view.window)
    return images[:, inside, inside]


def _moved(view: View, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the window of images (n, 28, 28) after their rows were shifted, uint8 (n, window, window)."""
    found = moments(images)
    rows = np.arange(view.offset, view.offset + view.window) + np.zeros((len(images), 1), np.int64)
    starts = np.full(rows.shape, view.offset)
    if view.centre:
        rows += (found.row - MIDDLE)[:, None]
        starts += (found.column - MIDDLE)[:, None]
    if view.deskew:
        half = SLOPE_ONE // 2
        starts += (found.slope[:, None] * (rows - found.row[:, None]) + half) >> SLOPE_BITS
    # Background around, so that every start and every row that lies outside finds some.
    around = ((0, 0), (0, 1), (IMAGE_SIDE, IMAGE_SIDE))
    lines = np.lib.stride_tricks.sliding_window_view(np.pad(images, around), view.window, axis=2)
    rows = np.where((rows >= 0) & (rows < IMAGE_SIDE), rows, IMAGE_SIDE)
    starts = np.clip(starts + IMAGE_SIDE, 0, lines.shape[2] - 1)
    return lines[np.arange(len(images))[:, None], rows, starts]


def _averaged(view: View, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images (n, window, window) averaged over equal areas, halves upwards: uint8 (n, size, size)."""
    if view.size == view.window:
        return images
    overlaps = area_weights(view).astype(np.float32).T
    # Sums of weighted pixels are below 2^18.
    across = images.reshape(-1, view.window).astype(np.float32) @ overlaps
    upright = across.reshape(-1, view.window, view.size).transpose(0, 2, 1).reshape(-1, view.window)
    sums = (upright @ overlaps).reshape(-1, view.size, view.size).transpose(0, 2, 1).astype(np.uint32)
    return ((sums + view.area // 2) // view.area).astype(np.uint8)


def area_weights(view: View) -> NDArray[np.int64]:
    """Return how much of each pixel of a line is in each average, in units: (size, window); rows sum up to the span."""
    return area_overlaps(view.window, view.size) // (view.size // view.units)


def _levelled(view: View, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if view.step == 1:
        return images
    levels = (np.arange(256) + view.step // 2) // view.step * view.step
    return levels.astype(np.uint8)[images]
