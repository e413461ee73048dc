"""Shrinks the masks of a network while it trains, towards a goal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.compression_sections import FOURS_SPARSITY, STRUCTURED
from edgedigits.criteria.declaration import Criterion, LayerState
from edgedigits.stages.chain import chain
from edgedigits.stages.goals import Counts, PruningGoal
from edgedigits.stages.masks import BLOCK, Ranking, best_of_fours, masks_of, pooled, rank


class Pruner:
    """Ranks weights by what was measured of them, and takes the last of the ranking.

    Args:
        model: of `CompressedDense` layers.
        criterion: of the ranking.
        granularity: what goes at once.
        goal: where to end.
        seed: of the criterion "random".
    """

    def __init__(self, model: Any, criterion: Criterion, granularity: str, goal: PruningGoal, seed: int) -> None:
        self._layers, self._criterion, self._goal = model.layers, criterion, goal
        shapes = [tuple(layer.mask.shape) for layer in self._layers]
        self._granularities = goal.granularities(shapes, granularity)
        generator = np.random.default_rng(seed)
        self._draws = [generator.random(shape, np.float32) for shape in shapes]
        self._movement = [np.zeros(shape, np.float32) for shape in shapes]
        sizes = [groups.size for groups in self._pooled(self._draws)]
        self._spares = granularity in STRUCTURED or goal.is_tight(sizes)
        self.is_least = False
        """Whether nothing was left, when it was looked last, but what is spared."""

    @property
    def sparsity(self) -> float:
        """Share of weights that are pruned, of all layers."""
        masks = [layer.mask.numpy() for layer in self._layers]
        return 1.0 - sum(float(mask.sum()) for mask in masks) / sum(mask.size for mask in masks)

    def shrink(self, moments: Sequence[tuple[NDArray[np.float32], ...]], cut: float) -> None:
        """Take what has to go once the share `cut` of the cut is done.

        Args:
            moments: of each layer: mean squares of its inputs and of its errors, and the gradient of its weights.
            cut: 0 at the beginning, 1 at the end.
        """
        if "2:4" in self._granularities:
            self._keep_of_fours(self._scores(moments), BLOCK - round(BLOCK * FOURS_SPARSITY * cut))
            return
        ranking = self._rank(moments)
        self._keep(ranking, self._goal.counts(ranking, cut))

    def trim(self, moments: Sequence[tuple[NDArray[np.float32], ...]]) -> None:
        """Take as many more as the goal still wants, exactly.

        Raises:
            CheckFailedError: the goal cannot be met.
        """
        ranking = self._rank(moments)
        while (counts := self._goal.fewer(ranking)) is not None:
            self._keep(ranking, counts)
            masks = [layer.mask.numpy() for layer in self._layers]
            ranking = ranking.among([groups > 0 for groups in self._pooled(masks)])

    def fits(self, moments: Sequence[tuple[NDArray[np.float32], ...]]) -> bool:
        """Return whether the goal wants no more to be taken."""
        return self._goal.is_met(self._rank(moments))

    def _rank(self, moments: Sequence[tuple[NDArray[np.float32], ...]]) -> Ranking:
        masks = [layer.mask.numpy() for layer in self._layers]
        left = [np.where(mask > 0, score, 0) for mask, score in zip(masks, self._scores(moments), strict=True)]
        scores, alive = self._pooled(left), [groups > 0 for groups in self._pooled(masks)]
        spared = chain(scores, alive, self._granularities) if self._spares else ()
        ranking = rank(scores, alive, normalise=self._criterion.normalised, spared=spared)
        self.is_least = len(ranking) == ranking.spared
        return ranking

    def _pooled(self, values: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return values of weights by layer, of all weights that go at once together."""
        return [pooled(one, granularity) for one, granularity in zip(values, self._granularities, strict=True)]

    def _scores(self, moments: Sequence[tuple[NDArray[np.float32], ...]]) -> list[NDArray[np.float32]]:
        """Return the score of each weight by layer."""
        scores = []
        for layer, (inputs, errors, gradient), moved, draw in zip(
            self._layers, moments, self._movement, self._draws, strict=True
        ):
            weights = layer.layer.kernel.numpy() * layer.mask.numpy()
            moved -= weights * gradient
            scores.append(self._criterion.score(LayerState(weights, inputs, errors, moved, draw)))
        return scores

    def _keep_of_fours(self, scores: Sequence[NDArray[np.float32]], keep: int) -> None:
        for layer, score, prunes in zip(self._layers, scores, self._goal.prunes(len(scores)), strict=True):
            if prunes:
                mask = layer.mask.numpy()
                layer.mask.assign(mask * best_of_fours(np.where(mask > 0, score, -np.inf), keep))

    def _keep(self, ranking: Ranking, counts: Counts) -> None:
        masks = masks_of(ranking, counts, [layer.mask.numpy() for layer in self._layers], self._granularities)
        for layer, mask in zip(self._layers, masks, strict=True):
            layer.mask.assign(mask)
