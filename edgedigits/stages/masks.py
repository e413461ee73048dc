"""Which weights are left: scores of all layers in one ranking, cut where a number of weights or of bytes is reached.

Pure NumPy. Masks only ever lose weights: what a criterion scores is what is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgedigits.compression_sections import STRUCTURED

Mask = NDArray[np.float32]

BLOCK = 4
"""Outputs that a block of weights feeds from one input: what a word of int8 weights holds."""


def group_shape(shape: tuple[int, ...], granularity: str) -> tuple[int, int]:
    """Return the shape of the groups that weights (fan-in, fan-out) make."""
    fan_in, fan_out = shape
    columns = {"inputs": 1, "blocks": -(-fan_out // BLOCK)}.get(granularity, fan_out)
    return (1 if granularity == "neurons" else fan_in, columns)


def pooled(scores: NDArray[np.float32], granularity: str) -> NDArray[np.float32]:
    """Return the scores of what goes together, float32 (fan-in, groups); the sum over a group.

    Args:
        scores: of weights, (fan-in, fan-out).
        granularity: weights; blocks of one input by four outputs; neurons: all weights of an output; inputs: all
            weights of an input, a pixel of the first layer and a neuron of the others.
    """
    if granularity == "weights":
        return scores
    if granularity == "neurons":
        return scores.sum(axis=0, keepdims=True)
    if granularity == "inputs":
        return scores.sum(axis=1, keepdims=True)
    fan_in, fan_out = scores.shape
    padded = np.pad(scores, ((0, 0), (0, -fan_out % BLOCK)))
    return np.asarray(padded.reshape(fan_in, -1, BLOCK).sum(axis=2))


def spread(groups: NDArray[np.bool_], shape: tuple[int, ...], granularity: str) -> Mask:
    """Return the mask of weights (fan-in, fan-out) for the groups that are left."""
    if granularity in STRUCTURED:
        groups = np.broadcast_to(groups, shape)
    elif granularity == "blocks":
        groups = np.repeat(groups, BLOCK, axis=1)[:, : shape[1]]
    return groups.astype(np.float32)


def is_short_of_blocks(shape: tuple[int, int], sparsity: float) -> bool:
    """Return whether pruning a layer in blocks leaves fewer of them than it has inputs.

    Where these are neurons, those that no block reads would go with all that feeds them: of 784-32-16-10 at 80%, with
    25 blocks left in its second layer, 10 of the 32.

    Args:
        shape: of the weights, (fan-in, fan-out).
        sparsity: share of the blocks that go.
    """
    _, columns = group_shape(shape, "blocks")
    return sparsity > 0 and columns * (1.0 - sparsity) < 1


def best_of_fours(scores: NDArray[np.float32], keep: int) -> Mask:
    """Return the mask of the `keep` best of every four consecutive inputs of an output.

    A remainder of fan-in / 4 stays whole, as TF-MOT leaves it.

    Args:
        scores: of weights, (fan-in, fan-out).
        keep: 2 to 4.
    """
    mask = np.ones(scores.shape, np.float32)
    whole = len(scores) // BLOCK * BLOCK
    fours = scores[:whole].reshape(-1, BLOCK, scores.shape[1])
    worst = np.argsort(fours, axis=1, kind="stable")[:, : BLOCK - keep]
    np.put_along_axis(mask[:whole].reshape(fours.shape), worst, 0.0, axis=1)
    return mask


def normalised(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each score divided by the sum of those that are not lower, in the same shape (LAMP)."""
    flat = scores.astype(np.float64).ravel()
    order = np.argsort(-flat, kind="stable")
    result = np.empty_like(flat)
    result[order] = flat[order] / np.maximum(np.cumsum(flat[order]), 1e-300)
    return result.reshape(scores.shape)


