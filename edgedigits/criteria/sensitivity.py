"""Sensitivity: what a weight's going changes in the loss, estimated from both sides of it."""

from __future__ import annotations

from edgedigits.criteria.declaration import Criterion

CRITERION = Criterion(
    "sensitivity",
    meaning="the weights whose going changes the loss most: by their size, their inputs and the error at their sums",
    formula="w² · E[x²] · E[δ²], in proportion to what is left of the layer",
    source="after LeCun et al., 1990 (optimal brain damage), and Lee et al., 2021 (LAMP)",
    score=lambda state: state.weights**2 * state.inputs[:, None] * state.errors,
    normalised=True,
)
