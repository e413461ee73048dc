"""From scratch: the shape that pruning found, with fresh weights: the control that pruned weights must beat."""

from __future__ import annotations

from edgedigits.ramps.declaration import Ramp
from edgedigits.ramps.polynomial import RAMP as POLYNOMIAL

RAMP = Ramp(
    "scratch",
    meaning="as polynomial; then what is left is trained once more from fresh weights",
    source="Liu et al., 2019",
    cut=POLYNOMIAL.cut,
    from_scratch=True,
)
