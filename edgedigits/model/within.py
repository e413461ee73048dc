"""The fewest bytes within so many instructions: how each layer is stored where an engine has a budget of both.

Of the encodings it is the few that declare themselves traded: quick to measure, so that training can ask again and
again, and exactly what the engine is packed with in the end.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.encoding import Activity, Encoding, Weights

TRADED = tuple(one for one in ENCODINGS if one.is_traded)
MOST_MIXED = 4
"""Layers up to which each may have an encoding of its own; in deeper networks all have the same."""
FASTEST = 1
"""Instructions that nothing keeps: asks for the fastest."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the layers of a network are stored.

    Attributes:
        encodings: of each layer.
        nbytes: of their weights, exactly.
        instructions: estimate for one inference on a Cortex-M4.
    """

    encodings: tuple[Encoding, ...]
    nbytes: int
    instructions: float

    @property
    def flash(self) -> int:
        """Bytes of the weights, and of the kernels' code, about."""
        return self.nbytes + sum(one.code_bytes for one in set(self.encodings))


def smallest_within(
    weights: Sequence[Weights], activities: Sequence[Activity], instructions: float, nbytes: float = math.inf
) -> Arrangement:
    """Return the layout that takes the least flash within so many instructions; where none does, the fastest.

    Where bytes are limited too and no layout keeps both, it is the one that is nearest to both: of which the fewest
    weights have to go.

    Args:
        weights: int8 (out, in) of each layer, in the order in which they are stored.
        activities: what each layer is expected to see.
        instructions: the most, by estimate.
        nbytes: the most.

    Raises:
        OverflowError: no encoding can hold the weights of a layer.
    """
    found = [_options(layer, activity) for layer, activity in zip(weights, activities, strict=True)]
    mixed = itertools.product(*found) if len(found) <= MOST_MIXED else _alike(found)
    layouts = [_layout(some) for some in mixed]
    if not layouts:
        raise OverflowError("weights that no encoding can hold")
    fitting = [one for one in layouts if one.instructions <= instructions]
    if nbytes < math.inf and all(one.nbytes > nbytes for one in fitting):
        return min(layouts, key=lambda one: max(one.nbytes / nbytes, one.instructions / instructions))
    if fitting:
        return min(fitting, key=lambda one: (one.flash, one.instructions))
    return min(layouts, key=lambda one: (one.instructions, one.flash))


def _options(weights: Weights, activity: Activity) -> list[Arrangement]:
    sizes = [(one, one.nbytes(weights)) for one in TRADED]
    return [
        Arrangement((one,), nbytes, one.instructions(weights, activity)) for one, nbytes in sizes if nbytes is not None
    ]


def _alike(found: Sequence[Sequence[Arrangement]]) -> list[tuple[Arrangement, ...]]:
    by_encoding = [{one.encodings: one for one in some} for some in found]
    return [
        tuple(some[name] for some in by_encoding)
        for name in by_encoding[0]
        if all(name in some for some in by_encoding)
    ]


def _layout(parts: Sequence[Arrangement]) -> Arrangement:
    return Arrangement(
        tuple(one for part in parts for one in part.encodings),
        sum(part.nbytes for part in parts),
        sum(part.instructions for part in parts),
    )
