"""A classifier of digits that needs no training, for any range of pixels: nearest class means, as one dense layer."""

from __future__ import annotations

import numpy as np

from edgedigits.data.digits import Digits
from tests.tflite_builder import Io, build_mlp

WEIGHT_SCALE = 1 / 128


def nearest_means(
    digits: Digits, low: float, high: float, *, scale: float, zero_point: int = -128, io: Io = "int8"
) -> bytes:
    """Return a `.tflite` 784-10 whose pixels go from `low` to `high`, with that quantization of its int8 input.

    The score of a class is the (negative, halved) squared distance to its mean, less what all classes share. The weights
    are the same bytes for every range.
    """
    pixels = digits.images / np.float64(255)
    means = np.array([pixels[digits.labels == digit].mean(axis=0) for digit in range(10)])
    weights = np.rint(means / WEIGHT_SCALE).clip(-128, 127).astype(np.int8)
    weight_scale = np.float32(WEIGHT_SCALE / (high - low))
    real = weights * np.float64(weight_scale)
    bias = -0.5 * (means**2).sum(axis=1) - real.sum(axis=1) * low
    return build_mlp(
        [weights],
        [np.rint(bias / (np.float64(scale) * weight_scale)).astype(np.int32)],
        weight_scales=[weight_scale],
        activation_scales=[1.0],
        input_scale=np.float32(scale),
        input_zero_point=zero_point,
        io=io,
    )
