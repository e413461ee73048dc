"""How many inputs of each layer are above their lowest value, counted on images: what skipping zeros saves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run_steps
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.weights.encoding import DIGITS, HIDDEN, Activity

MEASURED_IMAGES = 1000
"""Of validation, that a build measures it on, while a network is trained to a budget and when its engine is written."""


def expected(network: Network) -> list[Activity]:
    """Return what each layer is expected to see: digits where it reads the input, or is the first."""
    return [HIDDEN if index and not first else DIGITS for index, first in enumerate(network.of_input)]


def measured(network: Network, inputs: NDArray[np.int8]) -> list[Activity]:
    """Return what each layer sees of inputs int8 (n, in), n at least one; exactly, for so many images."""
    values = [inputs, *run_steps(network, inputs)]
    steps = zip(network.steps, network.reads, strict=True)
    layers = ((step, values[reads[-1]]) for step, reads in steps if isinstance(step, DenseLayer))
    return [Activity.of(seen > layer.input_low) for layer, seen in layers]
