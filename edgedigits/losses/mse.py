"""Squared error on the softmax: Σ_k (p_k − 1[k = y])², the Brier score."""

from __future__ import annotations

from typing import Any

from edgedigits.data.shape import CLASSES
from edgedigits.losses.declaration import Loss


def per_image(tf: Any, labels: Any, logits: Any) -> Any:
    """Return the squared error of each image, summed over the classes, (n,)."""
    onehot = tf.one_hot(labels, CLASSES, dtype=logits.dtype)
    return tf.reduce_sum(tf.square(tf.nn.softmax(logits) - onehot), axis=-1)


LOSS = Loss(
    "mse",
    meaning="squared error between softmax and one-hot label, summed over the classes (Brier score)",
    formula="Σ_k (p_k − 1[k=y])²",
    source="Brier, 1950",
    per_image=per_image,
)
