"""LAMP: magnitude, made comparable between layers by what would be left of each."""

from __future__ import annotations

from edgedigits.criteria.declaration import Criterion

CRITERION = Criterion(
    "lamp",
    meaning="the largest weights, in proportion to what is left of their layer",
    formula="w² / Σ w'² over |w'| ≥ |w| of the layer",
    source="Lee et al., 2021",
    score=lambda state: state.weights**2,
    normalised=True,
)
