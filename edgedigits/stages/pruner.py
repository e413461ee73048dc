"""Shrinks the masks of a network while it trains, to a share of zeros or to a number of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.criteria.declaration import LayerState
from edgedigits.errors import CheckFailedError
from edgedigits.model.packing import packed_bytes
from edgedigits.stages.masks import BLOCK, Ranking, most_within, pooled, rank, spread, without_dead

if TYPE_CHECKING:
    from edgedigits.config import BuildConfig

DECAY_POWER = 3
OVERFULL = 1.02
"""Of the budget that the ramp aims at: the rest is cut when training settles, exactly."""
TRIM_ROUNDS = 40


def entropy_bytes(counts: NDArray[np.int64], cells: NDArray[np.int64], bits_each: NDArray[np.float64]) -> float:
    """Return bytes near which groups can be packed: the entropy of where they are, and bits for what is in each.

    Args:
        counts: groups that are left of each layer.
        cells: groups there is room for.
        bits_each: of the values of a group.
    """
    density = np.clip(counts / np.maximum(cells, 1), 1e-9, 1 - 1e-9)
    places = cells * -(density * np.log2(density) + (1 - density) * np.log2(1 - density))
    return float(np.sum(places + counts * bits_each) / 8)


class Pruner:
    """Shrinks the masks of a compressed model, step by step.

    Args:
        model: of `CompressedDense` layers.
        config: every choice.
        budget: bytes of packed constants to end at; 0 to end at a share of zeros.
        seed: of the criterion "random".
    """

    def __init__(self, model: Any, config: BuildConfig, budget: int, seed: int) -> None:
        self._model, self._layers, self._budget = model, model.layers, budget
        self._criterion, self._granularity = CRITERIA[config.prune.criterion], config.prune.granularity
        self._sparsity, self._bits = config.prune.sparsity, float(config.levels.weight_bits)
        shapes = [tuple(layer.mask.shape) for layer in self._layers]
        generator = np.random.default_rng(seed)
        self._draws = [generator.random(shape, np.float32) for shape in shapes]
        self._movement = [np.zeros(shape, np.float32) for shape in shapes]
        self._correction = 1.0
        self._ranking: Ranking | None = None

    @property
    def masks(self) -> list[NDArray[np.float32]]:
        """Which weights are left, by layer."""
        return [layer.mask.numpy() for layer in self._layers]

    @property
    def sparsity(self) -> float:
        """Share of weights that are pruned, of all layers."""
        masks = self.masks
        return 1.0 - sum(float(mask.sum()) for mask in masks) / sum(mask.size for mask in masks)

    def see(self, moments: Sequence[tuple[NDArray[np.float32], ...]]) -> None:
        """Rank what is left by what was measured: each layer's mean squares of inputs and errors, and its gradient."""
        scores, alive = [], []
        for layer, (inputs, errors, gradient), moved, draw in zip(
            self._layers, moments, self._movement, self._draws, strict=True
        ):
            mask = layer.mask.numpy()
            weights = layer.layer.kernel.numpy() * mask
            moved -= weights * gradient
            score = self._criterion.score(LayerState(weights, inputs, errors, moved, draw))
            scores.append(pooled(np.where(mask > 0, score, 0), self._granularity))
            alive.append(pooled(mask, self._granularity) > 0)
        self._ranking = rank(scores, alive, normalise=self._criterion.normalised)

    def shrink(self, progress: float) -> None:
        """Cut the masks to where the curve is.

        Args:
            progress: 0 at the beginning of the ramp, 1 at its end.
        """
        to_go = (1.0 - progress) ** DECAY_POWER
        assert self._ranking is not None
        if not self._budget:
            share = 1.0 - self._sparsity * (1.0 - to_go)
            groups = [pooled(draw, self._granularity).size for draw in self._draws]
            self._keep(min(int(share * sum(groups)), len(self._ranking)))
            return
        dense = sum(draw.size for draw in self._draws) * self._bits / 8
        if all(layer.has_levels.numpy() for layer in self._layers):
            self.measure()
        limit = self._budget * OVERFULL
        self._keep(most_within(self._ranking, self._estimate, limit + max(0.0, dense - limit) * to_go))

    def measure(self) -> int:
        """Return the bytes that the weights would be packed in now, and learn how far estimates are off."""
        from edgedigits.training.compressed_dense import bias_codes

        codes = [np.ascontiguousarray(layer.codes()[0].T) for layer in self._layers]
        measured = packed_bytes(codes, [biases for biases, _ in bias_codes(self._model)])
        left = np.array([int((pooled(mask, self._granularity) > 0).sum()) for mask in self.masks])
        if left.all():
            self._correction *= measured / self._estimate(left)
        return measured

    def trim(self) -> None:
        """Cut as many more as bring the packed weights into the budget.

        Raises:
            CheckFailedError: nothing more can be cut.
        """
        if not self._budget:
            return
        for _ in range(TRIM_ROUNDS):
            measured = self.measure()
            if measured <= self._budget:
                return
            assert self._ranking is not None
            left = [pooled(mask, self._granularity) > 0 for mask in self.masks]
            self._ranking = _only(self._ranking, left)
            excess = (measured - self._budget) / measured
            self._keep(int(len(self._ranking) * (1 - excess)) - 1)
        raise CheckFailedError(
            f"The packed network takes {self.measure():,} B, more than the budget of {self._budget:,} B, and could not "
            "be cut further.",
            hint="Take a larger budget, or fewer hidden neurons.",
        )

    def _estimate(self, counts: NDArray[np.int64]) -> float:
        masks = self.masks
        each = BLOCK if self._granularity == "blocks" else 1
        fan_in = [int(mask.any(axis=1).sum()) for mask in masks]
        fan_out = [int(mask.any(axis=0).sum()) for mask in masks]
        cells = np.array([rows * -(-columns // each) for rows, columns in zip(fan_in, fan_out, strict=True)])
        bits = np.full(len(masks), each * self._bits)
        return self._correction * (entropy_bytes(counts, np.maximum(cells, counts), bits) + 2 * sum(fan_out))

    def _keep(self, count: int) -> None:
        assert self._ranking is not None
        masks = [
            spread(groups, layer.mask.shape, self._granularity) * layer.mask.numpy()
            for groups, layer in zip(self._ranking.first(count), self._layers, strict=True)
        ]
        for layer, mask in zip(self._layers, without_dead(masks), strict=True):
            layer.mask.assign(mask)


def _only(ranking: Ranking, left: Sequence[NDArray[np.bool_]]) -> Ranking:
    """Return the ranking without groups that are gone."""
    stays = np.array([left[layer].ravel()[place] for layer, place in zip(ranking.layers, ranking.places, strict=True)])
    layers, places = ranking.layers[stays], ranking.places[stays]
    counts = np.array([np.concatenate([[0], np.cumsum(layers == layer)]) for layer in range(len(left))])
    return Ranking(layers, places, ranking.shapes, counts)
