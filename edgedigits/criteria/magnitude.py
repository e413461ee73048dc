"""Magnitude: the smallest weights go first, wherever they are."""

from __future__ import annotations

from edgedigits.criteria.declaration import Criterion

CRITERION = Criterion(
    "magnitude",
    meaning="the largest weights",
    formula="|w|",
    source="Han et al., 2015",
    score=lambda state: abs(state.weights),
)
