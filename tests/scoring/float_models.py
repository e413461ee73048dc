"""Float classifiers that need no training: the means of the classes as one dense layer, and its weights in fewer bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgedigits.data.digits import Digits
from tests.tflite_builder import ModelWriter, build_mlp, schema


def class_means(digits: Digits, *, low: float = 0.0, **options: Any) -> bytes:
    """Return a float32 `.tflite` 784-10 of pixels from `low` to 1; `options` as for `build_mlp`.

    The score of a class is the (negative, halved) squared distance to its mean, less what all classes share.
    """
    pixels = low + digits.images / np.float64(255) * (1 - low)
    means = np.array([pixels[digits.labels == digit].mean(axis=0) for digit in range(10)])
    bias = -0.5 * (means**2).sum(axis=1)
    return build_mlp([means.astype(np.float32)], [bias.astype(np.float32)], float_model=True, **options)


def narrow_weights(kind: str, scales: Any = None, *, dequantized: bool = True) -> bytes:
    """Return a float32 `.tflite` 4-3 whose weights 1…12 are stored as `kind`, behind a DEQUANTIZE or read as they are."""
    writer = ModelWriter()
    image, scores = writer.activation("same", [1, 4], "float32"), writer.activation("same", [1, 3], "float32")
    stored = writer.constant("stored", np.arange(1, 13).reshape(3, 4).astype(kind), scales)
    weights = stored
    if dequantized:
        weights = writer.activation("wide", [3, 4], "float32")
        writer.operator("DEQUANTIZE", [stored], [weights], schema.DequantizeOptionsT())
    writer.operator("FULLY_CONNECTED", [image, weights, -1], [scores], schema.FullyConnectedOptionsT())
    return writer.pack([image], [scores])
