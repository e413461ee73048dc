"""The stream of batches: every image once an epoch, in a seeded order, as p/255."""

from __future__ import annotations

import itertools

import numpy as np

from edgedigits.config import TrainingConfig
from edgedigits.data.digits import Digits
from edgedigits.training.batches import training_batches

PLAIN = {"augment": "none"}


def numbered(count: int) -> Digits:
    """Digits whose first two pixels hold their number."""
    images = np.zeros((count, 784), np.uint8)
    images[:, 0], images[:, 1] = np.arange(count) % 256, np.arange(count) // 256
    return Digits(images, (np.arange(count) % 10).astype(np.uint8))


def epochs(digits: Digits, config: TrainingConfig, count: int, seed: int = 1) -> list[np.ndarray]:
    """Return `count` epochs of the stream, each as the numbers of the images in order."""
    batches = training_batches(digits, config, seed)
    seen = []
    for images, labels in itertools.islice(batches.dataset, batches.steps * count):
        pixels = np.rint(images.numpy()[:, :2] * 255).astype(int)
        numbers = pixels[:, 0] + 256 * pixels[:, 1]
        assert (labels.numpy() == numbers % 10).all()
        seen.append(numbers)
    return [np.concatenate(seen[i : i + batches.steps]) for i in range(0, len(seen), batches.steps)]


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
    batches = training_batches(numbered(300), TrainingConfig(batch_size=0, **PLAIN), 1)
    assert (batches.steps, batches.batch_size) == (1, 300)
    assert [len(images) for images, _ in batches.dataset.take(2)] == [300, 300]


def test_pixels_enter_as_p_over_255_exactly():
    digits = Digits(np.tile(np.arange(256, dtype=np.uint8), (2, 4))[:, :784], np.zeros(2, np.uint8))
    images, _ = next(iter(training_batches(digits, TrainingConfig(**PLAIN), 1).dataset))
    assert (images.numpy() == digits.images.astype(np.float32) / np.float32(255)).all()
