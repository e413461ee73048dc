"""Random inputs for engines of models that take no digits: parity needs no labels, only inputs of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.preprocess import PixelMap, PixelRange
from edgedigits.model.ir import Graph, Tensor
from edgedigits.scoring.interpreter import Classifier, open_ends
from edgedigits.scoring.pixels import inner_tensor

SEED = 0
INPUTS = 200


class AnyModel(Classifier):
    """A model of any size with one input and one output; made by `open_any`.

    Where a classifier is given pixels, it is given codes 0…255, one for each value that an int8 can hold, the lowest
    first.
    """


def open_any(graph: Graph) -> AnyModel:
    """Check that a model has one input and one output that hold numbers.

    Raises:
        UnsupportedModelError: it has not; the message names the tensor and the reason.
    """
    ends = open_ends(graph)
    return AnyModel(graph, *ends, PixelMap(PixelRange(0, 255, "codes"), _codes(graph, ends[0])))


def _codes(graph: Graph, tensor: Tensor) -> NDArray[Any]:
    """Return the input for each code, (256,) in the input's type: all that int8 can tell apart."""
    if tensor.dtype != "float32":
        limits = np.iinfo(tensor.dtype)
        return np.arange(limits.min, limits.max + 1).astype(tensor.dtype)
    inner = inner_tensor(graph, tensor, towards_output=True)
    return (np.arange(-128, 128) - inner.zero_point).astype(np.float32) * inner.scale


def random_codes(count: int, size: int) -> NDArray[np.uint8]:
    """Return codes for random inputs, uint8 (count, size), the same every time.

    Every value is equally likely. In every second input half of the values are the lowest, which engines skip.
    """
    random = np.random.default_rng(SEED)
    codes = random.integers(0, 256, (count, size)).astype(np.uint8)
    codes[1::2][random.random(codes[1::2].shape) < 0.5] = 0
    return codes


def extreme_codes(size: int, single: int) -> NDArray[np.uint8]:
    """Return codes for inputs that no data set has, uint8 (n, size).

    All lowest, all highest, the two in turn from either; then one value at its highest and all others at the lowest, at
    `single` places at most, spread evenly; and last the same with lowest and highest exchanged, at a tenth of them.
    """
    even = np.arange(size) % 2 == 0
    places = np.unique(np.linspace(0, size - 1, min(size, single)).round().astype(int))
    hot = np.eye(size, dtype=bool)[places]
    rows = np.concatenate([np.zeros((1, size), bool), np.ones((1, size), bool), [even, ~even], hot, ~hot[::10]])
    return np.where(rows, 255, 0).astype(np.uint8)
