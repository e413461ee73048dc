"""What a criterion of pruning wants to know of a network, measured on a sample of the training digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.seeing import see
from edgedigits.training.epochs import as_input
from edgedigits.training.keras_env import tf

MOMENTUM = 0.9
"""Of the mean squares from sample to sample: of the large, rare errors of one alone, neurons would die by chance."""


class Moments:
    """Mean squares of inputs and errors, and gradients, of every layer.

    Args:
        model: of `CompressedDense` layers.
        line: of the build: its training digits and loss.
        count: images in a sample.
    """

    def __init__(self, model: Any, line: Any, count: int) -> None:
        self._images = see(line.config.input.view, line.splits.train.images)
        self._labels = line.splits.train.labels
        self._count = min(count, len(self._labels))
        self._squares: list[tuple[NDArray[np.float32], ...]] = []

        @tf.function(jit_compile=True, autograph=False)
        def measure(images: Any, labels: Any) -> Any:
            kernels = [layer.layer.kernel for layer in model.layers]
            with tf.GradientTape() as tape:
                inputs, outputs = [as_input(images)], []
                for layer in model.layers:
                    outputs.append(layer(inputs[-1]))
                    inputs.append(outputs[-1])
                loss = line.loss(labels, outputs[-1])
            slopes = tape.gradient(loss, [*outputs, *kernels])
            errors = [
                slope * tf.cast(output > 0, tf.float32) if layer is not model.layers[-1] else slope
                for layer, output, slope in zip(model.layers, outputs, slopes, strict=False)
            ]
            many = tf.cast(tf.shape(labels)[0], tf.float32)
            return [
                (tf.reduce_mean(before**2, axis=0), tf.reduce_mean((many * error) ** 2, axis=0), gradient)
                for before, error, gradient in zip(inputs, errors, slopes[len(outputs) :], strict=False)
            ]

        self._measure = measure

    def __call__(self, number: int) -> list[tuple[NDArray[np.float32], ...]]:
        """Return (inputs (fan-in,), errors (fan-out,), gradient (fan-in, fan-out)) of each layer.

        Gradients are those of sample `number`; mean squares are moving means over the samples so far.
        """
        start = number * self._count % max(1, len(self._labels) - self._count + 1)
        part = slice(start, start + self._count)
        measured = self._measure(self._images[part], self._labels[part].astype(np.int32))
        squares = [(inputs.numpy(), errors.numpy()) for inputs, errors, _ in measured]
        self._squares = [
            tuple(MOMENTUM * old + (1 - MOMENTUM) * new for old, new in zip(*layer, strict=True))
            for layer in zip(self._squares or squares, squares, strict=True)
        ]
        return [(*layer, gradient.numpy()) for layer, (*_, gradient) in zip(self._squares, measured, strict=True)]
