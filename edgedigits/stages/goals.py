"""Where pruning is to end: at a share of zeros in each layer, at one over all layers, or at a number of bytes.

A goal says how many groups of weights each layer keeps, given a ranking and how much of the cut is still to do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import CLASSES
from edgedigits.errors import CheckFailedError
from edgedigits.model.packing import packed_bytes, packed_within
from edgedigits.model.weights.encoding import Weights
from edgedigits.model.within import FASTEST
from edgedigits.stages.chain import Least
from edgedigits.stages.masks import BLOCK, Ranking, is_short_of_blocks, masks_of, most_within

TIGHT = 3
"""Times the least that has to be left: beyond that, no goal takes all that feeds a class."""
OTHER_CODE = 320
"""Bytes that other kernels may take more where the network is smaller than what the budget was reckoned with, about."""
LOOKS = 3
"""Times that an estimate is held against what packing gives, before it is believed."""

Counts = NDArray[np.int64]
"""Groups that each layer keeps, (layers,)."""


class PruningGoal(Protocol):
    """Where pruning is to end."""

    def counts(self, ranking: Ranking, cut: float) -> Counts:
        """Return how many groups each layer keeps once the share `cut` of the cut is done, 0…1."""

    def prunes(self, layers: int) -> Sequence[bool]:
        """Return of which of so many layers weights may go."""

    def granularities(self, shapes: Sequence[tuple[int, int]], granularity: str) -> Sequence[str]:
        """Return what goes at once in each layer, of weights (fan-in, fan-out), where `granularity` is wanted."""

    def is_tight(self, sizes: Sequence[int]) -> bool:
        """Return whether so little is left of layers of so many groups that a class might lose all that feeds it."""

    def is_met(self, ranking: Ranking) -> bool:
        """Return whether what is left needs no further cut."""

    def fewer(self, ranking: Ranking) -> Counts | None:
        """Return how many groups each layer keeps at most if the goal is not met yet; None where it is.

        Raises:
            CheckFailedError: it cannot be met.
        """


@dataclass(frozen=True)
class ByLayer:
    """A share of zeros in each layer.

    Attributes:
        targets: share of zeros at the end, by layer.
        initial: share of zeros at the beginning.
    """

    targets: Sequence[float]
    initial: float = 0.0

    def counts(self, ranking: Ranking, cut: float) -> Counts:
        """Keep the best of each layer; one at least, so that the next layer has something to read."""
        sizes = [int(np.prod(shape)) for shape in ranking.shapes]
        shares = [target and self.initial + (target - self.initial) * cut for target in self.targets]
        return np.array([max(1, int(size * (1.0 - share) + 1e-6)) for size, share in zip(sizes, shares, strict=True)])

    def prunes(self, layers: int) -> Sequence[bool]:
        """Of those that have a target."""
        return [target > 0 for target in self.targets]

    def granularities(self, shapes: Sequence[tuple[int, int]], granularity: str) -> Sequence[str]:
        """The wanted one, but single weights of a layer that reads neurons and would be short of blocks."""
        reading = zip(shapes[1:], self.targets[1:], strict=True)
        short = [granularity == "blocks" and is_short_of_blocks(shape, target) for shape, target in reading]
        return ["weights" if single else granularity for single in (False, *short)]

    def is_tight(self, sizes: Sequence[int]) -> bool:
        """Where a layer keeps about as many groups as there are classes."""
        shares = zip(sizes, self.targets, strict=True)
        return any(target and size * (1.0 - target) < TIGHT * CLASSES for size, target in shares)

    def is_met(self, ranking: Ranking) -> bool:
        """Zeros are counted while pruning goes on."""
        return True

    def fewer(self, ranking: Ranking) -> Counts | None:
        """It is always met."""
        return None


@dataclass(frozen=True)
class Overall:
    """A share of zeros over all layers together.

    Attributes:
        target: the share at the end.
        initial: share of zeros at the beginning.
    """

    target: float
    initial: float = 0.0

    def counts(self, ranking: Ranking, cut: float) -> Counts:
        """Keep the best of all layers."""
        total = sum(int(np.prod(shape)) for shape in ranking.shapes)
        share = self.initial + (self.target - self.initial) * cut
        left = max(int(total * (1.0 - share) + 1e-6), ranking.spared)
        return ranking.counts[:, min(left, len(ranking))]

    def prunes(self, layers: int) -> Sequence[bool]:
        """Of all of them."""
        return [True] * layers

    def granularities(self, shapes: Sequence[tuple[int, int]], granularity: str) -> Sequence[str]:
        """The wanted one: in one ranking a layer keeps what its scores are worth."""
        return [granularity] * len(shapes)

    def is_tight(self, sizes: Sequence[int]) -> bool:
        """Where about as many groups are left of each layer as there are classes."""
        return sum(sizes) * (1.0 - self.target) < TIGHT * CLASSES * len(sizes)

    def is_met(self, ranking: Ranking) -> bool:
        """Zeros are counted while pruning goes on."""
        return True

    def fewer(self, ranking: Ranking) -> Counts | None:
        """It is always met."""
        return None


class Bytes:
    """Bytes that the constants of the packed engine may take.

    The entropy of what is left tells how many weights go; how far it is off is learned from packing what is there.

    Args:
        limit: the bytes.
        model: of `CompressedDense` layers, which are packed on the way.
        granularity: of the masks.
        least: what the smallest network takes.
        within: instructions that the engine may take as well, by estimate; 0 for any number.
        free: bytes do not count beside these; the limit then only says about how much is left in the end.
        by_engine: the engine itself is measured, and held against the budgets, by whoever calls `lower`: where nothing
            is left to cut it is not for what is packed here to say that they cannot be met.
        seen: uint8 (n, inputs), what the network sees of images that these are reckoned for.

    Attributes:
        limit, within: as above; they become less where an engine takes more than was reckoned with.
    """

    def __init__(
        self,
        limit: int,
        model: Any,
        granularity: str,
        least: Least,
        within: int = 0,
        *,
        free: bool = False,
        by_engine: bool = False,
        seen: NDArray[np.uint8] | None = None,
    ) -> None:
        self.limit, self._model, self._granularity = limit, model, granularity
        self.within, self._free, self._seen, self._least = within, free, seen, least
        self._by_engine = by_engine
        self._active: list[NDArray[np.bool_]] = []
        self._correction = 1.0

    def lower(self, nbytes: int) -> None:
        """Take so many bytes off the limit, but not past the smallest network at once."""
        least = self._least.nbytes
        self.limit = least if self.limit - nbytes < least < self.limit else self.limit - nbytes

    def counts(self, ranking: Ranking, cut: float) -> Counts:
        """Keep the best of all layers."""
        dense = sum(int(layer.mask.shape.num_elements()) * layer.bits / 8 for layer in self._model.layers)
        wanted = self.limit + max(0.0, dense - self.limit) * (1.0 - cut)
        if all(layer.has_levels.numpy() for layer in self._model.layers):
            self._look()
            for _ in range(LOOKS):
                self._measure(ranking, self._most(ranking, wanted))
        return self._most(ranking, wanted)

    def _most(self, ranking: Ranking, wanted: float) -> Counts:
        """Return what is estimated to fit into so many bytes, but of every layer one group, and what is spared."""
        least = max(int(np.argmax(ranking.counts.all(axis=0))), ranking.spared)
        return ranking.counts[:, max(least, most_within(ranking, self._estimate, wanted))]

    def prunes(self, layers: int) -> Sequence[bool]:
        """Of all of them."""
        return [True] * layers

    def granularities(self, shapes: Sequence[tuple[int, int]], granularity: str) -> Sequence[str]:
        """The wanted one: in one ranking a layer keeps what its scores are worth."""
        return [granularity] * len(shapes)

    def is_met(self, ranking: Ranking) -> bool:
        """Where what is left is packed within the limit."""
        return self._is_enough(ranking, self._measured(ranking))

    def fewer(self, ranking: Ranking) -> Counts | None:
        """Keep as many less as the packed weights are too large, by measuring them; one less at least."""
        measured = self._measured(ranking)
        if self._is_enough(ranking, measured):
            return None
        count = max(min(math.ceil(len(ranking) * self.limit / measured), len(ranking) - 1), ranking.spared)
        if count < 1 or count == len(ranking) or not ranking.counts[:, count].all():
            both = f" within {self.within:,} instructions" if self.within else ""
            raise CheckFailedError(
                f"The packed network takes {measured:,} B{both}, more than the budget of {self.limit:,} B, "
                "and nothing is left to cut.",
                hint="Take a larger budget, or fewer hidden neurons.",
            )
        return ranking.counts[:, count]

    def _is_enough(self, ranking: Ranking, measured: int) -> bool:
        return measured <= self.limit or (self._by_engine and len(ranking) == ranking.spared)

    def _measured(self, ranking: Ranking) -> int:
        self._look()
        return self._measure(ranking, ranking.counts[:, -1])

    def is_tight(self, sizes: Sequence[int]) -> bool:
        """Where the smallest network would take a good part of it."""
        limit = self.limit - OTHER_CODE * self._by_engine
        return limit < TIGHT * self._least.nbytes or 0 < self.within < TIGHT * self._least.instructions

    def _look(self) -> None:
        """Measure which inputs of each layer are active, once for all that is reckoned before the masks change."""
        from edgedigits.training.compressed_dense import active_inputs

        if self.within and self._seen is not None:
            self._active = active_inputs(self._model, self._seen)

    def _measure(self, ranking: Ranking, counts: Counts) -> int:
        """Return the bytes that so many groups would be packed in, and learn how far the estimate is off."""
        from edgedigits.training.compressed_dense import bias_codes

        layers = self._model.layers
        granularities = [self._granularity] * len(layers)
        masks = masks_of(ranking, counts, [layer.mask.numpy() for layer in layers], granularities)
        codes = [(layer.codes()[0] * mask).T.astype(np.int8) for layer, mask in zip(layers, masks, strict=True)]
        measured = self._packed(codes, [biases for biases, _ in bias_codes(self._model)])
        if counts.all():
            self._correction *= measured / self._estimate(counts)
        return measured

    def _packed(self, codes: Sequence[Weights], biases: Sequence[NDArray[np.int32]]) -> int:
        """Return the bytes of a network; as if it had more where it takes more than its share of the instructions."""
        if not self.within:
            return packed_bytes(codes, biases)
        nbytes, instructions = (
            packed_within(codes, biases, FASTEST, active=self._active)
            if self._free
            else packed_within(codes, biases, self.within, self.limit, self._active)
        )
        slow = self.limit * instructions / self.within
        return math.ceil(max(nbytes * (not self._free), slow if self._free or instructions > self.within else 0))

    def _estimate(self, counts: Counts) -> float:
        masks = [layer.mask.numpy() for layer in self._model.layers]
        each = BLOCK if self._granularity == "blocks" else 1
        alive = [(int(mask.any(axis=1).sum()), int(mask.any(axis=0).sum())) for mask in masks]
        cells = np.array([fan_in * -(-fan_out // each) for fan_in, fan_out in alive])
        bits = np.array([each * float(layer.bits) for layer in self._model.layers])
        biases = 2 * sum(fan_out for _, fan_out in alive)
        return self._correction * (entropy_bytes(counts, np.maximum(cells, counts), bits) + biases)


def entropy_bytes(counts: Counts, cells: Counts, bits_each: NDArray[np.float64]) -> float:
    """Return bytes near which groups can be packed: the entropy of where they are, and bits for what is in each.

    Args:
        counts: groups that are left of each layer.
        cells: groups there is room for.
        bits_each: of the values of a group.
    """
    density = np.clip(counts / np.maximum(cells, 1), 1e-9, 1 - 1e-9)
    places = cells * -(density * np.log2(density) + (1 - density) * np.log2(1 - density))
    return float(np.sum(places + counts * bits_each) / 8)
