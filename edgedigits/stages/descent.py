"""Coordinate descent on the codes of an int8 network: one weight after the other takes the value that serves best.

Training moves weights that the forward pass does not see, by gradients that leave rounding out; where they end, a part
of the codes is chance. Here each change is tried on the network as it is deployed, and made where the loss of all
digits falls. Those that gradient and curvature promise most of are tried first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.levels.declaration import WIDEST
from edgedigits.stages.int8_network import BIAS, Attempt, Floats, Int8Network

if TYPE_CHECKING:
    from edgedigits.training.objective import Objective

TRIED = 400
"""Weights whose other values are tried in a sweep; of fewer the best are found sooner, of more hardly others."""
SPARED, WANTED = TRIED // 2, TRIED // 4
"""Weights that are tried to be taken out in a sweep, and to be put in elsewhere."""
MOST_OUT = 3
"""Weights that are taken out for one that is put in; it is one, where they take about as many bytes."""
LIKELY = 3
"""Of a weight's other values, those that are tried."""
LEAST_FALL = 1e-6
"""Of the mean loss: what is less is not worth a change."""
LEVEL_STEPS = (-3, -1, 1, 3)
"""Codes by which a level is tried to be moved; the largest, in whose steps the others are counted, stays."""


@dataclass(frozen=True)
class WeightPlace:
    """Where a weight is, or might be: of which layer, to which unit, from which input, which is `BIAS` for a bias."""

    layer: int
    unit: int
    source: int


@dataclass(frozen=True)
class Freedom:
    """What may be changed.

    Attributes:
        levels: of each layer, the codes of its weights, without 0.
        bias_steps: of each layer, by what a bias moves, and the largest it may become; 0 to leave them.
        moves_levels: levels may become other codes.
        moves_zeros: weights may be taken out, and put in elsewhere.
        fits: whether the network has room as it is.
    """

    levels: list[list[float]]
    bias_steps: Sequence[tuple[float, float]]
    moves_levels: bool
    moves_zeros: bool
    fits: Callable[[Int8Network], bool]


