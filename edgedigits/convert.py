"""Keras → .tflite: full-integer int8, or float32 for comparison."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.training.keras_env import keras, quiet_stderr, tf


def to_int8_tflite(model: Any, calibration: NDArray[np.float32], *, per_tensor: bool) -> bytes:
    """Convert to full-integer int8 with batch 1.

    Args:
        model: Keras model float32 (n, inputs) → (n, 10), plain or with fake quantization.
        calibration: float32 (n, inputs) in [0, 1]; sets activation ranges where the model carries none.
        per_tensor: one weight scale a layer instead of one an output (matters to plain models; fake quantization
            has one a layer anyway).
    """

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        # A single full-intensity pixel makes the input range exactly [0, 1] and hardly moves the hidden ranges.
        corner = np.zeros_like(calibration[:1])
        corner[0, 0] = 1.0
        yield [corner]
        for image in calibration:
            yield [image[None, :]]

    converter = tf.lite.TFLiteConverter.from_keras_model(_with_batch_of_one(model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_disable_per_channel_quantization_for_dense_layers = per_tensor
    return _convert(converter)


def to_float_tflite(model: Any) -> bytes:
    """Convert to float32 with batch 1: what the int8 file is compared with."""
    return _convert(tf.lite.TFLiteConverter.from_keras_model(_with_batch_of_one(model)))


def _with_batch_of_one(model: Any) -> Any:
    pixels = keras.Input(model.input_shape[1:], batch_size=1, name="pixels")
    return keras.Model(pixels, model(pixels), name="digits")


def _convert(converter: Any) -> bytes:
    with quiet_stderr(), warnings.catch_warnings():
        # TensorFlow warns of missing input statistics although the input carries its range.
        warnings.simplefilter("ignore", UserWarning)
        return bytes(converter.convert())
