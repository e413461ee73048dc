"""Random: the control that every other criterion must beat."""

from __future__ import annotations

from edgedigits.criteria.declaration import Criterion

CRITERION = Criterion(
    "random",
    meaning="any weights, drawn once by the seed",
    formula="u, uniform in [0, 1)",
    source="",
    score=lambda state: state.draw,
)
