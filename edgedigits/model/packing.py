"""Chooses how each layer's weights are stored: by exact bytes, estimated instructions, and what the user wants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UnsupportedModelError
from edgedigits.model.activity import expected, measured
from edgedigits.model.core_costs import UNWEIGHED, CoreCosts, Factors, Parts, together, weighed
from edgedigits.model.network import Network
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.ordering import by_blocks, by_reading, reading_order
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.biases import StoredBiases, narrowest
from edgedigits.model.weights.encoding import (
    DIGITS,
    HIDDEN,
    IDLE,
    OUTPUT_INSTRUCTIONS,
    Activity,
    Constant,
    Encoding,
    OnVectors,
    Weights,
)
from edgedigits.model.weights.rows import ROWS
from edgedigits.model.weights.stream import STREAM
from edgedigits.model.within import smallest_within

WIDENING_BYTES = 64
"""Code to widen narrow biases, about: less than that is not worth it."""
MOST_KERNELS, SAVED_BY_MORE = 1300, 10
"""Code of kernels with which an engine for speed stays within 1,400 B; a byte more has to save ten instructions."""
FACTOR_BYTES = 6
"""What a layer's rescaling takes in the code: a multiplier of 4 bytes, a shift, and a zero point."""


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
        activity: of its inputs, that the estimate is for.
        idle: the same estimate where no input is active.
        rows_on_vectors: cores with MVE get all weights row by row instead.
        narrow_biases: biases are stored in as few bytes as hold them.
    """

    layer: DenseLayer
    encoding: Encoding
    constants: tuple[Constant, ...]
    instructions: float
    activity: Activity
    idle: float
    rows_on_vectors: bool = False
    narrow_biases: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of flash for the weights, exactly."""
        return sum(constant.nbytes for constant in self.constants)

    @property
    def biases(self) -> StoredBiases:
        """The biases for inputs as the kernel reads them, filled up with zeros to as many sums as it computes."""
        biases = np.zeros(self.encoding.padded(self.layer.outputs), np.int32)
        biases[: self.layer.outputs] = biases_from(self.layer, self.encoding)
        return narrowest(biases) if self.narrow_biases else StoredBiases(biases)


Score = Callable[[int, float], float]
# By bytes of flash and instructions. The product weighs a tenth less flash like a tenth fewer instructions.
_SCORES: dict[Goal, Score] = {
    Goal.SPEED: lambda nbytes, instructions: instructions + nbytes * 1e-6,
    Goal.SIZE: lambda nbytes, instructions: nbytes + instructions * 1e-9,
    Goal.BALANCED: lambda nbytes, instructions: nbytes * instructions,
}


def biases_from(layer: DenseLayer, encoding: Encoding) -> NDArray[np.int32]:
    """Return biases (out,) for inputs as a kernel reads them: distances from the lowest value, or those less 128."""
    return layer.bias_from(layer.input_low + (0 if encoding.reads_distances else 128)).astype(np.int32)


def pack_layer(layer: DenseLayer, encoding: Encoding, activity: Activity = HIDDEN) -> PackedLayer | None:
    """Return `layer` stored in `encoding`, or None where that cannot hold its weights, or its sums are too large."""
    constants = encoding.pack(layer.weights)
    if constants is None or np.abs(layer.accumulator_range()).max() >= encoding.sums_below:
        return None
    instructions, idle = (encoding.instructions(layer.weights, one) for one in (activity, IDLE))
    return PackedLayer(layer, encoding, constants, instructions, activity, idle, encoding.on_vectors is OnVectors.ROWS)


def candidates(network: Network, activities: Sequence[Activity] | None = None) -> tuple[tuple[PackedLayer, ...], ...]:
    """Return, for each layer, every encoding that can hold it; `activities` are of the layers, by default expected."""
    found = []
    for layer, activity in zip(network.layers, activities or expected(network), strict=True):
        packed = (pack_layer(layer, encoding, activity) for encoding in ENCODINGS)
        found.append(tuple(one for one in packed if one is not None))
    return tuple(found)


def choose(
    network: Network,
    goal: Goal = Goal.BALANCED,
    activities: Sequence[Activity] | None = None,
    cores: Sequence[CoreCosts] = (),
) -> tuple[PackedLayer, ...]:
    """Return the best encoding of each layer for `goal`; the code of a kernel is paid for once.

    Layers are changed one at a time until no change helps.

    Args:
        network: what is packed.
        goal: what the encodings are to be best at.
        activities: of the layers, by default as expected.
        cores: in whose cycles time is counted, each beside what it takes at its best; in instructions where none is.
    """
    options = candidates(network, activities)
    alone = [(core, _best(options, goal, core.factors)) for core in cores]
    return _best(options, goal, together((core, core.cycles(times(best))) for core, best in alone))


