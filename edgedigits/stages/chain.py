"""The least that pruning leaves: a chain of neurons, one of each hidden layer, of which the last feeds every class.

Nothing smaller can tell ten classes apart. Where a goal leaves room for little more, the chain is what goes last; so
the smallest network that is told before training is one that training can end with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgedigits.compression_sections import STRUCTURED
from edgedigits.data.shape import CLASSES
from edgedigits.levels.declaration import WIDEST
from edgedigits.model.packing import packed_bytes, packed_within
from edgedigits.model.weights.encoding import Weights
from edgedigits.model.within import FASTEST
from edgedigits.stages.masks import BLOCK, Mask, group_shape, spread, without_dead

if TYPE_CHECKING:
    from edgedigits.config import BuildConfig

DRAWS = 50
"""Networks of made-up weights, of which the largest counts: how small a chain packs depends on its weights a little."""
LARGEST_BIAS, MOST_SHIFTED = 15, 6
"""Of made-up biases: five bits each, times up to 2⁵."""

Groups = list[NDArray[np.bool_]]


def chain(scores: Sequence[NDArray[np.float32]], alive: Groups, granularities: Sequence[str]) -> Groups:
    """Return which groups of each layer are the chain of the highest scores; none where no neuron feeds every class.

    Args:
        scores: of each layer's groups, as `pooled` gives them.
        alive: whether a group still has weights, of the same shapes.
        granularities: of the groups of each layer; all structured or none.
    """
    left = [np.zeros(groups.shape, bool) for groups in alive]
    if granularities[-1] in STRUCTURED:
        for groups, score, on in zip(left, scores, alive, strict=True):
            groups.flat[np.argmax(np.where(on, score, -1.0))] = True
        if granularities[-1] == "neurons":
            left[-1][:] = True
        return left
    feeds_all = alive[-1].all(axis=1)
    if not feeds_all.any():
        return left
    neuron = int(np.argmax(np.where(feeds_all, scores[-1].sum(axis=1), -1.0)))
    left[-1][neuron] = True
    before = zip(left[-2::-1], scores[-2::-1], alive[-2::-1], granularities[-2::-1], strict=True)
    for groups, score, on, granularity in before:
        column = neuron // BLOCK if granularity == "blocks" else neuron
        neuron = int(np.argmax(np.where(on[:, column], score[:, column], -1.0)))
        groups[neuron, column] = True
    return left


def layer_widths(config: BuildConfig) -> tuple[int, ...]:
    """Return the numbers of inputs, of the neurons of each hidden layer, and of classes."""
    return (config.input.view.inputs, *config.model.hidden, CLASSES)


def barest(widths: Sequence[int], granularity: str, first: int = 0) -> list[Mask]:
    """Return the masks (fan-in, fan-out) of a network of these widths that has nothing but a chain.

    Args:
        widths: of the input, the hidden layers and the output.
        granularity: of the masks.
        first: the input that feeds it.
    """
    shapes = list(pairwise(widths))
    whole = [np.ones(group_shape(shape, granularity), bool) for shape in shapes]
    scores = [np.zeros(one.shape, np.float32) for one in whole]
    scores[0][first % len(scores[0])] = 1
    left = chain(scores, whole, [granularity] * len(whole))
    return without_dead([spread(groups, shape, granularity) for groups, shape in zip(left, shapes, strict=True)])


@dataclass(frozen=True, slots=True)
class Least:
    """What the smallest network takes that a budget can leave.

    Attributes:
        nbytes: of constants, packed to be small, or within the instructions that were asked for.
        instructions: estimate for one inference on a Cortex-M4, of the fastest layout.
    """

    nbytes: int
    instructions: int


def least_of(config: BuildConfig) -> Least:
    """Return what a chain of the network that is asked for takes at most, whatever its weights and its activity."""
    masks, generator = barest(layer_widths(config), config.prune.granularity), np.random.default_rng(0)
    drawn = [made_up(masks, config.levels.weight_bits, generator) for _ in range(DRAWS)]
    seen = [[np.full((1, len(mask)), on) for mask in masks] for on in (True, False)]
    if within := config.budget.instructions:
        sizes = [packed_within(*one, within, active=active)[0] for one in drawn for active in seen]
    else:
        sizes = [packed_bytes(*one) for one in drawn]
    # Instructions follow from which weights there are, not from what they are.
    return Least(max(sizes), math.ceil(packed_within(*drawn[0], FASTEST, active=seen[0])[1]))


def level_codes(bits: int) -> NDArray[np.int8]:
    """Return codes int8 (k,), k ≤ 2^bits, that weights of so many bits may have: even steps, none of them 0."""
    return np.setdiff1d(np.linspace(-WIDEST, WIDEST, 2**bits).round(), [0]).astype(np.int8)


def made_up(
    masks: Sequence[Mask], bits: int, generator: np.random.Generator
) -> tuple[list[Weights], list[NDArray[np.int32]]]:
    """Return weights int8 (out, in) and biases int32 (out,) that a network of these masks may have.

    Args:
        masks: (fan-in, fan-out) of each layer.
        bits: of a weight.
        generator: draws them.
    """
    codes = level_codes(bits)
    weights, biases = [], []
    for mask in masks:
        own = np.zeros(mask.shape, np.int8)
        own[mask > 0] = generator.choice(codes, np.count_nonzero(mask))
        weights.append(own.T)
        numbers = generator.integers(-LARGEST_BIAS, LARGEST_BIAS + 1, mask.shape[1]).astype(np.int32)
        biases.append(np.where(mask.any(axis=0), numbers * 2 ** int(generator.integers(MOST_SHIFTED)), 0))
    return weights, biases
