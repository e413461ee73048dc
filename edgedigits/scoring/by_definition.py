"""Pixels as model inputs by definition, each by itself in exact arithmetic: what maps are held against.

It shares no code with `data.preprocess.PixelMap`, on purpose: a simulation feeds the interpreter by this, and the
engine by its own `preprocess`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.ir import Graph, Tensor
from edgedigits.scoring.pixels import inner_tensor

_HALF = Fraction(1, 2)


def model_inputs(tensor: Tensor, low: float, high: float) -> NDArray[Any]:
    """Return what a model is given for each pixel, (256,) in the type of its input.

    Args:
        tensor: its input.
        low: the real value of pixel 0.
        high: the real value of pixel 255.
    """
    values = [_real(pixel, low, high) for pixel in range(256)]
    if tensor.dtype != "float32":
        return np.array([_stored(value, tensor) for value in values], tensor.dtype)
    return np.array(values, np.float32)


def inner_inputs(graph: Graph, tensor: Tensor, low: float, high: float) -> NDArray[np.int8]:
    """Return what the engine of a model is given for each pixel, int8 (256,): the same behind operators at its edge."""
    inner = inner_tensor(graph, tensor, towards_output=True)
    outer = model_inputs(tensor, low, high)
    if inner is tensor:
        return outer
    reals = outer if tensor.dtype == "float32" else [_meant(int(stored), tensor) for stored in outer]
    return np.array([_stored(real, inner) for real in reals], np.int8)


def _real(pixel: int, low: float, high: float) -> np.float32:
    exact = Fraction(low) + (Fraction(high) - Fraction(low)) * Fraction(pixel, 255)
    return np.float32(float(exact))


def _meant(stored: int, tensor: Tensor) -> np.float32:
    return np.float32(stored - tensor.zero_point) * tensor.scale if tensor.is_quantized else np.float32(stored)


def _stored(real: np.float32, tensor: Tensor) -> int:
    """Return what QUANTIZE makes of a value: a quotient in float32, then rounded, halves away from zero."""
    limits = np.iinfo(tensor.dtype)
    scale, zero_point = (tensor.scale, tensor.zero_point) if tensor.is_quantized else (np.float32(1), 0)
    steps = Fraction(float(np.float32(real) / scale))
    whole = int(abs(steps) + _HALF)
    return min(max((whole if steps >= 0 else -whole) + zero_point, int(limits.min)), int(limits.max))