@dataclass(frozen=True)
class Ranking:
    """Groups of weights of all layers, the most important first.

    Attributes:
        layers: the layer of each group, int (groups,).
        places: its place in the layer's array of groups, int (groups,).
        shapes: of the layers' arrays of groups.
        counts: groups of each layer among the first 0, 1, 2 …, int (layers, groups + 1).
        spared: how many of the first are not to go.
    """

    layers: NDArray[np.int64]
    places: NDArray[np.int64]
    shapes: tuple[tuple[int, ...], ...]
    counts: NDArray[np.int64]
    spared: int = 0

    def __len__(self) -> int:
        return len(self.layers)

    def first(self, counts: Sequence[int] | NDArray[np.int64]) -> list[NDArray[np.bool_]]:
        """Return which groups of each layer are among the first of it, by how many of each."""
        left = []
        for layer, (shape, count) in enumerate(zip(self.shapes, counts, strict=True)):
            kept = np.zeros(math.prod(shape), bool)
            kept[self.places[self.layers == layer][:count]] = True
            left.append(kept.reshape(shape))
        return left

    def among(self, left: Sequence[NDArray[np.bool_]]) -> Ranking:
        """Return the ranking of those groups that are left of each layer."""
        stays = np.zeros(len(self), bool)
        for layer, groups in enumerate(left):
            own = self.layers == layer
            stays[own] = groups.ravel()[self.places[own]]
        return _ranking(self.layers[stays], self.places[stays], self.shapes, self.spared)


def rank(
    scores: Sequence[NDArray[np.float32]],
    alive: Sequence[NDArray[np.bool_]],
    *,
    normalise: bool,
    spared: Sequence[NDArray[np.bool_]] = (),
) -> Ranking:
    """Rank the groups that are alive.

    Args:
        scores: of each layer's groups.
        alive: whether a group still has weights.
        normalise: compare scores of different layers as LAMP does.
        spared: groups of each layer that go last; none by default.
    """
    comparable = [normalised(np.where(on, one, 0)) if normalise else one for one, on in zip(scores, alive, strict=True)]
    if spared:
        comparable = [np.where(last, np.inf, one) for one, last in zip(comparable, spared, strict=True)]
    values = np.concatenate([one[on] for one, on in zip(comparable, alive, strict=True)])
    layers = np.concatenate([np.full(int(on.sum()), layer) for layer, on in enumerate(alive)])
    places = np.concatenate([np.flatnonzero(on) for on in alive])
    order = np.argsort(-values, kind="stable")
    last = sum(int((left & on).sum()) for left, on in zip(spared, alive, strict=True)) if spared else 0
    return _ranking(layers[order], places[order], tuple(on.shape for on in alive), last)


def _ranking(
    layers: NDArray[np.int64], places: NDArray[np.int64], shapes: tuple[tuple[int, ...], ...], spared: int
) -> Ranking:
    counts = np.array([np.concatenate([[0], np.cumsum(layers == layer)]) for layer in range(len(shapes))])
    return Ranking(layers, places, shapes, counts, spared)


def most_within(ranking: Ranking, size: Callable[[NDArray[np.int64]], float], limit: float) -> int:
    """Return how many of the first groups have at most the size `limit`; size grows with them.

    Args:
        ranking: the groups.
        size: groups of each layer (layers,) → size.
        limit: the largest that is allowed.
    """
    low, high = 0, len(ranking)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(ranking.counts[:, middle]) <= limit else (low, middle - 1)
    return low


def masks_of(
    ranking: Ranking, counts: Sequence[int] | NDArray[np.int64], masks: Sequence[Mask], granularities: Sequence[str]
) -> list[Mask]:
    """Return the masks (fan-in, fan-out) that are left of `masks` where each layer keeps so many groups."""
    kept = zip(ranking.first(counts), masks, granularities, strict=True)
    return without_dead([spread(groups, mask.shape, granularity) * mask for groups, mask, granularity in kept])


def without_dead(masks: Sequence[Mask]) -> list[Mask]:
    """Return the masks without weights of hidden neurons that nothing enters or nothing leaves."""
    left = [mask.copy() for mask in masks]
    for _ in left:
        for before, after in pairwise(left):
            used: Mask = np.asarray(before.any(axis=0) & after.any(axis=1), np.float32)
            before *= used
            after *= used[:, None]
    return left
