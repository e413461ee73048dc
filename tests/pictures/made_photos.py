"""Photos as somebody might take them, made of MNIST's digits: paper, shadow, noise, slant, pen, either polarity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from edgedigits.data.digits import Digits
from edgedigits.data.photos.photo import open_photo
from edgedigits.errors import DataError
from edgedigits.model.numpy_engine import run
from edgedigits.pictures.predict import Reader, read_picture
from edgedigits.scoring.oracle import engine_inputs

ENLARGED = 4
"""Pixels of a photo for one of a digit, at the least."""
STEEPEST = 15.0


@dataclass(frozen=True)
class Conditions:
    """How a photo is taken.

    Attributes:
        degrees: by which the paper lies askew.
        enlarged: pixels of a photo for one of a digit.
        pen: pixels of a digit by which strokes are thicker, or thinner where below 0.
        shadow: share of the light that is gone in it; its edge crosses the photo.
        noise: standard deviation, of 255.
        paper, ink: how light they are, 0…255.
        light_on_dark: the photo is of chalk.
    """

    degrees: float = 0.0
    enlarged: float = 6.0
    pen: float = 0.0
    shadow: float = 0.0
    noise: float = 0.0
    paper: int = 230
    ink: int = 40
    light_on_dark: bool = False


def drawn(random: np.random.Generator) -> Conditions:
    """Draw conditions at random."""
    return Conditions(
        degrees=random.uniform(-STEEPEST, STEEPEST),
        enlarged=random.uniform(ENLARGED, 10),
        pen=random.uniform(-0.5, 0.8),
        shadow=random.uniform(0, 0.5),
        noise=random.uniform(0, 12),
        paper=int(random.integers(190, 256)),
        ink=int(random.integers(0, 80)),
        light_on_dark=bool(random.integers(2)),
    )


def on_paper(images: NDArray[np.uint8], columns: int, gap: int = 4) -> NDArray[np.float64]:
    """Return the ink of digits (n, 784) on one sheet, 0…1, row by row, with paper around."""
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows * (28 + gap) + 2 * gap, columns * (28 + gap) + 2 * gap))
    for place, image in enumerate(images):
        top, left = ((28 + gap) * at + gap + gap // 2 for at in divmod(place, columns))
        sheet[top : top + 28, left : left + 28] = image.reshape(28, 28) / 255
    return sheet


def photographed(ink: NDArray[np.float64], how: Conditions, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the photo of a sheet of ink (height, width), uint8."""
    size = [round(side * how.enlarged) for side in ink.shape]
    large = np.asarray(Image.fromarray(ink.astype(np.float32)).resize((size[1], size[0]), Image.Resampling.BICUBIC))
    if how.pen:
        # The border of strokes, moved outwards or inwards.
        inside, outside = (ndimage.distance_transform_edt(side) for side in (large > 0.5, large <= 0.5))
        large = np.clip((inside - outside + how.pen * how.enlarged) / 2 + 0.5, 0, 1)
    large = ndimage.rotate(large, how.degrees, order=1).clip(0, 1)
    light = how.paper + (how.ink - how.paper) * large
    light = 255 - light if how.light_on_dark else light
    height, width = light.shape
    angle = random.uniform(0, 2 * np.pi)
    along = np.cos(angle) * np.linspace(-1, 1, width) + np.sin(angle) * np.linspace(-1, 1, height)[:, None]
    light = light * (1 - how.shadow / (1 + np.exp(-(along - random.uniform(-0.5, 0.5)) * random.uniform(3, 20))))
    light += random.normal(0, how.noise, light.shape)
    return np.rint(np.clip(light, 0, 255)).astype(np.uint8)


def right_of_photos(reader: Reader, digits: Digits, count: int, seed: int) -> tuple[int, int]:
    """Return how many of `count` digits are read right as they are, and each of them in a photo of its own."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(digits), count, replace=False)
    clean = run(reader.engine.network, engine_inputs(reader.engine.classifier, digits.images[chosen])).argmax(axis=1)
    right = 0
    for index in chosen:
        picture = photographed(on_paper(digits.images[index : index + 1], 1), drawn(random), random)
        try:
            right += read_picture(reader, open_photo(picture)).text == str(digits.labels[index])
        except DataError:
            continue  # One that is not found is not read.
    return int(np.sum(clean == digits.labels[chosen])), right
