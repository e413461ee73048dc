"""Converts the digit models that people write in Keras, each as its users would; run as a program: FOLDER.

Which Keras it is, 2 or 3, is TF_USE_LEGACY_KERAS's to say.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

IMAGE = (28, 28)


def main(folder: Path) -> None:
    """Write NAME.tflite for every model and kind of conversion."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    layers = tf.keras.layers

    def head() -> list[Any]:
        return [layers.Dense(12, activation="relu"), layers.Dense(10)]

    def model(*front: Any, shape: tuple[int, ...] = IMAGE, batch: int | None = None, dtype: str = "float32") -> Any:
        return tf.keras.Sequential([tf.keras.Input(shape, batch_size=batch, dtype=dtype), *front])

    flatten = model(layers.Flatten(), *head())
    networks = {
        "flatten": flatten,
        "channel": model(layers.Flatten(), *head(), shape=(28, 28, 1)),
        "softmax": model(layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(10, activation="softmax")),
        "reshape": model(layers.Reshape((784,)), *head()),
        "open": model(layers.Reshape((-1,)), *head()),
        "twice": model(layers.Reshape((14, 56)), layers.Flatten(), *head()),
        "rescaling": model(layers.Rescaling(1 / 255), layers.Flatten(), *head()),
        "normed": model(layers.Flatten(), layers.Dense(12), layers.BatchNormalization(), layers.ReLU(), layers.Dense(10)),
        "convolution": model(layers.Conv2D(2, 5), layers.Flatten(), layers.Dense(10), shape=(28, 28, 1)),
        "rows": model(layers.Dense(4), layers.Flatten(), layers.Dense(10)),
        "batch": model(layers.Flatten(), layers.Dense(10), batch=8),
        "sigmoid": model(layers.Flatten(), layers.Dense(12, activation="tanh"), layers.Dense(10, activation="sigmoid")),
        "pixels": model(layers.Rescaling(1 / 255), layers.Flatten(), *head(), dtype="uint8"),
        **_branches(tf),
    }  # fmt: skip
    flatten.save(folder / "model.keras")
    flatten.save(folder / "model.h5")
    tf.saved_model.save(flatten, str(folder / "saved"))
    for name, network in networks.items():
        _write(folder / f"{name}.tflite", network, lambda converter, one=network: _int8(tf, converter, one))
    for name in ("flatten", "branches"):
        network = networks[name]
        _write(
            folder / f"{name}_float_ends.tflite",
            network,
            lambda converter, one=network: _full_integer(tf, converter, one),
        )
    for block in (1, 4, 16):
        _write(
            folder / f"pruned_by_{block}.tflite",
            pruned := _pruned(tf, block),
            lambda converter, one=pruned: _sparse(tf, converter, one),
        )
    _write(folder / "float32.tflite", flatten, lambda converter: None)
    _write(folder / "dynamic_range.tflite", flatten, lambda converter: _optimize(tf, converter))
    _write(folder / "float16.tflite", flatten, lambda converter: _float16(tf, converter))


def _write(path: Path, model: Any, setup: Callable[[Any], None]) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    setup(converter)
    path.write_bytes(converter.convert())


def _optimize(tf: Any, converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _float16(tf: Any, converter: Any) -> None:
    _optimize(tf, converter)
    converter.target_spec.supported_types = [tf.float16]


def _full_integer(tf: Any, converter: Any, model: Any) -> None:
    _optimize(tf, converter)
    random = np.random.default_rng(0)
    batch, *shape = model.input_shape

    def images() -> Iterator[list[Any]]:
        for _ in range(10):
            pixels = random.integers(0, 256, (batch or 1, *shape)) * (random.random((batch or 1, *shape)) < 0.3)
            yield [pixels.astype(tf.as_dtype(model.inputs[0].dtype).as_numpy_dtype)]

    converter.representative_dataset = images
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


def _branches(tf: Any) -> dict[str, Any]:
    """Models of the functional API: a skip connection around a layer, and several, one of them a projection."""
    layers = tf.keras.layers
    image = tf.keras.Input(IMAGE)
    wide = layers.Dense(12, activation="relu")(layers.Flatten()(image))
    around = layers.Add()([wide, layers.Dense(12, activation="relu")(wide)])
    skip = tf.keras.Model(image, layers.Dense(10)(around))

    image = tf.keras.Input(IMAGE)
    flat = layers.Flatten()(layers.Rescaling(1 / 255)(image))
    both = layers.ReLU()(layers.Add()([layers.Dense(16)(flat), layers.Dense(16)(flat)]))
    inner = layers.Dense(16, activation="tanh")(both)
    deep = layers.Add()([layers.Dense(16, activation="relu")(inner), inner])
    branches = tf.keras.Model(image, layers.Dense(10, activation="softmax")(layers.Add()([both, deep])))
    return {"skip": skip, "branches": branches}


def _pruned(tf: Any, block: int) -> Any:
    """A model whose weights are 0 but for a tenth, in blocks along the inputs."""
    layers, random = tf.keras.layers, np.random.default_rng(0)
    model = tf.keras.Sequential([tf.keras.Input((784,)), layers.Dense(32, activation="relu"), layers.Dense(10)])
    for layer in model.layers:
        kernel, bias = layer.get_weights()
        kept = random.random((len(kernel) // block, kernel.shape[1])) < 0.1
        layer.set_weights([kernel * np.repeat(kept, block, axis=0), bias])
    return model


def _sparse(tf: Any, converter: Any, model: Any) -> None:
    _int8(tf, converter, model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT, tf.lite.Optimize.EXPERIMENTAL_SPARSITY]


def _int8(tf: Any, converter: Any, model: Any) -> None:
    _full_integer(tf, converter, model)
    converter.inference_input_type = converter.inference_output_type = tf.int8


if __name__ == "__main__":
    main(Path(sys.argv[1]))