def _best(candidates: Sequence[Sequence[PackedLayer]], goal: Goal, factors: Factors) -> tuple[PackedLayer, ...]:
    by_size = goal is Goal.SIZE
    options = [[one for one in some if by_size or not one.encoding.for_size_alone] for some in candidates]
    total = partial(_total, goal=goal, factors=factors)
    starts = [[min(some, key=lambda one: total([one])) for some in options]]
    if by_size:
        # Where code is dearer than weights, no single change leads from one kernel to another for all layers.
        starts += alike(options)
    chosen = min((_improved(start, options, total) for start in starts), key=total)
    if goal is Goal.SPEED:
        return _for_vectors(chosen)
    return with_narrow_biases(chosen) if by_size else tuple(chosen)


def arrange(
    network: Network,
    goal: Goal,
    within: float = 0,
    seen: NDArray[np.int8] | None = None,
    cores: Sequence[CoreCosts] = (),
    constants: int = 0,
) -> tuple[Network, tuple[PackedLayer, ...]]:
    """Return an equal network, its hidden neurons in the order that is best for `goal`, and its layers packed.

    Args:
        network: what is packed.
        goal: what the encodings are to be best at.
        within: for size: instructions that they may take, by estimate, if that can be had; 0 for any number.
        seen: int8 (n, in), inputs to measure on how many each layer has to visit; None for what is expected.
        cores: as for `choose`.
        constants: bytes of weights, biases and factors that a budget allows, which streams keep; 0 for any.
    """

    def activities(one: Network) -> list[Activity]:
        return expected(one) if seen is None or len(seen) == 0 else measured(one, seen)

    if within:
        ordered = by_reading(network)
        visited = activities(ordered)
        layout = smallest_within([one.weights for one in ordered.layers], visited, within)
        chosen = use(ordered, [one.name for one in layout.encodings], visited)
        return ordered, with_narrow_biases(chosen)
    ways = [by_reading, by_blocks] if goal is Goal.SIZE else [by_blocks]
    arranged = [(one, choose(one, goal, activities(one), cores)) for one in (way(network) for way in ways)]
    best = min(arranged, key=lambda one: _total(one[1], goal))
    if constants and _constant_bytes(best[1]) > constants:
        ordered = by_reading(network)
        streams = use(ordered, [STREAM.name] * len(ordered.layers), activities(ordered))
        return min(best, (ordered, with_narrow_biases(streams)), key=lambda one: _constant_bytes(one[1]))
    return best


def _constant_bytes(layers: Sequence[PackedLayer]) -> int:
    """Return the bytes of weights, biases and factors, as a budget of constants counts them."""
    return sum(one.nbytes + one.biases.nbytes + FACTOR_BYTES for one in layers)


def alike(options: Sequence[Sequence[PackedLayer]]) -> list[list[PackedLayer]]:
    """Return the choices of one encoding for all layers."""
    by_name = [{one.encoding.name: one for one in some} for some in options]
    return [[some[name] for some in by_name] for name in by_name[0] if all(name in some for some in by_name)]


def _improved(
    chosen: list[PackedLayer],
    options: Sequence[Sequence[PackedLayer]],
    total: Callable[[Sequence[PackedLayer]], float],
) -> list[PackedLayer]:
    """Change one layer at a time, the one that makes `total` least, until none makes it less."""
    while True:
        changed = [[*chosen[:index], one, *chosen[index + 1 :]] for index, some in enumerate(options) for one in some]
        best = min(changed, key=total)
        if total(best) >= total(chosen):
            return chosen
        chosen = best


def packed_bytes(weights: Sequence[Weights], biases: Sequence[NDArray[np.int32]], encoding: Encoding = STREAM) -> int:
    """Return the bytes of constants of an engine made for size, exactly and in milliseconds: for training to a budget.

    It is what `choose` and the engine come to for a pruned network with few different weights, which is stored as
    streams: weights, biases, and `FACTOR_BYTES` a layer. Only which weights are equal matters, not how large they are.
    Neurons that read nothing are taken to give their lowest value, and nobody's reading is dropped as `simplify` does.

    Args:
        weights: int8 (out, in) of each layer, one scale a layer.
        biases: int32 (out,) of each layer, for inputs counted from their lowest value.
        encoding: another one for all layers, such as the faster `FIELDS`.

    Raises:
        OverflowError: the encoding cannot hold the weights of a layer.
    """
    kept, own, _ = _as_stored(weights, biases)
    sizes = [encoding.nbytes(layer) for layer in kept]
    if None in sizes:
        raise OverflowError(f"weights that '{encoding.name}' cannot hold")
    return sum(filter(None, sizes)) + _constants_beside(own)


