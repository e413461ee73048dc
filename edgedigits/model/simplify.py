"""Removes neurons that do nothing from a lowered network, so that no byte and no instruction is spent on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import INT32_MAX, Rounding
from edgedigits.model.network import Network
from edgedigits.model.ops.declaration import InPlaceStep, Step
from edgedigits.model.ops.dense_layer import DenseLayer


def simplify(network: Network) -> Network:
    """Return an equal network without dead neurons: those that are constant, and those that nobody reads.

    A constant neuron is folded into the biases of the next layer. A layer keeps at least one output; the last
    layer keeps all, and the first layer keeps all inputs.
    """
    layers = list(network.layers)
    between = _between(network)
    for index, steps in enumerate(between):
        if steps is not None:
            rounding = network.rounding
            layers[index], layers[index + 1] = _without_constants(layers[index], steps, layers[index + 1], rounding)
    for index, steps in reversed([*enumerate(between)]):
        if steps is not None:
            layers[index], layers[index + 1] = _without_unread(layers[index], layers[index + 1])
    return network.with_layers(layers)


def ordered(network: Network) -> Network:
    """Return an equal network whose hidden neurons lie in the order that packs best."""
    layers = list(network.layers)
    for index, steps in enumerate(_between(network)):
        if steps is not None:
            order = reading_order(layers[index + 1].weights)
            layers[index] = layers[index].keep_outputs(order)
            layers[index + 1] = replace(layers[index + 1], weights=layers[index + 1].weights[:, order])
    return network.with_layers(layers)


def reading_order(weights: NDArray[np.int8]) -> NDArray[np.intp]:
    """Return an order of the inputs of weights (out, in): the most read first, so that like columns lie together."""
    return np.argsort(-np.count_nonzero(weights, axis=0), kind="stable")


def _between(network: Network) -> list[Sequence[Step] | None]:
    """Return what lies between each two layers; None where that is more than functions of single values."""
    places = [index for index, step in enumerate(network.steps) if isinstance(step, DenseLayer)]
    pieces = [network.steps[one + 1 : other] for one, other in pairwise(places)]
    return [steps if all(isinstance(one, InPlaceStep) and one.by_value for one in steps) else None for steps in pieces]


def _without_constants(
    layer: DenseLayer, between: Sequence[Step], after: DenseLayer, rounding: Rounding
) -> tuple[DenseLayer, DenseLayer]:
    values, highest = (layer.activate(acc, rounding) for acc in layer.accumulator_range())
    constant = np.array(values == highest, dtype=np.bool_)
    for step in between:
        values = step.run([values], rounding)
    if constant.all():
        constant[0] = False  # A layer keeps at least one output.
    folded = after.bias + after.weights[:, constant].astype(np.int64) @ values[constant].astype(np.int64)
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
