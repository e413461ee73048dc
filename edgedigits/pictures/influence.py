"""What each input of a network speaks for and against: exact for networks of dense layers with ReLU.

Such a network is linear in pieces. Within the piece that an input lies in, the lead of one score over another is a sum
over the inputs: slope times distance from background, and what is left where all are background. Nothing is neglected
but the rounding of the integers, and that another piece might hold if the inputs changed: gradient times input (see
Shrikumar et al., 2017, section 2) on the network as its integers say it, without rounding. For a network of one layer
there is one piece: an input's influence is what the lead loses where that input alone becomes background.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer


def layer_chain(network: Network) -> tuple[DenseLayer, ...]:
    """Return the layers of a network that has nothing else in its chain, but for a softmax at the end; else none."""
    steps = network.steps[:-1] if network.gives_probabilities else network.steps
    chained = all(reads == (place,) for place, reads in enumerate(network.reads))
    return network.layers if chained and len(network.layers) == len(steps) else ()


def unrounded(layers: Sequence[DenseLayer], inputs: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return what layers give for inputs (n, in) without rounding, float64 (n, out) each; the last one not clamped."""
    values = [inputs]
    for layer in layers:
        sums = (values[-1] @ layer.weights.T.astype(np.float64) + layer.bias) * _factor(layer) + layer.output_offset
        values.append(sums if layer is layers[-1] else np.clip(sums, layer.clamp_low, layer.clamp_high))
    return values[1:]


def influence(
    layers: Sequence[DenseLayer],
    inputs: NDArray[np.int8],
    background: NDArray[np.int8],
    winners: NDArray[np.integer],
    seconds: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Return how many steps of the lead each input brings, float64 (n, in); below 0 where it speaks against.

    Args:
        layers: of `layer_chain`.
        inputs: int8 (n, in).
        background: int8 (in,), the inputs for a blank image.
        winners, seconds: (n,), whose scores are held against each other.
    """
    given = unrounded(layers, inputs.astype(np.float64))
    each = np.arange(len(inputs))
    slopes = np.zeros_like(given[-1])
    slopes[each, winners] += 1
    slopes[each, seconds] -= 1
    for layer, values in zip(reversed(layers), reversed([inputs.astype(np.float64), *given[:-1]]), strict=True):
        slopes = (slopes * _factor(layer)) @ layer.weights.astype(np.float64)
        if layer is not layers[0]:
            before = layers[layers.index(layer) - 1]
            slopes = np.where((values > before.clamp_low) & (values < before.clamp_high), slopes, 0)
    return slopes * (inputs.astype(np.float64) - background)


def _factor(layer: DenseLayer) -> NDArray[np.float64]:
    return layer.multiplier * np.exp2(layer.shift - 31.0)
