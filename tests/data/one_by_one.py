"""What a model sees of one image, pixel by pixel from the definition, in fractions: what the fast arithmetic is held to."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from edgedigits.view import View

HALF = Fraction(1, 2)
Picture = list[list[int]]


def seen(view: View, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what is seen of an image, uint8 (784,) → uint8 (inputs,)."""
    picture: Picture = image.reshape(28, 28).tolist()
    picture = _moved(view, picture, *place(picture))
    first = (28 - view.window) // 2
    window = [line[first : first + view.window] for line in picture[first : first + view.window]]
    levels = [_level(view, _average(view, window, r, c)) for r in range(view.size) for c in range(view.size)]
    return np.array(levels, np.uint8)


def place(picture: Picture) -> tuple[int, int, int]:
    """Return the row and the column nearest to the centre of mass, and the slope in 256ths of a column."""
    inked = [(y, x, value) for y, line in enumerate(picture) for x, value in enumerate(line) if value]
    mass = sum(value for _, _, value in inked)
    if not mass:
        return 14, 14, 0
    row = floor(Fraction(sum(y * value for y, _, value in inked), mass) + HALF)
    column = floor(Fraction(sum(x * value for _, x, value in inked), mass) + HALF)
    mixed = sum((x - column) * (y - row) * value for y, x, value in inked)
    squares = sum((y - row) ** 2 * value for y, _, value in inked)
    steepness = min(256, abs(mixed) * 256 // squares) if squares else 0
    return row, column, steepness if mixed >= 0 else -steepness


def _at(picture: Picture, y: int, x: int) -> int:
    return picture[y][x] if 0 <= y < 28 and 0 <= x < 28 else 0


def _moved(view: View, picture: Picture, row: int, column: int, slope: int) -> Picture:
    down, right = (row - 14, column - 14) if view.centre else (0, 0)
    moved = []
    for y in range(down, down + 28):
        lean = floor(Fraction(slope * (y - row), 256) + HALF) if view.deskew else 0
        moved.append([_at(picture, y, x + lean) for x in range(right, right + 28)])
    return moved


def _average(view: View, window: Picture, r: int, c: int) -> int:
    side = Fraction(view.window, view.size)
    total = Fraction(0)
    for y in range(floor(r * side), view.window):
        for x in range(floor(c * side), view.window):
            total += _overlap(y, r * side, side) * _overlap(x, c * side, side) * window[y][x]
            if x + 1 >= (c + 1) * side:
                break
        if y + 1 >= (r + 1) * side:
            break
    return floor(total / side**2 + HALF)


def _overlap(pixel: int, start: Fraction, side: Fraction) -> Fraction:
    return max(Fraction(0), min(start + side, Fraction(pixel + 1)) - max(start, Fraction(pixel)))


def _level(view: View, pixel: int) -> int:
    highest = 2**view.bits - 1
    return floor(Fraction(pixel * highest, 255) + HALF) * 255 // highest
