"""Removes neurons that do nothing from a lowered network, so that no byte and no instruction is spent on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgedigits.model.fixed_point import INT32_MAX, Rounding
from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer


def simplify(network: Network) -> Network:
    """Return an equal network without dead neurons: those that are constant, and those that nobody reads.

    A constant neuron is folded into the biases of the next layer. A layer keeps at least one output; the last
    layer keeps all, and the first layer keeps all inputs.
    """
    layers = list(network.layers)
    for index in range(len(layers) - 1):
        layers[index], layers[index + 1] = _without_constants(layers[index], layers[index + 1], network.rounding)
    for index in range(len(layers) - 2, -1, -1):
        layers[index], layers[index + 1] = _without_unread(layers[index], layers[index + 1])
    return network.with_layers(layers)


def _without_constants(layer: DenseLayer, after: DenseLayer, rounding: Rounding) -> tuple[DenseLayer, DenseLayer]:
    lowest, highest = (layer.activate(acc, rounding).astype(np.int64) for acc in layer.accumulator_range())
    constant = np.array(lowest == highest, dtype=np.bool_)
    if constant.all():
        constant[0] = False  # A layer keeps at least one output.
    folded = after.bias + after.weights[:, constant].astype(np.int64) @ lowest[constant]
    if np.any(np.abs(folded) > INT32_MAX):
        return layer, after
    try:
        shorter = replace(after, weights=after.weights[:, ~constant], bias=folded.astype(np.int32))
    except OverflowError:
        return layer, after
    return layer.keep_outputs(~constant), shorter


def _without_unread(layer: DenseLayer, after: DenseLayer) -> tuple[DenseLayer, DenseLayer]:
    read = np.array(after.weights.any(axis=0), dtype=np.bool_)
    read[0] |= not read.any()
    return layer.keep_outputs(read), replace(after, weights=after.weights[:, read])
