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


FUNCTIONS = ("LEAKY_RELU", "RELU6", "LEAKY_RELU", "RELU_N1_TO_1", "RELU_0_TO_1", "HARD_SWISH", "TANH", "LOGISTIC")


def with_functions() -> bytes:
    """Return a float32 `.tflite` 4-3, where a dense layer stands before each of `FUNCTIONS`; alphas 0.5 and 0.25."""
    writer, width, alphas = ModelWriter(), 4, iter((0.5, 0.25))
    value = first = writer.activation("in", [1, width], "float32")
    for number, opcode in enumerate(FUNCTIONS):
        random = np.random.default_rng(number)
        weights = writer.constant(f"weights{number}", random.normal(0, 1, (3, width)).astype(np.float32))
        width, dense = 3, writer.activation(f"dense{number}", [1, 3], "float32")
        writer.operator("FULLY_CONNECTED", [value, weights, -1], [dense], schema.FullyConnectedOptionsT())
        options = schema.LeakyReluOptionsT() if opcode == "LEAKY_RELU" else None
        if options is not None:
            options.alpha = next(alphas)
        value = writer.activation(f"out{number}", [1, 3], "float32")
        writer.operator(opcode, [dense], [value], options)
    return writer.pack([first], [value])


def sparse_weights() -> bytes:
    """Return a float32 `.tflite` 784-10 whose weights are sparse in the file."""
    writer, random = ModelWriter(), np.random.default_rng(0)
    image, scores = writer.activation("image", [1, 784], "float32"), writer.activation("scores", [1, 10], "float32")
    kept = random.random((10, 784)) < 0.2
    stored = writer.sparse("stored", (random.normal(0, 1, kept.shape) * kept).astype(np.float32))
    dense = writer.activation("dense", [10, 784], "float32")
    writer.operator("DENSIFY", [stored], [dense], schema.DensifyOptionsT())
    writer.operator("FULLY_CONNECTED", [image, dense, -1], [scores], schema.FullyConnectedOptionsT())
    return writer.pack([image], [scores])


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
