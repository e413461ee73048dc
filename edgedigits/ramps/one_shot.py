"""One shot: all at once, then training repairs what it can."""

from __future__ import annotations

from edgedigits.ramps.declaration import Ramp

RAMP = Ramp(
    "one-shot",
    meaning="all at once at the beginning, for good",
    source="",
    cut=lambda progress: 1.0,
)
