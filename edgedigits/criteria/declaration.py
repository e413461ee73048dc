"""What a pruning criterion declares of itself: one file a criterion in this folder, found by being there.

A criterion says which weights matter least. It is handed what is known of a layer and gives every weight a score; how
many go, and in which groups, is decided elsewhere (`stages/masks.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LayerState:
    """What is known of a Dense layer while it is pruned.

    Attributes:
        weights: float32 (fan-in, fan-out); those that are pruned are 0.
        inputs: mean of the square of each input, float32 (fan-in,).
        errors: mean of the square of the loss's derivative by each weighted sum, float32 (fan-out,).
        movement: sum of −w · ∂L/∂w over the updates of the mask so far, float32 (fan-in, fan-out).
        draw: uniform random numbers that stay the same through a training, float32 (fan-in, fan-out).
    """

    weights: NDArray[np.float32]
    inputs: NDArray[np.float32]
    errors: NDArray[np.float32]
    movement: NDArray[np.float32]
    draw: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Criterion:
    """A way to tell which weights matter least.

    Attributes:
        name: as users write it.
        meaning: what it keeps, in words.
        formula: the score of one weight.
        source: the publication that it is from; "" for what every textbook has.
        score: state of a layer → score of each weight, (fan-in, fan-out); the lowest go first.
        normalised: scores of different layers are compared after each is divided by the sum of those of its layer that
            are not lower (LAMP: Lee et al., 2021); else as they are. LAMP wants scores that are squares.
    """

    name: str
    meaning: str
    formula: str
    source: str
    score: Callable[[LayerState], NDArray[np.float32]]
    normalised: bool = False
