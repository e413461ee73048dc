"""The stream of epochs: every image once, in a seeded order of its own, as bytes."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config import TrainingConfig
from edgedigits.data.digits import Digits
from edgedigits.data.seeing import see
from edgedigits.training.augment import LEVELS, distort
from edgedigits.training.epochs import CHUNK, as_input, training_epochs
from edgedigits.training.keras_env import tf
from edgedigits.view import View

PLAIN = {"augment": "none"}


def numbered(count: int) -> Digits:
    """Digits whose first two pixels hold their number."""
    images = np.zeros((count, 784), np.uint8)
    images[:, 0], images[:, 1] = np.arange(count) % 256, np.arange(count) // 256
    return Digits(images, (np.arange(count) % 10).astype(np.uint8))


def epochs(digits: Digits, config: TrainingConfig, count: int, seed: int = 1) -> list[np.ndarray]:
    """Return `count` epochs of the stream, each as the numbers of the images in order."""
    seen = []
    for images, labels in training_epochs(digits, config, seed).dataset.take(count):
        pixels = images.numpy()[..., :2].astype(int)
        numbers = pixels[..., 0] + 256 * pixels[..., 1]
        assert (labels.numpy() == numbers % 10).all()
        seen.append(numbers.ravel())
    return seen


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own():
    first, second = epochs(numbered(320), TrainingConfig(batch_size=32, **PLAIN), 2)
    assert sorted(first) == sorted(second) == list(range(320))
    assert (first != second).any()


def test_a_remainder_is_left_out_and_is_another_one_each_epoch():
    first, second = epochs(numbered(70), TrainingConfig(batch_size=32, **PLAIN), 2)
    assert len(first) == len(second) == 64
    assert set(range(70)) - set(first) != set(range(70)) - set(second)


def test_the_seed_fixes_the_order():
    config = TrainingConfig(batch_size=32, **PLAIN)
    (one,), (same,), (other,) = (epochs(numbered(320), config, 1, seed) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_a_batch_larger_than_the_data_is_the_data():
    (seen,) = epochs(numbered(20), TrainingConfig(batch_size=256, **PLAIN), 1)
    assert sorted(seen) == list(range(20))


def test_full_batch_is_one_step_with_all_images():
    stream = training_epochs(numbered(300), TrainingConfig(batch_size=0, **PLAIN), 1)
    assert (stream.steps, stream.batch_size) == (1, 300)
    assert [images.shape for images, _ in stream.dataset.take(2)] == [(1, 300, 784)] * 2


def test_pixels_enter_as_p_over_255_exactly():
    pixels = np.arange(256, dtype=np.uint8)
    assert (as_input(tf.constant(pixels)).numpy() == pixels.astype(np.float32) / np.float32(255)).all()


def test_distorted_epochs_are_the_distorted_images_whatever_the_chunk(few):
    digits = few.train.take(np.resize(np.arange(600), CHUNK + 100))
    config = TrainingConfig(batch_size=0, augment="light")
    (images, labels), (others, _) = training_epochs(digits, config, 1).dataset.take(2)
    assert images.shape == (1, CHUNK + 100, 784) and images.dtype == tf.uint8
    assert (images.numpy() != others.numpy()).any()
    # The label stays with its image: a distorted digit is nearer to its own kind than to the mean digit.
    means = np.stack([digits.images[digits.labels == c].mean(axis=0) for c in range(10)])
    nearest = ((images.numpy()[0, :, None, :] - means[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert np.mean(nearest == labels.numpy()[0]) > 0.7


def test_distorted_pixels_are_rounded_to_the_bytes_a_device_sees(few):
    digits = few.train.take(np.arange(64))
    ((images, _),) = training_epochs(digits, TrainingConfig(batch_size=0, augment="strong"), 3).dataset.take(1)
    assert 0 < np.mean(images.numpy() > 0) < 0.5
    assert images.numpy().max() <= 255
    assert distort(as_input(tf.constant(digits.images)), LEVELS["strong"], tf.constant([3, 0])).shape == (64, 784)


@pytest.mark.parametrize("augment", ["none", "light"])
@pytest.mark.parametrize("batch_size", [0, 32])
def test_what_the_network_sees_is_taken_of_whole_images_behind_their_distortion(few, augment, batch_size):
    digits, view = few.train.take(np.arange(96)), View(window=24, size=12, deskew=True)
    config = TrainingConfig(batch_size=batch_size, augment=augment)
    whole, seen = (next(iter(training_epochs(digits, config, 3, one).dataset)) for one in (View(), view))
    assert seen[0].shape == (*whole[0].shape[:2], 144) and seen[0].dtype == tf.uint8
    assert (seen[0].numpy().reshape(-1, 144) == see(view, whole[0].numpy().reshape(-1, 784))).all()
    assert (seen[1].numpy() == whole[1].numpy()).all()
