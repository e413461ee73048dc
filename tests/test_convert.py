"""Conversion takes a short way, and gives the file that TensorFlow's own converter of Keras models gives."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config import BuildConfig
from edgedigits.convert import to_float_tflite, to_int8_tflite
from edgedigits.stages.quantize import ZEROS, add_fake_quantization
from edgedigits.training.keras_env import keras, set_seed, tf
from edgedigits.training.model import build_mlp

IMAGES = np.linspace(0, 1, 4 * 784, dtype=np.float32).reshape(4, 784)


def by_tensorflow(model, *, images=None) -> bytes:
    pixels = keras.Input((784,), batch_size=1, name="pixels")
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, model(pixels), name="digits"))
    if images is not None:
        corner = np.eye(1, 784, dtype=np.float32)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in np.concatenate([corner, images]))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")
@pytest.mark.parametrize("aware", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_file_is_that_of_from_keras_model_to_the_byte(aware) -> None:
    set_seed(5)
    model = build_mlp(BuildConfig())
    if aware:
        model = add_fake_quantization(model, IMAGES, preserve=ZEROS)
    assert to_int8_tflite(model, IMAGES, per_tensor=False) == by_tensorflow(model, images=IMAGES)
    if not aware:
        assert to_float_tflite(model) == by_tensorflow(model)
