"""What a training minimises, as a function of logits alone: for whoever changes weights without a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.training.fit import ClassificationCounts
from edgedigits.training.keras_env import tf


class Objective:
    """The loss of each of some images.

    Args:
        loss: Keras loss of targets and logits (n, 10), whose `call` gives that of each image, float32 (n,).
        targets: of the images, n rows, as the loss takes them.
    """

    def __init__(self, loss: Any, targets: NDArray[Any]) -> None:
        self._targets = targets

        @tf.function(reduce_retracing=True, autograph=False)
        def of_each(targets: Any, logits: Any) -> Any:
            return loss.call(targets, logits)

        @tf.function(reduce_retracing=True, autograph=False)
        def slopes(targets: Any, logits: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(logits)
                total = tf.reduce_sum(loss.call(targets, logits))
            return tape.gradient(total, logits)

        self._of_each, self._slopes = of_each, slopes

    def losses(self, logits: NDArray[np.float32], images: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Return the loss of each image, float32 (m,), of logits (m, 10); of all, or of those at `images`, (m,)."""
        targets = self._targets if images is None else self._targets[images]
        return np.asarray(self._of_each(tf.constant(targets), tf.constant(logits)))

    def slopes(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the gradient of each image's loss by its logits, float32 (n, 10)."""
        return np.asarray(self._slopes(tf.constant(self._targets), tf.constant(logits)))

    def figures(self, logits: NDArray[np.float32]) -> dict[str, float]:
        """Return the mean loss, and accuracy, precision and recall, 0…1, as a training records them."""
        counts = ClassificationCounts()
        counts.update_state(tf.constant(self._targets), tf.constant(logits))
        scores = {name: float(value) for name, value in counts.result().items()}
        return {**scores, "loss": float(self.losses(logits).mean(dtype=np.float64))}
