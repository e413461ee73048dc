"""Iterative magnitude pruning with rewinding: cut, go back to early weights, train again, cut again."""

from __future__ import annotations

from edgedigits.ramps.declaration import Ramp

ROUNDS = 5

RAMP = Ramp(
    "iterative",
    meaning=f"{ROUNDS} times the same share of what is left; the rest goes back to its weights of the first epoch",
    source="Frankle et al., 2020 (lottery ticket with rewinding)",
    cut=lambda progress: progress,
    rounds=ROUNDS,
    rewinds=True,
)