def packed_within(
    weights: Sequence[Weights],
    biases: Sequence[NDArray[np.int32]],
    within: float,
    nbytes: float = math.inf,
    active: Sequence[NDArray[np.bool_]] = (),
) -> tuple[int, float]:
    """Return bytes of constants and instructions of the engine that `arrange` packs within so many instructions.

    Args:
        weights, biases: as for `packed_bytes`.
        within: instructions, by estimate; where they cannot be kept, the fastest layout is told of.
        nbytes: of constants; where both cannot be kept, the layout that is nearest to both is told of.
        active: bool (n, in) of each layer, which inputs are above their lowest value; none for what is expected.
    """
    kept, own, inputs = _as_stored(weights, biases)
    beside = _constants_beside(own)
    activities = [HIDDEN if index else DIGITS for index in range(len(kept))]
    if active:
        activities = [Activity.of(seen[:, left]) for seen, left in zip(active, inputs, strict=True)]
    layout = smallest_within(kept, activities, within, max(1, nbytes - beside))
    return layout.nbytes + beside, layout.instructions


def _constants_beside(biases: Sequence[NDArray[np.int32]]) -> int:
    """Return the bytes of biases, as wide as is worth it, and of the factors of each layer."""
    wide = sum(4 * len(some) for some in biases)
    narrow = sum(narrowest(some).nbytes for some in biases)
    return (narrow if wide - narrow > WIDENING_BYTES else wide) + FACTOR_BYTES * len(biases)


def _as_stored(
    weights: Sequence[Weights], biases: Sequence[NDArray[np.int32]]
) -> tuple[list[Weights], list[NDArray[np.int32]], list[NDArray[np.intp]]]:
    """Return weights and biases without neurons that read nothing or are not read, the others in their order.

    Beside them, of each layer the inputs that are left, as they were numbered.
    """
    kept, own, inputs = list(weights), list(biases), [np.arange(one.shape[1]) for one in weights]

    def keep(index: int, left: NDArray[np.intp]) -> None:
        kept[index], own[index] = kept[index][left], own[index][left]
        kept[index + 1], inputs[index + 1] = kept[index + 1][:, left], inputs[index + 1][left]

    for index in range(len(kept) - 1):
        keep(index, np.flatnonzero(kept[index].any(axis=1)))
    for index in reversed(range(len(kept) - 1)):
        order = reading_order(kept[index + 1])
        keep(index, order[: max(np.count_nonzero(kept[index + 1].any(axis=0)), 1)])
    return kept, own, inputs


def with_narrow_biases(chosen: Sequence[PackedLayer]) -> tuple[PackedLayer, ...]:
    """Return the layers with biases in fewer bytes, where that is worth its code. Rows on vectors have their own."""
    narrow = [one if one.rows_on_vectors else replace(one, narrow_biases=True) for one in chosen]
    saved = sum(one.biases.nbytes - other.biases.nbytes for one, other in zip(chosen, narrow, strict=True))
    return tuple(narrow if saved > WIDENING_BYTES else chosen)


def _for_vectors(chosen: Sequence[PackedLayer]) -> tuple[PackedLayer, ...]:
    """Give cores with MVE rows in place of what skips zeros, where that is faster there."""
    lists = [one for one in chosen if one.encoding.on_vectors is OnVectors.ROWS_IF_FASTER]
    with_rows = sum(ROWS.vector_instructions(one.layer.weights) for one in lists)
    faster = with_rows < sum(one.instructions for one in lists)
    return tuple(replace(one, rows_on_vectors=True) if faster and one in lists else one for one in chosen)


def use(
    network: Network, names: Sequence[str], activities: Sequence[Activity] | None = None
) -> tuple[PackedLayer, ...]:
    """Return the layers in the encodings of these names, one a layer; `activities` as for `choose`.

    Raises:
        UnsupportedModelError: an encoding cannot hold the weights of its layer.
    """
    known = {encoding.name: encoding for encoding in ENCODINGS}
    packed = []
    for layer, name, activity in zip(network.layers, names, activities or expected(network), strict=True):
        one = pack_layer(layer, known[name], activity)
        if one is None:
            raise UnsupportedModelError(
                f"{network.graph.name}: {layer.name}: its weights cannot be stored as '{name}'.",
                hint=f"It holds {known[name].limits}; cluster the model, or leave the choice to the tool.",
            )
        packed.append(one)
    return tuple(packed)


def _kernel_bytes(layers: Sequence[PackedLayer]) -> int:
    """Return the bytes of the code of the kernels at -O2, about, each once."""
    return sum({one.encoding.name: one.encoding.code_bytes for one in layers}.values())


def times(layers: Sequence[PackedLayer]) -> list[tuple[str, Parts]]:
    """Return what the cycles of layers on a core are reckoned from."""
    results = [float(OUTPUT_INSTRUCTIONS * one.layer.outputs) for one in layers]
    return [
        (one.encoding.name, (one.idle - result, one.instructions - one.idle, result))
        for one, result in zip(layers, results, strict=True)
    ]


def _total(layers: Sequence[PackedLayer], goal: Goal, factors: Factors = UNWEIGHED) -> float:
    code = _kernel_bytes(layers)
    nbytes, time = sum(one.nbytes for one in layers) + code, weighed(times(layers), factors)
    if goal is Goal.SPEED:
        time += SAVED_BY_MORE * max(0, code - MOST_KERNELS)
    return _SCORES[goal](nbytes, time)
