"""Near-duplicates: what is made of a picture by storing, lighting or moving it a little is found, other digits are not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from edgedigits.data.digits import Digits
from edgedigits.data.idx_folder import read_idx_folder
from edgedigits.data.near_duplicates import NEAR, RIVAL, SAME, near_duplicates


def _as_picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image.reshape(28, 28))


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    _as_picture(image).save(stored := io.BytesIO(), "JPEG", quality=quality)
    return np.asarray(Image.open(stored)).ravel()


def _noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(int(image.sum())).normal(0, 10, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def _powers(image: np.ndarray, power: float) -> np.ndarray:
    return np.rint(255 * (image / 255) ** power).astype(np.uint8)


CHANGES = {
    "JPEG of quality 75": (lambda image: _jpeg(image, 75), 1.0),
    "JPEG of quality 30": (lambda image: _jpeg(image, 30), 0.9),
    "half as bright": (lambda image: image // 2, 1.0),
    "16 greys": (lambda image: image // 16 * 16, 1.0),
    "darker": (lambda image: _powers(image, 1.6), 0.95),
    "lighter": (lambda image: _powers(image, 0.6), 0.9),
    "noisy": (_noisy, 0.95),
    "a little blurred": (
        lambda image: np.asarray(_as_picture(image).filter(ImageFilter.GaussianBlur(0.5))).ravel(),
        0.9,
    ),
    "turned by 2 degrees": (
        lambda image: np.asarray(_as_picture(image).rotate(2, Image.Resampling.BILINEAR)).ravel(),
        0.85,
    ),
}


@pytest.fixture(scope="module")
def learned(five_thousand: Digits) -> np.ndarray:
    return five_thousand.images[np.arange(5000) % 5 != 0]


@pytest.mark.parametrize("change", CHANGES)
def test_a_picture_that_was_changed_a_little_is_found(change: str, learned: np.ndarray) -> None:
    make, share = CHANGES[change]
    changed = np.stack([make(image) for image in learned[::40]])
    assert near_duplicates(changed, learned).mean() >= share


def test_other_digits_are_none(five_thousand: Digits, learned: np.ndarray) -> None:
    assert not near_duplicates(five_thousand.images[::5], learned).any()


@pytest.mark.slow
def test_no_test_digit_of_mnist_is_one_of_a_training_digit(mnist_folder: Path) -> None:
    mnist = read_idx_folder(mnist_folder)
    assert not near_duplicates(mnist.test.images[::4], mnist.train.images).any()


def test_a_picture_without_ink_is_near_to_none(learned: np.ndarray) -> None:
    blank = np.zeros((2, 784), np.uint8)
    assert not near_duplicates(blank, learned).any() and not near_duplicates(learned[:3], blank).any()
    assert not near_duplicates(learned[:3], learned[:0]).any() and len(near_duplicates(learned[:0], learned)) == 0


def test_other_digits_are_none_where_few_are_known(five_thousand: Digits) -> None:
    """Of which one has no rival there: it has among those that it came with."""
    few = np.concatenate([five_thousand.images[500:510], five_thousand.images[:10]])
    assert not near_duplicates(five_thousand.images[1:500], few[:10]).any()
    assert not near_duplicates(five_thousand.images[510:1000], few).any()


def test_one_that_is_there_several_times_is_found_where_it_is_nearly_the_same(learned: np.ndarray) -> None:
    stored = np.stack([_jpeg(image, 90) for image in learned[::400]])
    assert near_duplicates(stored, np.concatenate([learned, learned])).all()


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.05, 0.1, 0.3]), st.integers(1, 60))
def test_the_bounds_hide_nothing(seed: int, noise: float, count: int) -> None:
    """What comparing all with all finds, by the definition."""
    random = np.random.default_rng(seed)
    known = (random.random((count, 784)) < 0.2) * random.integers(1, 256, (count, 784))
    known[1::2] = known[: len(known[1::2])] * 0.9  # rivals
    mine = known[random.integers(0, count, 20)] + random.normal(0, 255 * noise, (20, 784)) * (
        random.random((20, 1)) < 0.8
    )
    known, mine = known.astype(np.uint8), np.clip(mine, 0, 255).astype(np.uint8)
    units, theirs = (
        (one := images.astype(np.float64)) / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1)
        for images in (mine, known)
    )
    distances = np.sort(np.sqrt(np.maximum(2 - 2 * units @ theirs.T, 0)), axis=1)
    nearest, after = distances[:, 0], np.append(distances, np.full((20, 1), np.inf), axis=1)[:, 1]
    apart = np.sqrt(np.maximum(2 - 2 * units @ units.T, 0))
    rivals = ((apart > SAME) & (apart < RIVAL * nearest[:, None])).any(axis=1)
    expected = (nearest <= SAME) | (nearest <= NEAR) & (after >= RIVAL * nearest) & ~rivals
    np.testing.assert_array_equal(near_duplicates(mine, known), expected)
