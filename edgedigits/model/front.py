"""The ways to store a network that no other beats in both flash and instructions: what decoding costs, as a curve."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.files.typed import Count
from edgedigits.model.activity import expected, measured
from edgedigits.model.network import Network
from edgedigits.model.ordering import by_blocks, by_reading
from edgedigits.model.packing import PackedLayer, alike, candidates
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.within import MOST_MIXED, Arrangement

LEAST_GAIN = 0.01
"""Share of the instructions that a layout of more flash has to save, to be worth a line."""


@dataclass(frozen=True, slots=True)
class Packing:
    """A way to store a network, in figures.

    Attributes:
        encodings: names, by layer.
        weight_bytes: of all layers, exactly.
        flash: the same and the kernels' code, about.
        instructions: estimate for one inference on a Cortex-M4, the layers alone.
    """

    encodings: tuple[str, ...]
    weight_bytes: Count
    flash: Count
    instructions: Count

    @classmethod
    def of(cls, encodings: Sequence[str], weight_bytes: int, instructions: float) -> Packing:
        """Return one whose kernels take the flash that their encodings declare."""
        code = sum(one.code_bytes for one in ENCODINGS if one.name in encodings)
        return cls(tuple(encodings), weight_bytes, weight_bytes + code, round(instructions))


def packings(network: Network, seen: NDArray[np.int8] | None = None) -> tuple[Packing, ...]:
    """Return the front in figures; arguments as for `packing_front`."""
    return tuple(
        Packing.of([encoding.name for encoding in one.encodings], one.nbytes, one.instructions)
        for one in packing_front(network, seen)
    )


def packing_front(network: Network, seen: NDArray[np.int8] | None = None) -> tuple[Arrangement, ...]:
    """Return the layouts from the least flash to the fewest instructions, each with clearly fewer than the one before.

    Flash is that of weights, exactly, and of the kernels' code, about; instructions are an estimate for Cortex-M4. In
    networks of more than four layers all have the same encoding.

    Args:
        network: simplified, as `arrange` takes it.
        seen: int8 (n, in), inputs to measure on how many each layer has to visit; None for what is expected.
    """
    orders = [way(network) for way in (by_reading, by_blocks)]
    visited = [expected(one) if seen is None or len(seen) == 0 else measured(one, seen) for one in orders]
    options = [candidates(one, activities) for one, activities in zip(orders, visited, strict=True)]
    layouts = [layout for some in options for layout in _layouts(some)]
    front: list[Arrangement] = []
    for layout in sorted(layouts, key=lambda one: (one.flash, one.instructions)):
        if not front or layout.instructions < (1 - LEAST_GAIN) * front[-1].instructions:
            front.append(layout)
    return tuple(front)


def _layouts(options: Sequence[Sequence[PackedLayer]]) -> list[Arrangement]:
    mixed = itertools.product(*options) if len(options) <= MOST_MIXED else alike(options)
    return [
        Arrangement(
            tuple(one.encoding for one in layers),
            sum(one.nbytes for one in layers),
            sum(one.instructions for one in layers),
        )
        for layers in mixed
    ]
