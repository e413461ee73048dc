"""Full-batch training of many small networks that read the images once.

The first layers' kernels lie side by side in one product, forward and backward, since reading 41,000 images is what
such a training waits for. Everything else of a network, TF-MOT's wrappers included, is called as it is: a network ends
with the weights that it would have got alone, but for the rounding of a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.preprocess import to_float
from edgedigits.data.shape import PIXELS
from edgedigits.training.keras_env import tf
from edgedigits.training.losses import LogitsLoss

_INPUT_LAYERS = ("InputLayer", "QuantizeLayer")


class Track:
    """One network on its way: a Keras MLP, plain or wrapped by TF-MOT for pruning or quantization.

    Args:
        model: float32 (n, 784) → logits (n, 10); its layers are trained in place.
        loss: what is minimised.
        rate: learning rate of plain gradient descent.
    """

    def __init__(self, model: Any, loss: LogitsLoss, rate: float) -> None:
        self.model, self.loss, self.rate = model, loss, rate
        # TF-MOT's layer on the input quantizes nothing in training: pixels are on its grid already.
        self._layers = [layer for layer in model.layers if type(layer).__name__ not in _INPUT_LAYERS]
        self._dense = getattr(self._layers[0], "layer", self._layers[0])
        self.units: int = self._dense.units
        for layer in self._layers:
            if hasattr(layer, "pruning_step"):
                layer.pruning_step.assign(0)
        self.kernel = tf.function(self._kernel)
        self.value = tf.function(self._value)
        # One graph for any number of images: tracing takes longer than running it.
        products = tf.TensorSpec((None, self.units), tf.float32)
        self.logits = tf.function(lambda values: self._logits(values, False), input_signature=[products])

    def apply_masks(self) -> None:
        """Zero what is pruned, as TF-MOT's callback does at the end of an epoch, which here is one step."""
        for layer in self._layers:
            if hasattr(layer, "pruning_obj"):
                layer.pruning_obj.weight_mask_op()

    def _kernel(self, training: bool) -> Any:
        """Return the first kernel as its layer uses it, masked or fake-quantized; (784, units)."""
        used: list[Any] = []

        def note(inputs: Any) -> Any:
            used.append(tf.convert_to_tensor(self._dense.kernel))
            return tf.zeros((1, self.units))

        before, self._dense.call = self._dense.call, note
        try:
            self._layers[0](tf.zeros((1, PIXELS)), training=training)
        finally:
            self._dense.call = before
        return used[0]

    def _logits(self, products: Any, training: bool) -> Any:
        """Return logits (n, 10) from the first layer's products (n, units)."""
        activation = self._dense.activation
        if hasattr(activation, "training"):
            activation.training = training
        values = activation(products + self._dense.bias)
        for layer in self._layers[1:]:
            values = layer(values, training=training)
        return values

    def _value(self, products: Any, labels: Any) -> Any:
        return tf.reduce_mean(self.loss.call(labels, self._logits(products, True)))


class SharedImages:
    """The images that all tracks read, without the pixels that are never inked.

    Args:
        train: what is trained on, all of it in every iteration.
        dev: what accuracy is watched on.
    """

    def __init__(self, train: Digits, dev: Digits) -> None:
        self._inked = np.flatnonzero(train.images.any(axis=0)).astype(np.int32)
        self._train, self._labels = self._tensors(train, self._inked)
        # A pixel that is never inked in training has its first weight for ever, and may be inked in the dev set.
        self._dev, self._dev_labels = self._tensors(dev, None)

    @staticmethod
    def _tensors(digits: Digits, columns: NDArray[np.int32] | None) -> tuple[Any, Any]:
        pixels = digits.images if columns is None else np.ascontiguousarray(digits.images[:, columns])
        return tf.constant(to_float(pixels)), tf.constant(digits.labels.astype(np.int32))

    def stepper(self, tracks: Sequence[Track]) -> Callable[[], None]:
        """Return what takes one step of full-batch gradient descent with every track."""
        return tf.function(lambda: self._step(tracks))

    def _step(self, tracks: Sequence[Track]) -> None:
        with tf.GradientTape() as tape:
            kernels = [tf.gather(track.kernel(True), self._inked) for track in tracks]
            products = self._split(tf.matmul(self._train, tf.concat(kernels, 1)), tracks)
            values = [track.value(one, self._labels) for track, one in zip(tracks, products, strict=True)]
            # The gradient of a sum is each one's own: no track's loss depends on another's weights.
            total = tf.add_n(values)
        variables = [variable for track in tracks for variable in track.model.trainable_variables]
        rates = [track.rate for track in tracks for _ in track.model.trainable_variables]
        for variable, gradient, rate in zip(variables, tape.gradient(total, variables), rates, strict=True):
            variable.assign_sub(rate * tf.convert_to_tensor(gradient))
        for track in tracks:
            track.apply_masks()

    @staticmethod
    def _split(products: Any, tracks: Sequence[Track]) -> list[Any]:
        return list(tf.split(products, [track.units for track in tracks], axis=1))

    def accuracies(self, tracks: Sequence[Track]) -> list[tuple[float, float]]:
        """Return the accuracy of each track on the training and the dev images, 0…1."""
        kernels = [track.kernel(False) for track in tracks]
        found = []
        for images, labels, rows in (
            (self._train, self._labels, self._inked),
            (self._dev, self._dev_labels, np.arange(PIXELS, dtype=np.int32)),
        ):
            joined = tf.concat([tf.gather(kernel, rows) for kernel in kernels], 1)
            products = self._split(tf.matmul(images, joined), tracks)
            logits = [track.logits(one) for track, one in zip(tracks, products, strict=True)]
            found.append([float(np.mean(one.numpy().argmax(axis=1) == labels.numpy())) for one in logits])
        return list(zip(*found, strict=True))
