"""Movement: weights that training drives towards zero go first, however large they are."""

from __future__ import annotations

from edgedigits.criteria.declaration import Criterion

CRITERION = Criterion(
    "movement",
    meaning="the weights that training moves away from zero",
    formula="Σ −w · ∂L/∂w over the updates of the mask",
    source="Sanh et al., 2020",
    score=lambda state: state.movement,
)
