"""Networks are told apart by validation digits and by distorted copies of them, which stay the same."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.training.held_out import COPIES, accuracies_on_copies, copies
from edgedigits.training.keras_env import tf
from edgedigits.view import View


def test_copies_differ_from_each_other_and_never_from_run_to_run(few) -> None:
    images = few.validation.images
    made = list(copies(images))
    assert len(made) == COPIES
    assert all(copy.shape == images.shape and copy.dtype == np.uint8 for copy in made)
    moved = [np.abs(copy.astype(int) - images).mean() for copy in made]
    assert all(3 < one < 20 for one in moved), "they are still the same digits"
    assert len({copy.tobytes() for copy in made}) == COPIES
    np.testing.assert_array_equal(next(iter(copies(images))), made[0])


def test_accuracy_is_that_of_the_digits_and_all_of_their_copies(few) -> None:
    digits = few.validation
    view = View(window=20, size=10)
    seen: list[int] = []

    def all_sevens(images, training):
        assert not training and images.min() >= 0 and images.max() <= 1
        seen.append(images.shape[1])
        return tf.one_hot([7] * len(images), 10)

    def never(images, training):
        return tf.one_hot((digits.labels + 1) % 10, 10)

    share = float((digits.labels == 7).mean())
    assert accuracies_on_copies([all_sevens, never], digits, view) == pytest.approx([share, 0.0])
    assert seen == [100] * (COPIES + 1)
