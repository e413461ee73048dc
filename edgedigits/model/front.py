"""The ways to store a network that no other beats in both flash and instructions: what decoding costs, as a curve."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from edgedigits.model.network import Network
from edgedigits.model.ordering import by_blocks, by_reading
from edgedigits.model.packing import PackedLayer, alike, candidates
from edgedigits.model.within import MOST_MIXED, Arrangement

LEAST_GAIN = 0.01
"""Share of the instructions that a layout of more flash has to save, to be worth a line."""


def packing_front(network: Network) -> tuple[Arrangement, ...]:
    """Return the layouts from the least flash to the fewest instructions, each with clearly fewer than the one before.

    Flash is that of weights, exactly, and of the kernels' code, about; instructions are an estimate for Cortex-M4. In
    networks of more than four layers all have the same encoding.

    Args:
        network: simplified, as `arrange` takes it.
    """
    layouts = [layout for way in (by_reading, by_blocks) for layout in _layouts(candidates(way(network)))]
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
