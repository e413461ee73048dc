"""What a kind of weight levels declares of itself: one file a kind in this folder, found by being there.

Levels are the few values that the weights of a layer may take. Each lies on a grid of 255 codes, −127…127 times a
scale, so that a file of int8 weights holds them exactly. A kind has a vector of trained parameters a layer; in training
the forward pass sees the levels, and the gradient reaches both the parameters and, straight through (Bengio et al.,
2013), the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDEST = 127
"""The largest code of a weight in a .tflite; −128 is left out by the format."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A kind of levels.

    Attributes:
        name: as users write it.
        meaning: in words.
        source: the publication that it is from; "" for what every textbook has.
        initial: (weights (n,) that are not pruned, bits) → parameters, float32 (p,).
        codes: (tf, parameters (p,), bits) → the levels as codes, float32 (k,) rising, k ≤ 2^bits, differentiable by the
            parameters; and their scale, (). Of parameters (p, outputs), where each output has its own: (k, outputs) and
            (outputs,).
        holds_zero: 0 is one of the levels also where nothing is pruned.
        by_output: every output may have parameters of its own.
    """

    name: str
    meaning: str
    source: str
    initial: Callable[[NDArray[np.float32], int], NDArray[np.float32]]
    codes: Callable[[Any, Any, int], tuple[Any, Any]]
    holds_zero: bool
    by_output: bool = False


def scaled(tf: Any, grid: tuple[float, ...], scale: Any) -> tuple[Any, Any]:
    """Return a grid (k,) as codes by whose gradient a scale, () or (outputs,), is learned; and that scale."""
    frozen = tf.stop_gradient(scale)
    # A code times the frozen scale is a level.
    return tf.reshape(tf.constant(grid), [-1] + [1] * len(scale.shape)) * (scale / frozen), frozen
