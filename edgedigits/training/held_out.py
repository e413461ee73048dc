"""Tells networks apart by the digits that were held out for validation, and by distorted copies of them.

How many digits of a split are right is partly chance: 6,000 at 95% have a standard error of 0.3 points, as much as
trainings from other first weights differ by. Eight mildly distorted copies of each take most of that out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.preprocess import to_float
from edgedigits.data.seeing import see
from edgedigits.training.augment import Distortion, distort
from edgedigits.training.keras_env import tf
from edgedigits.view import View

COPIES = 8
MILD = Distortion(rotation=4.0, shift=0.5, scale=0.035, shear=0.05, elastic=0.4)
"""About half of what `--augment medium` does."""


def copies(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Yield COPIES distorted copies of images, uint8 (n, 784) each, always the same."""
    pixels = tf.constant(to_float(images))
    for copy in range(COPIES):
        yield np.rint(distort(pixels, MILD, tf.constant([copy, 0])).numpy() * 255.0).astype(np.uint8)


def accuracies_on_copies(models: list[Any], digits: Digits, view: View) -> list[float]:
    """Return the accuracy of each Keras model on digits and their copies together, 0…1.

    Args:
        models: float32 (n, inputs) → logits (n, 10).
        digits: of the validation.
        view: what the models see of images.
    """
    hits = [0] * len(models)
    for images in (digits.images, *copies(digits.images)):
        shown = to_float(see(view, images))
        for place, model in enumerate(models):
            told = np.argmax(model(shown, training=False).numpy(), axis=1)
            hits[place] += int((told == digits.labels).sum())
    return [one / ((COPIES + 1) * len(digits)) for one in hits]
