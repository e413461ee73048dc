"""Where the ink of pictures lies, on shapes of which it can be said by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.data.ink import box_edges, dark_borders, geometry, stretched


def bar(top: int, bottom: int, left: int, right: int, *, ink: int = 255, paper: int = 0) -> NDArray[np.uint8]:
    """One picture (1, 784) with a filled box, its ends exclusive."""
    image = np.full((28, 28), paper, np.uint8)
    image[top:bottom, left:right] = ink
    return image.reshape(1, 784)


def test_centre_distance_and_box_are_those_of_the_box() -> None:
    centre, distance, box = geometry(bar(4, 14, 10, 12), invert=False)
    assert centre == pytest.approx((10.5, 8.5))
    assert distance == pytest.approx(np.hypot(10.5 - 13.5, 8.5 - 13.5))
    assert box == 10


def test_inverted_pictures_measure_the_same() -> None:
    (column, row), distance, box = geometry(bar(4, 14, 10, 12, ink=20, paper=240), invert=True)
    assert [column, row, distance, box] == pytest.approx([10.5, 8.5, np.hypot(3, 5), 10])


def test_pictures_of_one_grey_have_no_ink_and_count_for_nothing() -> None:
    blank = np.full((3, 784), 77, np.uint8)
    middle = (13.5, 13.5)
    assert geometry(blank, invert=False) == (middle, 0.0, 0.0)
    both = np.concatenate([blank, bar(4, 14, 10, 12)])
    assert geometry(both, invert=False) == geometry(bar(4, 14, 10, 12), invert=False)


def test_edges_are_the_first_row_and_the_one_behind_the_last() -> None:
    inked = np.concatenate([bar(4, 14, 10, 12), bar(0, 28, 27, 28), np.zeros((1, 784), np.uint8)]) > 0
    edges = np.stack(box_edges(inked), axis=1).tolist()
    assert edges == [[4, 14, 10, 12], [0, 28, 27, 28], [0, 0, 0, 0]]


def test_borders_are_dark_where_the_paper_is() -> None:
    pictures = np.concatenate([bar(4, 14, 10, 12), bar(4, 14, 10, 12, ink=20, paper=240)])
    assert dark_borders(pictures).tolist() == [True, False]


def test_stretched_from_paper_to_ink_of_its_own_polarity() -> None:
    pictures = np.concatenate([bar(4, 14, 10, 12, ink=200, paper=50), bar(4, 14, 10, 12, ink=20, paper=240)])
    expected = np.concatenate([bar(4, 14, 10, 12), bar(4, 14, 10, 12, ink=0, paper=255)])
    assert (stretched(pictures) == expected).all()
    blank = np.full((1, 784), 77, np.uint8)
    assert len(np.unique(stretched(blank))) == 1


def test_noise_of_the_paper_is_cut_off_below_a_percentile() -> None:
    noisy = bar(4, 14, 10, 12, ink=200, paper=20)
    noisy[0, :28:2] = 50  # 14 of the 108 pixels of the border
    assert stretched(noisy).reshape(28, 28)[0, 0] == round(30 * 255 / 180)
    assert (stretched(noisy, 95) == bar(4, 14, 10, 12)).all()
