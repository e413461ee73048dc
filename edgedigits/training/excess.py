"""By how much an engine is beyond its budget, as whoever measures it tells the stage that meets it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Excess:
    """What is to be mended.

    Attributes:
        nbytes: that the engine has to lose.
        within: instructions, by estimate, that it has to be packed within.
    """

    nbytes: int
    within: int
