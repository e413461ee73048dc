"""Polynomial decay: fast while there is much to lose, slowly towards the end."""

from __future__ import annotations

from edgedigits.ramps.declaration import Ramp

POWER = 3

RAMP = Ramp(
    "polynomial",
    meaning="along s(t) = s_f + (s_i − s_f)(1 − t)³ while training goes on",
    source="Zhu and Gupta, 2017",
    cut=lambda progress: 1.0 - (1.0 - progress) ** POWER,
    is_tfmots=True,
)
