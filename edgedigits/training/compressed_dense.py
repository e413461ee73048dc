"""A Dense layer that is pruned, quantized to levels and given 8-bit activations within one training.

Around a `keras.layers.Dense` as TF-MOT's wrappers are: variables of its own hold the mask, the levels and the range of
the activation, and callbacks switch them on while the training runs, without a new compilation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.levels.catalogue import LEVELS
from edgedigits.levels.declaration import WIDEST
from edgedigits.training.keras_env import keras, tf

PIXEL_SCALE, ACTIVATION_STEPS = 1 / 255, 255
LARGEST_BIAS = 15
"""Of a layer's biases, in steps: five bits each, with which as many digits are told as with 16 (measured)."""
LEAST_RANGE = 1e-3
RANGE_MOMENTUM = 0.99
"""Of the moving mean of a batch's largest activation, which becomes the range."""
LEVELS_PACE = 0.1
"""How much slower levels move than weights: Adam moves both by the rate, but all weights of a cell share a level."""


@keras.utils.register_keras_serializable("edgedigits")
class CompressedDense(keras.layers.Layer):
    """What a Dense layer gives with its mask, levels and 8-bit activation, as far as they are switched on.

    Args:
        layer: keras.layers.Dense, ReLU or linear.
        bits: of a weight; 8 for no levels.
        kind: of the levels.
        by_output: every output has a scale of its own.

    Attributes:
        mask: float32 (fan-in, fan-out), 1 where a weight is left.
        levels: the trained parameters of the levels, divided by `LEVELS_PACE`.
        has_levels, has_range: float32 (), 1 once weights are quantized, once activations are.
        range: float32 (), the largest activation that has a code.
    """

    def __init__(self, layer: Any, bits: int, kind: str, *, by_output: bool = False, **kwargs: Any) -> None:
        super().__init__(name=kwargs.pop("name", layer.name), **kwargs)
        self.layer, self.bits, self.kind, self.by_output = layer, bits, kind, by_output

    def build(self, input_shape: Any) -> None:
        """Make the variables."""
        if not self.layer.built:
            self.layer.build(input_shape)
        super().build(input_shape)
        some = np.linspace(-1, 1, 512, dtype=np.float32)
        shape = (len(LEVELS[self.kind].initial(some, self.bits)), *([self.layer.units] if self.by_output else []))
        self.mask = self.add_weight("mask", self.layer.kernel.shape, initializer="ones", trainable=False)
        self.levels = self.add_weight("levels", shape, initializer="ones", trainable=self.bits < 8)
        self.has_levels = self.add_weight("has_levels", (), initializer="zeros", trainable=False)
        self.has_range = self.add_weight("has_range", (), initializer="zeros", trainable=False)
        self.range = self.add_weight("range", (), initializer="ones", trainable=False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the activations, float32 (n, fan-out), of inputs float32 (n, fan-in)."""
        sums = tf.matmul(inputs, self.effective_kernel()) + self.layer.bias
        if self.layer.activation is not keras.activations.relu:
            return sums
        activations = tf.nn.relu(sums)
        if training:
            largest = tf.stop_gradient(tf.reduce_max(activations))
            self.range.assign(RANGE_MOMENTUM * self.range + (1 - RANGE_MOMENTUM) * largest)
        return tf.cond(
            self.has_range > 0,
            lambda: tf.quantization.fake_quant_with_min_max_vars(activations, 0.0, tf.maximum(self.range, LEAST_RANGE)),
            lambda: activations,
        )

    def effective_kernel(self) -> Any:
        """Return the weights as the forward pass sees them, float32 (fan-in, fan-out)."""
        kernel = self.layer.kernel
        if self.bits == 8:
            return kernel * self.mask
        return tf.cond(self.has_levels > 0, lambda: self._on_levels(kernel), lambda: kernel) * self.mask

    def _on_levels(self, kernel: Any) -> Any:
        codes, scale = LEVELS[self.kind].codes(tf, self.levels * LEVELS_PACE, self.bits)
        values = codes * scale
        middles = tf.stop_gradient(values[1:] + values[:-1]) / 2
        level = tf.broadcast_to(values[0], kernel.shape)
        for place in range(values.shape[0] - 1):
            level += tf.cast(tf.stop_gradient(kernel) > middles[place], tf.float32) * (
                values[place + 1] - values[place]
            )
        return level + kernel - tf.stop_gradient(kernel)

    @property
    def largest(self) -> float:
        """The largest activation that has a code; a neuron that is always 0 still needs a scale."""
        return max(float(self.range.numpy()), LEAST_RANGE)

    def codes(self) -> tuple[NDArray[np.int8], float | NDArray[np.float64]]:
        """Return the weights as int8 codes (fan-in, fan-out), 0 where they are pruned, and the scale of a code.

        Where every output has a scale of its own, (fan-out,), its largest code is 127: conversion gives it that.
        """
        if self.by_output:
            return self._codes_by_output()
        kernel, mask = self.layer.kernel.numpy(), self.mask.numpy()
        if self.bits == 8:
            scale = float(np.abs(kernel * mask).max() or 1.0) / WIDEST
            return np.round(kernel * mask / scale).astype(np.int8), scale
        codes, scale = LEVELS[self.kind].codes(tf, self.levels * LEVELS_PACE, self.bits)
        codes = np.round(codes.numpy())
        cells = np.searchsorted((codes[1:] + codes[:-1]) / 2 * float(scale), kernel)
        return (codes[cells] * mask).astype(np.int8), float(scale)

    def _codes_by_output(self) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        left = self.layer.kernel.numpy().astype(np.float64)
        if self.bits < 8:
            parts = LEVELS[self.kind].codes(tf, self.levels * LEVELS_PACE, self.bits)
            codes, scale = (one.numpy().astype(np.float64) for one in parts)
            values = np.round(codes) * scale
            # The cell of a weight is how many borders between levels are below it.
            cells = (left > (values[1:, None] + values[:-1, None]) / 2).sum(axis=0)
            left = np.take_along_axis(values, cells, axis=0)
        left *= self.mask.numpy()
        scales = np.where(left.any(axis=0), np.abs(left).max(axis=0), 1.0) / WIDEST
        return np.round(left / scales).astype(np.int8), scales

    def start_levels(self) -> None:
        """Fit the levels to the weights that are left, and quantize from now on."""
        if self.bits < 8 and not self.has_levels.numpy():
            kernel, alive = self.layer.kernel.numpy(), self.mask.numpy() > 0
            if self.by_output:
                columns = [one[on] if on.any() else one for one, on in zip(kernel.T, alive.T, strict=True)]
                start = np.stack([LEVELS[self.kind].initial(one, self.bits) for one in columns], axis=1)
            else:
                start = LEVELS[self.kind].initial(kernel[alive], self.bits)
            self.levels.assign(start / LEVELS_PACE)
            self.has_levels.assign(1.0)

    def get_config(self) -> dict[str, Any]:
        """Return what makes this layer again."""
        return {
            **super().get_config(),
            "layer": keras.layers.serialize(self.layer),
            "bits": self.bits,
            "kind": self.kind,
            "by_output": self.by_output,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make the layer of a configuration."""
        return cls(keras.layers.deserialize(config.pop("layer")), **config)


def compressed(model: Any, bits: int, kind: str, *, by_output: bool = False) -> Any:
    """Return a copy of a plain Keras MLP whose layers are wrapped as `CompressedDense` says; its weights are copied."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())

    def wrap(layer: Any) -> Any:
        return CompressedDense(layer, bits, kind, by_output=by_output)

    return keras.models.clone_model(copy, clone_function=wrap)


def set_plain_weights(model: Any, weights: Sequence[NDArray[np.float32]]) -> None:
    """Give the layers the kernels and biases of a plain MLP, in the order of its `get_weights`; masks stay."""
    for layer, kernel, bias in zip(model.layers, weights[::2], weights[1::2], strict=True):
        layer.layer.kernel.assign(kernel)
        layer.layer.bias.assign(bias)


def stripped(model: Any, like: Any) -> Any:
    """Return a plain float model shaped as `like` with the zeros of the masks written into its kernels."""
    plain = keras.models.clone_model(like)
    for layer, wrapped in zip(plain.layers, model.layers, strict=True):
        layer.set_weights([wrapped.layer.kernel.numpy() * wrapped.mask.numpy(), wrapped.layer.bias.numpy()])
    return plain


def bias_codes(model: Any) -> list[tuple[NDArray[np.int32], float | NDArray[np.float64]]]:
    """Return each layer's biases as codes int32 (fan-out,) and the scale of a code, which input and weights give.

    A layer's codes are five bits each times a power of two, and are packed so.
    """
    scale_in, found = PIXEL_SCALE, []
    for layer in model.layers:
        scale = scale_in * layer.codes()[1]
        exact = layer.layer.bias.numpy().astype(np.float64) / scale
        shift = max(0, int(np.ceil(np.log2(max(1.0, float(np.abs(exact).max())) / LARGEST_BIAS))))
        found.append(((np.round(exact / 2**shift) * 2**shift).astype(np.int32), scale))
        scale_in = layer.largest / ACTIVATION_STEPS
    return found


def active_inputs(model: Any, seen: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
    """Return which inputs of each layer are above their lowest value, bool (n, fan-in), in a file of `model`.

    Args:
        model: of `CompressedDense` layers.
        seen: uint8 (n, inputs), what the network sees of images.
    """
    values, found = seen.astype(np.float64), []
    for layer, (biases, scale) in zip(model.layers, bias_codes(model), strict=True):
        found.append(values > 0)
        # Whole numbers below 2⁵³: exact, and so the same with any number of threads.
        sums = values @ layer.codes()[0].astype(np.float64) + biases
        values = np.clip(np.round(sums * (scale * ACTIVATION_STEPS / layer.largest)), 0, ACTIVATION_STEPS)
    return found


def decompressed(model: Any, like: Any) -> Any:
    """Return a plain float model shaped as `like` with the weights and biases that a file of `model` holds."""
    plain = keras.models.clone_model(like)
    for layer, wrapped, (biases, scale) in zip(plain.layers, model.layers, bias_codes(model), strict=True):
        codes, weight_scale = wrapped.codes()
        layer.set_weights([codes * np.float32(weight_scale), (biases * scale).astype(np.float32)])
    return plain
