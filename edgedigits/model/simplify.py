"""Removes neurons that do nothing from a lowered network, so that no byte and no instruction is spent on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.fixed_point import INT32_MAX, Rounding
from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ops.step import InPlaceStep, Step


@dataclass(frozen=True, slots=True, eq=False)
class Simplified:
    """A network without dead neurons.

    Attributes:
        network: equal to the one that it was made of.
        kept: for each layer, which of its outputs are left, intp (n,), in order.
    """

    network: Network
    kept: tuple[NDArray[np.intp], ...]


def simplify(network: Network) -> Network:
    """Return an equal network without dead neurons; see `without_dead_neurons`."""
    return without_dead_neurons(network, [network.rounding]).network


def without_dead_neurons(network: Network, roundings: Sequence[Rounding]) -> Simplified:
    """Take out the neurons that are constant, and those that nobody reads.

    A constant neuron is folded into the biases of the next layer. A layer keeps at least one output; the last
    layer keeps all, and the first layer keeps all inputs.

    Args:
        network: any.
        roundings: by each of which a constant neuron has the same value.
    """
    layers = list(network.layers)
    kept = [np.arange(layer.outputs) for layer in layers]
    between = between_layers(network)
    for index, steps in enumerate(between):
        if steps is not None:
            constant, after = _without_constants(layers[index], steps, layers[index + 1], roundings)
            layers[index : index + 2] = layers[index].keep_outputs(~constant), after
            kept[index] = kept[index][~constant]
    for index, steps in reversed([*enumerate(between)]):
        if steps is not None:
            read = _read(layers[index + 1])
            after = replace(layers[index + 1], weights=layers[index + 1].weights[:, read])
            layers[index : index + 2] = layers[index].keep_outputs(read), after
            kept[index] = kept[index][read]
    return Simplified(network.with_layers(layers), tuple(kept))


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
    layer: DenseLayer, between: Sequence[Step], after: DenseLayer, roundings: Sequence[Rounding]
) -> tuple[NDArray[np.bool_], DenseLayer]:
    """Return which outputs of a layer are constant, bool (out,), and the next layer without them."""
    ends = np.array([layer.activate(acc, one) for acc in layer.accumulator_range() for one in roundings])
    constant = np.asarray((ends == ends[0]).all(axis=0), dtype=np.bool_)
    values = ends[0]
    for step in between:
        values = step.run([values], roundings[0])
    if constant.all():
        constant[0] = False  # A layer keeps at least one output.
    folded = after.bias + after.weights[:, constant].astype(np.int64) @ values[constant].astype(np.int64)
    try:
        if np.any(np.abs(folded) > INT32_MAX):
            raise OverflowError
        return constant, replace(after, weights=after.weights[:, ~constant], bias=folded.astype(np.int32))
    except OverflowError:
        return np.zeros_like(constant), after


def _read(layer: DenseLayer) -> NDArray[np.bool_]:
    """Return which inputs of a layer it reads, bool (in,), one at least."""
    read = np.array(layer.weights.any(axis=0), dtype=np.bool_)
    read[0] |= not read.any()
    return read
