"""The exact engine in NumPy: executes a lowered network in 64-bit integers, to the bit what the generated C does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding, rescale
from edgedigits.model.network import DenseLayer, Network

# Images at a time: keeps the float64 copies of the activations small.
BATCH = 4096


def run(network: Network, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the outputs, int8 (n, out), for inputs int8 (n, in)."""
    batches = [run_layers(network, inputs[start : start + BATCH])[-1] for start in range(0, len(inputs), BATCH)]
    return np.concatenate(batches) if batches else np.zeros((0, network.outputs), np.int8)


def run_layers(network: Network, inputs: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    """Return what every step gives for inputs int8 (n, in): one int8 (n, out) a layer, then the softmax's."""
    values = [inputs]
    for layer in network.layers:
        values.append(activate(layer, accumulate(layer, values[-1]), network.rounding))
    if network.softmax:
        values.append(network.softmax(values[-1]))
    return values[1:]


def accumulate(layer: DenseLayer, inputs: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the accumulators, int64 (n, out)."""
    # Sums of products below 2⁵³ are exact in float64, and its matrix product is far faster than int64's.
    products = inputs.astype(np.float64) @ layer.weights.astype(np.float64).T
    return products.astype(np.int64) + layer.bias


def activate(layer: DenseLayer, acc: NDArray[np.int64], rounding: Rounding) -> NDArray[np.int8]:
    """Return the layer's outputs, int8 (n, out), for accumulators (n, out)."""
    scaled = rescale(acc, layer.multiplier.astype(np.int64), layer.shift.astype(np.int64), rounding)
    return np.clip(scaled + layer.output_offset, layer.clamp_low, layer.clamp_high).astype(np.int8)
