"""What a model sees of an image: what it is called, and divisions that are exact in 32 bits."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.view import LEVEL_BITS, PLAIN, WINDOWS, View, exact_division

SHAPES = [(window, size) for window in WINDOWS for size in range(1, window + 1)]


@pytest.mark.parametrize(
    ("view", "words", "slug"),
    [
        (PLAIN, "28×28", ""),
        (View(window=22, size=22), "22×22, the middle of the image", "22of22"),
        (View(size=16), "16×16, averaged over all 28×28", "16of28"),
        (View(window=24, size=12, bits=4), "12×12, averaged over the central 24×24, 4 bits a pixel", "12of24-4bit"),
        (
            View(deskew=True, centre=True, bits=1),
            "28×28, upright by its moments, centred by mass, 1 bit a pixel",
            "deskew-centre-1bit",
        ),
    ],
)
def test_it_is_told_in_words(view: View, words: str, slug: str) -> None:
    assert (str(view), view.slug) == (words, slug)


def test_what_makes_the_task_another_one_is_said() -> None:
    assert not View(window=20, size=10, bits=4).remark
    assert View(deskew=True).remark.startswith("Digits are stood upright by their moments before the network sees them")
    assert "by their moments and centred by mass before" in View(deskew=True, centre=True).remark


@pytest.mark.parametrize(("window", "size"), SHAPES)
def test_an_average_is_of_equal_areas(window: int, size: int) -> None:
    view = View(window, size)
    assert view.span * size == view.units * window
    assert 255 * view.area + view.area // 2 < 2**18, "as the arithmetic of both languages says"


@pytest.mark.parametrize(
    "divisor", sorted({View(*shape).area for shape in SHAPES} | {View(bits=bits).step for bits in LEVEL_BITS})
)
def test_every_division_is_exact_in_32_bits(divisor: int) -> None:
    """For every number that is divided: all sums of an average, all pixels."""
    most = 255 * divisor + divisor // 2
    before, factor, shift = exact_division(divisor, most)
    values = np.arange(most + 1, dtype=np.uint64)
    products = (values >> np.uint64(before)) * np.uint64(factor)
    assert products.max() < 2**32
    np.testing.assert_array_equal(products >> np.uint64(shift), values // np.uint64(divisor))


def test_a_division_that_32_bits_cannot_do_is_refused() -> None:
    with pytest.raises(ArithmeticError, match="no division by 4093 up to 268435455 in 32 bits"):
        exact_division(4093, 2**28 - 1)
