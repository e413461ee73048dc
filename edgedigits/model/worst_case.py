"""The slowest that a network can be: nothing to skip, because no activation is at its lowest value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.network import Network
from edgedigits.model.ops.step import INT8_MAX


def without_zeros(network: Network) -> Network:
    """Return a network of the same weights whose hidden activations are all at their highest value.

    What kernels skip depends on activations alone, so that this network on `worst_input` takes the instructions of the
    worst case of `network`, which no image of digits comes near.
    """
    last = network.steps.index(network.layers[-1])
    return replace(network, steps=(*(step.saturated() for step in network.steps[:last]), *network.steps[last:]))


def worst_input(network: Network) -> NDArray[np.int8]:
    """Return an input without a zero, int8 (1, in)."""
    return np.full((1, network.inputs), INT8_MAX, np.int8)
