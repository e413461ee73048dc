"""The stream of training epochs: each a shuffled, perhaps distorted copy of the training images in batches.

The next epoch is prepared in TensorFlow's own threads while the network trains on the present one. Images stay bytes
until a step uses them: they are what a device will see, and a quarter of the memory. Whole images are distorted; then
the network's view of them is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgedigits.config import TrainingConfig
from edgedigits.data.digits import Digits
from edgedigits.data.seeing import see
from edgedigits.data.shape import PIXELS
from edgedigits.training.augment import LEVELS, Distortion, distort
from edgedigits.training.keras_env import tf
from edgedigits.view import PLAIN, View

CHUNK = 4096
"""Images distorted at a time: bounds the memory of the interpolation to some 60 MB."""


Targets = Callable[[Any, Any], Any]
"""(labels int32 (n,), whole images uint8 (n, 784), distorted as they are shown) → what the loss takes, n rows."""


@dataclass(frozen=True)
class Epochs:
    """An endless, seeded stream.

    Attributes:
        dataset: tf.data.Dataset of (uint8 (steps, batch_size, inputs), targets (steps, batch_size, …)), an epoch each;
            targets are the labels, int32 (steps, batch_size), unless others are asked for.
        steps: batches an epoch; a remainder smaller than a batch is left out of the epoch, a different one each time.
        batch_size: images a batch.
    """

    dataset: Any
    steps: int
    batch_size: int


def steps_per_epoch(count: int, config: TrainingConfig) -> int:
    """Return the batches in an epoch of `count` images."""
    return count // min(config.batch_size or count, count)


def as_tensors(digits: Digits, view: View = PLAIN) -> tuple[Any, Any]:
    """Return what is seen of images, float32 (n, inputs) in [0, 1], and int32 labels (n,)."""
    return as_input(tf.constant(see(view, digits.images))), tf.cast(tf.constant(digits.labels), tf.int32)


def as_input(pixels: Any) -> Any:
    """Return uint8 pixels as the float model sees them, p/255: `data.preprocess.to_float` in TensorFlow."""
    return tf.cast(pixels, tf.float32) / 255.0


def labels_alone(labels: Any, pixels: Any) -> Any:
    """Return the labels: the targets of a loss that takes no others."""
    return labels


def training_epochs(
    digits: Digits, config: TrainingConfig, stage_seed: int, view: View = PLAIN, targets: Targets = labels_alone
) -> Epochs:
    """Return the stream of one training stage.

    Args:
        digits: the training split.
        config: batch size and augmentation.
        stage_seed: makes order and distortions repeatable, different for each stage.
        view: what the network sees of an image.
        targets: what the loss takes for each image. Of images that are not distorted they are computed once.
    """
    count = len(digits)
    steps = steps_per_epoch(count, config)
    shape = (steps, count // steps if steps == 1 else config.batch_size)
    level = LEVELS.get(config.augment)
    shown = digits.images if level else see(view, digits.images)
    images, labels = tf.constant(shown), tf.cast(tf.constant(digits.labels), tf.int32)
    of_each = labels if level else targets(labels, digits.images)

    def epoch(number: Any) -> tuple[Any, Any]:
        seed = tf.stack([tf.constant(stage_seed, tf.int32), tf.cast(number, tf.int32)])
        order = tf.random.experimental.stateless_shuffle(tf.range(count), seed)[: shape[0] * shape[1]]
        wanted = tf.gather(of_each, order)
        if level:
            whole = _distorted(images, order, level, seed)
            pixels, wanted = _seen(view, whole), targets(wanted, whole)
        else:
            pixels = tf.gather(images, order)
        return tf.reshape(pixels, (*shape, view.inputs)), tf.reshape(wanted, (*shape, *wanted.shape[1:]))

    if steps == 1 and level is None:
        # Full-batch gradient descent sees the same sum in any order: nothing to shuffle.
        same = tf.reshape(images, (*shape, view.inputs)), tf.reshape(of_each, (*shape, *of_each.shape[1:]))
        return Epochs(tf.data.Dataset.from_tensors(same).repeat(), *shape)
    epochs = tf.data.Dataset.range(2**31 - 1).map(epoch)
    if config.augment_copies:
        epochs = epochs.take(config.augment_copies).cache().repeat()
    return Epochs(epochs.prefetch(1), *shape)


def _seen(view: View, images: Any) -> Any:
    """Return what is seen of images, uint8 (n, inputs): by NumPy, inside a graph as well."""
    return images if view.is_plain else tf.numpy_function(lambda whole: see(view, whole), [images], tf.uint8)


def _distorted(images: Any, order: Any, level: Distortion, seed: Any) -> Any:
    """Return the images at `order` distorted, uint8 (n, 784), a chunk at a time."""
    count = order.shape[0]
    chunks = -(-count // CHUNK)
    padded = tf.reshape(tf.pad(order, [[0, chunks * CHUNK - count]]), (chunks, CHUNK)) if chunks > 1 else order[None]

    def distort_chunk(item: Any) -> Any:
        number, indices = item
        pixels = distort(as_input(tf.gather(images, indices)), level, seed * 1_000_003 + number)
        return tf.cast(tf.round(pixels * 255.0), tf.uint8)

    items = (tf.range(chunks), padded)
    moved = tf.map_fn(distort_chunk, items, fn_output_signature=tf.TensorSpec((None, PIXELS), tf.uint8))
    return tf.ensure_shape(tf.reshape(moved, (-1, PIXELS))[:count], (count, PIXELS))
