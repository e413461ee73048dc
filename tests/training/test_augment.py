"""Distortions: inside [0, 1], seeded, of the strength that is stated, and nothing where nothing is asked."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.training.augment import GROUP, LEVELS, Distortion, distort
from edgedigits.training.keras_env import tf

SEED = tf.constant([3, 4])


def moved(images: np.ndarray, level: Distortion, seed=SEED) -> np.ndarray:
    return distort(tf.constant(images), level, seed).numpy()


@pytest.fixture(scope="module")
def digits(few) -> np.ndarray:
    return few.train.images[:100].astype(np.float32) / 255


def test_no_distortion_is_the_identity(digits):
    assert moved(digits, Distortion(0, 0, 0, 0, 0)) == pytest.approx(digits, abs=2e-3)


@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize("count", [1, GROUP, 100])
def test_results_stay_in_0_to_1_whatever_the_number_of_images(digits, level, count):
    result = moved(digits[:count], level)
    assert result.shape == (count, 784)
    assert result.min() >= 0 and result.max() <= 1


def test_the_seed_fixes_the_distortions(digits):
    light = LEVELS["light"]
    assert (moved(digits, light) == moved(digits, light)).all()
    assert (moved(digits, light) != moved(digits, light, tf.constant([3, 5]))).any()


def test_images_of_a_group_share_a_map_and_groups_do_not():
    same = np.zeros((2 * GROUP, 784), np.float32)
    same[:, 400:410] = 1
    result = moved(same, LEVELS["strong"])
    assert (result[:GROUP] == result[0]).all()
    assert (result[0] != result[GROUP]).any()


def test_a_shift_moves_the_centre_of_mass_by_at_most_its_strength():
    dots = np.zeros((640, 28, 28), np.float32)
    dots[:, 13:15, 13:15] = 1
    result = moved(dots.reshape(-1, 784), Distortion(0, 2.0, 0, 0, 0)).reshape(-1, 28, 28)
    rows = (result.sum(axis=2) * np.arange(28)).sum(axis=1) / result.sum(axis=(1, 2)) - 13.5
    assert np.abs(rows).max() <= 2.0 + 1e-3
    assert 0.6 < rows.std() < 1.6
