"""Digits of other origin than MNIST, for what must not be taken for wrong: pen tablets, print, seven segments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits

from edgedigits.data.digits import Digits

_SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


def of_a_tablet() -> Digits:
    """1,797 digits by 13 writers, of 8×8 pixels and 16 greys, enlarged threefold."""
    found = load_digits()
    large = np.repeat(np.repeat(found.images, 3, axis=1), 3, axis=2) * (255 / 16)
    images = np.pad(np.rint(large).astype(np.uint8), ((0, 0), (2, 2), (2, 2)))
    return Digits(images.reshape(-1, 784), found.target.astype(np.uint8))


def printed() -> Digits:
    """The digits of the fonts that come with matplotlib, those with upright numerals, in three sizes."""
    fonts = sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("DejaVuS*.ttf"))
    fonts = [font for font in fonts if "Display" not in font.name]
    images, labels = [], []
    for font in fonts:
        for size in (18, 22, 26):
            for digit in range(10):
                image = Image.new("L", (28, 28))
                face = ImageFont.truetype(font, size)
                ImageDraw.Draw(image).text((14, 14), str(digit), fill=255, font=face, anchor="mm")
                images.append(np.asarray(image).ravel())
                labels.append(digit)
    return Digits(np.array(images, np.uint8), np.array(labels, np.uint8))


def of_seven_segments() -> Digits:
    """500 digits of displays of varied size and weight."""
    draw = np.random.default_rng(0)
    images = np.zeros((500, 28, 28), np.uint8)
    labels = (np.arange(500) % 10).astype(np.uint8)
    for image, digit in zip(images, labels, strict=True):
        weight, top, left = draw.integers(2, 4), draw.integers(3, 6), draw.integers(7, 10)
        height, width = draw.integers(8, 10), draw.integers(9, 12)
        rows = [slice(top + step * height, top + step * height + weight) for step in range(3)]
        upper, lower = (slice(top + step * height, top + (step + 1) * height + weight) for step in range(2))
        across = slice(left, left + width)
        first, last = slice(left, left + weight), slice(left + width - weight, left + width)
        places = {
            **dict(zip("agd", ((row, across) for row in rows), strict=True)),
            **{"f": (upper, first), "b": (upper, last), "e": (lower, first), "c": (lower, last)},
        }
        for segment in _SEGMENTS[digit]:
            image[places[segment]] = 255
    return Digits(images.reshape(-1, 784), labels)


OTHER_HANDS: dict[str, Callable[[], Digits]] = {
    "tablet": of_a_tablet,
    "print": printed,
    "seven segments": of_seven_segments,
}
