"""Digits are found in photos as people take them, in the order in which they are read; what is none is left or told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from edgedigits.data.geometry import fit_picture
from edgedigits.data.photos.finding import Findings, digits_in, rows_of
from edgedigits.data.photos.photo import open_photo
from edgedigits.data.photos.pieces import Piece
from edgedigits.errors import DataError
from tests.data.other_hands import of_seven_segments
from tests.pictures.made_photos import Conditions, on_paper, photographed

# Seven-segment digits cost no reading of a data set, and have corners and gaps.
DIGITS = of_seven_segments()  # 0 to 9 in turn


def found(picture: NDArray[np.uint8], dark: bool | None = None) -> Findings:
    return digits_in(open_photo(picture), dark)


def photo(count: int, columns: int, how: Conditions) -> NDArray[np.uint8]:
    """Return a photo of the digits 0, 1, 2 … on paper."""
    return photographed(on_paper(DIGITS.images[:count], columns), how, np.random.default_rng(0))


def sheet(*strokes: tuple[int, int, int, int], size: tuple[int, int] = (100, 200)) -> NDArray[np.uint8]:
    """Return black strokes on white: first row and end, first column and end."""
    picture = np.full(size, 255, np.uint8)
    for top, bottom, left, right in strokes:
        picture[top:bottom, left:right] = 0
    return picture


SEVEN = ((20, 28, 40, 70), (20, 80, 62, 70))


@pytest.mark.parametrize(("degrees", "light_on_dark"), [(-12, False), (0, True), (12, True)])
def test_a_sheet_is_read_row_by_row_though_it_lies_askew_in_a_shadow(degrees: float, light_on_dark: bool) -> None:
    how = Conditions(degrees=degrees, shadow=0.5, noise=6, enlarged=3, light_on_dark=light_on_dark)
    findings = found(photo(20, 5, how))
    assert findings.dark != light_on_dark and not findings.mostly_other
    assert [one.row for one in findings.digits] == [row for row in range(4) for _ in range(5)]
    # By their looks, since the places are askew: each is most like the digit that stands there.
    straight = np.array([fit_picture(one.reshape(28, 28)).ravel() for one in DIGITS.images[:10]], float)
    images = np.array([one.image for one in findings.digits], float)
    apart = ((images[:, None] - straight) ** 2).sum(axis=2)
    assert np.mean(apart.argmin(axis=1) == np.arange(20) % 10) > 0.6


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.floats(-15, 15), st.randoms(use_true_random=False))
def test_rows_are_told_at_any_slope(rows: int, columns: int, degrees: float, random) -> None:  # type: ignore[no-untyped-def]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    grid = [[(60 * column, 80 * row) for column in range(columns)] for row in range(rows if columns > 2 else 1)]
    placed = [[_piece(x * cosine - y * sine, x * sine + y * cosine) for x, y in line] for line in grid]
    mixed = [one for line in placed for one in line]
    random.shuffle(mixed)
    assert rows_of(mixed) == placed


def _piece(x: float, y: float) -> Piece:
    return Piece(round(y), round(y) + 40, round(x), round(x) + 30, frozenset((1,)))


def test_a_digit_alone_is_what_geometry_makes_of_it() -> None:
    image = DIGITS.images[2].reshape(28, 28)
    (one,) = found(image).digits
    np.testing.assert_array_equal(one.image.reshape(28, 28), fit_picture(image))
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    assert (one.box.top, one.box.left) == (rows[0], columns[0])
    assert (one.box.height, one.box.width) == (rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0])
    assert not one.at_edge


def test_boxes_are_in_the_pixels_of_the_picture_itself() -> None:
    large = np.kron(255 - DIGITS.images[3].reshape(28, 28), np.ones((80, 80), np.uint8))
    (one,), (small,) = found(large).digits, found(DIGITS.images[3].reshape(28, 28)).digits
    for side in ("left", "top", "width", "height"):
        assert getattr(one.box, side) == pytest.approx(80 * getattr(small.box, side), abs=8)


@pytest.mark.parametrize(
    ("strokes", "count"),
    [
        (SEVEN, 1),
        ((*SEVEN, (20, 80, 100, 108)), 2),
        # Pieces of one digit: a bar that does not touch, a stroke that is torn.
        (((20, 28, 40, 70), (31, 80, 62, 70)), 1),
        (((20, 48, 40, 48), (50, 80, 40, 48)), 1),
        # A decimal point, a frame around it all, a line below: none is a digit.
        ((*SEVEN, (74, 80, 80, 86)), 1),
        ((*SEVEN, (5, 7, 10, 190), (93, 95, 10, 190), (5, 95, 10, 12), (5, 95, 188, 190)), 1),
        ((*SEVEN, (90, 93, 10, 190)), 1),
        # Standing on a line, and in a comb of two boxes.
        ((*SEVEN, (20, 80, 100, 108), (78, 81, 10, 190)), 2),
        (
            (
                *((25, 32, 40, 70), (25, 78, 62, 70), (25, 78, 120, 128)),
                *((15, 18, 10, 190), (78, 81, 10, 190)),
                *((15, 81, 10, 13), (15, 81, 95, 98), (15, 81, 187, 190)),
            ),
            2,
        ),
        # Two that touch by one stroke.
        (((20, 80, 40, 48), (72, 80, 40, 130), (20, 80, 122, 130), (20, 28, 122, 150), (20, 80, 142, 150)), 2),
    ],
)
def test_ink_that_belongs_together_is_one_digit(strokes: tuple[tuple[int, int, int, int], ...], count: int) -> None:
    assert len(found(sheet(*strokes)).digits) == count


def test_ink_at_the_edge_is_told_and_read() -> None:
    cut = sheet(*SEVEN)[22:]
    (one,) = found(cut).digits
    assert one.at_edge


def test_polarity_can_be_told() -> None:
    picture = sheet(*SEVEN)
    assert found(picture, dark=True).dark and found(255 - picture, dark=False).digits
    assert found(picture).dark and not found(255 - picture).dark


def _blank() -> NDArray[np.uint8]:
    return np.full((60, 90), 130, np.uint8)


def _noise() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (150, 200, 3)).astype(np.uint8)


def _clouds() -> NDArray[np.uint8]:
    """Colours that run into each other, as in a photo of something else."""
    noise = np.random.default_rng(1).random((200, 300, 3))
    smooth = ndimage.gaussian_filter(noise, (15, 15, 0))
    return np.rint(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def _gradient() -> NDArray[np.uint8]:
    return np.tile(np.linspace(0, 255, 300), (200, 1)).astype(np.uint8)


def _blot() -> NDArray[np.uint8]:
    return sheet((20, 80, 60, 120))


def _line() -> NDArray[np.uint8]:
    return sheet((50, 53, 5, 195))


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (_blank, "No digit is found in picture: nothing stands out from its paper"),
        (_noise, "No digit is found in picture: "),
        (_clouds, "No digit is found in picture: "),
        (_gradient, "No digit is found in picture: "),
        (_blot, "No digit is found in picture: "),
        (_line, "No digit is found in picture: nothing in 1 piece of ink looks like one"),
    ],
)
def test_a_picture_of_something_else_is_a_sentence(picture, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=words):
        found(picture())


def test_ink_that_is_mostly_none_of_digits_is_told() -> None:
    assert found(sheet(*SEVEN, (25, 68, 120, 163))).mostly_other
