"""No value at all (0): the error p − onehot(y) is sent back as it is.

This is the baseline "no explicit loss" of the report that started this project; it is the gradient of cross-entropy.
"""

from __future__ import annotations

from typing import Any

from edgedigits.data.shape import CLASSES
from edgedigits.losses.declaration import Loss


def per_image(tf: Any, labels: Any, logits: Any) -> Any:
    """Return zeros (n,), whose gradient by the logits is softmax(s) − onehot(y)."""
    error = tf.stop_gradient(tf.nn.softmax(logits) - tf.one_hot(labels, CLASSES, dtype=logits.dtype))
    has_that_gradient = tf.reduce_sum(error * logits, axis=-1)
    return has_that_gradient - tf.stop_gradient(has_that_gradient)


LOSS = Loss(
    "one-hot",
    meaning="no value: softmax minus one-hot label is sent back as the gradient as it is",
    formula="no value: the error p − onehot(y) is sent back as it is. That is cross-entropy's gradient.",
    source="",
    per_image=per_image,
    takes_smoothing=True,
    gradient_of="cross-entropy",
)
