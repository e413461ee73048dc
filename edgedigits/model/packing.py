"""Chooses how each layer's weights are stored: by exact bytes, estimated instructions, and what the user wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from edgedigits.errors import UnsupportedModelError
from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.encoding import DIGITS, HIDDEN, Activity, Constant, Encoding, OnVectors
from edgedigits.model.weights.rows import ROWS


class Goal(StrEnum):
    """What a choice of encodings shall be best at."""

    SPEED = "speed"
    SIZE = "size"
    BALANCED = "balanced"


@dataclass(frozen=True, slots=True, eq=False)
class PackedLayer:
    """A layer and how its weights are stored.

    Attributes:
        layer: as lowered.
        encoding: how.
        constants: the arrays that hold the weights.
        instructions: estimate for one inference on a Cortex-M4, requantization included.
        rows_on_vectors: cores with MVE get all weights row by row instead.
    """

    layer: DenseLayer
    encoding: Encoding
    constants: tuple[Constant, ...]
    instructions: float
    rows_on_vectors: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of flash for the weights, exactly."""
        return sum(constant.nbytes for constant in self.constants)


Score = Callable[[int, float], float]
# By bytes of flash and instructions. The product weighs a tenth less flash like a tenth fewer instructions.
_SCORES: dict[Goal, Score] = {
    Goal.SPEED: lambda nbytes, instructions: instructions + nbytes * 1e-6,
    Goal.SIZE: lambda nbytes, instructions: nbytes + instructions * 1e-9,
    Goal.BALANCED: lambda nbytes, instructions: nbytes * instructions,
}


def pack_layer(layer: DenseLayer, encoding: Encoding, activity: Activity = HIDDEN) -> PackedLayer | None:
    """Return `layer` stored in `encoding`, or None where that cannot hold its weights."""
    constants = encoding.pack(layer.weights)
    if constants is None:
        return None
    instructions = encoding.instructions(layer.weights, activity)
    return PackedLayer(layer, encoding, constants, instructions, encoding.on_vectors is OnVectors.ROWS)


def candidates(network: Network) -> tuple[tuple[PackedLayer, ...], ...]:
    """Return, for each layer, every encoding that can hold it."""
    found = []
    for index, layer in enumerate(network.layers):
        packed = (pack_layer(layer, encoding, HIDDEN if index else DIGITS) for encoding in ENCODINGS)
        found.append(tuple(one for one in packed if one is not None))
    return tuple(found)


def choose(network: Network, goal: Goal = Goal.BALANCED) -> tuple[PackedLayer, ...]:
    """Return the best encoding of each layer for `goal`; the code of a kernel is paid for once.

    Layers are changed one at a time until no change helps.
    """
    options = candidates(network)
    chosen = [min(some, key=lambda one: _total([one], goal)) for some in options]
    improved = True
    while improved:
        improved = False
        for index, some in enumerate(options):
            for one in some:
                changed = [*chosen[:index], one, *chosen[index + 1 :]]
                if _total(changed, goal) < _total(chosen, goal):
                    chosen, improved = changed, True
    return _for_vectors(chosen) if goal is Goal.SPEED else tuple(chosen)


def _for_vectors(chosen: Sequence[PackedLayer]) -> tuple[PackedLayer, ...]:
    """Give cores with MVE rows in place of what skips zeros, where that is faster there."""
    lists = [one for one in chosen if one.encoding.on_vectors is OnVectors.ROWS_IF_FASTER]
    with_rows = sum(ROWS.vector_instructions(one.layer.weights) for one in lists)
    faster = with_rows < sum(one.instructions for one in lists)
    return tuple(replace(one, rows_on_vectors=True) if faster and one in lists else one for one in chosen)


def use(network: Network, names: Sequence[str]) -> tuple[PackedLayer, ...]:
    """Return the layers in the encodings of these names, one a layer.

    Raises:
        UnsupportedModelError: an encoding cannot hold the weights of its layer.
    """
    known = {encoding.name: encoding for encoding in ENCODINGS}
    packed = []
    for index, (layer, name) in enumerate(zip(network.layers, names, strict=True)):
        one = pack_layer(layer, known[name], HIDDEN if index else DIGITS)
        if one is None:
            raise UnsupportedModelError(
                f"{network.graph.name}: {layer.name}: its weights cannot be stored as '{name}'.",
                hint=f"It holds at most {known[name].most_distinct} different weights; cluster the model, or leave the"
                " choice to the tool.",
            )
        packed.append(one)
    return tuple(packed)


def _total(layers: Sequence[PackedLayer], goal: Goal) -> float:
    kernels = {one.encoding.name: one.encoding.code_bytes for one in layers}
    nbytes = sum(one.nbytes for one in layers) + sum(kernels.values())
    return _SCORES[goal](nbytes, sum(one.instructions for one in layers))
