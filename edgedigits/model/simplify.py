"""Removes neurons that do nothing from a lowered network, so that no byte and no instruction is spent on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from edgedigits.model.fixed_point import INT32_MAX, Rounding
from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ops.step import InPlaceStep, Step


def simplify(network: Network) -> Network:
    """Return an equal network without dead neurons: those that are constant, and those that nobody reads.

    A constant neuron is folded into the biases of the next layer. A layer keeps at least one output; the last
    layer keeps all, and the first layer keeps all inputs.
    """
    layers = list(network.layers)
    between = between_layers(network)
    for index, steps in enumerate(between):
        if steps is not None:
            rounding = network.rounding
            layers[index], layers[index + 1] = _without_constants(layers[index], steps, layers[index + 1], rounding)
    for index, steps in reversed([*enumerate(between)]):
        if steps is not None:
            layers[index], layers[index + 1] = _without_unread(layers[index], layers[index + 1])
    return network.with_layers(layers)


def between_layers(network: Network) -> list[Sequence[Step] | None]:
    """Return what lies between each two layers; None where that is more than functions of single values.

    It also is where somebody else reads what comes by there, as a skip connection does.
    """
    places = [index for index, step in enumerate(network.steps) if isinstance(step, DenseLayer)]
    return [_functions(network, one + 1, other) for one, other in pairwise(places)]


def _functions(network: Network, first: int, stop: int) -> Sequence[Step] | None:
    """Return the steps from `first`, where what they make of one layer's outputs is for the layer at `stop` alone."""
    steps, passed = network.steps[first:stop], range(first, stop + 1)
    in_turn = all(network.reads[index] == (index,) for index in passed)
    counts = [sum(reads.count(value) for reads in network.reads) for value in passed]
    by_value = all(isinstance(step, InPlaceStep) and step.by_value for step in steps)
    return steps if in_turn and by_value and counts == [1] * len(counts) else None


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
