"""What can be had between the smallest and the fastest packing of a network: flash against instructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgedigits.model.network import Network
from edgedigits.model.packing import PackedLayer, alike, candidates, flash_bytes, improved, with_narrow_biases

_PRICES = np.geomspace(0.01, 10_000, 25)
"""Instructions that a byte may cost: from next to none to more than any kernel asks for."""


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """All layers of a network, packed.

    Attributes:
        layers: in order; biases in as few bytes as hold them.
    """

    layers: tuple[PackedLayer, ...]

    @property
    def flash(self) -> int:
        """Bytes of weights and biases, exactly, and of the kernels' code at -O2, about."""
        return flash_bytes(self.layers) + sum(one.biases.nbytes for one in self.layers)

    @property
    def instructions(self) -> float:
        """Estimate for one inference on a Cortex-M4."""
        return sum(one.instructions for one in self.layers)


def trades(network: Network) -> tuple[Packing, ...]:
    """Return packings of a network from the smallest to the fastest, each faster than all that are smaller.

    They are those that are best at some price of a byte in instructions; what lies between two of them in both is not
    looked for.
    """
    options = candidates(network)
    found = []
    for price in _PRICES:

        def total(layers: Sequence[PackedLayer], price: float = float(price)) -> float:
            return sum(one.instructions for one in layers) + price * flash_bytes(layers)

        starts = [[min(some, key=lambda one: total([one])) for some in options], *alike(options)]
        best = min((improved(start, options, total) for start in starts), key=total)
        found.append(Packing(with_narrow_biases(best)))
    front: list[Packing] = []
    for one in sorted(found, key=lambda one: (one.flash, one.instructions)):
        if not front or one.instructions < front[-1].instructions:
            front.append(one)
    return tuple(front)


def fastest_within(packings: Sequence[Packing], flash: int) -> Packing | None:
    """Return the last of what `trades` gave that takes at most `flash` bytes, as it counts; None where none does."""
    return next((one for one in reversed(packings) if one.flash <= flash), None)
