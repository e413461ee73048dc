"""The slowest that a network can be: nothing to skip, because no activation is at its lowest value."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.network import Network
from edgedigits.model.ops.add import Add
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ops.step import INT8_MAX, Step
from edgedigits.model.ops.table import TableStep

SATURATING = 1 << 14
"""Far beyond what sums are rescaled to, and small enough for engines, which keep an offset times 2^shift in 32 bits."""


def without_zeros(network: Network) -> Network:
    """Return a network of the same weights whose hidden activations are all at their highest value.

    What kernels skip depends on activations alone, so that this network on `worst_input` takes the instructions of the
    worst case of `network`, which no image of digits comes near.
    """
    last = network.steps.index(network.layers[-1])
    return replace(network, steps=(*map(saturated, network.steps[:last]), *network.steps[last:]))


def worst_input(network: Network) -> NDArray[np.int8]:
    """Return an input without a zero, int8 (1, in)."""
    return np.full((1, network.inputs), INT8_MAX, np.int8)


@singledispatch
def saturated(step: Step) -> Step:
    """Return a step of the same kernel that gives its highest value whatever comes in; a softmax as it is."""
    return step


@saturated.register
def _(step: DenseLayer) -> Step:
    return replace(step, output_offset=step.output_offset + SATURATING)


@saturated.register
def _(step: Add) -> Step:
    return replace(step, output_offset=step.output_offset + SATURATING, clamp_high=step.high)


@saturated.register
def _(step: TableStep) -> Step:
    return replace(step, values=np.full(len(step.values), step.high, np.int8))
