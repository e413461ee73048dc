"""What a schedule of pruning declares of itself: one file a schedule in this folder, found by being there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ramp:
    """How a network gets from all its weights to those that are left.

    Attributes:
        name: as users write it.
        meaning: in words.
        source: the publication that it is from; "" for what every textbook has.
        cut: progress between begin and end of pruning, 0…1 → share of the cut that is done, 0…1.
        rounds: trainings that the stage's epochs are divided into, each behind a cut of its own; 1 to cut on the way.
        rewinds: each training behind a cut starts from the weights of the first epoch of the float training.
        from_scratch: when all is cut, what is left is trained once more from fresh weights.
        is_tfmots: TF-MOT has it too, and does it where it can do the rest.
    """

    name: str
    meaning: str
    source: str
    cut: Callable[[float], float]
    rounds: int = 1
    rewinds: bool = False
    from_scratch: bool = False
    is_tfmots: bool = False

    @property
    def is_at_once(self) -> bool:
        """Whether all of the cut is done as soon as it begins."""
        return self.cut(0.0) == 1.0
