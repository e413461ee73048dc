"""A loss of `edgedigits.losses` as Keras takes it: on logits (n, 10) with integer labels (n,), truly differentiated.

Labels that are one-hot, fractional or of the wrong shape, and outputs that are probabilities, are errors: Keras itself
would train on them to 9.5% without a word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.config import LossConfig
from edgedigits.data.shape import CLASSES
from edgedigits.losses.catalogue import LOSSES
from edgedigits.training.keras_env import keras, tf


@keras.utils.register_keras_serializable("edgedigits")
class LogitsLoss(keras.losses.Loss):
    """The mean over a batch of what a loss's file gives for each image.

    Args:
        name: of the loss.
        constants: what its formula takes beside labels and logits.
        smoothing: share ε of a label that is spread over all classes: (1 − ε)·loss(y) + ε·mean over k of loss(k).
    """

    def __init__(
        self, name: str, constants: dict[str, Any] | None = None, smoothing: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.constants, self.smoothing = constants or {}, smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each image, float32 (n,).

        Args:
            y_true: integer labels (n,) or (n, 1).
            y_pred: float logits (n, 10).

        Raises:
            ValueError: the labels are not integers, are one-hot, or the outputs are probabilities.
        """
        logits = tf.convert_to_tensor(y_pred)
        labels = _integer_labels(y_true, self.name)
        _refuse_probabilities(y_pred, logits, self.name)
        loss = self._of_class(labels, logits)
        if not self.smoothing:
            return loss
        of_each = [self._of_class(tf.fill(tf.shape(labels), one), logits) for one in range(CLASSES)]
        return (1.0 - self.smoothing) * loss + self.smoothing / CLASSES * tf.add_n(of_each)

    def _of_class(self, labels: Any, logits: Any) -> Any:
        return LOSSES[self.name].per_image(tf, labels, logits, **self.constants)

    def get_config(self) -> dict[str, Any]:
        """Return what makes this loss again."""
        return {**super().get_config(), "constants": self.constants, "smoothing": self.smoothing}


def make_loss(config: LossConfig, labels: NDArray[np.uint8], smoothing: float = 0.0) -> LogitsLoss:
    """Return the loss that the config names; `labels` (n,) are the training labels, counted for class weights."""
    loss = LOSSES[config.name]
    return LogitsLoss(loss.name, loss.constants(loss.values(config), labels), smoothing)


def _integer_labels(y_true: Any, name: str) -> Any:
    labels = tf.convert_to_tensor(y_true)
    if labels.shape.rank == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape.rank != 1:
        raise ValueError(
            f"loss {name} takes integer labels of shape (n,). Received: labels of shape {tuple(labels.shape)}; "
            "one-hot labels become integers by numpy.argmax(labels, axis=1)."
        )
    if not labels.dtype.is_integer:
        raise ValueError(f"loss {name} takes integer labels. Received: labels of dtype {labels.dtype.name}.")
    return tf.cast(labels, tf.int32)


def _refuse_probabilities(y_pred: Any, logits: Any, name: str) -> None:
    """Raise for the output of a softmax: seen by its values in eager mode, by its op in a graph."""
    if tf.executing_eagerly():
        sums = tf.reduce_sum(logits, axis=-1)
        probabilities = bool(tf.reduce_all(logits >= 0)) and bool(tf.reduce_all(tf.abs(sums - 1) < 1e-3))
    else:
        probabilities = hasattr(y_pred, "_keras_logits") or logits.op.type == "Softmax"
    if probabilities:
        raise ValueError(
            f"loss {name} takes logits. Received: probabilities; remove the softmax, which is added on deployment."
        )