class Descent:
    """Makes changes for which the loss falls.

    Args:
        network: which is changed.
        objective: of the images that it sees.
        freedom: what may be changed.
    """

    def __init__(self, network: Int8Network, objective: Objective, freedom: Freedom) -> None:
        self._network, self._objective, self._freedom = network, objective, freedom
        self._judge()

    def sweep(self) -> int:
        """Go once over everything that may be changed, and return how many changes were made."""
        made = self._choose_values() + self._move_biases()
        if self._freedom.moves_levels:
            made += self._move_levels()
        if self._freedom.moves_zeros:
            made += self._exchange()
        # What single changes added up in float32 is summed anew.
        self._network.run()
        self._judge()
        return made

    def _choose_values(self) -> int:
        """Give those weights other values that most is expected of."""
        falls = []
        for layer, (weights, slope, curvature) in enumerate(self._moments()):
            of_each = [_expected(slope, curvature, code - weights) for code in self._codes(layer)]
            falls.append(np.where(weights == 0, np.inf, of_each))
        places = self._first([some.min(axis=0) for some in falls], TRIED)
        return sum(self._take_best(place, self._likely(falls, place)) for place in places)

    def _move_biases(self) -> int:
        made = 0
        for layer, (step, largest) in enumerate(self._freedom.bias_steps):
            for unit in range(len(self._network.biases[layer]) if step else 0):
                bias = float(self._network.biases[layer][unit])
                others = [bias + by for by in (-step, step) if abs(bias + by) <= largest]
                made += self._take_best(WeightPlace(layer, unit, BIAS), others)
        return made

    def _move_levels(self) -> int:
        made = 0
        for layer, levels in enumerate(self._freedom.levels):
            for place, level in enumerate(levels):
                near = [level + by for by in LEVEL_STEPS] if abs(level) < WIDEST else []
                others = [one for one in near if abs(one) < WIDEST and one not in (0.0, *levels)]
                made += any(self._moves_level(layer, place, other) for other in others)
        return made

    def _moves_level(self, layer: int, place: int, other: float) -> bool:
        """Return whether a level was moved to where the loss is less."""
        levels, before = self._freedom.levels[layer], self._losses.mean(dtype=np.float64)
        level = levels[place]
        self._network.replace(layer, level, other)
        self._judge()
        if self._losses.mean(dtype=np.float64) < before - LEAST_FALL:
            levels[place] = other
            return True
        self._network.replace(layer, other, level)
        self._judge()
        return False

    def _exchange(self) -> int:
        """Put weights in where the loss falls by more than it rises where as many bytes of others are taken out."""
        spared, made = self._spared(), 0
        for fall, place, level in self._wanted():
            if not spared or fall + spared[0][0] >= 0:
                break
            change, undo, left = self._set(place, level), [(place, 0.0)], list(spared)
            while change < 0 and left and len(undo) <= MOST_OUT and not self._freedom.fits(self._network):
                old = left.pop(0)[1]
                if self._may_go(old):
                    undo.append((old, self._code(old)))
                    change += self._set(old, 0.0)
            if change < -LEAST_FALL and self._freedom.fits(self._network):
                spared, made = left, made + 1
            else:
                for old, code in reversed(undo):
                    self._set(old, code)
        return made

    def _spared(self) -> list[tuple[float, WeightPlace]]:
        """Return weights by how the loss changes without them, the cheapest first."""
        expected = [
            np.where(weights == 0, np.inf, _expected(slope, curvature, -weights))
            for weights, slope, curvature in self._moments()
        ]
        changes = [(self._change(place, 0.0), place) for place in self._first(expected, SPARED)]
        return sorted(changes, key=lambda one: one[0])

    def _wanted(self) -> list[tuple[float, WeightPlace, float]]:
        """Return places without a weight, with the best one there, by how the loss changes, the best first."""
        falls = []
        for layer, (is_open, (_, slope, curvature)) in enumerate(zip(self._open(), self._moments(), strict=True)):
            of_each = [_expected(slope, curvature, np.full(slope.shape, code)) for code in self._freedom.levels[layer]]
            falls.append(np.where(is_open, of_each, np.inf))
        best = []
        for place in self._first([some.min(axis=0) for some in falls], WANTED):
            change, code = min((self._change(place, code), code) for code in self._likely(falls, place))
            best.append((change, place, code))
        return sorted(best, key=lambda one: one[0])

    def _take_best(self, place: WeightPlace, codes: Sequence[float]) -> int:
        """Give a weight or bias the best of some codes, and return whether it is another one than before."""
        before = self._code(place)
        least, best = -LEAST_FALL, before
        for code in codes:
            if code != before and (code != 0 or place.source == BIAS or self._may_go(place)):
                change = self._change(place, code)
                if change < least:
                    least, best = change, code
        if best == before:
            return 0
        self._set(place, best)
        if self._freedom.fits(self._network):
            return 1
        self._set(place, before)
        return 0

    def _change(self, place: WeightPlace, code: float) -> float:
        """Return by how much the mean loss changes where a weight or bias gets a code."""
        return self._tried(place, code)[0]

    def _set(self, place: WeightPlace, code: float) -> float:
        """Give a weight or bias a code, and return by how much the mean loss changes."""
        change, attempt, losses = self._tried(place, code)
        self._network.make(place.layer, place.unit, place.source, code - self._code(place), attempt)
        self._losses[attempt.images] = losses
        return change

    def _tried(self, place: WeightPlace, code: float) -> tuple[float, Attempt, Floats]:
        attempt = self._network.attempt(place.layer, place.unit, place.source, code - self._code(place))
        losses = self._objective.losses(attempt.logits, attempt.images)
        differ = losses.sum(dtype=np.float64) - self._losses[attempt.images].sum(dtype=np.float64)
        return float(differ) / len(self._losses), attempt, losses

    def _code(self, place: WeightPlace) -> float:
        if place.source == BIAS:
            return float(self._network.biases[place.layer][place.unit])
        return float(self._network.weights[place.layer][place.unit, place.source])

    def _likely(self, falls: Sequence[NDArray[np.float64]], place: WeightPlace) -> list[float]:
        """Return the codes that most is expected of at a place; `falls` is what is of each, (codes, units, sources)."""
        order = np.argsort(falls[place.layer][:, place.unit, place.source], kind="stable")[:LIKELY]
        codes = self._codes(place.layer)
        return [codes[index] for index in order]

    def _codes(self, layer: int) -> list[float]:
        return [*self._freedom.levels[layer], *([0.0] if self._freedom.moves_zeros else [])]

    def _may_go(self, place: WeightPlace) -> bool:
        """Return whether a neuron or class reads something without a weight, and a neuron is read."""
        weights = self._network.weights[place.layer]
        alone = np.count_nonzero(weights[place.unit]) == 1
        unread = place.layer > 0 and np.count_nonzero(weights[:, place.source]) == 1
        return not (alone or unread)

    def _open(self) -> list[NDArray[np.bool_]]:
        """Return of each layer where a weight might be put: between neurons that are left."""
        weights = self._network.weights
        reads = [np.asarray(one.any(axis=1)) for one in weights]
        sources = [np.ones(weights[0].shape[1], bool), *reads[:-1]]
        return [(one == 0) & to[:, None] & of[None] for one, to, of in zip(weights, reads, sources, strict=True)]

    def _moments(self) -> list[tuple[Floats, NDArray[np.float64], NDArray[np.float64]]]:
        moments = self._network.moments(self._objective.slopes(self._network.logits))
        return [(weights, *one) for weights, one in zip(self._network.weights, moments, strict=True)]

    def _first(self, expected: Sequence[NDArray[np.float64]], count: int) -> list[WeightPlace]:
        """Return the places of the smallest of what is expected, finite and of all layers, in their order."""
        sizes = np.cumsum([0, *(one.size for one in expected)])
        values = np.concatenate([one.ravel() for one in expected])
        places = []
        for index in np.argsort(values, kind="stable")[: min(count, int(np.isfinite(values).sum()))]:
            layer = int(np.searchsorted(sizes, index, side="right")) - 1
            unit, source = divmod(int(index - sizes[layer]), expected[layer].shape[1])
            places.append(WeightPlace(layer, unit, source))
        return places

    def _judge(self) -> None:
        self._losses = np.array(self._objective.losses(self._network.logits))


def _expected(slope: NDArray[np.float64], curvature: NDArray[np.float64], by: NDArray[Any]) -> NDArray[np.float64]:
    """Return by how much the loss changes, to the second order, where each weight changes by so much; inf by 0."""
    return np.where(by == 0, np.inf, slope * by + 0.5 * curvature * by.astype(np.float64) ** 2)
