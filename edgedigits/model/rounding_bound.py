"""How far runtimes that round differently can be from each other: proven from the weights."""

from __future__ import annotations

import math

import numpy as np

from edgedigits.model.network import Network

ROUNDING_ERRORS = 1.5
"""Steps between two roundings of one value: one is off by at most 1/2, the double one by less than 1."""


def rounding_bound(network: Network) -> int:
    """Return the most steps by which a logit may differ between LiteRT's kernels and TFLM's.

    The runtimes compute the same sums and round each layer's outputs in ways of their own. A difference of d steps in a
    layer's inputs moves an output by at most d · Σ|w| · factor before it is rounded; the bound follows that from the
    input, where d is 0. Softmax is not part of it.
    """
    steps = 0
    for layer in network.layers:
        factor = layer.multiplier * np.exp2(layer.shift - 31.0)
        growth = float(np.max(np.abs(layer.weights.astype(np.int64)).sum(axis=1) * factor))
        steps = math.floor(steps * growth + ROUNDING_ERRORS)
    return steps
