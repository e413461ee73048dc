"""Keras → .tflite: full-integer int8, or float32 for comparison."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.files.scratch import no_room, scratch
from edgedigits.training.keras_env import as_written, keras, quiet_stderr, tf

_FROM_KERAS = 2
"""`ModelType.KERAS_MODEL` of TensorFlow Lite's conversion_metadata.fbs."""


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

    def choose(converter: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        converter._experimental_disable_per_channel_quantization_for_dense_layers = per_tensor

    return _convert(model, choose)


def to_float_tflite(model: Any) -> bytes:
    """Convert to float32 with batch 1: what the int8 file is compared with."""
    return _convert(model, lambda converter: None)


@as_written
def _convert(model: Any, choose: Callable[[Any], None]) -> bytes:
    """Return the file of `TFLiteConverter.from_keras_model`, without the functions of each layer that Keras saves.

    Raises:
        DataError: there is no room for temporary files.
    """
    pixels = keras.Input(model.input_shape[1:], batch_size=1, name="pixels")
    digits = keras.Model(pixels, model(pixels), name="digits")
    (output,) = digits.output_names
    signature = [tf.TensorSpec(pixels.shape, pixels.dtype, "pixels")]
    holder = tf.Module()
    holder.weights = digits.variables
    holder.serve = tf.function(lambda pixels: {output: digits(pixels)}, signature, autograph=False)
    with quiet_stderr(), warnings.catch_warnings(), scratch("convert") as folder, _small_heap():
        # TensorFlow warns of missing input statistics although the input carries its range.
        warnings.simplefilter("ignore", UserWarning)
        try:
            tf.saved_model.save(holder, str(folder), signatures={"serving_default": holder.serve})
        except (tf.errors.OutOfRangeError, tf.errors.ResourceExhaustedError) as error:
            # What TensorFlow makes of EFBIG, and of ENOSPC and EDQUOT; the reason is not always in its words.
            raise no_room() from error
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        converter._metadata.environment.modelType = _FROM_KERAS
        choose(converter)
        return bytes(converter.convert())


@contextmanager
def _small_heap() -> Iterator[None]:
    """Keep what was there before out of the converter's collection of garbage, which takes as long as all else.

    What its user has frozen himself stays so.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
