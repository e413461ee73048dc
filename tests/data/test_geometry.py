"""MNIST's geometry for pictures of any size: the arithmetic, and what it does to digits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgedigits.data.digits import Digits
from edgedigits.data.geometry import BOX, INK, MOST_SIDE, area_overlaps, fit_picture, fitted
from edgedigits.data.ink import geometry
from edgedigits.data.likeness import likeness
from tests.data.other_hands import of_a_tablet

PICTURES = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=24))


def as_a_device_would(picture: np.ndarray) -> list[list[int]]:
    """The same in plain whole numbers, pixel by pixel; every one of them below 2^32."""
    height, width = picture.shape
    pixels = [[int(one) for one in row] for row in picture]
    low, high = min(map(min, pixels)), max(map(max, pixels))
    image = [[0] * 28 for _ in range(28)]
    if low == high:
        return image
    grey = [[((one - low) * 255 + (high - low) // 2) // (high - low) for one in row] for row in pixels]
    inked = [(row, column) for row in range(height) for column in range(width) if grey[row][column] >= INK]
    top, left = (min(one[axis] for one in inked) for axis in (0, 1))
    tall, broad = (max(one[axis] for one in inked) + 1 - first for axis, first in ((0, top), (1, left)))
    longer = max(tall, broad)
    rows, columns = (max(1, (2 * BOX * side + longer) // (2 * longer)) for side in (tall, broad))
    small = [[0] * columns for _ in range(rows)]
    for row in range(rows):
        for column in range(columns):
            total = tall * broad // 2
            for y in range(row * tall // rows, -(-(row + 1) * tall // rows)):
                for x in range(column * broad // columns, -(-(column + 1) * broad // columns)):
                    down = min((row + 1) * tall, (y + 1) * rows) - max(row * tall, y * rows)
                    across = min((column + 1) * broad, (x + 1) * columns) - max(column * broad, x * columns)
                    total += grey[top + y][left + x] * down * across
            assert total < 1 << 32
            small[row][column] = total // (tall * broad)
    mass = sum(map(sum, small))
    down = sum(row * sum(small[row]) for row in range(rows))
    across = sum(column * small[row][column] for row in range(rows) for column in range(columns))
    y, x = (
        min(max(14 - ((2 * moment + mass) // (2 * mass) if mass else side // 2), 0), 28 - side)
        for moment, side in ((down, rows), (across, columns))
    )
    for row in range(rows):
        image[y + row][x : x + columns] = small[row]
    return image


@settings(max_examples=40, deadline=None)
@given(PICTURES)
def test_it_is_the_arithmetic_of_a_device(picture: np.ndarray) -> None:
    assert fit_picture(picture).tolist() == as_a_device_would(picture)


@settings(max_examples=40, deadline=None)
@given(PICTURES)
def test_exchanging_rows_and_columns_before_is_the_same_as_behind(picture: np.ndarray) -> None:
    assert (fit_picture(picture.T) == fit_picture(picture).T).all()


@settings(max_examples=40, deadline=None)
@given(PICTURES, st.integers(0, 3), st.integers(0, 2))
def test_neither_paper_around_nor_a_larger_scale_changes_anything(picture: np.ndarray, more: int, times: int) -> None:
    around = np.pad(picture, more, constant_values=int(picture.min()))
    enlarged = np.kron(around, np.ones((1 + times, 1 + times), np.uint8))
    assert (fit_picture(enlarged) == fit_picture(picture)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_areas_are_divided_without_a_rest(before: int, after: int) -> None:
    overlaps = area_overlaps(before, after)
    assert (overlaps.sum(axis=1) == before).all() and (overlaps.sum(axis=0) == after).all()


def test_the_largest_sum_fits_into_32_bits() -> None:
    assert 255 * MOST_SIDE**2 + MOST_SIDE**2 // 2 < 1 << 32


def test_dark_ink_is_told_and_a_single_grey_is_blank(five_thousand: Digits) -> None:
    pictures = five_thousand.images[:20].reshape(-1, 28, 28)
    assert (fitted(255 - pictures, dark=True) == fitted(pictures)).all()
    assert not fitted(np.full((2, 9, 5), 77, np.uint8)).any()


def test_ink_too_thin_to_be_left_is_blank() -> None:
    thin = np.zeros((900, 900), np.uint8)
    thin[0, 0] = thin[-1, -1] = 255
    assert not fit_picture(thin).any()


@pytest.mark.parametrize("times", [1, 2, 5])
def test_digits_of_mnist_come_out_as_they_lay(times: int, five_thousand: Digits) -> None:
    """Not the very pixels, for the faint rim of a digit is cut off; but at most a pixel larger, and no more off."""
    chosen = five_thousand.take(np.arange(0, 5000, 25))
    large = np.kron(chosen.images.reshape(-1, 28, 28), np.ones((1, times, times), np.uint8))
    again = fitted(np.pad(large, ((0, 0), (9, 3), (2, 31))))
    (column, row), off, box = geometry(again, invert=False)
    assert (box, round(column), round(row)) == (BOX, 14, 14) and off < 1
    assert np.abs(again.astype(int) - chosen.images).mean() < 12


def test_other_hands_lie_as_mnist_s_afterwards() -> None:
    """Of scikit-learn's 8×8 digits more look like MNIST's than where each pixel was only enlarged."""
    before = of_a_tablet()
    eights = before.images.reshape(-1, 28, 28)[:, 2:26:3, 2:26:3]
    after = Digits(fitted(eights), before.labels)
    _, off, box = geometry(after.images, invert=False)
    assert box == BOX and off < 1
    enlarged, found = likeness(before), likeness(after)
    assert enlarged is not None and found is not None and found.agreement >= enlarged.agreement
