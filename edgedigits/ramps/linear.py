"""Linear: the same number of weights at every update."""

from __future__ import annotations

from edgedigits.ramps.declaration import Ramp

RAMP = Ramp("linear", meaning="the same number of weights at every update", source="", cut=lambda progress: progress)
