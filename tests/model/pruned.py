"""Weights as pruning leaves them, made up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.weights.blocks import BLOCK
from tests.tflite_builder import build_mlp


def in_blocks(seed: int, outputs: int, inputs: int, density: float) -> NDArray[np.int8]:
    """Weights pruned in blocks of one input and four outputs, a twentieth of what is left 0 all the same."""
    random = np.random.default_rng(seed)
    kept = np.repeat(random.random((outputs // BLOCK, inputs)) < density, BLOCK, axis=0)
    return (random.integers(-127, 128, (outputs, inputs)) * kept * (random.random(kept.shape) > 0.05)).astype(np.int8)


def pruned_in_blocks(*, softmax: bool = False) -> bytes:
    """784-32-16-10 as `--prune --granularity blocks` leaves it: the second layer is pruned weight by weight."""
    random = np.random.default_rng(3)
    second = random.integers(1, 128, (16, 32)) * (random.random((16, 32)) < 0.2)
    last = random.integers(-127, 128, (10, 16))
    weights = [in_blocks(1, 32, 784, 0.2), second.astype(np.int8), last.astype(np.int8)]
    biases = [random.integers(-9999, 10_000, len(one)).astype(np.int32) for one in weights]
    return build_mlp(weights, biases, softmax=softmax)
