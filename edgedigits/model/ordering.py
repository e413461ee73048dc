"""Puts hidden neurons into another order, which no output tells, so that their weights take less room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.simplify import between_layers
from edgedigits.model.weights.blocks import BLOCK

_ALIKE = 0.5
"""Share of the inputs of two neurons that both have, from which on they may have been pruned as a block."""
_LEAST_GAIN, _LEAST_FILLED = 0.95, 0.6
"""What is left of the blocks, and how many weights in them are not 0, where an order in blocks is worth having."""

NOBODY = -1
"""In an order: a neuron that does nothing."""

Order = NDArray[np.intp]


def by_reading(network: Network) -> Network:
    """Return an equal network whose hidden neurons lie by how many read them, which shortens streams of weights."""
    return _reordered(network, lambda _, after: reading_order(after.weights))


def by_blocks(network: Network) -> Network:
    """Return an equal network in which neurons that were pruned in blocks lie in blocks again.

    Where single neurons of a block are gone, all behind them would lie across two blocks: the others get in their place
    neurons that read nothing and that nobody reads. Layers that were not pruned so stay as they are.
    """
    return _reordered(network, lambda layer, _: block_order(layer.weights))


def reading_order(weights: NDArray[np.int8]) -> Order:
    """Return an order of the inputs of weights (out, in): the most read first, so that like columns lie together."""
    return np.argsort(-np.count_nonzero(weights, axis=0), kind="stable")


def block_order(weights: NDArray[np.int8]) -> Order:
    """Return an order of the outputs of weights (out, in) in which those with the same inputs lie in one block.

    NOBODY fills up a block of which outputs are gone.
    """
    present = weights != 0
    order = np.concatenate(_blocks(present)) if len(weights) > BLOCK else np.arange(len(weights))
    filled = np.vstack([present, np.zeros_like(present[:1])])[order]
    before, after = _count_blocks(present), _count_blocks(filled)
    is_worth_it = after < _LEAST_GAIN * before and present.sum() >= _LEAST_FILLED * BLOCK * after
    return order if is_worth_it else np.arange(len(weights))


def _reordered(network: Network, order_of: Callable[[DenseLayer, DenseLayer], Order]) -> Network:
    layers = list(network.layers)
    for index, steps in enumerate(between_layers(network)):
        if steps is not None:
            order = order_of(layers[index], layers[index + 1])
            real = order != NOBODY
            kept, after = layers[index].keep_outputs(np.where(real, order, 0)), layers[index + 1]
            # Without weights and bias a sum is 0, and the output behind it the zero that kernels skip.
            weights, bias = kept.weights * real[:, None], kept.bias * real
            layers[index] = replace(kept, weights=weights, bias=bias) if not real.all() else kept
            layers[index + 1] = replace(after, weights=after.weights[:, order] * real)
    return network.with_layers(layers)


def _blocks(present: NDArray[np.bool_]) -> Sequence[Order]:
    """Return the outputs of (out, in) in blocks of neurons that are alike, full ones first, last those like none."""
    shared = present.astype(np.float32) @ present.astype(np.float32).T
    counts = np.diagonal(shared)
    alike = shared / np.maximum(counts[:, None] + counts - shared, 1)
    left = np.ones(len(present), np.bool_)
    blocks = []
    for least in (BLOCK, 2):
        for output in np.flatnonzero(left):
            nearest = np.argsort(-np.where(left, alike[output], -1), kind="stable")[:BLOCK]
            fellows = nearest[left[nearest] & (alike[output, nearest] >= _ALIKE)]
            if left[output] and len(fellows) >= least:
                blocks.append(np.pad(np.sort(fellows), (0, BLOCK - len(fellows)), constant_values=NOBODY))
                left[fellows] = False
    return [*blocks, np.flatnonzero(left)]


def _count_blocks(present: NDArray[np.bool_]) -> int:
    padded = np.pad(present, ((0, -len(present) % BLOCK), (0, 0)))
    return int(padded.reshape(-1, BLOCK, present.shape[1]).any(axis=1).sum())
